import type { DesiredState, Evidence, Expectation, NodeEvidence } from "./evidence";
import { readFelixMetrics } from "./felix-metrics";
import type { Check } from "./judge";
import { type Trouble, faults, finding, no, unknown } from "./judge-finding";

const imageTrouble = /ImagePull|ErrImage|InvalidImageName|RegistryUnavailable/;
/** Felix sweeps the conntrack table every 10 s. */
const SWEEP_SECONDS = 10;
const HEALTHZ_STALE_SECONDS = 120;

const quoted = (lines: string[], pattern: RegExp): string => {
  const line = lines.find((candidate) => pattern.test(candidate));
  return line ? `; its log: "${line.trim()}"` : "";
};
const shownNodes = (evidence: Evidence, { nodes }: Expectation): NodeEvidence[] =>
  evidence.nodes.filter(({ name }) => nodes.includes(name));

export const nodesPresent: Check = (evidence, { nodes }) => {
  const troubles = nodes
    .filter((name) => !evidence.nodes.some((node) => node.name === name))
    .map((name) => no("NodeMissing", `node ${name} is not among the ${evidence.nodes.length} that the API server lists`));
  if (nodes.length === 0) troubles.push(unknown("NoNodesExpected", "no node is expected, so nothing can be proved"));
  return finding("nodes", troubles, { reason: "NodesPresent", message: `${nodes.length} of ${nodes.length} nodes` });
};

export const nodesReady: Check = (evidence, expectation) => {
  const troubles = shownNodes(evidence, expectation)
    .filter(({ ready, networkUnavailable }) => !ready || networkUnavailable === true)
    .map(({ name, ready, networkUnavailable }) =>
      no("NodeNotReady", `node ${name}: Ready ${ready}, NetworkUnavailable ${networkUnavailable}`),
    );
  return finding("nodes-ready", troubles, { reason: "NodesReady", message: "every node is Ready" });
};

/** Felix takes the environment before the node's own FelixConfiguration before the default one. */
function felixSetting(desired: DesiredState, node: string, field: string): { value: unknown; from: string } | undefined {
  const variable = `FELIX_${field.toUpperCase()}`;
  if (desired.calicoNodeEnvironment[variable] !== undefined)
    return { value: desired.calicoNodeEnvironment[variable], from: `environment ${variable}` };
  for (const name of [`node.${node}`, "default"]) {
    const value = desired.felixConfigurations[name]?.[field];
    if (value !== undefined) return { value, from: `FelixConfiguration ${name}` };
  }
  return undefined;
}
const isTrue = (value: unknown): boolean => /^(true|1|yes|y|t|on)$/i.test(String(value));

export const desiredState: Check = ({ desired, kubeProxy }, { nodes, externalServiceMode }) => {
  const troubles: Trouble[] = [];
  const hidden = kubeProxy.daemonSets.length + kubeProxy.pods.length > 0;
  for (const node of nodes) {
    const enabled = felixSetting(desired, node, "bpfEnabled");
    if (!isTrue(enabled?.value)) {
      const told = `BPF is off on ${node}: bpfEnabled is ${enabled ? `${enabled.value} by ${enabled.from}` : "set nowhere"}`;
      troubles.push(hidden ? no("BpfDisabledBehindKubeProxy", `${told}, and kube-proxy carries its services`) : no("BpfDisabled", told));
    }
    const mode = felixSetting(desired, node, "bpfExternalServiceMode") ?? { value: "Tunnel", from: "Felix's default" };
    if (String(mode.value).toLowerCase() !== externalServiceMode.toLowerCase())
      troubles.push(
        no(
          "ExternalServiceModeDiffers",
          `${node}: bpfExternalServiceMode is ${mode.value} by ${mode.from}, asked was ${externalServiceMode}`,
        ),
      );
  }
  if (!desired.servicesEndpoint)
    troubles.push(
      no(
        "ServicesEndpointMissing",
        "there is no kubernetes-services-endpoint ConfigMap, so without kube-proxy Calico cannot reach the API server",
      ),
    );
  return finding("desired-state", troubles, { reason: "BpfDesired", message: `BPF on, ${externalServiceMode}` });
};

/** Looked at after the nodes, because calico-node itself makes the first IPPool. */
export const encapsulation: Check = ({ desired: { ipPools } }, { vxlanMode }) => {
  const troubles = ipPools
    .filter((pool) => pool.ipipMode !== "Never" || (vxlanMode !== undefined && pool.vxlanMode !== vxlanMode))
    .map(({ name, ...is }) =>
      no(
        "EncapsulationDiffers",
        `IPPool ${name}: ipipMode ${is.ipipMode}, vxlanMode ${is.vxlanMode}, asked was Never and ${vxlanMode ?? "any"}`,
      ),
    );
  if (ipPools.length === 0) troubles.push(no("IPPoolMissing", "there is no IPPool"));
  return finding("encapsulation", troubles, {
    reason: "EncapsulationAsAsked",
    message: ipPools.map(({ name, vxlanMode: mode }) => `${name}: VXLAN ${mode}`).join(", "),
  });
};

export const kubeProxyAbsent: Check = (evidence, expectation) => {
  const { daemonSets, pods } = evidence.kubeProxy;
  const troubles = daemonSets.length + pods.length > 0 ? [kubeProxyTrouble(evidence, expectation)] : [];
  return finding("kube-proxy", troubles, { reason: "KubeProxyAbsent", message: "no kube-proxy" });
};
function kubeProxyTrouble(evidence: Evidence, expectation: Expectation): Trouble {
  const { daemonSets, pods } = evidence.kubeProxy;
  const present = `kube-proxy is there (DaemonSets ${daemonSets.join(", ") || "none"}; pods ${pods.join(", ") || "none"})`;
  const nodes = shownNodes(evidence, expectation);
  const fellBack = nodes.find(({ metrics }) => !("error" in metrics) && endpointsOf(metrics.second) === 0);
  if (fellBack) {
    const line = quoted(fellBack.faultLines, faults.fallback);
    return no("FellBackBehindKubeProxy", `${present} and hides that BPF is not in use: ${fellBack.name} has 0 BPF endpoints${line}`);
  }
  const ousted = nodes.find(({ faultLines }) => faultLines.some((line) => faults.healthz.test(line)));
  if (!ousted) return no("KubeProxyPresent", present);
  const line = quoted(ousted.faultLines, faults.healthz);
  return no("KubeProxyAnswersHealthz", `${present} and holds port 10256 on ${ousted.name} instead of Felix${line}`);
}
const endpointsOf = (metrics: string): number | undefined => {
  const numbers = readFelixMetrics(metrics);
  return "missing" in numbers ? undefined : numbers.endpoints;
};

export const calicoNodeStarted: Check = ({ calicoNode }, { nodes }) => {
  const troubles: Trouble[] = calicoNode.pods
    .filter(({ waiting }) => waiting && imageTrouble.test(waiting))
    .map(({ name, node, image, waiting }) => no("CalicoUnavailable", `${name} on ${node} cannot have its image ${image}: ${waiting}`));
  for (const node of nodes) {
    if (!calicoNode.pods.some((pod) => pod.node === node)) troubles.push(no("CalicoNodeMissing", `there is no calico-node pod on ${node}`));
  }
  const { desired, updated } = calicoNode;
  if (updated < desired) troubles.push(no("CalicoNodeNotUpdated", `calico-node is updated on ${updated} of ${desired} nodes`));
  return finding("calico-node", troubles, { reason: "CalicoNodeStarted", message: `${updated} of ${desired} pods updated` });
};

export const calicoNodeReady: Check = ({ calicoNode }, { nodes }) => {
  const pods = calicoNode.pods.filter(({ node }) => nodes.includes(node));
  const troubles = pods
    .filter(({ ready }) => !ready)
    .map(({ name, node, waiting, restarts }) => no("CalicoNodeNotReady", `${name} on ${node} is not Ready (${waiting ?? "running"}, ${restarts} restarts)`));
  if (nodes.length > 0 && pods.length === 0) troubles.push(no("CalicoNodeNotReady", "no calico-node is there to be Ready"));
  return finding("readiness", troubles, { reason: "CalicoNodeReady", message: `${pods.length} calico-node pods are Ready` });
};

export const felix: Check = (evidence, expectation) => {
  const told: string[] = [];
  const troubles = shownNodes(evidence, expectation).flatMap(({ name, metrics, faultLines }): Trouble[] => {
    if ("error" in metrics) {
      const running = evidence.calicoNode.pods.some((pod) => pod.node === name && pod.ready);
      return running
        ? [unknown("MetricsUnreadable", `Felix's metrics on ${name} could not be read: ${metrics.error}`)]
        : [no("FelixDown", `Felix on ${name} does not answer (${metrics.error}) and its pod is not Ready${quoted(faultLines, /./)}`)];
    }
    const before = readFelixMetrics(metrics.first);
    const numbers = readFelixMetrics(metrics.second);
    if ("missing" in numbers) return [unknown("MetricsUnreadable", `${name} exports no ${numbers.missing.join(", ")}`)];
    if ("missing" in before) return [unknown("MetricsUnreadable", `${name} exported no ${before.missing.join(", ")} at first`)];
    const { endpoints, dirty, happy, localEndpoints, resyncState, conntrackSweeps } = numbers;
    const shown = `${name}: E/D/H ${endpoints}/${dirty}/${happy}`;
    told.push(shown);
    if (endpoints === 0)
      return [
        no(
          faultLines.some((line) => faults.fallback.test(line)) ? "FellBackToIptables" : "BpfNotInUse",
          `${shown}, so BPF is not in use${quoted(faultLines, faults.fallback)}`,
        ),
      ];
    if (dirty > 0) return [no("DirtyEndpoints", `${shown}: ${dirty} interfaces without their programs${quoted(faultLines, /./)}`)];
    if (happy !== localEndpoints)
      return [no("WorkloadsWithoutPrograms", `${shown}: ${localEndpoints} local endpoints, but programs for ${happy}`)];
    if (resyncState !== 3) return [no("FelixNotInSync", `${shown}: felix_resync_state is ${resyncState}, not 3`)];
    if (conntrackSweeps > before.conntrackSweeps) return [];
    const still = `${shown}: felix_bpf_conntrack_sweeps stayed ${conntrackSweeps} for ${metrics.secondsApart} s`;
    return [
      metrics.secondsApart > SWEEP_SECONDS ? no("ConntrackNotSwept", still) : unknown("SweepsNotShown", `${still}, too short to tell`),
    ];
  });
  return finding("felix", troubles, { reason: "BpfInUse", message: told.join(", ") });
};

/** Calico serves 10256 from v3.27 on. A kube-proxy answers there too, so this says nothing about who does. */
export const proxyHealth: Check = (evidence, expectation) => {
  const [major = 0, minor = 0] = expectation.calicoVersion.replace(/^v/, "").split(".").map(Number);
  if (major < 3 || (major === 3 && minor < 27))
    return finding("healthz-10256", [], { reason: "NotServed", message: `Calico ${expectation.calicoVersion} does not serve 10256` });
  const troubles = shownNodes(evidence, expectation).flatMap(({ name, healthz }): Trouble[] => {
    if ("error" in healthz)
      return [
        /refused/i.test(healthz.error)
          ? no("HealthzRefused", `${name}:10256: ${healthz.error}`)
          : unknown("HealthzUnreadable", `${name}:10256: ${healthz.error}`),
      ];
    if (healthz.status !== 200) return [no("HealthzUnhealthy", `${name}:10256 answers ${healthz.status}: ${healthz.body.slice(0, 200)}`)];
    const times = /"lastUpdated": ?"([^"]+)".*?"currentTime": ?"([^"]+)"/.exec(healthz.body);
    const age = times ? (Date.parse(times[2]!) - Date.parse(times[1]!)) / 1000 : 0;
    return age > HEALTHZ_STALE_SECONDS ? [no("HealthzStale", `${name}:10256 was last updated ${Math.round(age)} s before`)] : [];
  });
  return finding("healthz-10256", troubles, { reason: "HealthzHealthy", message: "10256 is healthy on every node" });
};
