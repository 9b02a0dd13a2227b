import { gunzipSync, gzipSync } from "node:zlib";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { Diagnostics } from "../health/diagnostics";
import type { Registry } from "./registry";

/** DynamoDB takes 400 KB an item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const ITEM_BYTES = 380 * 1024;
/** Characters kept of a console's end, from the whole that EC2 has to none, until the item fits. */
const CONSOLE_CHARACTERS = [65_536, 16_384, 4_096, 0];
const REMEMBERED_SECONDS = 90 * 86_400;

const keyOf = (uid: string) => ({ name: `diagnostics:${uid}`, item: "diagnostics" });

/**
 * Keeps what the machines said beside the record, under the cluster's uid: its instances and its bucket are gone soon. Kept again, the
 * later replaces the earlier. DynamoDB forgets it after 90 days.
 */
export async function keepDiagnostics({ db, table }: Registry, uid: string, diagnostics: Diagnostics, now: Date): Promise<void> {
  const body = compress(diagnostics);
  const forgetAt = Math.floor(now.getTime() / 1000) + REMEMBERED_SECONDS;
  await db.send(new PutItemCommand({ TableName: table, Item: marshall({ ...keyOf(uid), uid, body, forgetAt }) }));
}

export async function readDiagnostics({ db, table }: Registry, uid: string): Promise<Diagnostics | undefined> {
  const { Item } = await db.send(new GetItemCommand({ TableName: table, Key: marshall(keyOf(uid)), ConsistentRead: true }));
  return Item && (JSON.parse(gunzipSync((unmarshall(Item) as { body: Uint8Array }).body).toString()) as Diagnostics);
}

function compress(diagnostics: Diagnostics): Buffer {
  for (const characters of CONSOLE_CHARACTERS) {
    const body = gzipSync(JSON.stringify(withConsoles(diagnostics, characters)));
    if (body.length <= ITEM_BYTES) return body;
  }
  // What is left is evidence; the record holds its verdict.
  return gzipSync(JSON.stringify({ ...withConsoles(diagnostics, 0), evidence: {} }));
}

function withConsoles(diagnostics: Diagnostics, characters: number): Diagnostics {
  const machines = Object.entries(diagnostics.machines).map(([key, { console, ...machine }]) => [
    key,
    { ...machine, ...(console !== undefined && characters > 0 && { console: console.slice(-characters) }) },
  ]);
  return { ...diagnostics, machines: Object.fromEntries(machines) as Diagnostics["machines"] };
}
