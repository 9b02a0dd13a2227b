import { readFileSync } from "node:fs";
import { join } from "node:path";
import { replayed } from "../../../local/data-plane/replay";
import type { Evidence, Expectation } from "../../../shared/health/evidence";
import { evidenceSchema } from "../../../shared/health/evidence-schema";
import { judge } from "../../../shared/health/judge";

/** As the collector wrote it on two real kubeadm nodes with the stand-in. */
const seen = JSON.parse(readFileSync(join(__dirname, "recorded/stand-in-evidence.json"), "utf8")) as Evidence;
const copy = () => structuredClone(seen);
const expectation: Expectation = {
  uid: seen.uid,
  nonce: seen.nonce,
  nodes: seen.nodes.map(({ name }) => name),
  clientInstanceId: seen.traffic.client!.instanceId,
  clientAddress: seen.traffic.client!.address,
  externalServiceMode: "DSR",
  vxlanMode: "Always",
  calicoVersion: "3.30.7",
  now: new Date(seen.endedAt),
  maxAgeSeconds: 120,
};
const verdictOf = (evidence: Evidence) => judge(evidence, expectation);
const reasonOf = (evidence: Evidence) => `${verdictOf(evidence).status} ${verdictOf(evidence).reason}`;
const check = (evidence: Evidence, name: string) => verdictOf(evidence).checks.find((one) => one.check === name)!;

test("without replay the judgement of kube-proxy's data plane is right: kube-proxy is there, the client's address is lost", () => {
  expect(reasonOf(seen)).toBe("False KubeProxyPresent");
  expect(check(seen, "client-address")).toMatchObject({ status: "False", message: expect.stringContaining("instead of the client's") });
  expect(check(seen, "negative-control")).toMatchObject({ status: "False", message: expect.stringContaining("under a deny policy") });
  for (const real of ["nodes", "nodes-ready", "probe-client", "node-port", "pod-to-service", "dns"]) expect(check(seen, real)).toMatchObject({ status: "True" });
  expect(verdictOf(seen).message).not.toContain("simulated");
});

test("replayed, every check holds, and the verdict says that it is simulated and what of it", () => {
  const evidence = replayed(copy());
  expect(evidenceSchema.safeParse(evidence).success).toBe(true);
  expect(reasonOf(evidence)).toBe("True TrafficProved");
  expect(verdictOf(evidence).checks.filter(({ status }) => status !== "True")).toEqual([]);
  expect(evidence.collectedBy).toMatch(/^simulated: calico-node, Felix.*replayed from recorded values; the rest: clowder collector on n1$/);
  expect(evidence.collectedBy.length).toBeLessThan(200);
  expect(verdictOf(evidence).message).toContain("evidence by simulated: ");
  expect(check(evidence, "evidence").message).toContain("by simulated: ");
});

test("what really happened stays as it was", () => {
  const evidence = replayed(copy());
  for (const key of ["uid", "nonce", "startedAt", "endedAt", "desired"] as const) expect(evidence[key]).toEqual(seen[key]);
  const real = ({ name, ready, networkUnavailable, internalAddress, kernel }: Evidence["nodes"][number]) => ({ name, ready, networkUnavailable, internalAddress, kernel });
  expect(evidence.nodes.map(real)).toEqual(seen.nodes.map(real));
  const { podToService, dns, client } = evidence.traffic;
  expect({ podToService, dns, client }).toEqual({ podToService: seen.traffic.podToService, dns: seen.traffic.dns, client: seen.traffic.client });
  const answered = ({ traffic }: Evidence) => traffic.nodePort.map(({ attempts }) => attempts.map(({ ok, seconds }) => ({ ok, seconds })));
  expect(answered(evidence)).toEqual(answered(seen));
});

test("a connection that was not answered saw no client", () => {
  const evidence = copy();
  silence(evidence.traffic.nodePort);
  for (const { attempts } of evidence.traffic.nodePort) for (const attempt of attempts) delete attempt.clientAddress;
  expect(replayed(evidence).traffic.nodePort).toEqual(evidence.traffic.nodePort);
});

test("the evidence that came in is not changed", () => {
  const input = copy();
  replayed(input);
  expect(input).toEqual(seen);
});

const broken: [string, string, (evidence: Evidence) => void][] = [
  ["a node that is not Ready", "False NodeNotReady", (evidence) => (evidence.nodes[1]!.ready = false)],
  ["a node that is not there", "False NodeMissing", (evidence) => evidence.nodes.pop()],
  ["a NodePort that is dead", "False NodePortDead", (evidence) => silence(evidence.traffic.nodePort)],
  ["pods that reach no service", "False PodToServiceDead", (evidence) => silence(evidence.traffic.podToService)],
  ["DNS that is dead", "False DnsDead", (evidence) => (evidence.traffic.dns[0]!.ok = false)],
  ["NodePorts that stay dead after the policy", "False DenyPolicyLeft", (evidence) => silence(evidence.traffic.negativeControl!.restored)],
  ["BPF that was not asked for", "False BpfDisabled", (evidence) => (evidence.desired.felixConfigurations["default"]!["bpfEnabled"] = false)],
  ["a client that took no part", "Unknown ProbeClientMissing", (evidence) => Object.assign(evidence.traffic, { client: null, nodePort: [], negativeControl: null })],
];
test.each(broken)("replay hides nothing that is real: %s is %s", (_what, reason, harm) => {
  const evidence = copy();
  harm(evidence);
  expect(reasonOf(replayed(evidence))).toBe(reason);
});

function silence(probes: Evidence["traffic"]["nodePort"]): void {
  for (const { attempts } of probes) for (const attempt of attempts) Object.assign(attempt, { ok: false, error: "timed out" });
}
