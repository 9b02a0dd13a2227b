import { DynamoDBClient, QueryCommand, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { DescribeInstancesCommand, DescribeTagsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient, ListInstanceProfileTagsCommand, ListInstanceProfilesCommand, ListRoleTagsCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import { sweep } from "../../../functions/events/sweep";
import type { ClusterEvent } from "../../../shared/notify/message";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { environment as settings, recordOf } from "../api/samples";
import { db, emptyTable, itemNamed, put, recordNamed, written } from "./stored-records";

const told: { event: ClusterEvent; record: ClusterRecord }[] = [];
jest.mock("../../../shared/notify/notify", () => ({
  notify: async (record: ClusterRecord, event: ClusterEvent) => {
    told.push({ event, record });
    return [{ event, receiver: "slack", ok: true, at: "" }];
  },
}));

const sfn = mockClient(SFNClient);
const ec2 = mockClient(EC2Client);
const iam = mockClient(IAMClient);
const clients = { db: new DynamoDBClient(), sfn: new SFNClient(), ec2: new EC2Client(), iam: new IAMClient() };
const environment = { ...settings, orphanGraceSeconds: 86_400 };
const now = new Date("2026-11-23T10:30:00.000Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const run = (at = now, env = environment) => sweep(clients, env, at);
const execution = (machine: string, epoch: number) => `arn:aws:states:us-east-1:111122223333:execution:clowder-dev-${machine}-cluster:a1b2c3d4e5-${machine}-${epoch}`;
const ids = (uid: string) => [{ Key: "clowder:uid", Value: uid }, { Key: "clowder:deployment", Value: "dev" }];

function stored(change: Partial<ClusterRecord> = {}, plan: object = {}): void {
  const record = recordOf(change);
  put({ ...record, item: "cluster" });
  put({ name: record.name, item: "plan", plan: { uid: record.uid, onFailure: "delete", ...plan }, documents: [] });
}
/** An EC2 that shows these resources under their tags: DescribeTags answers rows, filtered by key and by resource. */
function tagged(resources: { id: string; kind: string; tags: { Key: string; Value: string }[] }[]): void {
  const rows = resources.flatMap(({ id, kind, tags }) => tags.map((tag) => ({ ...tag, ResourceId: id, ResourceType: kind as "vpc" })));
  ec2.on(DescribeTagsCommand).callsFake(({ Filters }) => {
    const asked = (name: string) => (Filters as { Name: string; Values: string[] }[]).find(({ Name }) => Name === name)?.Values;
    return { Tags: rows.filter(({ Key, ResourceId }) => asked("key")!.includes(Key) && (asked("resource-id")?.includes(ResourceId) ?? true)) };
  });
}
const alive = (...uids: string[]) =>
  ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: uids.map((uid) => ({ InstanceId: `i-${uid}`, Tags: ids(uid) })) }] });
const begun = () => sfn.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input.name);
const lost = { id: "vpc-lost", kind: "vpc", tags: [...ids("lost000001"), { Key: "KubernetesCluster", Value: "lost.k8s.local" }, { Key: "owner", Value: "ada" }] };

beforeEach(() => {
  told.length = 0;
  emptyTable();
  for (const mock of [sfn, ec2, iam]) mock.reset();
  sfn.on(StartExecutionCommand).callsFake(async ({ name }) => ({ executionArn: `arn:started:${name}` }));
  sfn.on(DescribeExecutionCommand).resolves({ status: "RUNNING" });
  iam.on(ListRolesCommand).resolves({ Roles: [] }).on(ListInstanceProfilesCommand).resolves({ InstanceProfiles: [] });
  tagged([]);
  alive("a1b2c3d4e5");
  jest.spyOn(console, "warn").mockImplementation();
  jest.spyOn(console, "error").mockImplementation();
});

test("a registry in which all is well is left as it is", async () => {
  stored();
  stored({ name: "two.k8s.local", status: "Creating", createExecution: execution("create", 1) });
  stored({ name: "three.k8s.local", status: "Deleting", deleteExecution: execution("delete", 2) });
  expect(await run()).toEqual([]);
  expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
  expect(sfn.commandCalls(DescribeExecutionCommand)).toHaveLength(2);
});

test("an expired cluster whose schedule was lost is deleted", async () => {
  stored();
  expect(await run(later(3600))).toEqual([{ found: "expired", name: "demo.k8s.local", uid: "a1b2c3d4e5" }]);
  expect(begun()).toEqual(["a1b2c3d4e5-delete-2"]);
  expect(recordNamed("demo.k8s.local")).toMatchObject({ status: "Deleting", epoch: 2, deleteExecution: expect.stringMatching(/clowder-dev-delete-cluster:a1b2c3d4e5-delete-2$/) });
});

test("an extension that came after the list was read keeps the cluster", async () => {
  stored();
  const fresh = recordOf({ expiresAt: later(90_000).toISOString() });
  put({ ...fresh, item: "cluster" });
  db.on(ScanCommand).resolves({ Items: [written({ ...recordOf(), item: "cluster" })] });
  expect(await run(later(3600))).toEqual([]);
  expect(begun()).toEqual([]);
});

test("a replacement whose execution died leaves the cluster as it is, says why, and can be asked again", async () => {
  sfn.on(DescribeExecutionCommand).resolves({ status: "ABORTED" });
  const replacement = { node: "nodes-0", at: "2026-11-23T10:20:00.000Z" };
  stored({ status: "Replacing", replacement, createExecution: execution("create", 2), epoch: 2 });
  expect(await run()).toMatchObject([{ found: "replacement-died" }]);
  expect(recordNamed("demo.k8s.local")).toMatchObject({
    status: "Degraded",
    failure: { code: "ExecutionDied", nextStep: expect.stringContaining("POST /clusters/demo.k8s.local/nodes/nodes-0/replacement") },
    conditions: [{ type: "Ready", status: "False", reason: "ExecutionDied" }],
  });
  expect([told.map(({ event }) => event), begun()]).toEqual([["cluster.replacement-failed"], []]);
  expect(await run(later(60))).toEqual([]);
});

describe("a create whose execution died", () => {
  const creating: Partial<ClusterRecord> = { status: "Creating", readyAt: undefined, expiresAt: undefined, createExecution: execution("create", 1) };
  beforeEach(() => void sfn.on(DescribeExecutionCommand).resolves({ status: "ABORTED" }));

  test("is recorded, told, and deleted", async () => {
    stored(creating);
    expect(await run()).toMatchObject([{ found: "create-died" }]);
    expect(recordNamed("demo.k8s.local")).toMatchObject({
      status: "Deleting",
      failure: { code: "ExecutionDied", blame: "clowder", stage: "CreateBucket" },
      conditions: [{ type: "Ready", status: "False", reason: "ExecutionDied" }],
      notifications: [{ event: "cluster.failed" }],
    });
    expect(told.map(({ event }) => event)).toEqual(["cluster.failed"]);
    expect(begun()).toEqual(["a1b2c3d4e5-delete-2"]);
    expect(sfn.commandCalls(StopExecutionCommand)).toHaveLength(0);
  });

  test("stays as a wreck where the caller asked to keep it, is told once with its end, and is deleted after that", async () => {
    stored(creating, { onFailure: "keep", ttlSeconds: 1800 });
    await run();
    expect(await run(later(900))).toEqual([]);
    const { status, expiresAt = "", failure } = recordNamed("demo.k8s.local")!;
    expect([status, expiresAt, told.length, begun()]).toEqual(["Failed", later(1800).toISOString(), 1, []]);
    expect(failure?.nextStep).toContain(`kept until ${expiresAt}`);
    expect(await run(later(1800 + 181))).toMatchObject([{ found: "expired" }]);
    expect(begun()).toEqual(["a1b2c3d4e5-delete-2"]);
  });

  test("is begun to be deleted by a later pass when this one dies after the record", async () => {
    stored({ ...creating, status: "Failed" });
    expect(await run()).toMatchObject([{ found: "delete-lost" }]);
    expect(begun()).toEqual(["a1b2c3d4e5-delete-2"]);
  });

  test("is none when it became ready just before its execution ended", async () => {
    stored({ ...creating });
    db.on(ScanCommand).resolves({ Items: [written({ ...recordOf(creating), item: "cluster" })] });
    put({ ...recordOf(), item: "cluster" });
    expect(await run()).toEqual([]);
    expect(told).toEqual([]);
  });

  test("is nobody's business any more when a DELETE comes first", async () => {
    stored(creating);
    // Between the sweeper's second look and its write.
    db.on(QueryCommand).callsFake(() => {
      const Items = [recordNamed("demo.k8s.local")!, itemNamed("demo.k8s.local", "plan")!].map(written);
      put({ ...recordOf({ ...creating, status: "Deleting", epoch: 2 }), item: "cluster" });
      return { Items };
    });
    expect(await run()).toEqual([]);
    expect([told, begun()]).toEqual([[], []]);
  });
});

test("a delete whose execution died is begun again under the next epoch", async () => {
  stored({ status: "Deleting", epoch: 2, deleteExecution: execution("delete", 2) });
  sfn.on(DescribeExecutionCommand).rejects(Object.assign(new Error("none"), { name: "ExecutionDoesNotExist" }));
  expect(await run()).toMatchObject([{ found: "delete-died" }]);
  expect(begun()).toEqual(["a1b2c3d4e5-delete-3"]);
});

test("a delete that was begun again while this pass looked is left alone", async () => {
  const dead: Partial<ClusterRecord> = { status: "Deleting", epoch: 2, deleteExecution: execution("delete", 2) };
  stored({ ...dead, epoch: 3 });
  db.on(ScanCommand).resolves({ Items: [written({ ...recordOf(dead), item: "cluster" })] });
  sfn.on(DescribeExecutionCommand).resolves({ status: "FAILED" });
  expect(await run()).toEqual([]);
  expect(begun()).toEqual([]);
});

test("a ready cluster whose machines are gone says so, and is told of once", async () => {
  stored();
  alive("another001");
  expect(await run()).toMatchObject([{ found: "resources-gone" }]);
  expect(await run(later(900))).toEqual([]);
  expect(recordNamed("demo.k8s.local")).toMatchObject({ status: "Ready", conditions: [{ type: "Ready", status: "False", reason: "ResourcesGone" }] });
  expect(told.map(({ event }) => event)).toEqual(["cluster.resources-gone"]);
});

test("machines are asked for in one call, by this deployment's tag", async () => {
  stored();
  await run();
  const [{ args }, ...others] = ec2.commandCalls(DescribeInstancesCommand) as [ReturnType<typeof ec2.commandCalls>[0], ...unknown[]];
  expect(others).toEqual([]);
  expect((args[0].input as { Filters: unknown }).Filters).toEqual(expect.arrayContaining([{ Name: "tag:clowder:deployment", Values: ["dev"] }]));
});

describe("resources that no record knows", () => {
  test("are reported once and nothing is done within the time of grace", async () => {
    tagged([lost]);
    expect(await run()).toMatchObject([{ found: "orphan", name: "lost.k8s.local", uid: "lost000001", resources: ["vpc vpc-lost"] }]);
    expect(await run(later(900))).toEqual([]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ event: "deployment.orphans", record: { failure: { nextStep: expect.stringContaining("2026-11-24T10:30:00.000Z") } } });
    expect(itemNamed("orphan:lost000001", "orphan")).toMatchObject({ firstSeen: now.toISOString(), resources: ["vpc vpc-lost"] });
    expect(begun()).toEqual([]);
  });

  const sweepsUntil = async (end: number) => {
    for (let seconds = 0; seconds < end; seconds += 3600) await run(later(seconds));
    return run(later(end));
  };

  test("are deleted after it, under a record that the delete machine can work with", async () => {
    tagged([lost]);
    expect(await sweepsUntil(86_400)).toMatchObject([{ found: "orphan-due" }]);
    const epoch = now.getTime() / 1000;
    expect(begun()).toEqual([`lost000001-delete-${epoch}`]);
    expect(recordNamed("lost.k8s.local")).toMatchObject({ uid: "lost000001", status: "Deleting", owner: "ada", epoch, ledger: {}, timeline: [] });
    const { accountId, deployment, waits } = itemNamed("lost.k8s.local", "plan")!["plan"];
    expect({ accountId, deployment, waits }).toEqual({ accountId: "111122223333", deployment: "dev", waits: environment.deployment.waits });
    expect(await run(later(87_300))).toEqual([]);
  });

  test("get a new time of grace when they were away for hours", async () => {
    tagged([lost]);
    await run();
    expect(await run(later(86_400))).toMatchObject([{ found: "orphan" }]);
    expect(begun()).toEqual([]);
  });

  test("wait while a live cluster holds the name, and take it from a deleted one", async () => {
    tagged([lost]);
    stored({ name: "lost.k8s.local", expiresAt: undefined });
    expect(await sweepsUntil(86_400)).toMatchObject([{ found: "orphan-waits" }]);
    expect(recordNamed("lost.k8s.local")?.uid).toBe("a1b2c3d4e5");
    put({ ...recordNamed("lost.k8s.local"), item: "cluster", status: "Deleted", deletedAt: now.toISOString() });
    expect(await run(later(87_300))).toMatchObject([{ found: "orphan-due" }]);
  });

  test.each([
    ["of a cluster with a record", ids("a1b2c3d4e5")],
    ["of another deployment", [{ Key: "clowder:uid", Value: "lost000001" }, { Key: "clowder:deployment", Value: "prod" }]],
    ["without a deployment", [{ Key: "clowder:uid", Value: "lost000001" }]],
    ["whose uid is a pattern", ids("*")],
  ])("are none: a VPC %s", async (_, tags) => {
    stored();
    tagged([{ ...lost, tags }]);
    expect(await run(now, { ...environment, orphanGraceSeconds: 0 })).toEqual([]);
    expect(begun()).toEqual([]);
  });

  test("are none: an instance that has ended", async () => {
    tagged([{ ...lost, id: "i-ended", kind: "instance" }]);
    expect(await run()).toEqual([]);
  });

  test("what shows long after a cluster's certificate is an orphan, what shows just after it is AWS being late", async () => {
    stored({ name: "lost.k8s.local", uid: "lost000001", status: "Deleted", deletedAt: now.toISOString() });
    tagged([lost]);
    expect(await run(later(900))).toEqual([]);
    expect(await run(later(7200))).toMatchObject([{ found: "orphan" }]);
  });

  test("are reported and kept when they name no cluster", async () => {
    tagged([{ ...lost, tags: ids("lost000001") }]);
    expect(await run(now, { ...environment, orphanGraceSeconds: 0 })).toMatchObject([{ found: "orphan", name: "unknown" }]);
    expect(begun()).toEqual([]);
  });

  test.each([
    ["us-east-1", ["role nodes.lost.k8s.local-lost000001"]],
    ["eu-west-1", undefined],
  ])("may be a role alone: of %s", async (region, resources) => {
    const Tags = [...ids("lost000001"), { Key: "KubernetesCluster", Value: "lost.k8s.local" }, { Key: "clowder:region", Value: region }];
    iam.on(ListRolesCommand, { PathPrefix: "/clowder/dev/" }).resolves({ Roles: [{ RoleName: "nodes.lost.k8s.local-lost000001" } as never] });
    iam.on(ListRoleTagsCommand).resolves({ Tags }).on(ListInstanceProfileTagsCommand).resolves({ Tags: [] });
    expect((await run())[0]?.resources).toEqual(resources);
  });
});

test("half a registry is none: when a page cannot be read nothing is taken for an orphan", async () => {
  emptyTable({ pages: 2 });
  stored();
  tagged([lost]);
  const { Items, LastEvaluatedKey } = await clients.db.send(new ScanCommand({ TableName: "any" }));
  db.on(ScanCommand).resolvesOnce({ Items, LastEvaluatedKey }).rejects(new Error("throttled"));
  await expect(run()).rejects.toThrow("throttled");
  expect(told).toEqual([]);
});

test("every page of the registry is read", async () => {
  emptyTable({ pages: 3 });
  for (const at of [1, 2, 3]) stored({ name: `c${at}.k8s.local`, uid: `cluster00${at}` });
  alive();
  expect((await run()).map(({ name }) => name).sort()).toEqual(["c1.k8s.local", "c2.k8s.local", "c3.k8s.local"]);
});

test("what goes wrong with one cluster keeps no other from being swept, and is thrown in the end", async () => {
  stored({ name: "bad.k8s.local", uid: "bad0000000", status: "Creating", createExecution: execution("create", 9) });
  stored();
  sfn.on(DescribeExecutionCommand).rejects(new Error("AccessDenied"));
  await expect(run(later(3600))).rejects.toThrow("AccessDenied");
  expect(begun()).toEqual(["a1b2c3d4e5-delete-2"]);
});
