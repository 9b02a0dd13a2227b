import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { EpochPassed } from "../../../shared/errors";
import { openLedger } from "../../../shared/registry/open-ledger";

const db = mockClient(DynamoDBClient);
const ref = { name: "demo.k8s.local", uid: "a1b2c3d4e5", region: "us-east-1", epoch: 1 };
const open = () => openLedger({ db: db as unknown as DynamoDBClient, table: "clusters" }, ref, {});
const throttled = () => Object.assign(new Error("slow down"), { name: "ThrottlingException" });
/** Ledger keys of the last write, with the state that it gave each. */
const lastWrite = () => {
  const { ExpressionAttributeNames = {}, ExpressionAttributeValues = {} } = db.commandCalls(UpdateItemCommand).at(-1)!.args[0].input;
  const keys = Object.values(ExpressionAttributeNames).filter((name) => name.includes("/"));
  const states = Object.values(unmarshall(ExpressionAttributeValues)).flatMap((value) => (value?.state ? [value.state as string] : []));
  return Object.fromEntries(keys.map((key, at) => [key, states[at]]));
};

beforeEach(() => {
  db.reset();
  db.on(UpdateItemCommand).resolves({ Attributes: {} });
});

test("what was made goes out with the next write, once", async () => {
  const ledger = open();
  ledger.made("vpc/main", "vpc-1");
  await ledger.close({ set: { apiEndpoint: "https://x" } });
  expect(lastWrite()).toEqual({ "vpc/main": "made" });
  await ledger.flush();
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(1);
});

test("what was made waits for the next write when one is throttled", async () => {
  const ledger = open();
  ledger.made("vpc/main", "vpc-1");
  db.on(UpdateItemCommand).rejectsOnce(throttled()).resolves({ Attributes: {} });
  await expect(ledger.flush()).rejects.toThrow("slow down");
  ledger.made("subnet/a", "subnet-1");
  await ledger.close({ set: {} });
  expect(lastWrite()).toEqual({ "vpc/main": "made", "subnet/a": "made" });
});

test("an intent that the fence refused is not written later, what was made before it is", async () => {
  const ledger = open();
  ledger.made("vpc/main", "vpc-1");
  db.on(UpdateItemCommand).rejectsOnce(new ConditionalCheckFailedException({ $metadata: {}, message: "no" })).resolves({ Attributes: {} });
  await expect(ledger.intend({ key: "subnet/a", token: "a" })).rejects.toThrow(EpochPassed);
  await ledger.close({ set: {} });
  expect(lastWrite()).toEqual({ "vpc/main": "made" });
});
