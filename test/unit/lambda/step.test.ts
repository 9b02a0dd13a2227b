import { ConditionalCheckFailedException, DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { BucketTaken, type ClowderError, EpochPassed, PermissionMissing, TryAgain } from "../../../shared/errors";
import { type Step, step } from "../../../shared/lambda/step";
import { lambdaContext, recordOf } from "../api/samples";

const db = mockClient(DynamoDBClient);
const { name, uid, region, epoch } = recordOf();
const cluster = { name, uid, region, epoch };
const awsError = (code: string, httpStatusCode = 400) => Object.assign(new Error(`AWS says ${code}`), { name: code, $metadata: { httpStatusCode } });
const taken = () => new BucketTaken("the bucket is another account's");
const run = (work: (given: Step) => Promise<object | void>) => step("CreateBucket", work)({ cluster }, lambdaContext);
const failing = (error: Error) => run(async () => Promise.reject(error));
const thrownBy = (running: Promise<unknown>) =>
  running.then(
    () => undefined,
    (error: ClowderError) => error,
  );
/** Values that the n-th write of the record sets. */
const written = (at: number) => Object.values(unmarshall(db.commandCalls(UpdateItemCommand).at(at)!.args[0].input.ExpressionAttributeValues ?? {}));
let logged: string;

beforeEach(() => {
  db.reset();
  logged = "";
  jest.spyOn(console, "error").mockImplementation((line: string) => void (logged += line));
  const items = [{ ...recordOf(), item: "cluster" }, { name, uid, item: "plan", plan: {}, documents: [] }];
  db.on(QueryCommand).resolves({ Items: items.map((item) => marshall(item, { removeUndefinedValues: true })) });
  db.on(UpdateItemCommand).resolves({ Attributes: {} });
});
afterEach(() => jest.restoreAllMocks());

test("a step's ids, change and timeline go out in one write", async () => {
  await run(async ({ ledger, change }) => {
    ledger.made("bucket/x", "x");
    change.apiEndpoint = "https://x";
  });
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(1);
  expect(written(0)).toEqual(expect.arrayContaining(["https://x", expect.objectContaining({ id: "x" }), [expect.objectContaining({ stage: "CreateBucket", outcome: "done" })]]));
});

test("a look that has nothing new to tell writes nothing", async () => {
  expect(await run(async () => ({ again: true }))).toEqual({ again: true });
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
});

test("what is thrown leaves as it is once the record has it", async () => {
  expect(await thrownBy(failing(taken()))).toBeInstanceOf(BucketTaken);
  expect(written(0)).toEqual(expect.arrayContaining([expect.objectContaining({ code: "BucketTaken", stage: "CreateBucket" })]));
});

test.each([
  ["ThrottlingException", 400],
  ["ProvisionedThroughputExceededException", 400],
  ["InternalServerError", 500],
])("where the record cannot be written for the moment (%s), the step is to be run again and nothing of its first error is lost", async (code, status) => {
  db.on(UpdateItemCommand).rejects(awsError(code, status));
  const error = await thrownBy(failing(taken()));
  expect(error).toBeInstanceOf(TryAgain);
  expect(error?.message).toContain("BucketTaken: the bucket is another account's");
  expect((error?.cause as Error).name).toBe("BucketTaken");
  expect(logged).toContain(`"error":"BucketTaken"`);
  expect(logged).toContain(code);
});

test.each([
  ["refused", awsError("AccessDeniedException")],
  ["another cluster's", new ConditionalCheckFailedException({ $metadata: {}, message: "no" })],
])("where the record is %s, the first error leaves: no later run could write it", async (_, error) => {
  db.on(UpdateItemCommand).rejects(error);
  expect(await thrownBy(failing(taken()))).toBeInstanceOf(BucketTaken);
  expect(logged).toContain("unrecorded");
});

test("a closing write that is throttled makes the step run again, and the ids go out with the reason", async () => {
  db.on(UpdateItemCommand).rejectsOnce(awsError("ThrottlingException")).resolves({ Attributes: {} });
  const error = await thrownBy(run(async ({ ledger }) => ledger.made("bucket/x", "x")));
  expect(error).toBeInstanceOf(TryAgain);
  expect(written(1)).toEqual(expect.arrayContaining([expect.objectContaining({ id: "x" }), expect.objectContaining({ code: "TryAgain" })]));
});

test.each([
  ["ThrottlingException", TryAgain],
  ["AccessDeniedException", PermissionMissing],
])("a record that cannot be read (%s) is one of our errors", async (code, expected) => {
  db.on(QueryCommand).rejects(awsError(code));
  expect(await thrownBy(run(async () => {}))).toBeInstanceOf(expected);
});

test("an intent past its epoch ends the step as EpochPassed, and what it had made is written", async () => {
  db.on(UpdateItemCommand).rejectsOnce(new ConditionalCheckFailedException({ $metadata: {}, message: "no" })).resolves({ Attributes: {} });
  const error = await thrownBy(
    run(async ({ ledger }) => {
      ledger.made("vpc/main", "vpc-1");
      await ledger.intend({ key: "subnet/a", token: "a" });
    }),
  );
  expect(error).toBeInstanceOf(EpochPassed);
  expect(written(1)).toEqual(expect.arrayContaining([expect.objectContaining({ id: "vpc-1", state: "made" })]));
  expect(JSON.stringify(written(1))).not.toContain("intended");
});
