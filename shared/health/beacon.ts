import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";

/**
 * A node tells how far it is by putting one small object for each stage:
 * `clowder/<uid>/beacons/<aws:userid>/<NN>-<stage>.json`, where `aws:userid` is `<role id>:<instance id>`.
 * One ListObjectsV2 shows the progress of all nodes; only a failed beacon's body is read.
 */
export const stages = {
  "control-plane": ["started", "material", "artifacts", "runtime", "control-plane-up", "calico-applied", "add-ons-applied", "registered"],
  node: ["started", "material", "artifacts", "runtime", "registered"],
  "probe-client": ["started", "listening"],
} as const;

type ScriptRole = keyof typeof stages;
type Stage<Role extends ScriptRole> = (typeof stages)[Role][number];

/** Seconds that the stub gives its own stage. */
const STARTED = 180;
/** Seconds from RunInstances until the stub's stage begins: the machine boots, and its new role is tried until AWS knows it. */
const BEFORE_STARTED = 240;

/** Seconds that a script gives each stage; a worker's last one waits for the control plane. */
const LIMITS: { [Role in ScriptRole]: Record<Stage<Role>, number> } = {
  "control-plane": { started: STARTED, material: 180, artifacts: 600, runtime: 300, "control-plane-up": 420, "calico-applied": 240, "add-ons-applied": 120, registered: 120 },
  node: { started: STARTED, material: 180, artifacts: 600, runtime: 300, registered: 900 },
  "probe-client": { started: STARTED, listening: 120 },
};

/** Limits of a role's script by stage, without the stub's own. None is longer than the deployment waits for all nodes together. */
export function stageLimits({ waits }: Pick<ClusterPlan, "waits">, role: ScriptRole): Record<string, number> {
  const { started: _stubs, ...ofScript } = LIMITS[role];
  return Object.fromEntries(Object.entries(ofScript).map(([stage, seconds]) => [stage, Math.min(seconds, waits.nodes)]));
}

/**
 * The stage that a machine is in after the one it last told, and the seconds within which it says how that ended, counted from its last
 * word or from its launch. Control planes come up one after the other.
 */
export function stageAfter(
  plan: Pick<ClusterPlan, "waits" | "kubernetes">,
  { role, privateAddress }: Pick<InstancePlan, "role" | "privateAddress">,
  told: string | undefined,
): { stage: string; seconds: number } {
  const all: readonly string[] = stages[role];
  const stage = all[told === undefined ? 0 : all.indexOf(told) + 1] ?? all.at(-1)!;
  if (stage === "started") return { stage, seconds: BEFORE_STARTED + STARTED };
  const turn = stage === "control-plane-up" ? plan.kubernetes.controlPlaneAddresses.indexOf(privateAddress ?? "") + 1 : 1;
  return { stage, seconds: stageLimits(plan, role)[stage]! * Math.max(1, turn) };
}

/** Sorts last; a node that failed writes nothing after it. */
export const FAILED = "99-failed.json";

export interface FailedBeacon {
  /** Stage that did not end. */
  stage: string;
  /** CamelCase code, one of `node-reasons.ts`. */
  reason: string;
  message: string;
  /** Last lines of the node's log, secrets removed. */
  logTail: string[];
  at: string;
}

export interface NodeProgress {
  instanceId: string;
  /** Stages reached, in order. */
  stages: string[];
  failed: boolean;
  /** Object key of the failed beacon. */
  failedKey?: string;
}

/** Instance, number and stage that a beacon's key says; undefined for a key of something else. */
export function parseBeaconKey(key: string): { instanceId: string; name: string; stage: string } | undefined {
  const [, instanceId, name, stage] = /\/beacons\/[^/:]+:([^/]+)\/(\d\d-([a-z-]+)\.json)$/.exec(key) ?? [];
  return instanceId && name && stage ? { instanceId, name, stage } : undefined;
}

/** Reads progress from object keys alone. Keys that are no beacons are left out. */
export function readProgress(keys: readonly string[]): NodeProgress[] {
  const byInstance = new Map<string, NodeProgress>();
  for (const key of [...keys].sort()) {
    const beacon = parseBeaconKey(key);
    if (!beacon) continue;
    const { instanceId, name, stage } = beacon;
    const progress = byInstance.get(instanceId) ?? { instanceId, stages: [], failed: false };
    if (name === FAILED) Object.assign(progress, { failed: true, failedKey: key });
    else progress.stages.push(stage);
    byInstance.set(instanceId, progress);
  }
  return [...byInstance.values()];
}
