import { ConditionalCheckFailedException, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { TransactWriteItemsCommand, TransactionCanceledException, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Item = Record<string, any>;
export const db = mockClient(DynamoDBClient);
const items = new Map<string, Item>();
const keyOf = ({ name, item }: Item) => `${name}|${item}`;
const plain = (attributes: unknown): Item => unmarshall(attributes as never);
export const written = (item: object) => marshall(item, { removeUndefinedValues: true });

export const put = (item: Item) => void items.set(keyOf(item), item);
export const recordNamed = (name: string) => items.get(`${name}|cluster`) as ClusterRecord | undefined;
export const itemNamed = (name: string, item: string) => items.get(`${name}|${item}`);

/** As much of one DynamoDB table as the registry asks for, its conditions included. `pages` splits a scan. */
export function emptyTable({ pages = 1 } = {}): void {
  items.clear();
  db.reset();
  db.on(GetItemCommand).callsFake(({ Key }) => ({ Item: found(items.get(keyOf(plain(Key)))) }));
  db.on(PutItemCommand).callsFake(({ Item }) => put(plain(Item)));
  db.on(QueryCommand).callsFake(({ ExpressionAttributeValues: values }) => ({
    Items: [...items.values()].filter(({ name }) => name === plain(values)[":name"]).map(written),
  }));
  db.on(ScanCommand).callsFake(({ ExclusiveStartKey }) => {
    const page = ExclusiveStartKey ? Number(plain(ExclusiveStartKey)["page"]) : 0;
    const records = [...items.values()].filter(({ item }) => item === "cluster").filter((_, at) => at % pages === page);
    return { Items: records.map(written), ...(page + 1 < pages && { LastEvaluatedKey: marshall({ page: page + 1 }) }) };
  });
  db.on(UpdateItemCommand).callsFake(update);
  db.on(TransactWriteItemsCommand).callsFake(({ TransactItems }) => {
    const [first, second] = (TransactItems as { Put: { Item: unknown } }[]).map(({ Put }) => plain(Put.Item));
    const there = items.get(keyOf(first!));
    if (there && there["status"] !== "Deleted") throw new TransactionCanceledException({ message: "condition", $metadata: {} });
    [first!, second!].forEach(put);
  });
}

const found = (item: Item | undefined) => item && written(item);

function update(input: { Key: unknown; UpdateExpression?: string; ConditionExpression: string; ExpressionAttributeNames: Item; ExpressionAttributeValues: unknown }) {
  const { Key, UpdateExpression = "", ConditionExpression, ExpressionAttributeNames: names } = input;
  const values = plain(input.ExpressionAttributeValues);
  const item = { ...items.get(keyOf(plain(Key))) };
  for (const [, name, value] of ConditionExpression.matchAll(/(#\w+) = (:\w+)/g))
    if (item[names[name!]] !== values[value!]) throw new ConditionalCheckFailedException({ message: "condition", $metadata: {} });
  for (const [, name, added, value] of UpdateExpression.matchAll(/(#\w+) = (#\w+ \+ )?(:\w+)/g))
    item[names[name!]] = added ? item[names[name!]] + values[value!] : values[value!];
  for (const name of /REMOVE (.*)$/.exec(UpdateExpression)?.[1]?.split(", ") ?? []) delete item[names[name]];
  put(item);
  return { Attributes: written(item) };
}
