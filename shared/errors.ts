/**
 * The vocabulary that Lambdas, state machines and the HTTP layer share. Every class carries a literal `name`,
 * because Step Functions matches `Retry` and `Catch` on it and minifiers rename classes.
 * `blame` says who can mend it: the user, time (retry), or us.
 */
export type Blame = "user" | "transient" | "clowder";

/** One mistake in what was asked: where it is and what would be right. `path` is a dotted path, `""` for the whole. */
export interface Problem {
  path: string;
  message: string;
}

export abstract class ClowderError extends Error {
  abstract override readonly name: string;
  abstract readonly blame: Blame;
  /** HTTP status where this error answers a request. */
  readonly status: number = 500;
  /** What a person can do next, in one sentence. */
  readonly nextStep?: string;
  /** Last lines of a node's log or console, secrets removed. */
  readonly logTail?: string[];
  /** Seconds until asking again makes sense: `Retry-After`. */
  readonly retryAfterSeconds?: number;
  constructor(message: string, options?: { cause?: unknown; nextStep?: string; logTail?: string[]; retryAfterSeconds?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    if (options?.nextStep) this.nextStep = options.nextStep;
    if (options?.logTail) this.logTail = options.logTail;
    if (options?.retryAfterSeconds) this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The manifest or a query parameter cannot be built; `problems` names every mistake at once. */
export class InvalidManifest extends ClowderError {
  override readonly name = "InvalidManifest";
  readonly blame = "user";
  override readonly status = 422;
  constructor(readonly problems: Problem[]) {
    super(`${problems.length} ${problems.length === 1 ? "problem" : "problems"} in the manifest`);
  }
}
/** A change of a cluster's life that cannot be made; `problems` names every mistake at once. */
export class InvalidChange extends ClowderError {
  override readonly name = "InvalidChange";
  readonly blame = "user";
  override readonly status = 422;
  constructor(readonly problems: Problem[]) {
    super(problems.map(({ path, message }) => `${path}: ${message}`).join("; "));
  }
}
/** `If-Match` names another state of the cluster than the present one (RFC 9110, 13.1.1). */
export class ChangedMeanwhile extends ClowderError {
  override readonly name = "ChangedMeanwhile";
  readonly blame = "user";
  override readonly status = 412;
}
/** The body is not YAML or JSON that can be read at all. */
export class UnreadableBody extends ClowderError {
  override readonly name = "UnreadableBody";
  readonly blame = "user";
  override readonly status = 400;
}
/** The body is over the limit of 256 KB. */
export class BodyTooLarge extends ClowderError {
  override readonly name = "BodyTooLarge";
  readonly blame = "user";
  override readonly status = 413;
}
/** What was asked for is more than a cluster's record can hold; the message names the largest parts. */
export class PlanTooLarge extends ClowderError {
  override readonly name = "PlanTooLarge";
  readonly blame = "user";
  override readonly status = 413;
}
/** A cluster of that name exists: ours, or one that kOps or somebody else made. */
export class ClusterExists extends ClowderError {
  override readonly name = "ClusterExists";
  readonly blame = "user";
  override readonly status = 409;
}
export class ClusterNotFound extends ClowderError {
  override readonly name = "ClusterNotFound";
  readonly blame = "user";
  override readonly status = 404;
}
/** The cluster has no such node; the message names those that it has. */
export class NodeNotFound extends ClowderError {
  override readonly name = "NodeNotFound";
  readonly blame = "user";
  override readonly status = 404;
}
/** The caller is neither the cluster's owner nor an administrator of the deployment. */
export class NotYours extends ClowderError {
  override readonly name = "NotYours";
  readonly blame = "user";
  override readonly status = 403;
}
/** The cluster is in a state in which this cannot be done, such as a kubeconfig before the control plane answers. */
export class NotNow extends ClowderError {
  override readonly name = "NotNow";
  readonly blame = "user";
  override readonly status = 409;
}
/** Delete raised the epoch, or the name has a new uid: whoever sees this makes nothing more. */
export class EpochPassed extends ClowderError {
  override readonly name = "EpochPassed";
  readonly blame = "clowder";
  override readonly status = 409;
}
/** The bucket's name belongs to another account, or to one of the caller's that the deployment does not allow. */
export class BucketTaken extends ClowderError {
  override readonly name = "BucketTaken";
  readonly blame = "user";
  override readonly status = 409;
}
export class ImageNotFound extends ClowderError {
  override readonly name = "ImageNotFound";
  readonly blame = "user";
  override readonly status = 422;
  readonly problems: Problem[];
  constructor(message: string, { problems = [] }: { problems?: Problem[] } = {}) {
    super(message);
    this.problems = problems;
  }
}
/** AWS refuses the service's own role, or would: `message` names the action, `problems` each step that lacks something. */
export class PermissionMissing extends ClowderError {
  override readonly name = "PermissionMissing";
  readonly blame = "clowder";
  readonly problems: Problem[];
  constructor(message: string, { problems = [], ...options }: ConstructorParameters<typeof ClowderError>[1] & { problems?: Problem[] } = {}) {
    super(message, options);
    this.problems = problems;
  }
}
/** A service quota is used up. */
export class QuotaExceeded extends ClowderError {
  override readonly name = "QuotaExceeded";
  readonly blame = "user";
}
/** EC2 has no such machine free in the zone at the moment. */
export class CapacityMissing extends ClowderError {
  override readonly name = "CapacityMissing";
  readonly blame = "transient";
}
/** Throttled, 5xx, or not yet visible: the state machine retries it. */
export class TryAgain extends ClowderError {
  override readonly name = "TryAgain";
  readonly blame = "transient";
  override readonly status = 503;
}
/** More than one thing carries the tags of one planned thing and none may be chosen. */
export class Ambiguous extends ClowderError {
  override readonly name = "Ambiguous";
  readonly blame = "clowder";
}
/** AWS refused a call for a reason no other class covers; the cause keeps AWS's code. */
export class AwsRefused extends ClowderError {
  override readonly name = "AwsRefused";
  readonly blame = "clowder";
}
/** Which machine, at which stage of its own, and why: a code of `shared/health/node-reasons.ts`. */
export interface NodeFault {
  node: string;
  nodeStage: string;
  reason: string;
}
/** What failed on a machine, who can mend it and how; the message says the same in words. */
abstract class NodeError extends ClowderError {
  readonly blame: Blame;
  readonly fault?: NodeFault;
  constructor(message: string, options?: { blame?: Blame; fault?: NodeFault; nextStep?: string; logTail?: string[] }) {
    super(message, options);
    this.blame = options?.blame ?? "clowder";
    if (options?.fault) this.fault = options.fault;
  }
}
/** A node says that its bootstrap failed, by beacon or on its console, or is silent past its stage's limit, or EC2 ended it. */
export class NodeFailed extends NodeError {
  override readonly name = "NodeFailed";
}
/** Time ran out before every node registered. */
export class NodesNotJoined extends NodeError {
  override readonly name = "NodesNotJoined";
}
/** The evidence shows that Calico's eBPF data plane does not carry traffic; the message has the condition's reason. */
export class DataPlaneUnhealthy extends ClowderError {
  override readonly name = "DataPlaneUnhealthy";
  readonly blame = "clowder";
}
/** Time ran out and the evidence was missing, stale or Unknown. */
export class DataPlaneUnproved extends ClowderError {
  override readonly name = "DataPlaneUnproved";
  readonly blame = "clowder";
}
/** Calico never came up: its images could not be had. */
export class CalicoUnavailable extends ClowderError {
  override readonly name = "CalicoUnavailable";
  readonly blame = "clowder";
}
/** A delete's time is up; the message names each thing that is still there and what holds it. */
export class StillThere extends ClowderError {
  override readonly name = "StillThere";
  readonly blame = "clowder";
}
