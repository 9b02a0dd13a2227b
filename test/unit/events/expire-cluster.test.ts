import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateScheduleCommand, SchedulerClient, UpdateScheduleCommand } from "@aws-sdk/client-scheduler";
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { expireCluster } from "../../../functions/events/expire-cluster";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { environment, recordOf } from "../api/samples";

const db = mockClient(DynamoDBClient);
const scheduler = mockClient(SchedulerClient);
const sfn = mockClient(SFNClient);
const clients = { db, scheduler, sfn } as unknown as Parameters<typeof expireCluster>[0];
const expiresAt = "2026-11-23T12:00:00.000Z";
const ready = recordOf({ status: "Ready", expiresAt, limitAt: "2026-11-25T09:54:30.000Z" });
const stored = (record: ClusterRecord) => marshall({ ...record, item: "cluster" }, { removeUndefinedValues: true });
const fire = (clock: string, uid = ready.uid) => expireCluster(clients, environment, { name: ready.name, uid }, new Date(`2026-11-23T${clock}Z`));
const conflict = () => Object.assign(new Error("there"), { name: "ConflictException" });

beforeEach(() => {
  for (const mock of [db, scheduler, sfn]) mock.reset();
  db.on(GetItemCommand).resolves({ Item: stored(ready) });
  db.on(UpdateItemCommand).resolves({ Attributes: stored(ready) });
  scheduler.on(CreateScheduleCommand).rejects(conflict());
  scheduler.on(UpdateScheduleCommand).resolves({});
  sfn.on(StartExecutionCommand).resolves({ executionArn: "arn:delete" });
});

test("at its end a cluster is deleted by the delete machine, and nothing is armed again", async () => {
  expect(await fire("12:00:07")).toEqual({ act: "delete" });
  expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(1);
  expect(scheduler.commandCalls(UpdateScheduleCommand)).toHaveLength(0);
});

test("a firing that is too early only arms the schedule again", async () => {
  expect(await fire("10:00:00")).toMatchObject({ act: "rearm" });
  expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(0);
  expect(scheduler.commandCalls(UpdateScheduleCommand)[0]!.args[0].input.ScheduleExpression).toBe("at(2026-11-23T11:00:00)");
});

test("a warning is recorded before it is sent, and the schedule armed for the next", async () => {
  expect(await fire("11:00:04")).toMatchObject({ act: "warn", minutes: 60 });
  const [first] = db.commandCalls(UpdateItemCommand);
  expect(JSON.stringify(first!.args[0].input.ExpressionAttributeValues)).toContain('{"L":[{"N":"60"}]}');
  expect(scheduler.commandCalls(UpdateScheduleCommand)[0]!.args[0].input.ScheduleExpression).toBe("at(2026-11-23T11:50:00)");
});

test("the schedule of an earlier cluster of that name touches nothing", async () => {
  expect(await fire("13:00:00", "another000")).toEqual({ act: "none" });
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
  expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(0);
});

test("a held cluster outlives its old end", async () => {
  db.on(GetItemCommand).resolves({ Item: stored({ ...ready, heldSince: "2026-11-23T11:30:00.000Z" }) });
  expect(await fire("12:00:07")).toMatchObject({ act: "rearm" });
  expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(0);
});

test("at its end the replacement of a worker is stopped before the delete begins", async () => {
  const replacing = { ...ready, status: "Replacing" as const, createExecution: "arn:execution:create-2" };
  db.on(GetItemCommand).resolves({ Item: stored(replacing) });
  db.on(UpdateItemCommand).resolves({ Attributes: stored({ ...replacing, status: "Deleting" }) });
  sfn.on(StopExecutionCommand).resolves({});
  expect(await fire("12:00:07")).toEqual({ act: "delete" });
  const [stop] = sfn.commandCalls(StopExecutionCommand);
  expect(stop!.args[0].input.executionArn).toBe("arn:execution:create-2");
  expect(stop!.calledBefore(sfn.commandCalls(StartExecutionCommand)[0]!)).toBe(true);
});
