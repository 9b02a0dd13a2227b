import { DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { StillThere } from "../../../shared/errors";
import { deleteStep } from "../../../shared/lambda/delete-step";
import type { Blocker } from "../../../shared/resources/blocker";
import { lambdaContext, recordOf } from "../api/samples";

const db = mockClient(DynamoDBClient);
const { name, uid, region, epoch } = recordOf();
const held: Blocker = { resource: "subnet subnet-1", reason: "in use by network interface eni-1" };
const look = (blockers: Blocker[], since = new Date()) =>
  deleteStep("DeleteNetwork", async () => blockers)({ cluster: { name, uid, region, epoch }, since: since.toISOString() }, lambdaContext);

beforeEach(() => {
  db.reset();
  jest.spyOn(console, "error").mockImplementation(() => {});
  const items = [{ ...recordOf(), item: "cluster" }, { name, uid, item: "plan", plan: { waits: { delete: 60 } }, documents: [] }];
  db.on(QueryCommand).resolves({ Items: items.map((item) => marshall(item, { removeUndefinedValues: true })) });
  db.on(UpdateItemCommand).resolves({ Attributes: {} });
});
afterEach(() => jest.restoreAllMocks());

test.each<[string, Blocker[], object]>([
  ["nothing is left", [], { again: false, byMachine: false }],
  ["something is left", [held], { again: true, byMachine: false }],
  ["a machine holds something", [held, { ...held, byMachine: true }], { again: true, byMachine: true }],
])("where %s the state machine hears so", async (_, blockers, answer) => {
  expect(await look(blockers)).toEqual(answer);
});

test("past the deadline it says what is left and what holds it", async () => {
  const late = look([held, { resource: "vpc vpc-1", reason: "not empty" }], new Date(Date.now() - 61_000));
  await expect(late).rejects.toThrow(new StillThere("subnet subnet-1: in use by network interface eni-1; vpc vpc-1: not empty"));
});
