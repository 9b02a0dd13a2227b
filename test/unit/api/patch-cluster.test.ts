import { ConditionalCheckFailedException, DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { patchCluster } from "../../../functions/api/patch-cluster";
import { ChangedMeanwhile, InvalidChange, NotNow, NotYours } from "../../../shared/errors";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { alice, bob, environment, recordOf, requestOf } from "./samples";

const db = mockClient(DynamoDBClient);
const scheduler = mockClient(SchedulerClient);
const sfn = mockClient(SFNClient);
const clients = { db, scheduler, sfn } as unknown as Parameters<typeof patchCluster>[0];
const stored = (record: ClusterRecord) => marshall({ ...record, item: "cluster" }, { removeUndefinedValues: true });
const ready = recordOf({ limitAt: "2026-11-25T09:54:30.000Z" });
const patch = (change: object, headers: Record<string, string> = {}, caller = alice) =>
  patchCluster(clients, environment, requestOf({ caller, headers, body: JSON.stringify(change) }));

beforeEach(() => {
  for (const mock of [db, scheduler, sfn]) mock.reset();
  db.on(GetItemCommand).resolves({ Item: stored(ready) });
  db.on(UpdateItemCommand).resolves({ Attributes: stored({ ...ready, generation: 2, expiresAt: "2026-11-23T12:54:30.000Z" }) });
  scheduler.on(CreateScheduleCommand).resolves({});
  sfn.on(StopExecutionCommand).resolves({});
  sfn.on(StartExecutionCommand).resolves({ executionArn: "arn:delete" });
});

test("an extension changes the record, and only then arms the schedule", async () => {
  const answer = await patch({ extend: "2h" }, { "if-match": '"a1b2c3d4e5-1"' });
  expect(answer).toMatchObject({ status: 200, headers: { etag: '"a1b2c3d4e5-2"' } });
  const [write] = db.commandCalls(UpdateItemCommand);
  const [arm] = scheduler.commandCalls(CreateScheduleCommand);
  expect(write!.calledBefore(arm!)).toBe(true);
  expect(arm!.args[0].input.ScheduleExpression).toBe("at(2026-11-23T11:54:30)");
});

test("an If-Match of another state changes nothing", async () => {
  await expect(patch({ extend: "2h" }, { "if-match": '"a1b2c3d4e5-0"' })).rejects.toThrow(ChangedMeanwhile);
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
});

test("of two changes at the same moment one is refused", async () => {
  db.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "generation", $metadata: {} }));
  await expect(patch({ hold: true })).rejects.toThrow(ChangedMeanwhile);
  expect(scheduler.commandCalls(CreateScheduleCommand)).toHaveLength(0);
});

test("an end now is a delete", async () => {
  expect(await patch({ end: "now" })).toMatchObject({ status: 202 });
  expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(1);
});

test("what cannot be understood, or goes past the cap, changes nothing", async () => {
  await expect(patch({ forever: true })).rejects.toThrow(InvalidChange);
  await expect(patch({ extend: "400h" })).rejects.toThrow(InvalidChange);
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
});

test("somebody else's cluster, or one that is not there any more, is left alone", async () => {
  await expect(patch({ hold: true }, {}, bob)).rejects.toThrow(NotYours);
  db.on(GetItemCommand).resolves({ Item: stored(recordOf({ status: "Deleting" })) });
  await expect(patch({ hold: true })).rejects.toThrow(NotNow);
});

test.each(["Replacing", "Degraded"] as const)("a cluster that is %s can be extended like a ready one", async (status) => {
  db.on(GetItemCommand).resolves({ Item: stored({ ...ready, status }) });
  expect(await patch({ extend: "2h" })).toMatchObject({ status: 200 });
});
