import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import type { Taint } from "../spec/manifest";
import type { Audit } from "./audit";
import type { ConditionChange } from "./conditions";

type Status = Pick<ConditionChange, "status" | "reason" | "message">;
type AuditedNode = Audit["nodes"][number];

/** What each control plane saw, by its instance's key; undefined where one has written nothing that can be believed. */
export type Audits = Record<string, Audit | undefined>;

/**
 * Whether every planned node and API server is as the manifest asked: labels, taints, versions, runtime, kubelet's settings, the API
 * server's flags, encryption. `names` are the nodes' names by instance key. Pure.
 */
export function judgeAsAsked(plan: ClusterPlan, names: Record<string, string>, audits: Audits): Status {
  const unseen = Object.entries(audits).filter(([, audit]) => !audit);
  const nodes = newest(audits)?.nodes;
  if (!nodes || unseen.length > 0)
    return { status: "Unknown", reason: "AuditMissing", message: `no fresh audit by ${unseen.map(([key]) => key).join(", ") || "a control plane"}` };
  const differences = [
    ...plan.instances.flatMap((instance) => nodeDifferences(plan, instance, nodes.find(({ name }) => name === names[instance.key]))),
    ...Object.entries(audits).flatMap(([key, audit]) => (audit ? apiServerDifferences(plan, key, audit) : [])),
  ];
  if (differences.length > 0) return { status: "False", reason: "Differs", message: differences.join("; ") };
  return { status: "True", reason: "AsAsked", message: `${plan.instances.length} nodes and ${Object.keys(audits).length} API servers are as the manifest asked` };
}

/** Whether what was applied beside Kubernetes and Calico runs. A cluster is Ready without it. Pure. */
export function judgeAddOns(wanted: { kind: string; name: string }[], audits: Audits): Status {
  if (wanted.length === 0) return { status: "True", reason: "NoneAsked", message: "no add-on was asked for" };
  const audit = newest(audits);
  if (!audit) return { status: "Unknown", reason: "AuditMissing", message: "no fresh audit by a control plane" };
  const waiting = audit.nodes.filter(({ taints }) => taints.some(({ key }) => key === "node.cloudprovider.kubernetes.io/uninitialized"));
  if (waiting.length > 0)
    return { status: "False", reason: "NodesUninitialized", message: `the cloud controller has not seen ${waiting.map(({ name }) => name).join(", ")}: nothing is scheduled there` };
  const down = wanted.flatMap(({ kind, name }) => {
    const found = audit.addOns.find((addOn) => addOn.kind === kind && addOn.name === name);
    if (!found) return [`${name} is not there`];
    return found.wanted > 0 && found.ready >= found.wanted ? [] : [`${name}: ${found.ready} of ${found.wanted} ready`];
  });
  if (down.length > 0) return { status: "False", reason: "NotReady", message: down.join("; ") };
  return { status: "True", reason: "Ready", message: wanted.map(({ name }) => name).join(", ") };
}

const newest = (audits: Audits): Audit | undefined =>
  Object.values(audits).reduce((latest, audit) => (audit && (!latest || Date.parse(audit.at) > Date.parse(latest.at)) ? audit : latest), undefined);

function nodeDifferences(plan: ClusterPlan, { key, nodeLabels, taints }: InstancePlan, node: AuditedNode | undefined): string[] {
  if (!node) return [`${key} is no node of the cluster`];
  const differs = (what: string, got: unknown, asked: unknown) => (got === asked ? [] : [`${key}: ${what} is ${String(got)}, not ${String(asked)}`]);
  return [
    ...Object.entries(nodeLabels).flatMap(([label, value]) => differs(`label ${label}`, node.labels[label], value)),
    ...taints.filter((asked) => !node.taints.some((got) => sameTaint(got, asked))).map((asked) => `${key}: lacks the taint ${asked.key}:${asked.effect}`),
    ...differs("kubelet", node.kubeletVersion, `v${plan.kubernetesVersion}`),
    ...differs("the runtime", node.runtime.split(":")[0], plan.containerRuntime),
    ...kubeletDifferences(plan, key, node.kubelet),
  ];
}

const sameTaint = (got: AuditedNode["taints"][number], asked: Taint): boolean =>
  got.key === asked.key && got.effect === asked.effect && (got.value ?? "") === (asked.value ?? "");

interface RunningKubelet {
  authentication?: { anonymous?: { enabled?: boolean } };
  authorization?: { mode?: string };
  clusterDNS?: string[];
  clusterDomain?: string;
  error?: unknown;
}

function kubeletDifferences({ kubernetes }: ClusterPlan, key: string, running: Record<string, unknown>): string[] {
  const { authentication, authorization, clusterDNS, clusterDomain, error } = running as RunningKubelet;
  if (error !== undefined) return [`${key}: kubelet did not tell its settings: ${String(error)}`];
  const settings: [string, unknown, unknown][] = [
    ["anonymousAuth", authentication?.anonymous?.enabled, kubernetes.anonymousAuth],
    ["authorization.mode", authorization?.mode, "Webhook"],
    ["clusterDNS", clusterDNS?.join(), kubernetes.clusterDns],
    ["clusterDomain", clusterDomain, kubernetes.clusterDomain],
  ];
  return settings.filter(([, got, asked]) => got !== asked).map(([name, got, asked]) => `${key}: kubelet's ${name} is ${String(got)}, not ${String(asked)}`);
}

function apiServerDifferences({ kubernetes }: ClusterPlan, key: string, { apiServer, encryptedWrites }: Audit): string[] {
  const encryption = apiServer["encryption-provider-config"];
  return [
    ...(apiServer["authorization-mode"] === "Node,RBAC" ? [] : [`${key}: the API server authorizes by ${apiServer["authorization-mode"]}, not Node,RBAC`]),
    ...(apiServer["service-cluster-ip-range"] === kubernetes.serviceCidr
      ? []
      : [`${key}: the API server's service range is ${apiServer["service-cluster-ip-range"]}, not ${kubernetes.serviceCidr}`]),
    ...(kubernetes.encryptSecrets && !encryption ? [`${key}: the API server does not encrypt Secrets`] : []),
    ...(!kubernetes.encryptSecrets && encryption ? [`${key}: the API server encrypts Secrets, which was not asked`] : []),
    ...(kubernetes.encryptSecrets && encryption && !encryptedWrites ? [`${key}: no Secret was written encrypted`] : []),
  ];
}
