/**
 * What the collector on the control plane saw, raw: object `clowder/<uid>/evidence/<aws:userid>/latest.json`.
 * It says what was seen and never what it means; `judge` decides. Text is as the component printed it, cut to the lines named.
 */
export interface Evidence {
  schema: "clowder.evidence/v1";
  uid: string;
  nonce: string;
  startedAt: string;
  endedAt: string;
  /** Who collected, in words that a person reads: `clowder collector on ip-…`, or that a simulated machine did. */
  collectedBy: string;
  desired: DesiredState;
  kubeProxy: { daemonSets: string[]; pods: string[] };
  calicoNode: CalicoNodeDaemonSet;
  nodes: NodeEvidence[];
  traffic: TrafficEvidence;
}

export interface DesiredState {
  /** FelixConfiguration specs by name: `default` and `node.<name>`. */
  felixConfigurations: Record<string, Record<string, unknown>>;
  /** FELIX_* of the calico-node DaemonSet: environment beats every FelixConfiguration. */
  calicoNodeEnvironment: Record<string, string>;
  ipPools: { name: string; cidr: string; vxlanMode: string; ipipMode: string }[];
  servicesEndpoint: { host: string; port: string } | null;
}

export interface CalicoNodeDaemonSet {
  desired: number;
  updated: number;
  ready: number;
  pods: { name: string; node: string; ready: boolean; restarts: number; image: string; waiting?: string }[];
}

export interface NodeEvidence {
  name: string;
  ready: boolean;
  networkUnavailable: boolean | null;
  internalAddress: string;
  kernel: string;
  /** `felix_bpf_*`, `felix_resync_state`, `felix_active_local_endpoints`: two reads, `secondsApart` apart. */
  metrics: { first: string; second: string; secondsApart: number } | { error: string };
  healthz: { status: number; body: string } | { error: string };
  /** Lines of calico-node's log that name a BPF fault. */
  faultLines: string[];
}

export interface TrafficEvidence {
  client: { instanceId: string; address: string } | null;
  /** Entered from the client, outside Calico, at `enteredAt`, with the only backend on `backendNode`. */
  nodePort: PathProbe[];
  /** From a pod on `enteredAt` to the ClusterIP whose only backend is on `backendNode`. */
  podToService: PathProbe[];
  /** From a pod on each node: the answer to `kubernetes.default.svc`. */
  dns: { node: string; ok: boolean; error?: string }[];
  /** The same NodePorts while a deny policy selects the backends: must fail. Then after its removal: must answer. */
  negativeControl: { denied: PathProbe[]; restored: PathProbe[] } | null;
  error?: string;
}

export interface PathProbe {
  enteredAt: string;
  backendNode: string;
  /** Fresh connections, after the backend had settled. */
  attempts: { ok: boolean; seconds: number; clientAddress?: string; error?: string }[];
}

/** What the plan and the ledger say should be seen; evidence itself is never asked for it. */
export interface Expectation {
  uid: string;
  nonce: string;
  nodes: string[];
  clientInstanceId: string;
  clientAddress: string;
  externalServiceMode: "Tunnel" | "DSR";
  /** Of every IPPool; not looked at where absent. */
  vxlanMode?: "Always" | "CrossSubnet" | "Never";
  calicoVersion: string;
  now: Date;
  /** Seconds, 120: older evidence is Unknown. */
  maxAgeSeconds: number;
  /** When a worker was last to have a new machine: a round that began before it is Unknown too. */
  notBefore?: Date;
}

export interface Verdict {
  status: "True" | "False" | "Unknown";
  /** CamelCase, the first check that failed; `TrafficProved` when all hold. */
  reason: string;
  message: string;
  /** Every check in order, weak to strong. */
  checks: { check: string; status: "True" | "False" | "Unknown"; message: string }[];
}
