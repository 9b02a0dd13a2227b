import type { Manifest } from "../spec/manifest";
import type { GroupKey, RulePlan, SecurityGroupPlan } from "./cluster-plan";

/** Where the probe client listens for what it is to probe. */
export const PROBE_PORT = 8099;
/** Where kubeadm's API server listens; kOps' own listens on 443. */
const API_PORT = 6443;
/** The API server's default `--service-node-port-range`. */
const NODE_PORTS: [number, number] = [30000, 32767];
/** kOps keeps nodes from its etcd's ports: 2380 and 2381 between peers, 4001 and 4002 for clients. */
const NOT_ETCD: [number, number][] = [[1, 2379], [2382, 4000], [4003, 65535]];

/**
 * The rules that kOps opens (its pkg/model/awsmodel: firewall.go, external_access.go, api_loadbalancer.go), with its API port
 * replaced by kubeadm's, and those of the probe client. A rule that is asked for twice is planned once: EC2 refuses the second.
 */
export function planSecurityGroups(manifest: Manifest): SecurityGroupPlan[] {
  const groups: SecurityGroupPlan[] = [
    group("control-plane", `masters.${manifest.name}`, "Security group for masters", controlPlaneRules(manifest)),
    group("node", `nodes.${manifest.name}`, "Security group for nodes", nodeRules(manifest)),
    group("probe-client", `probe-client.${manifest.name}`, "Security group for the probe client", [
      tcp(PROBE_PORT, { group: "control-plane" }, "the collector asks the client to probe"),
    ]),
  ];
  if (manifest.loadBalancer.class === "Network") return groups;
  return [...groups, group("api-elb", `api-elb.${manifest.name}`, "Security group for api ELB", apiAccess(manifest, 443))];
}

function controlPlaneRules(manifest: Manifest): RulePlan[] {
  const ofNodes = { group: "node" } as const;
  return [
    all("control-plane", "control plane to control plane"),
    ...NOT_ETCD.map((ports) => tcp(ports, ofNodes, "node to control plane, without etcd")),
    { protocol: "udp", fromPort: 1, toPort: 65535, from: ofNodes, description: "node to control plane" },
    { protocol: "4", from: ofNodes, description: "node to control plane, IP in IP" },
    ...ssh(manifest),
    ...(manifest.loadBalancer.class === "Classic"
      ? [tcp(API_PORT, { group: "api-elb" }, "load balancer to API server")]
      : [...apiAccess(manifest, API_PORT), tcp(API_PORT, { cidr: manifest.networkCidr }, "load balancer and its health checks")]),
    probes(),
  ].filter(first);
}

function nodeRules(manifest: Manifest): RulePlan[] {
  return [
    all("node", "node to node"),
    all("control-plane", "control plane to node"),
    ...ssh(manifest),
    ...manifest.nodePortAccess.flatMap((cidr) =>
      ["tcp", "udp"].map((protocol) => ({ ...tcp(NODE_PORTS, { cidr }, "nodePortAccess"), protocol })),
    ),
    probes(),
  ].filter(first);
}

const group = (key: GroupKey, name: string, description: string, ingress: RulePlan[]): SecurityGroupPlan => ({
  key,
  name,
  description,
  ingress,
});

const all = (from: GroupKey, description: string): RulePlan => ({ protocol: "-1", from: { group: from }, description });

function tcp(ports: number | [number, number], from: RulePlan["from"], description: string): RulePlan {
  const [fromPort, toPort] = typeof ports === "number" ? [ports, ports] : ports;
  return { protocol: "tcp", fromPort, toPort, from, description };
}

const ssh = ({ sshAccess }: Manifest): RulePlan[] => sshAccess.map((cidr) => tcp(22, { cidr }, "sshAccess"));

const probes = (): RulePlan => tcp(NODE_PORTS, { group: "probe-client" }, "traffic probes from outside Calico");

/** ICMP's "ports" are a type and a code: 3 and 4 is "fragmentation needed" (RFC 792), without which path MTU discovery hangs. */
const apiAccess = ({ kubernetesApiAccess }: Manifest, port: number): RulePlan[] =>
  kubernetesApiAccess.flatMap((cidr) => [
    tcp(port, { cidr }, "kubernetesApiAccess"),
    { protocol: "icmp", fromPort: 3, toPort: 4, from: { cidr }, description: "path MTU discovery" },
  ]);

function first(rule: RulePlan, index: number, rules: RulePlan[]): boolean {
  const identity = ({ protocol, fromPort, toPort, from }: RulePlan) => JSON.stringify([protocol, fromPort, toPort, from]);
  return rules.findIndex((other) => identity(other) === identity(rule)) === index;
}
