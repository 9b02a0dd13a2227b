import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { EpochPassed } from "../errors";
import type { ClusterRecord, ClusterRef, LedgerEntry, StageEntry } from "./cluster-record";

/** One table: `name` is the partition key, `item` the sort key, with one `cluster` and one `plan` item for each name. */
export interface Registry {
  db: DynamoDBClient;
  table: string;
}

export const CLUSTER = "cluster";
export const PLAN = "plan";
export const marshallOptions = { removeUndefinedValues: true } as const;

/** One write of a record: attributes set or removed, ledger entries put, stages appended, in one UpdateItem. */
export interface RecordChange {
  set?: Partial<Omit<ClusterRecord, "name" | "uid" | "ledger" | "timeline">>;
  remove?: (keyof ClusterRecord)[];
  ledger?: Record<string, LedgerEntry>;
  append?: StageEntry[];
  /** Added to `epoch` and `generation`. */
  raise?: ("epoch" | "generation")[];
  /** The generation that the change was made for. */
  expect?: number;
}

/**
 * Writes a change to the record of this very uid and returns the record as it is then. `fence: "epoch"` also asks for the ref's
 * epoch; facts about what was made are written with `"uid"`, because losing them would help nobody.
 * @throws EpochPassed when the record is another cluster's or its epoch has moved on.
 */
export async function writeRecord(registry: Registry, ref: ClusterRef, change: RecordChange, fence: "epoch" | "uid"): Promise<ClusterRecord> {
  const names: Record<string, string> = { "#uid": "uid" };
  const values: Record<string, unknown> = { ":uid": ref.uid };
  const sets: string[] = [];
  const bind = (value: unknown) => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = value;
    return placeholder;
  };
  const call = (name: string) => {
    const placeholder = `#n${Object.keys(names).length}`;
    names[placeholder] = name;
    return placeholder;
  };
  for (const [name, value] of Object.entries(change.set ?? {})) if (value !== undefined) sets.push(`${call(name)} = ${bind(value)}`);
  for (const [key, entry] of Object.entries(change.ledger ?? {})) sets.push(`ledger.${call(key)} = ${bind(entry)}`);
  if (change.append?.length) sets.push(`timeline = list_append(timeline, ${bind(change.append)})`);
  for (const name of change.raise ?? []) {
    const placeholder = call(name);
    sets.push(`${placeholder} = ${placeholder} + ${bind(1)}`);
  }
  const removes = (change.remove ?? []).map(call);
  const expression = [sets.length ? `SET ${sets.join(", ")}` : "", removes.length ? `REMOVE ${removes.join(", ")}` : ""];
  const condition = ["#uid = :uid"];
  if (fence === "epoch") condition.push(`${call("epoch")} = ${bind(ref.epoch)}`);
  if (change.expect !== undefined) condition.push(`${call("generation")} = ${bind(change.expect)}`);
  try {
    const { Attributes } = await registry.db.send(
      new UpdateItemCommand({
        TableName: registry.table,
        Key: marshall({ name: ref.name, item: CLUSTER }),
        UpdateExpression: expression.filter(Boolean).join(" ") || undefined,
        ConditionExpression: condition.join(" AND "),
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: marshall(values, marshallOptions),
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return toRecord(Attributes ?? {});
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException)
      throw new EpochPassed(`${ref.name} (${ref.uid}) is past epoch ${ref.epoch}: nothing more is made for it`, { cause: error });
    throw error;
  }
}

/** The record that stood against a write. */
export function recordBehind({ cause }: EpochPassed): ClusterRecord | undefined {
  return cause instanceof ConditionalCheckFailedException && cause.Item ? toRecord(cause.Item) : undefined;
}

export function toRecord(attributes: Parameters<typeof unmarshall>[0]): ClusterRecord {
  const { item: _item, ...record } = unmarshall(attributes);
  return record as ClusterRecord;
}
