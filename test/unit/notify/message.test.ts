import { clusterEvents, messageOf } from "../../../shared/notify/message";
import type { ClusterRecord, Failure } from "../../../shared/registry/cluster-record";
import { now, recordOf } from "../api/samples";

const failure: Failure = {
  code: "NodeFailed",
  node: "nodes-0",
  nodeStage: "artifacts",
  reason: "ArtifactUnreachable",
  blame: "clowder",
  stage: "AwaitNodes",
  message: "nodes-0 failed at artifacts",
  nextStep: "check the artifact base URL",
  logTail: ["line one", "line two"],
  at: "2026-11-23T09:55:00.000Z",
};
const factsOf = (record: ClusterRecord, event: (typeof clusterEvents)[number]) =>
  Object.fromEntries(messageOf(record, event, now).facts.map(({ label, text }) => [label, text]));

test("ready says what there is, what proved it and how to get in", () => {
  expect(messageOf(recordOf(), "cluster.ready", now).title).toBe("Your cluster demo.k8s.local is ready");
  expect(factsOf(recordOf(), "cluster.ready")).toEqual({
    Nodes: "1 control plane, 2 worker",
    Versions: "Kubernetes 1.34.4, Calico v3.31.4",
    "eBPF data plane": "proved by traffic: 2 of 2 checks hold (evidence: clowder collector on ip-172-20-32-10)",
    "API endpoint": "https://api-demo-1.us-east-1.elb.amazonaws.com",
    Expires: "2026-11-23T10:54:30.000Z",
    kubeconfig: "GET /clusters/demo.k8s.local/kubeconfig",
  });
});

test("a simulated collector is named as what it is", () => {
  const record = recordOf();
  record.dataPlane = { ...record.dataPlane!, collectedBy: "simulated machine, recorded values" };
  expect(factsOf(record, "cluster.ready")["eBPF data plane"]).toContain("simulated machine");
});

test("a cluster without an end says so", () => {
  expect(factsOf(recordOf({ expiresAt: undefined }), "cluster.ready")["Expires"]).toBe("never");
});

test("a data plane that is not proved is never called so", () => {
  const record = recordOf();
  record.dataPlane = { ...record.dataPlane!, status: "False", reason: "NodePortDead", message: "no answer across nodes" };
  const told = factsOf(record, "cluster.ready")["eBPF data plane"];
  expect(told).toContain("NodePortDead: no answer across nodes");
  expect(told).not.toContain("proved");
});

test("failed says code, stage, message, next step and the log's end", () => {
  const message = messageOf(recordOf({ status: "Failed", failure }), "cluster.failed", now);
  expect(factsOf(recordOf({ failure }), "cluster.failed")).toMatchObject({
    Code: "NodeFailed",
    Stage: "AwaitNodes",
    "What happened": "nodes-0 failed at artifacts",
    "Next step": "check the artifact base URL",
  });
  expect(message.logTail).toEqual(["line one", "line two"]);
  expect(message.failure).not.toHaveProperty("logTail");
});

test("deleted tells no old failure", () => {
  const message = messageOf(recordOf({ status: "Deleted", failure, deletedAt: "2026-11-23T10:00:00.000Z" }), "cluster.deleted", now);
  expect(message).toMatchObject({ title: "Your cluster demo.k8s.local is deleted", logTail: [] });
  expect(message.failure).toBeUndefined();
});

test("a suspected leak names what holds it", () => {
  const left = { ...failure, code: "StillThere", message: "security-group sg-1: in use by eni-2" };
  expect(factsOf(recordOf({ failure: left }), "cluster.leak-suspected")["What happened"]).toContain("eni-2");
});

test("gone machines and orphans say what was found and what to do", () => {
  const gone = { type: "Ready", status: "False", reason: "ResourcesGone", message: "EC2 shows none", lastTransitionTime: "", observedGeneration: 1 } as const;
  expect(factsOf(recordOf({ conditions: [gone] }), "cluster.resources-gone")).toMatchObject({
    "What happened": "EC2 shows none",
    "Next step": expect.stringContaining("DELETE /clusters/demo.k8s.local"),
  });
  const orphaned = { ...failure, code: "Orphaned", message: "no record knows the uid of vpc vpc-1" };
  expect(factsOf(recordOf({ failure: orphaned }), "deployment.orphans")).toEqual({
    uid: "a1b2c3d4e5",
    "What was found": "no record knows the uid of vpc vpc-1",
    "Next step": "check the artifact base URL",
  });
});

test("the same happening told twice has one id; another event, end or lead time another", () => {
  const idOf = (event: (typeof clusterEvents)[number], change: Partial<ClusterRecord> = {}) => messageOf(recordOf(change), event, new Date()).id;
  const later = "2026-11-23T12:00:00.000Z";
  const ids = [
    idOf("cluster.ready"),
    idOf("cluster.failed"),
    idOf("cluster.expiring", { warned: [60] }),
    idOf("cluster.expiring", { warned: [60, 10] }),
    idOf("cluster.expiring", { warned: [60], expiresAt: later }),
    idOf("cluster.leak-suspected", { epoch: 2 }),
    idOf("cluster.leak-suspected", { epoch: 3 }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(idOf("cluster.ready")).toBe(ids[0]);
  for (const id of ids) expect(id).toMatch(/^msg_[a-z0-9_-]+$/);
});

test("a warning says when, and how to keep the cluster", () => {
  expect(factsOf(recordOf(), "cluster.expiring")).toEqual({
    Expires: "2026-11-23T10:54:30.000Z",
    "Keep it longer": 'PATCH /clusters/demo.k8s.local with {"extend": "2h"} or {"hold": true}',
  });
});

test.each(clusterEvents)("%s can be told of a record that has next to nothing", (event) => {
  const bare = recordOf({ versions: undefined, dataPlane: undefined, apiEndpoint: undefined, ledger: {}, readyAt: undefined });
  expect(messageOf(bare, event, now).title).toContain("demo.k8s.local");
});

describe("a worker's replacement", () => {
  const replacement = { node: "nodes-0", instanceId: "i-old", at: "2026-11-23T10:00:00.000Z" };

  test("says which machine went and which came, and counts the one that went no more", () => {
    const { ledger } = recordOf();
    const aside = { ...ledger["instance/nodes-0"]!, id: "i-old" };
    const record = recordOf({ replacement, ledger: { ...ledger, "instance/i-old": aside, "instance/nodes-0": { ...aside, id: "i-new" } } });
    expect(messageOf(record, "cluster.node-replaced", now).title).toBe("Your cluster demo.k8s.local has a new worker");
    expect(factsOf(record, "cluster.node-replaced")).toMatchObject({ Node: "nodes-0", Machine: "i-old, now i-new", Nodes: "1 control plane, 2 worker" });
  });

  test("that failed says of which node and why, how to try again, and until when the cluster is kept", () => {
    const record = recordOf({ status: "Degraded", replacement, failure });
    const message = messageOf(record, "cluster.replacement-failed", now);
    expect(factsOf(record, "cluster.replacement-failed")).toMatchObject({ Replacing: "nodes-0", Code: "NodeFailed", "Next step": "check the artifact base URL", Expires: "2026-11-23T10:54:30.000Z" });
    expect([message.logTail, message.failure?.code]).toEqual([["line one", "line two"], "NodeFailed"]);
  });
});
