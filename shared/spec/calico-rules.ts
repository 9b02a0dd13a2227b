import type { Calico, InstanceGroup } from "./manifest";
import { either, type Findings } from "./findings";
import type { ClusterSpec } from "./shapes";
import { calicoVersions, type VersionProfile } from "./version-profile";

const PATH = "spec.networking.calico";
const SEVERITIES = ["Debug", "Info", "Warning", "Error", "Fatal"];

type CalicoSpec = NonNullable<NonNullable<ClusterSpec["networking"]>["calico"]>;

/** Calico as asked, with kOps' defaults, and the rules under which its eBPF data plane can work on EC2 at all. */
export function readCalico(spec: ClusterSpec, profile: VersionProfile | undefined, found: Findings): Calico {
  const asked = spec.networking?.calico;
  if (!asked) found.missing(PATH, "is required: this service builds clusters with Calico's eBPF data plane");
  else requireBpf(asked, found);
  if (spec.kubeProxy?.enabled !== false) {
    found.missing(
      "spec.kubeProxy.enabled",
      "must be false: calico in BPF mode (spec.networking.calico.bpfEnabled=true) requires kubeProxy to be disabled",
    );
  }
  const calico: Calico = {
    version: version(asked?.version, profile, found),
    awsSrcDstCheck: asked?.awsSrcDstCheck ?? "Disable",
    bpfExternalServiceMode: asked?.bpfExternalServiceMode ?? "Tunnel",
    bpfLogLevel: asked?.bpfLogLevel ?? "Off",
    vxlanMode: asked?.vxlanMode ?? "CrossSubnet",
    ...(asked?.mtu !== undefined && { mtu: asked.mtu }),
    ...(asked?.logSeverityScreen && { logSeverityScreen: severity(asked.logSeverityScreen, found) }),
  };
  checkForwarding(calico, found);
  return calico;
}

function requireBpf(asked: CalicoSpec, found: Findings): void {
  if (asked.bpfEnabled !== true)
    found.missing(`${PATH}.bpfEnabled`, "must be true: ready here means that Calico's eBPF data plane was proved by traffic");
  const mode = asked.encapsulationMode;
  if (mode !== "vxlan") {
    found.missing(
      `${PATH}.encapsulationMode`,
      `must be vxlan${mode ? "" : " (left out, kOps takes ipip)"}: eBPF forwards between nodes by VXLAN`,
    );
  }
  if (asked.ipipMode && asked.ipipMode !== "Never") {
    found.refuse(`${PATH}.ipipMode`, "must be Never: it needs encapsulationMode ipip, and eBPF forwards between nodes by VXLAN");
  }
  if (asked.vxlanMode === "Never")
    found.refuse(`${PATH}.vxlanMode`, "must be Always or CrossSubnet: nothing else carries pods' packets between nodes");
}

/** EC2 drops what leaves an interface with a foreign source address: unencapsulated pods' packets, and DSR's replies. */
function checkForwarding(calico: Calico, found: Findings): void {
  if (calico.awsSrcDstCheck === "Disable") return;
  if (calico.bpfExternalServiceMode === "DSR") {
    found.refuse(`${PATH}.awsSrcDstCheck`, "must be Disable with bpfExternalServiceMode DSR: EC2 would drop the replies, or use Tunnel");
  }
  if (calico.vxlanMode === "CrossSubnet") {
    found.refuse(
      `${PATH}.awsSrcDstCheck`,
      "must be Disable with vxlanMode CrossSubnet: EC2 would drop pods' packets, or use vxlanMode Always",
    );
  }
}

/** https://docs.tigera.io/calico/latest/operations/ebpf/enabling-ebpf: on AWS, DSR between nodes of one subnet. */
export function warnOfDistantNodes(calico: Calico, groups: InstanceGroup[], found: Findings): void {
  const subnets = new Set(groups.flatMap((group) => group.subnets));
  if (calico.bpfExternalServiceMode !== "DSR" || subnets.size < 2) return;
  found.warn(
    `${PATH}.bpfExternalServiceMode`,
    "Calico documents DSR on AWS for nodes in one subnet only: if the traffic proof fails, use Tunnel",
  );
}

function version(asked: string | undefined, profile: VersionProfile | undefined, found: Findings): string {
  const wanted = asked?.replace(/^v/, "");
  if (profile && wanted && !calicoVersions(profile).includes(wanted)) {
    found.refuse(
      `${PATH}.version`,
      `must be ${either(calicoVersions(profile))} with Kubernetes ${profile.minor}; left out, it is ${profile.calico}`,
    );
  }
  return wanted ?? profile?.calico ?? "";
}

function severity(asked: string, found: Findings): string {
  const known = SEVERITIES.find((name) => name.toLowerCase() === asked.toLowerCase());
  if (!known) found.refuse(`${PATH}.logSeverityScreen`, `must be ${either(SEVERITIES)}`);
  return known ?? "";
}
