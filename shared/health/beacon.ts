/**
 * A node tells how far it is by putting one small object for each stage:
 * `clowder/<uid>/beacons/<aws:userid>/<NN>-<stage>.json`, where `aws:userid` is `<role id>:<instance id>`.
 * One ListObjectsV2 shows the progress of all nodes; only a failed beacon's body is read.
 */
export const stages = {
  "control-plane": ["started", "material", "artifacts", "runtime", "control-plane-up", "calico-applied", "registered"],
  node: ["started", "material", "artifacts", "runtime", "registered"],
  "probe-client": ["started", "listening"],
} as const;

/** Sorts last; a node that failed writes nothing after it. */
export const FAILED = "99-failed.json";

export interface FailedBeacon {
  /** Stage that did not end. */
  stage: string;
  /** CamelCase code, such as `ChecksumMismatch`, `PreflightFailed`, `ApiUnreachable`, `JoinRefused`, `StageTimedOut`. */
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

/** Reads progress from object keys alone. Keys that are no beacons are left out. */
export function readProgress(keys: readonly string[]): NodeProgress[] {
  const byInstance = new Map<string, NodeProgress>();
  for (const key of [...keys].sort()) {
    const match = /\/beacons\/[^/:]+:([^/]+)\/(\d\d)-([a-z-]+)\.json$/.exec(key);
    if (!match) continue;
    const [, instanceId, , stage] = match as unknown as [string, string, string, string];
    const progress = byInstance.get(instanceId) ?? { instanceId, stages: [], failed: false };
    if (key.endsWith(FAILED)) Object.assign(progress, { failed: true, failedKey: key });
    else progress.stages.push(stage);
    byInstance.set(instanceId, progress);
  }
  return [...byInstance.values()];
}
