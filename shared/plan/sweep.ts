import { type Lifetime, endOf, hasLife } from "./lifetime";

/** What the sweeper knows of one record. */
export interface Swept extends Lifetime {
  createdAt: string;
  readyAt?: string;
  replacement?: { at: string };
  /** Whether its last create or delete execution still runs. */
  running: boolean;
  /** Whether EC2 shows an instance of it that is not ended; absent where nobody looked. */
  machines?: boolean;
}

/** `delete-lost`: it failed, the create is over, and nothing says when it ends. */
export type Finding = "expired" | "create-died" | "replacement-died" | "delete-died" | "delete-lost" | "resources-gone" | undefined;

/** A schedule may fire a minute late, an execution is known a moment after its record: nothing younger is a finding. */
const PATIENCE_MS = 3 * 60_000;

/** What is wrong with a record, if anything. Pure: the sweeper does what follows from it. */
export function findingOf(swept: Swept, now: Date): Finding {
  const { status, running, createdAt, readyAt = createdAt, machines, replacement } = swept;
  const end = endOf(swept);
  if (hasLife(status) && end && now.getTime() > Date.parse(end) + PATIENCE_MS) return "expired";
  if ((status === "Ready" || status === "Degraded") && machines === false && now.getTime() > Date.parse(readyAt) + PATIENCE_MS) return "resources-gone";
  if (running || now.getTime() < Date.parse(replacement?.at ?? createdAt) + PATIENCE_MS) return undefined;
  if (status === "Creating") return "create-died";
  if (status === "Replacing") return "replacement-died";
  if (status === "Deleting") return "delete-died";
  if (status === "Failed" && !end) return "delete-lost";
  return undefined;
}

/** Whether only Step Functions can tell what is wrong with a record, if anything is. */
export const needsExecution = ({ status, ...life }: Lifetime): boolean =>
  status === "Creating" || status === "Replacing" || status === "Deleting" || (status === "Failed" && !endOf(life));

/** So long after its delete AWS may still show the tags of what is gone. */
const AFTERGLOW_MS = 3600_000;

/** A deleted cluster's record says that nothing is left: what shows later is known to no record. */
export const vouchesFor = ({ status, deletedAt }: { status: string; deletedAt?: string }, now: Date): boolean =>
  status !== "Deleted" || now.getTime() < Date.parse(deletedAt ?? "") + AFTERGLOW_MS;

/** uids that carry this deployment's tag on something and that no record knows. */
export const orphansAmong = (tagged: readonly string[], known: readonly string[]): string[] =>
  [...new Set(tagged)].filter((uid) => !known.includes(uid)).sort();
