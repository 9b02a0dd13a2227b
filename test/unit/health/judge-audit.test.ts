import type { Audit } from "../../../shared/health/audit";
import { judgeAddOns, judgeAsAsked } from "../../../shared/health/judge-audit";
import { planOf } from "../case-folders";
import { auditsOf, namesOf } from "./audited-cluster";

const { plan } = planOf("twin");
const at = new Date("2026-11-25T12:00:00Z");
const judge = (change?: (audit: Audit) => void, of = plan) => judgeAsAsked(of, namesOf(of), auditsOf(of, at, change));
const worker = (audit: Audit) => audit.nodes.at(-1)!;

test("a cluster that is as asked is said to be", () => {
  expect(judge()).toMatchObject({ status: "True", reason: "AsAsked" });
  const { plan: three } = planOf("three-control-planes");
  expect(judge(undefined, three)).toMatchObject({ status: "True", message: expect.stringMatching(/3 API servers/) });
});

test.each<[string, (audit: Audit) => void, RegExp]>([
  ["a node that never joined", (audit) => void audit.nodes.pop(), /is no node of the cluster/],
  ["a label that is missing", (audit) => void delete worker(audit).labels["kops.k8s.io/instancegroup"], /label kops\.k8s\.io\/instancegroup is undefined/],
  ["another kubelet", (audit) => void (worker(audit).kubeletVersion = "v1.33.0"), /kubelet is v1\.33\.0, not v1\.34\.8/],
  ["another runtime", (audit) => void (worker(audit).runtime = "docker://19.3"), /runtime is docker, not containerd/],
  ["an open kubelet", (audit) => void (worker(audit).kubelet["authentication"] = { anonymous: { enabled: true } }), /anonymousAuth is true, not false/],
  ["a kubelet that does not tell", (audit) => void (worker(audit).kubelet = { error: "timed out" }), /did not tell its settings: timed out/],
  ["an API server that lets everybody in", (audit) => void (audit.apiServer["authorization-mode"] = "AlwaysAllow"), /AlwaysAllow/],
  ["another service range", (audit) => void (audit.apiServer["service-cluster-ip-range"] = "10.96.0.0/12"), /10\.96\.0\.0\/12/],
  ["encryption that nobody asked for", (audit) => void (audit.apiServer["encryption-provider-config"] = "/etc/x"), /was not asked/],
])("%s is a difference", (_name, change, message) => {
  expect(judge(change)).toEqual({ status: "False", reason: "Differs", message: expect.stringMatching(message) });
});

test("a taint must be there with its value and effect", () => {
  const taints = [{ key: "dedicated", value: "gpu", effect: "NoSchedule" as const }];
  const tainted = { ...plan, instances: plan.instances.map((instance) => (instance.role === "node" ? { ...instance, taints } : instance)) };
  expect(judge(undefined, tainted).status).toBe("True");
  expect(judge((audit) => void (worker(audit).taints = [{ ...taints[0]!, value: "cpu" }]), tainted).message).toMatch(/lacks the taint dedicated:NoSchedule/);
});

test("Secrets are encrypted only when one was seen written so", () => {
  const encrypting = { ...plan, kubernetes: { ...plan.kubernetes, encryptSecrets: true } };
  const flag = (audit: Audit) => void (audit.apiServer["encryption-provider-config"] = "/etc/kubernetes/pki/encryption-configuration.yaml");
  expect(judge(undefined, encrypting).message).toMatch(/does not encrypt Secrets/);
  expect(judge(flag, encrypting).message).toMatch(/no Secret was written encrypted/);
  expect(judge((audit) => (flag(audit), void (audit.encryptedWrites = 3)), encrypting).status).toBe("True");
});

test("a control plane that told nothing leaves it unknown", () => {
  expect(judgeAsAsked(plan, namesOf(plan), { "master-us-east-1a-0": undefined })).toMatchObject({ status: "Unknown", reason: "AuditMissing" });
});

const controller = [{ kind: "DaemonSet", name: "aws-cloud-controller-manager" }];

test("add-ons are ready when each that was asked for runs, whatever else does not", () => {
  expect(judgeAddOns(controller, auditsOf(plan, at))).toMatchObject({ status: "True", reason: "Ready" });
  expect(judgeAddOns([], {})).toMatchObject({ status: "True", reason: "NoneAsked" });
  expect(judgeAddOns(controller, {})).toMatchObject({ status: "Unknown" });
});

test.each<[string, (audit: Audit) => void, string, RegExp]>([
  ["is not there", (audit) => void (audit.addOns = []), "NotReady", /is not there/],
  ["waits for its image", (audit) => void (audit.addOns[0]!.ready = 0), "NotReady", /0 of 1 ready/],
  [
    "has not seen a node",
    (audit) => void worker(audit).taints.push({ key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }),
    "NodesUninitialized",
    /nothing is scheduled there/,
  ],
])("an add-on that %s is named", (_name, change, reason, message) => {
  expect(judgeAddOns(controller, auditsOf(plan, at, change))).toEqual({ status: "False", reason, message: expect.stringMatching(message) });
});
