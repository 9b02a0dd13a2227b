import { DynamoDBClient, GetItemCommand, UpdateItemCommand, ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { deleteCluster } from "../../../functions/api/delete-cluster";
import { ClusterNotFound, NotYours } from "../../../shared/errors";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { alice, bob, bodyOf, environment, recordOf, requestOf } from "./samples";

const db = mockClient(DynamoDBClient);
const sfn = mockClient(SFNClient);
const clients = { db: db as unknown as DynamoDBClient, sfn: sfn as unknown as SFNClient };
const stored = (record: ClusterRecord) => marshall({ ...record, item: "cluster" }, { removeUndefinedValues: true });
const createExecution = "arn:aws:states:us-east-1:111122223333:execution:clowder-dev-create-cluster:a1b2c3d4e5-create-1";
const creating = recordOf({ status: "Creating", createExecution });
const deleting = recordOf({ status: "Deleting", epoch: 2, generation: 2, createExecution });
const remove = (caller = alice) => deleteCluster(clients, environment, requestOf({ caller }));

beforeEach(() => {
  db.reset();
  sfn.reset();
  db.on(GetItemCommand).resolves({ Item: stored(creating) });
  db.on(UpdateItemCommand).resolves({ Attributes: stored(deleting) });
  sfn.on(StopExecutionCommand).resolves({});
  sfn.on(StartExecutionCommand).resolves({ executionArn: "arn:delete" });
});

test("the epoch is raised, then the create stopped, then the delete started", async () => {
  const answer = await remove();
  expect(answer).toMatchObject({ status: 202, headers: { location: "/clusters/demo.k8s.local", "retry-after": "10", etag: '"a1b2c3d4e5-2"' } });
  expect(bodyOf(answer)).toEqual({ name: "demo.k8s.local", uid: "a1b2c3d4e5", status: "Deleting" });
  const [raise] = db.commandCalls(UpdateItemCommand);
  const [stop] = sfn.commandCalls(StopExecutionCommand);
  const [start] = sfn.commandCalls(StartExecutionCommand);
  expect(raise!.calledBefore(stop!)).toBe(true);
  expect(stop!.calledBefore(start!)).toBe(true);
  expect(stop!.args[0].input.executionArn).toBe(createExecution);
  expect(start!.args[0].input).toMatchObject({ name: "a1b2c3d4e5-delete-2", stateMachineArn: environment.deleteMachineArn });
  const { cluster } = JSON.parse(start!.args[0].input.input ?? "");
  expect(cluster).toEqual({ name: "demo.k8s.local", uid: "a1b2c3d4e5", region: "us-east-1", epoch: 2 });
});

const deleteExecution = "arn:aws:states:us-east-1:111122223333:execution:clowder-dev-delete-cluster:a1b2c3d4e5-delete-2";
const namesOf = (call: number) => Object.values(db.commandCalls(UpdateItemCommand)[call]!.args[0].input.ExpressionAttributeNames ?? {});

test("asked again while it runs, it answers the same and raises no epoch", async () => {
  db.on(GetItemCommand).resolves({ Item: stored({ ...deleting, deleteExecution }) });
  sfn.on(DescribeExecutionCommand).resolves({ status: "RUNNING" });
  sfn.on(StartExecutionCommand).rejects(Object.assign(new Error("there"), { name: "ExecutionAlreadyExists" }));
  expect(await remove()).toMatchObject({ status: 202 });
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
});

test("a delete that had started before its start was answered is written down, so that its death can be seen", async () => {
  db.on(GetItemCommand).resolves({ Item: stored(deleting) });
  sfn.on(StartExecutionCommand).rejects(Object.assign(new Error("there"), { name: "ExecutionAlreadyExists" }));
  expect(await remove()).toMatchObject({ status: 202 });
  const [write] = db.commandCalls(UpdateItemCommand);
  expect(namesOf(0)).toEqual(["uid", "deleteExecution"]);
  expect(write!.args[0].input.ExpressionAttributeValues![":v1"]).toEqual({ S: deleteExecution });
});

test("an epoch whose raising was answered too late, by us or by somebody else, is the epoch that is deleted", async () => {
  const refused = new ConditionalCheckFailedException({ $metadata: {}, message: "no", Item: stored(deleting) });
  db.on(UpdateItemCommand).rejectsOnce(refused).resolves({ Attributes: stored(deleting) });
  expect(bodyOf(await remove())).toMatchObject({ status: "Deleting" });
  expect(sfn.commandCalls(StartExecutionCommand)[0]!.args[0].input.name).toBe("a1b2c3d4e5-delete-2");
});

test("an epoch that was passed by another cluster of that name starts nothing", async () => {
  const other = stored({ ...deleting, uid: "z9z9z9z9z9" });
  db.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ $metadata: {}, message: "no", Item: other }));
  await remove();
  expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(0);
});

const died = Object.assign(new Error("none"), { name: "ExecutionDoesNotExist" });
test.each([
  ["runs still", () => sfn.on(DescribeExecutionCommand).resolves({ status: "RUNNING" }), "a1b2c3d4e5-delete-2", 0],
  ["died", () => sfn.on(DescribeExecutionCommand).resolves({ status: "TIMED_OUT" }), "a1b2c3d4e5-delete-3", 1],
  ["died and is forgotten", () => sfn.on(DescribeExecutionCommand).rejects(died), "a1b2c3d4e5-delete-3", 1],
])("a delete whose execution died is begun again under the next epoch, no other: it %s", async (_, given, name, raised) => {
  db.on(GetItemCommand).resolves({ Item: stored({ ...deleting, deleteExecution }) });
  db.on(UpdateItemCommand).resolves({ Attributes: stored({ ...deleting, deleteExecution, epoch: 3 }) });
  given();
  expect(bodyOf(await remove())).toMatchObject({ status: "Deleting" });
  expect(sfn.commandCalls(DescribeExecutionCommand)[0]!.args[0].input).toEqual({ executionArn: deleteExecution });
  expect(sfn.commandCalls(StartExecutionCommand)[0]!.args[0].input.name).toBe(name);
  const raises = db.commandCalls(UpdateItemCommand).filter(({ args }) => args[0].input.UpdateExpression?.includes(" + "));
  expect(raises).toHaveLength(raised);
});

test("two at the same moment are one", async () => {
  db.on(GetItemCommand).resolvesOnce({ Item: stored(creating) }).resolves({ Item: stored(deleting) });
  db.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException({ message: "epoch", $metadata: {} }));
  expect(bodyOf(await remove())).toMatchObject({ status: "Deleting" });
});

test("a deleted cluster is not found, and since when", async () => {
  db.on(GetItemCommand).resolves({ Item: stored(recordOf({ status: "Deleted", deletedAt: "2026-11-23T11:00:00.000Z" })) });
  await expect(remove()).rejects.toThrow(new ClusterNotFound("demo.k8s.local was deleted at 2026-11-23T11:00:00.000Z"));
});

test("a stranger deletes nothing", async () => {
  await expect(remove(bob)).rejects.toThrow(NotYours);
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
  expect(sfn.calls()).toHaveLength(0);
});
