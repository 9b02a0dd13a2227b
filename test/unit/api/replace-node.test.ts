import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import { replaceNode } from "../../../functions/api/replace-node";
import { ChangedMeanwhile, InvalidChange, NodeNotFound, NotNow, NotYours } from "../../../shared/errors";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { db, emptyTable, put, recordNamed } from "../events/stored-records";
import { alice, environment, bob, now, recordOf, requestOf } from "./samples";

const sfn = mockClient(SFNClient);
const clients = { db: new DynamoDBClient(), sfn: new SFNClient() };
const waits = { poll: 5 };
const instances = [
  { key: "master-us-east-1a-0", role: "control-plane" },
  { key: "nodes-0", role: "node" },
  { key: "nodes-1", role: "node" },
];
const conditions = [{ type: "NodesJoined" as const, status: "True" as const, reason: "Registered", message: "3 nodes registered", lastTransitionTime: "2026-11-23T09:54:00.000Z", observedGeneration: 1 }];
const stored = (change: Partial<ClusterRecord> = {}) => {
  put({ ...recordOf({ conditions, ...change }), item: "cluster" });
  put({ name: "demo.k8s.local", item: "plan", plan: { waits, instances }, documents: [] });
};
const ask = (node: string, { headers = {}, caller = alice } = {}) =>
  replaceNode(clients, environment, requestOf({ path: { name: "demo.k8s.local", node }, headers, caller }));
const record = () => recordNamed("demo.k8s.local")!;
const started = () => sfn.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);
const nothingChanged = (status: string) => expect([record().status, record().epoch, started()]).toEqual([status, 1, []]);

beforeEach(() => {
  emptyTable();
  sfn.reset();
  sfn.on(StartExecutionCommand).resolves({});
  stored();
});

test("a worker of a ready cluster: 202 with where to look, and the create machine runs under the next epoch", async () => {
  const answer = await ask("nodes-1");

  expect(answer).toMatchObject({
    status: 202,
    headers: { location: "/clusters/demo.k8s.local", "retry-after": "10", etag: '"a1b2c3d4e5-2"' },
    body: { status: "Replacing", node: "nodes-1" },
  });
  expect(started()).toEqual([
    {
      stateMachineArn: environment.createMachineArn,
      name: "a1b2c3d4e5-create-2",
      input: JSON.stringify({ cluster: { name: "demo.k8s.local", uid: "a1b2c3d4e5", region: "us-east-1", epoch: 2 }, waits, replaces: true }),
    },
  ]);
});

test("the record says it before anything runs: the machine that is ended, what a delete must stop, and that nothing of before holds; its life stays", async () => {
  const before = recordOf();

  await ask("nodes-1");

  expect(record()).toMatchObject({
    status: "Replacing",
    epoch: 2,
    replacement: { node: "nodes-1", instanceId: "id-of-instance/nodes-1", at: now.toISOString() },
    createExecution: "arn:aws:states:us-east-1:111122223333:execution:clowder-dev-create-cluster:a1b2c3d4e5-create-2",
    readyAt: before.readyAt,
    expiresAt: before.expiresAt,
  });
  expect(record().dataPlane).toBeUndefined();
  expect(record().conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ["NodesJoined", "False", "Replacing"],
    ["DataPlaneVerified", "Unknown", "Replacing"],
    ["AsAsked", "Unknown", "Replacing"],
    ["AddOnsReady", "Unknown", "Replacing"],
    ["Ready", "Unknown", "NotLookedYet"],
  ]);
  expect(db.commandCalls(UpdateItemCommand)[0]!.calledBefore(sfn.commandCalls(StartExecutionCommand)[0]!)).toBe(true);
});

test("asked again while it runs: the same answer, and one execution by its name; another worker waits", async () => {
  await ask("nodes-1");
  const first = record();

  expect(await ask("nodes-1", { headers: { "if-match": '"a1b2c3d4e5-1"' } })).toMatchObject({ status: 202, body: { node: "nodes-1" } });
  await expect(ask("nodes-0")).rejects.toMatchObject({ name: "NotNow", status: 409, retryAfterSeconds: 60 });

  expect(record()).toEqual(first);
  expect(new Set(started().map(({ name }) => name)).size).toBe(1);
});

test("after one that failed it can be asked again, and the old failure is gone", async () => {
  stored({ status: "Degraded", epoch: 4, failure: { code: "NodeFailed", blame: "clowder", stage: "AwaitNodes", message: "no", at: "" } });
  expect(await ask("nodes-0")).toMatchObject({ status: 202 });
  expect([record().status, record().epoch, record().failure]).toEqual(["Replacing", 5, undefined]);
});

test.each(["Creating", "Failed", "Deleting", "Deleted", "LeakSuspected"] as const)("a cluster that is %s replaces nothing", async (status) => {
  stored({ status });
  await expect(ask("nodes-0")).rejects.toThrow(NotNow);
  nothingChanged(status);
});

test("a node that is none is answered with those there are, a control plane with why not", async () => {
  await expect(ask("nodes-7")).rejects.toMatchObject({ name: "NodeNotFound", status: 404, message: expect.stringContaining("nodes-0, nodes-1") });
  await expect(ask("nodes-7")).rejects.toThrow(NodeNotFound);
  await expect(ask("master-us-east-1a-0")).rejects.toThrow(InvalidChange);
  await expect(ask("master-us-east-1a-0")).rejects.toThrow(/member of etcd/);
  nothingChanged("Ready");
});

test("somebody else's cluster, and one that has changed since it was looked at, stay as they are", async () => {
  await expect(ask("nodes-0", { caller: bob })).rejects.toThrow(NotYours);
  await expect(ask("nodes-0", { headers: { "if-match": '"a1b2c3d4e5-9"' } })).rejects.toThrow(ChangedMeanwhile);
  nothingChanged("Ready");
});

test("a start that is refused for certain is as if it had not been asked; of one that may have happened the record stays", async () => {
  const refused = (status: number) => Object.assign(new Error("no"), { name: "StateMachineDoesNotExist", $metadata: { httpStatusCode: status } });
  sfn.on(StartExecutionCommand).rejects(refused(400));
  await expect(ask("nodes-0")).rejects.toThrow();
  expect(record()).toMatchObject({ status: "Ready", conditions, dataPlane: recordOf().dataPlane });
  expect(record().replacement).toBeUndefined();

  sfn.on(StartExecutionCommand).rejects(refused(500));
  await expect(ask("nodes-0")).rejects.toThrow();
  expect(record()).toMatchObject({ status: "Replacing", replacement: { node: "nodes-0" } });
});
