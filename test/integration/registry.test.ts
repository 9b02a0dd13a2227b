import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ClusterExists, ClusterNotFound, EpochPassed } from "../../shared/errors";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import type { ClusterRecord } from "../../shared/registry/cluster-record";
import { createRecord, listRecords, raiseEpoch, readPlan, readRecord, refOf } from "../../shared/registry/clusters";
import { openLedger } from "../../shared/registry/open-ledger";
import { type Registry, writeRecord } from "../../shared/registry/registry";

const registry: Registry = { db: new DynamoDBClient(), table: `registry-test-${process.pid}` };
const record = (name: string, uid = "abcdefghij"): ClusterRecord => ({
  name,
  uid,
  region: "us-east-1",
  epoch: 1,
  generation: 1,
  owner: "arn:aws:iam::000000000000:user/ada",
  status: "Creating",
  createdAt: "2026-11-23T10:00:00.000Z",
  conditions: [],
  timeline: [],
  ledger: {},
  warnings: [],
});
const planned = (name: string, uid?: string) => {
  const made = record(name, uid);
  return { record: made, plan: { name, uid: made.uid } as ClusterPlan, documents: [{ kind: "Cluster" }] };
};

beforeAll(async () => {
  await registry.db.send(
    new CreateTableCommand({
      TableName: registry.table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "name", AttributeType: "S" },
        { AttributeName: "item", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "name", KeyType: "HASH" },
        { AttributeName: "item", KeyType: "RANGE" },
      ],
    }),
  );
});
afterAll(() => registry.db.send(new DeleteTableCommand({ TableName: registry.table })));

test("a record is read back with its plan and documents", async () => {
  await createRecord(registry, planned("one.k8s.local"));
  expect(await readRecord(registry, "one.k8s.local")).toEqual(record("one.k8s.local"));
  const { plan, documents } = await readPlan(registry, "one.k8s.local", "abcdefghij");
  expect([plan.uid, documents]).toEqual(["abcdefghij", [{ kind: "Cluster" }]]);
});

test("a name that is in use is refused, and free again when its cluster is deleted", async () => {
  await createRecord(registry, planned("two.k8s.local"));
  await expect(createRecord(registry, planned("two.k8s.local", "other00000"))).rejects.toThrow(ClusterExists);
  await writeRecord(registry, refOf(record("two.k8s.local")), { set: { status: "Deleted" } }, "uid");
  await createRecord(registry, planned("two.k8s.local", "other00000"));
  expect((await readRecord(registry, "two.k8s.local")).uid).toBe("other00000");
});

test("a name that nobody has, or another uid has, is not found", async () => {
  await createRecord(registry, planned("three.k8s.local"));
  await expect(readRecord(registry, "nobody.k8s.local")).rejects.toThrow(ClusterNotFound);
  await expect(readPlan(registry, "three.k8s.local", "another000")).rejects.toThrow(ClusterNotFound);
});

test("raising the epoch twice is raising it once, and a lower epoch makes nothing more", async () => {
  await createRecord(registry, planned("four.k8s.local"));
  const late = refOf(await readRecord(registry, "four.k8s.local"));
  const raised = await raiseEpoch(registry, await readRecord(registry, "four.k8s.local"));
  expect([raised.epoch, raised.status]).toEqual([2, "Deleting"]);
  expect((await raiseEpoch(registry, raised)).epoch).toBe(2);
  await expect(openLedger(registry, late, {}).intend({ key: "vpc/main", token: "vpc" })).rejects.toThrow(EpochPassed);
  expect((await readRecord(registry, "four.k8s.local")).ledger).toEqual({});
});

test("the ledger writes an intent before, and keeps ids until the next write", async () => {
  await createRecord(registry, planned("five.k8s.local"));
  const ref = refOf(await readRecord(registry, "five.k8s.local"));
  const ledger = openLedger(registry, ref, {});
  await ledger.intend({ key: "vpc/main", token: "five" });
  expect((await readRecord(registry, "five.k8s.local")).ledger["vpc/main"]?.state).toBe("intended");
  ledger.made("vpc/main", "vpc-1", { cidr: "10.0.0.0/16" });
  expect((await readRecord(registry, "five.k8s.local")).ledger["vpc/main"]?.id).toBeUndefined();
  await ledger.intend({ key: "subnet/a", token: "a" });
  const { ledger: written } = await readRecord(registry, "five.k8s.local");
  expect(written["vpc/main"]).toMatchObject({ state: "made", id: "vpc-1", detail: { cidr: "10.0.0.0/16" } });
  expect(ledger.ofKind("subnet")).toHaveLength(1);
  ledger.gone("vpc/main");
  await ledger.flush();
  expect((await readRecord(registry, "five.k8s.local")).ledger["vpc/main"]?.state).toBe("gone");
});

test("what was made is written even when the epoch has passed: a lost id helps nobody", async () => {
  await createRecord(registry, planned("six.k8s.local"));
  const late = refOf(await readRecord(registry, "six.k8s.local"));
  const ledger = openLedger(registry, late, {});
  await ledger.intend({ key: "vpc/main", token: "six" });
  await raiseEpoch(registry, await readRecord(registry, "six.k8s.local"));
  ledger.made("vpc/main", "vpc-6");
  await ledger.flush();
  expect((await readRecord(registry, "six.k8s.local")).ledger["vpc/main"]?.id).toBe("vpc-6");
});

test("a list comes in pages with an opaque token, and only the owner's when asked", async () => {
  const names = new Set<string>();
  let nextToken: string | undefined;
  do {
    const page = await listRecords(registry, { limit: 2, ...(nextToken && { nextToken }) });
    for (const { name } of page.records) names.add(name);
    nextToken = page.nextToken;
  } while (nextToken);
  expect(names).toContain("one.k8s.local");
  expect(names).toContain("six.k8s.local");
  expect((await listRecords(registry, { limit: 50, owner: "arn:somebody-else" })).records).toEqual([]);
});

test("timeline entries of parallel branches are all kept", async () => {
  await createRecord(registry, planned("seven.k8s.local"));
  const ref = refOf(await readRecord(registry, "seven.k8s.local"));
  const entry = (stage: string) => ({ stage, startedAt: "", endedAt: "", seconds: 1, outcome: "done" as const });
  await Promise.all(["A", "B", "C", "D"].map((stage) => writeRecord(registry, ref, { append: [entry(stage)] }, "uid")));
  expect((await readRecord(registry, "seven.k8s.local")).timeline.map(({ stage }) => stage).sort()).toEqual(["A", "B", "C", "D"]);
});
