import { parse, parseAllDocuments } from "yaml";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { stateStoreDocuments } from "../../../shared/plan/state-store";
import { manifestOf, requestOf } from "./sample-request";

const apiVersion = "kops.k8s.io/v1alpha2";
const cluster = {
  apiVersion,
  kind: "Cluster",
  metadata: { name: "demo.k8s.local" },
  spec: { sshAccess: ["0.0.0.0/0"], configBase: "s3://taken/demo.k8s.local" },
};
const group = { apiVersion, kind: "InstanceGroup", metadata: { name: "nodes", labels: { team: "blue" } }, spec: { role: "Node" } };
const credential = { apiVersion, kind: "SSHCredential", metadata: { name: "admin" }, spec: { publicKey: "ssh-ed25519 AAAA" } };
const plan = planCluster(manifestOf(), requestOf());

test("kOps finds a config and each group, and no other file below the cluster's name", () => {
  expect(Object.keys(stateStoreDocuments(plan, [cluster, group, credential]))).toEqual([
    "demo.k8s.local/config",
    "demo.k8s.local/instancegroup/nodes",
    "clowder/a1b2c3d4e5/manifest.yaml",
  ]);
});

test("the config is written as kOps writes it, with the store where it really is", () => {
  expect(stateStoreDocuments(plan, [cluster])["demo.k8s.local/config"]).toBe(`apiVersion: kops.k8s.io/v1alpha2
kind: Cluster
metadata:
  creationTimestamp: "2026-11-23T10:00:00Z"
  name: demo.k8s.local
spec:
  configBase: s3://calico-kops-demo/demo.k8s.local
  sshAccess:
  - 0.0.0.0/0
`);
});

test("a group says whose it is, and keeps its own labels and time of creation", () => {
  const older = { ...group, metadata: { ...group.metadata, creationTimestamp: "2020-01-01T00:00:00Z" } };

  const stored = stateStoreDocuments(plan, [cluster, older])["demo.k8s.local/instancegroup/nodes"]!;

  expect(parse(stored)).toEqual({
    ...group,
    metadata: { ...older.metadata, labels: { team: "blue", "kops.k8s.io/cluster": "demo.k8s.local" } },
  });
});

test("words that YAML 1.1 reads as something else are quoted for kOps' Go", () => {
  const tricky = { ...group, spec: { nodeLabels: { monitored: "on", answer: "yes", octal: "0755", minutes: "1:30" } } };

  const stored = stateStoreDocuments(plan, [tricky])["demo.k8s.local/instancegroup/nodes"]!;

  expect(parse(stored, { version: "1.1" }).spec.nodeLabels).toEqual(tricky.spec.nodeLabels);
});

test("the manifest is kept whole, as it was sent", () => {
  const sent = [cluster, group, credential];

  const kept = stateStoreDocuments(plan, sent)["clowder/a1b2c3d4e5/manifest.yaml"]!;

  expect(parseAllDocuments(kept).map((document) => document.toJS())).toEqual(sent);
});
