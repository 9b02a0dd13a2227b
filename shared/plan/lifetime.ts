import type { Deployment } from "../spec/deployment";

/** A cluster's time to live: pure, so that every moment of it can be tested. Times are milliseconds since the epoch. */
export const WARNINGS_MINUTES = [60, 10] as const;

type Ttl = Pick<Deployment["ttl"], "defaultSeconds" | "capSeconds">;

export interface Lifetime {
  status: string;
  expiresAt?: string;
  /** RFC 3339: held until released. A held cluster ends at `limitAt` only. */
  heldSince?: string;
  /** RFC 3339: ready plus the deployment's cap. The expiry tags of every resource are past it, so no janitor comes first. */
  limitAt?: string;
  /** Minutes of the warnings that went out for this `expiresAt`. */
  warned?: number[];
}

export type LifetimeAct =
  | { act: "none" }
  /** Tell people, then come back at `next`. */
  | { act: "warn"; minutes: number; next: Date }
  | { act: "rearm"; next: Date }
  | { act: "delete" };

/** A cluster has a life from ready, or from its failure on, until its delete begins. */
export const hasLife = (status: string): boolean => ["Ready", "Replacing", "Degraded", "Failed"].includes(status);

/** What is due now, and when to look again. A schedule that fires early, late or twice does no harm. */
export function dueAct({ status, warned = [], ...life }: Lifetime, now: Date): LifetimeAct {
  const endsAt = endOf(life);
  if (!hasLife(status) || !endsAt) return { act: "none" };
  const end = Date.parse(endsAt);
  if (now.getTime() >= end) return { act: "delete" };
  const minutesLeft = (end - now.getTime()) / 60_000;
  // Only the nearest warning that is due: an extension to 8 minutes does not send two.
  const due = WARNINGS_MINUTES.filter((minutes) => minutesLeft <= minutes).at(-1);
  const next = nextLook(endsAt, now);
  if (due !== undefined && !warned.includes(due)) return { act: "warn", minutes: due, next };
  return { act: "rearm", next };
}

/** When the cluster ends as things stand; a cluster without an end has none. */
export const endOf = ({ expiresAt, heldSince, limitAt }: Omit<Lifetime, "status">): string | undefined =>
  expiresAt && heldSince ? (limitAt ?? expiresAt) : expiresAt;

/** How long a failed create that its caller asked to keep is kept, and to when that can be moved: a wreck always has an end. */
export function wreckLife(ttlSeconds: number | "none", { defaultSeconds, capSeconds }: Ttl, now: Date): { expiresAt: string; limitAt: string } {
  const after = (seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString();
  return { expiresAt: after(ttlSeconds === "none" ? defaultSeconds : ttlSeconds), limitAt: after(capSeconds) };
}

/** What a person is told of a wreck beside why it is one. */
export const wreckAdvice = (name: string, expiresAt: string, nextStep?: string): string =>
  [nextStep, `what was made is kept until ${expiresAt} and then deleted: DELETE /clusters/${name} does it sooner, PATCH later`].filter(Boolean).join("; ");

/** What a person is told beside why a worker has no new machine: the cluster itself goes on. */
export const replacementAdvice = (name: string, node: string, nextStep?: string): string =>
  [nextStep, `the cluster is kept; POST /clusters/${name}/nodes/${node}/replacement tries again`].filter(Boolean).join("; ");

/** The next warning or the end, whichever comes first. */
export function nextLook(endsAt: string, now: Date): Date {
  const end = Date.parse(endsAt);
  const moments = [...WARNINGS_MINUTES.map((minutes) => end - minutes * 60_000), end];
  return new Date(moments.find((moment) => moment > now.getTime()) ?? end);
}
