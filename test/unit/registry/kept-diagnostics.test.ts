import { randomBytes } from "node:crypto";
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import type { Diagnostics } from "../../../shared/health/diagnostics";
import { keepDiagnostics, readDiagnostics } from "../../../shared/registry/kept-diagnostics";

const db = mockClient(DynamoDBClient);
const registry = { db: new DynamoDBClient({}), table: "clusters" };
const now = new Date("2026-11-25T12:00:00Z");
beforeEach(() => db.reset());

const diagnostics = (consoleBytes: number, evidenceBytes = 0): Diagnostics => ({
  collectedAt: now.toISOString(),
  machines: Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`nodes-${index}`, { instanceId: `i-${index}`, beacons: {}, console: `${randomBytes(consoleBytes).toString("base64")} end` }]),
  ),
  evidence: { "i-0": randomBytes(evidenceBytes).toString("base64") },
  unread: [],
});
/** What DynamoDB was given is what it gives back. */
async function kept(given: Diagnostics) {
  db.on(PutItemCommand).resolves({});
  await keepDiagnostics(registry, "a1b2c3d4e5", given, now);
  const { Item } = db.commandCalls(PutItemCommand)[0]!.args[0].input;
  db.on(GetItemCommand).resolves({ Item });
  return { item: Item!, read: await readDiagnostics(registry, "a1b2c3d4e5") };
}

test("what is kept comes back as it was, under the cluster's uid, and is forgotten after 90 days", async () => {
  const given = diagnostics(100);
  const { item, read } = await kept(given);
  expect(read).toEqual(given);
  expect([item["name"], item["item"], item["forgetAt"]]).toEqual([{ S: "diagnostics:a1b2c3d4e5" }, { S: "diagnostics" }, { N: String(now.getTime() / 1000 + 90 * 86_400) }]);
});

test("consoles that make it too large are cut to their ends", async () => {
  const { item, read } = await kept(diagnostics(60_000));
  expect(item["body"]!.B!.length).toBeLessThan(390_000);
  const { console = "" } = read!.machines["nodes-7"]!;
  expect([console.length > 4_000, console.endsWith(" end")]).toEqual([true, true]);
});

test("evidence that alone is too large is left out", async () => {
  const { item, read } = await kept(diagnostics(10, 500_000));
  expect(item["body"]!.B!.length).toBeLessThan(390_000);
  expect(read?.evidence).toEqual({});
});

test("of a cluster that did not fail nothing is kept", async () => {
  db.on(GetItemCommand).resolves({});
  expect(await readDiagnostics(registry, "a1b2c3d4e5")).toBeUndefined();
});
