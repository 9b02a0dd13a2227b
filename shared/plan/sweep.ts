import { type Lifetime, endOf } from "./lifetime";

/** What the sweeper knows of one record; `running` is whether its last create or delete execution still runs. */
export interface Swept extends Lifetime {
  createdAt: string;
  running: boolean;
}

export type Finding = "expired" | "create-died" | "delete-died" | undefined;

/** A schedule may fire a minute late, an execution is known a moment after its record: nothing younger is a finding. */
const PATIENCE_MS = 3 * 60_000;

/** What is wrong with a record, if anything. Pure: the sweeper does what follows from it. */
export function findingOf(swept: Swept, now: Date): Finding {
  const { status, running, createdAt } = swept;
  const end = endOf(swept);
  if ((status === "Ready" || status === "Failed") && end && now.getTime() > Date.parse(end) + PATIENCE_MS) return "expired";
  if (running || now.getTime() < Date.parse(createdAt) + PATIENCE_MS) return undefined;
  if (status === "Creating") return "create-died";
  if (status === "Deleting") return "delete-died";
  return undefined;
}

/** uids that carry this deployment's tag on something and that no record knows. */
export const orphansAmong = (tagged: readonly string[], known: readonly string[]): string[] =>
  [...new Set(tagged)].filter((uid) => !known.includes(uid)).sort();
