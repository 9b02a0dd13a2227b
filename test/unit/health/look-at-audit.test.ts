import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { lookAtAudit } from "../../../shared/health/look-at-audit";
import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import { auditOf } from "./audited-cluster";
import { bodyOf, ids, ledgerToLookAt, made, planToLookAt } from "./cluster";

const s3 = mockClient(S3Client);
const base = planToLookAt();
const plan = {
  ...base,
  instances: base.instances.map((instance) => ({ ...instance, nodeLabels: {}, taints: [] })),
  kubernetes: { ...base.kubernetes, serviceCidr: "100.64.0.0/13", clusterDns: "100.64.0.10", anonymousAuth: false },
} as unknown as ClusterPlan;
const look = () => lookAtAudit(new S3Client({}), plan, ledgerToLookAt(), new Date(made.getTime() + 60_000));
const written = (body: string, id: string = ids["master-0"]) => {
  s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: `clowder/a1b2c3d4/evidence/AROA1:${id}/audit.json` }, { Key: `clowder/a1b2c3d4/evidence/AROA1:${id}/latest.json` }] });
  s3.on(GetObjectCommand).resolves({ Body: bodyOf(body) });
};
beforeEach(() => s3.reset());

test("a control plane's own audit of this run is believed", async () => {
  written(JSON.stringify(auditOf(plan, made)));
  expect(await look()).toEqual({ "master-0": auditOf(plan, made) });
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(1);
});

test.each([
  ["is another cluster's", { uid: "other" }],
  ["is of another run", { nonce: "other" }],
  ["is old", { at: new Date(made.getTime() - 61_000).toISOString() }],
  ["has no such shape", { nodes: "none" }],
])("one that %s is not", async (_name, change) => {
  written(JSON.stringify({ ...auditOf(plan, made), ...change }));
  expect(await look()).toEqual({ "master-0": undefined });
});

test("a worker's word, and what is no JSON, count for nothing", async () => {
  written(JSON.stringify(auditOf(plan, made)), ids["nodes-0"]);
  expect(await look()).toEqual({ "master-0": undefined });
  written("{");
  expect(await look()).toEqual({ "master-0": undefined });
});

test("one of before a worker was to be replaced counts for nothing, however fresh it is", async () => {
  const since = (seconds: number) => lookAtAudit(new S3Client({}), plan, ledgerToLookAt(), new Date(made.getTime() + 60_000), new Date(made.getTime() + seconds * 1000));
  written(JSON.stringify(auditOf(plan, made)));
  expect(await since(1)).toEqual({ "master-0": undefined });
  written(JSON.stringify(auditOf(plan, made)));
  expect(await since(0)).toEqual({ "master-0": auditOf(plan, made) });
});
