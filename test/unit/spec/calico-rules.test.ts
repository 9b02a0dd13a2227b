import { readManifest } from "../../../shared/spec/read-manifest";
import { changed, deployment, type Loose, problemsOf } from "./manifests";

const withCalico = (change: (calico: Loose) => void, name?: string): string =>
  changed((cluster) => change(cluster.spec.networking.calico), name);
const problems = (change: (calico: Loose) => void): string[] =>
  problemsOf(withCalico(change)).map(({ path, message }) => `${path.replace("spec.networking.calico.", "")} ${message}`);

test.each<[string, (calico: Loose) => void, string]>([
  [
    "bpfEnabled false",
    (calico) => (calico.bpfEnabled = false),
    "bpfEnabled must be true: ready here means that Calico's eBPF data plane was proved by traffic",
  ],
  ["bpfEnabled as text", (calico) => (calico.bpfEnabled = "yes"), "bpfEnabled must be true or false"],
  [
    "encapsulationMode left out",
    (calico) => delete calico.encapsulationMode,
    "encapsulationMode must be vxlan (left out, kOps takes ipip): eBPF forwards between nodes by VXLAN",
  ],
  [
    "encapsulationMode ipip",
    (calico) => (calico.encapsulationMode = "ipip"),
    "encapsulationMode must be vxlan: eBPF forwards between nodes by VXLAN",
  ],
  [
    "ipipMode",
    (calico) => (calico.ipipMode = "Always"),
    "ipipMode must be Never: it needs encapsulationMode ipip, and eBPF forwards between nodes by VXLAN",
  ],
  [
    "vxlanMode Never",
    (calico) => (calico.vxlanMode = "Never"),
    "vxlanMode must be Always or CrossSubnet: nothing else carries pods' packets between nodes",
  ],
  ["vxlanMode misspelt", (calico) => (calico.vxlanMode = "always"), "vxlanMode must be Always, CrossSubnet or Never"],
  ["awsSrcDstCheck unknown", (calico) => (calico.awsSrcDstCheck = "Off"), "awsSrcDstCheck must be Enable, Disable or DoNothing"],
  ["bpfExternalServiceMode unknown", (calico) => (calico.bpfExternalServiceMode = "dsr"), "bpfExternalServiceMode must be Tunnel or DSR"],
  ["bpfLogLevel unknown", (calico) => (calico.bpfLogLevel = "Trace"), "bpfLogLevel must be Off, Info or Debug"],
  [
    "a version for another Kubernetes",
    (calico) => (calico.version = "v3.30.7"),
    "version must be 3.17.6 or 3.20.6 with Kubernetes 1.19; left out, it is 3.17.6",
  ],
  ["an mtu beyond VXLAN's", (calico) => (calico.mtu = 9001), "mtu must be a whole number from 576 to 8951"],
  [
    "a severity that Felix lacks",
    (calico) => (calico.logSeverityScreen = "loud"),
    "logSeverityScreen must be Debug, Info, Warning, Error or Fatal",
  ],
  ["Typha", (calico) => (calico.typhaReplicas = 3), "typhaReplicas must be 0: no Typha runs in clusters of this size"],
  [
    "metrics off",
    (calico) => (calico.prometheusMetricsEnabled = false),
    "prometheusMetricsEnabled must be true: Felix's metrics are part of the evidence",
  ],
])("%s", (_, change, problem) => {
  expect(problems(change)).toEqual([problem]);
});

test.each(["Enable", "DoNothing"])("awsSrcDstCheck %s is refused where EC2 would drop what eBPF sends", (awsSrcDstCheck) => {
  expect(problems((calico) => Object.assign(calico, { awsSrcDstCheck }))).toEqual([
    expect.stringContaining("with bpfExternalServiceMode DSR"),
    expect.stringContaining("with vxlanMode CrossSubnet"),
  ]);
  expect(problems((calico) => Object.assign(calico, { awsSrcDstCheck, bpfExternalServiceMode: "Tunnel", vxlanMode: "Always" }))).toEqual(
    [],
  );
});

test.each([
  ["absent", undefined],
  ["without enabled", {}],
  ["enabled", { enabled: true }],
])("kubeProxy %s gets kOps' sentence", (_, kubeProxy) => {
  const [problem, ...rest] = problemsOf(changed((cluster) => (cluster.spec.kubeProxy = kubeProxy)));

  expect(rest).toEqual([]);
  expect(problem!.path).toBe("spec.kubeProxy.enabled");
  expect(problem!.message).toContain("calico in BPF mode (spec.networking.calico.bpfEnabled=true) requires kubeProxy to be disabled");
});

test("what is asked is what is read", () => {
  const asked = {
    version: "v3.31.7",
    bpfExternalServiceMode: "Tunnel",
    bpfLogLevel: "Debug",
    vxlanMode: "Always",
    ipipMode: "Never",
    mtu: 1440,
    logSeverityScreen: "warning",
  };

  const { manifest } = readManifest(
    withCalico((calico) => Object.assign(calico, asked), "twin"),
    deployment,
    {},
  );

  expect(manifest.calico).toEqual({
    version: "3.31.7",
    awsSrcDstCheck: "Disable",
    bpfExternalServiceMode: "Tunnel",
    bpfLogLevel: "Debug",
    vxlanMode: "Always",
    mtu: 1440,
    logSeverityScreen: "Warning",
  });
});

test("DSR over several subnets is warned about", () => {
  const body = changed((cluster, _, nodes) => {
    cluster.spec.subnets.push({ name: "us-east-1b", zone: "us-east-1b", cidr: "172.20.64.0/19", type: "Public" });
    nodes.spec.subnets = ["us-east-1a", "us-east-1b"];
  });

  expect(readManifest(body, deployment, {}).warnings.map(({ path }) => path)).toContain("spec.networking.calico.bpfExternalServiceMode");
});
