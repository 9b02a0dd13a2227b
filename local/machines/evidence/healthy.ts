import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Evidence, PathProbe } from "../../../shared/health/evidence";

/** The cluster that a simulated control plane speaks of; only what no sample can know. */
export interface EvidenceCluster {
  uid: string;
  nonce: string;
  nodes: { name: string; address: string }[];
  client: { instanceId: string; address: string };
  now: Date;
  /** When the round began; 25 s before its end where absent, as the recorded one. */
  startedAt?: Date;
  collectedBy: string;
  externalServiceMode?: "Tunnel" | "DSR";
  vxlanMode?: "Always" | "CrossSubnet" | "Never";
  podCidr?: string;
  endpoint?: string;
}

/** Samples as a real Calico v3.31.4 printed them on a 6.18 kernel, cut to the lines that evidence carries. */
export const recorded = (file: string): string => readFileSync(join(__dirname, "recorded", file), "utf8");

/** One number of a sample replaced. */
export const withMetric = (text: string, name: string, value: number): string =>
  text.replace(new RegExp(`^${name} .*$`, "m"), `${name} ${value}`);

const ATTEMPTS = 10;
export const answered = (seconds: number, clientAddress?: string): PathProbe["attempts"] =>
  Array.from({ length: ATTEMPTS }, () => ({ ok: true, seconds, ...(clientAddress && { clientAddress }) }));
export const failed = (error: string, seconds = 1.5): PathProbe["attempts"] =>
  Array.from({ length: ATTEMPTS }, () => ({ ok: false, seconds, error }));

/** Every healthy value there is: metrics and 10256 as recorded, the second read one sweep later, traffic as the tables say. */
export function healthyEvidence(cluster: EvidenceCluster): Evidence {
  const { uid, nonce, nodes, client, now, collectedBy } = cluster;
  const metrics = recorded("healthy-metrics.txt");
  const sweeps = Number(/^felix_bpf_conntrack_sweeps (\d+)/m.exec(metrics)?.[1]);
  const names = nodes.map(({ name }) => name);
  const ways = names.flatMap((enteredAt) => names.map((backendNode) => ({ enteredAt, backendNode })));
  const across = ways.filter(({ enteredAt, backendNode }) => names.length === 1 || enteredAt !== backendNode);
  const entered = (): PathProbe[] => ways.map((way) => ({ ...way, attempts: answered(0.004, client.address) }));
  return {
    schema: "clowder.evidence/v1",
    uid,
    nonce,
    startedAt: (cluster.startedAt ?? new Date(now.getTime() - 25_000)).toISOString(),
    endedAt: now.toISOString(),
    collectedBy,
    desired: {
      felixConfigurations: {
        default: { bpfEnabled: true, bpfExternalServiceMode: cluster.externalServiceMode ?? "DSR", prometheusMetricsEnabled: true },
      },
      calicoNodeEnvironment: {},
      ipPools: [
        {
          name: "default-ipv4-ippool",
          cidr: cluster.podCidr ?? "192.168.0.0/16",
          vxlanMode: cluster.vxlanMode ?? "Always",
          ipipMode: "Never",
        },
      ],
      servicesEndpoint: { host: cluster.endpoint ?? nodes[0]?.address ?? "", port: "6443" },
    },
    kubeProxy: { daemonSets: [], pods: [] },
    calicoNode: {
      desired: nodes.length,
      updated: nodes.length,
      ready: nodes.length,
      pods: names.map((node, index) => ({
        name: `calico-node-${index + 1}`,
        node,
        ready: true,
        restarts: 0,
        image: "quay.io/calico/node:v3.31.4",
      })),
    },
    nodes: nodes.map(({ name, address }) => ({
      name,
      ready: true,
      networkUnavailable: false,
      internalAddress: address,
      kernel: "6.18.0",
      metrics: { first: metrics, second: withMetric(metrics, "felix_bpf_conntrack_sweeps", sweeps + 1), secondsApart: 12 },
      healthz: { status: 200, body: recorded("healthy-10256.txt").split("\n\n").at(-1)!.trim() },
      faultLines: [],
    })),
    traffic: {
      client,
      nodePort: entered(),
      podToService: across.map((way) => ({ ...way, attempts: answered(0.003) })),
      dns: names.map((node) => ({ node, ok: true })),
      negativeControl: { denied: ways.map((way) => ({ ...way, attempts: failed("timed out", 1.2) })), restored: entered() },
    },
  };
}
