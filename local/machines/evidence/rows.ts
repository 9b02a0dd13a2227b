import type { Evidence, NodeEvidence, PathProbe, Verdict } from "../../../shared/health/evidence";
import { answered, failed, recorded, withMetric } from "./healthy";

export { type EvidenceCluster, healthyEvidence } from "./healthy";

/** A state of the verdict tables: the healthy evidence with only what was seen to differ. */
export interface Row {
  /** The state itself was made and looked at; false where it was thought out. */
  measured: boolean;
  /** Fields among the differences that follow from the measurement or from Calico's source, and were not read off. */
  derived: string[];
  differences: (healthy: Evidence) => Evidence;
  expect: Pick<Verdict, "status" | "reason">;
}

const refused = "connection refused";
const healthy = recorded("healthy-metrics.txt");
const samples = (text: string): NodeEvidence["metrics"] => ({ first: text, second: text, secondsApart: 12 });
const everyNode = (evidence: Evidence, change: Partial<NodeEvidence>): Evidence => ({
  ...evidence,
  nodes: evidence.nodes.map((node) => ({ ...node, ...change })),
});
const everyPod = (evidence: Evidence, change: Partial<Evidence["calicoNode"]["pods"][number]>): Evidence => ({
  ...evidence,
  calicoNode: {
    ...evidence.calicoNode,
    ready: change.ready === false ? 0 : evidence.calicoNode.ready,
    pods: evidence.calicoNode.pods.map((pod) => ({ ...pod, ...change })),
  },
});
const traffic = (evidence: Evidence, change: Partial<Evidence["traffic"]>): Evidence => ({
  ...evidence,
  traffic: { ...evidence.traffic, ...change },
});
const atOther = ({ enteredAt, backendNode }: PathProbe): boolean => enteredAt !== backendNode;
const probes = (all: PathProbe[], attempts: PathProbe["attempts"], which: (probe: PathProbe) => boolean = () => true): PathProbe[] =>
  all.map((probe) => (which(probe) ? { ...probe, attempts } : probe));
/** With a NodePort that is dead, nothing answers after the deny policy either. */
const nodePortDead = (evidence: Evidence, which?: (probe: PathProbe) => boolean, error = "timed out"): Evidence => {
  const control = evidence.traffic.negativeControl!;
  return traffic(evidence, {
    nodePort: probes(evidence.traffic.nodePort, failed(error), which),
    negativeControl: { ...control, restored: probes(control.restored, failed(error), which) },
  });
};
const podToServiceDead = (evidence: Evidence): Evidence =>
  traffic(evidence, { podToService: probes(evidence.traffic.podToService, failed("timed out", 5)) });
const desired = (evidence: Evidence, change: Partial<Evidence["desired"]>): Evidence => ({
  ...evidence,
  desired: { ...evidence.desired, ...change },
});
const defaultFelix = (evidence: Evidence, change: Record<string, unknown>): Evidence =>
  desired(evidence, { felixConfigurations: { default: { ...evidence.desired.felixConfigurations["default"], ...change } } });
const withKubeProxy = (evidence: Evidence): Evidence => ({
  ...evidence,
  kubeProxy: { daemonSets: ["kube-system/kube-proxy"], pods: evidence.nodes.map((_, index) => `kube-proxy-${index + 1}`) },
});
const fallenBack = (evidence: Evidence): Evidence =>
  everyNode(evidence, {
    kernel: "5.2.0",
    metrics: samples(recorded("fallback-old-kernel-metrics.txt")),
    healthz: { error: refused },
    faultLines: ["BPF dataplane mode enabled but not supported by the kernel.  Disabling BPF mode."],
  });
const bpfOff = (evidence: Evidence): Evidence =>
  everyNode(defaultFelix(evidence, { bpfEnabled: false }), {
    metrics: samples(recorded("bpf-off-metrics.txt")),
    healthz: { error: refused },
  });

const isFalse = (reason: string): Row["expect"] => ({ status: "False", reason });
const control = ["traffic.negativeControl.restored"];

/** Felix alone against a real API server, then two real nodes broken between and around. `derived` last: thought out. */
export const evidenceRows: Record<string, Row> = {
  healthy: { measured: true, derived: [], differences: (evidence) => evidence, expect: { status: "True", reason: "TrafficProved" } },
  "kernel-too-old": {
    measured: true,
    derived: ["nodes.kernel", ...control],
    differences: (evidence) => nodePortDead(fallenBack(evidence)),
    expect: isFalse("FellBackToIptables"),
  },
  "kernel-too-old-with-kube-proxy": {
    measured: true,
    derived: ["nodes.kernel", "kubeProxy", "nodes.healthz"],
    differences: (evidence) => everyNode(withKubeProxy(fallenBack(evidence)), { healthz: evidence.nodes[0]!.healthz }),
    expect: isFalse("FellBackBehindKubeProxy"),
  },
  "bpf-disabled": {
    measured: true,
    derived: control,
    differences: (evidence) => nodePortDead(bpfOff(evidence)),
    expect: isFalse("BpfDisabled"),
  },
  "tc-preamble-missing": {
    measured: true,
    derived: ["calicoNode", ...control],
    differences: (evidence) => {
      const metrics = withMetric(withMetric(healthy, "felix_bpf_dirty_dataplane_endpoints", 5), "felix_bpf_happy_dataplane_endpoints", 0);
      return nodePortDead(everyPod(everyNode(evidence, { metrics: samples(metrics) }), { ready: false }));
    },
    expect: isFalse("DirtyEndpoints"),
  },
  "workload-programs-failed": {
    measured: true,
    derived: ["nodes.faultLines", ...control],
    differences: (evidence) =>
      nodePortDead(everyNode(evidence, { faultLines: ["Failed to load CO-RE object, kernel too old? Falling back to non-CO-RE."] })),
    expect: isFalse("WorkloadProgramsMissing"),
  },
  "eth0-detached": { measured: true, derived: control, differences: (evidence) => nodePortDead(evidence), expect: isFalse("NodePortDead") },
  "no-cap-bpf": {
    measured: true,
    derived: ["nodes.metrics", "nodes.healthz", "calicoNode", ...control],
    differences: (evidence) =>
      nodePortDead(
        everyPod(everyNode(evidence, { metrics: { error: refused }, healthz: { error: refused } }), { ready: false, restarts: 3 }),
      ),
    expect: isFalse("FelixDown"),
  },
  "api-server-frozen": {
    measured: true,
    derived: ["nodes.healthz"],
    differences: (evidence) =>
      everyNode(evidence, {
        healthz: {
          status: 200,
          body: recorded("healthy-10256.txt")
            .split("\n\n")
            .at(-1)!
            .trim()
            .replace(/08:46:49\.389819932Z/, "08:46:09.389819932Z"),
        },
      }),
    expect: { status: "True", reason: "TrafficProved" },
  },
  "vxlan-dropped": {
    measured: true,
    derived: control,
    differences: (evidence) => podToServiceDead(nodePortDead(evidence, atOther)),
    expect: isFalse("VxlanBlocked"),
  },
  "foreign-source-dropped": {
    measured: true,
    derived: control,
    differences: (evidence) => nodePortDead(evidence, atOther),
    expect: isFalse("SourceDestinationCheck"),
  },
  "kube-proxy-added": { measured: true, derived: ["kubeProxy"], differences: withKubeProxy, expect: isFalse("KubeProxyPresent") },
  "kube-proxy-added-calico-restarted": {
    measured: true,
    derived: ["kubeProxy", "nodes.faultLines"],
    differences: (evidence) => everyNode(withKubeProxy(evidence), { faultLines: ["BPF Proxy Healthz server failed, restarting in 1s"] }),
    expect: isFalse("KubeProxyAnswersHealthz"),
  },
  "bpf-off-with-kube-proxy": {
    measured: true,
    derived: ["desired.felixConfigurations", "kubeProxy", ...control],
    differences: (evidence) => {
      const off = everyNode(withKubeProxy(bpfOff(evidence)), { healthz: evidence.nodes[0]!.healthz });
      const hostOf = (name: string) => evidence.nodes.find((node) => node.name === name)!.internalAddress;
      const asNode = (all: PathProbe[]) => all.map((probe) => ({ ...probe, attempts: answered(0.004, hostOf(probe.enteredAt)) }));
      const { nodePort, negativeControl } = off.traffic;
      const masked = traffic(off, {
        nodePort: asNode(nodePort),
        negativeControl: { ...negativeControl!, restored: asNode(negativeControl!.restored) },
      });
      return podToServiceDead(nodePortDead(masked, atOther, refused));
    },
    expect: isFalse("BpfDisabledBehindKubeProxy"),
  },
  "no-services-endpoint": {
    measured: true,
    derived: ["nodes.networkUnavailable", "nodes.metrics", "nodes.healthz", "traffic"],
    differences: (evidence) => {
      const down = { ready: false, networkUnavailable: true, metrics: { error: refused }, healthz: { error: refused } };
      const waiting = everyPod(everyNode(desired(evidence, { servicesEndpoint: null }), down), {
        ready: false,
        restarts: 4,
        waiting: "install-cni: CrashLoopBackOff",
      });
      return untried(waiting, "calico-node is not ready, so nothing was tried");
    },
    expect: isFalse("ServicesEndpointMissing"),
  },
  "deny-policy-left": {
    measured: true,
    derived: control,
    differences: (evidence) => {
      const { denied } = evidence.traffic.negativeControl!;
      return traffic(evidence, { negativeControl: { denied, restored: denied } });
    },
    expect: isFalse("DenyPolicyLeft"),
  },
  "negative-control-passed": {
    measured: false,
    derived: ["traffic.negativeControl.denied"],
    differences: (evidence) => {
      const { restored } = evidence.traffic.negativeControl!;
      return traffic(evidence, { negativeControl: { denied: restored, restored } });
    },
    expect: isFalse("NegativeControlPassed"),
  },
  "client-address-lost": {
    measured: false,
    derived: ["traffic.nodePort"],
    differences: (evidence) =>
      traffic(evidence, { nodePort: probes(evidence.traffic.nodePort, answered(0.004, evidence.nodes[0]!.internalAddress), atOther) }),
    expect: isFalse("ClientAddressLost"),
  },
  "no-probe-client": {
    measured: false,
    derived: ["traffic"],
    differences: (evidence) => untried(evidence, "the probe client does not answer"),
    expect: { status: "Unknown", reason: "ProbeClientMissing" },
  },
  "environment-override": {
    measured: false,
    derived: ["desired.calicoNodeEnvironment"],
    differences: (evidence) => desired(evidence, { calicoNodeEnvironment: { FELIX_BPFENABLED: "false" } }),
    expect: isFalse("BpfDisabled"),
  },
  "images-unavailable": {
    measured: false,
    derived: ["calicoNode", "nodes", "traffic"],
    differences: (evidence) => {
      const down = { ready: false, networkUnavailable: true, metrics: { error: refused }, healthz: { error: refused } };
      return untried(
        everyPod(everyNode(evidence, down), { ready: false, waiting: "upgrade-ipam: ImagePullBackOff" }),
        "calico-node is not ready, so nothing was tried",
      );
    },
    expect: isFalse("CalicoUnavailable"),
  },
};

function untried(evidence: Evidence, error: string): Evidence {
  return traffic(evidence, { client: null, nodePort: [], podToService: [], dns: [], negativeControl: null, error });
}
