import type { Case } from "./cases";

/** What was seen of one cluster after its last deed. */
export interface Seen {
  /** Whether its create ended ready. */
  ready: boolean;
  /** Status of the record at the end; absent where no record is. */
  status?: string;
  /** The record has a signed certificate of deletion. */
  certified: boolean;
  /** A POST that was refused or given up made nothing, so there is nothing to certify. */
  neverBegun: boolean;
  /** Why the delete said LeakSuspected before it was sent again. */
  leakSuspected?: string | undefined;
  /** Of the inventory: what is there now and was not, and what was and is not. */
  left: string[];
  missing: string[];
  /** Ran into the time limit of the case. */
  hangs?: string;
  /** Code of the failure that the record tells. */
  failure?: string;
}

export type Outcome = "ready" | "failed and gone" | "leftover" | "not met";

export interface Verdict {
  outcome: Outcome;
  /** Why it is a leftover. */
  why?: string;
}

/**
 * `met` says whether the fault was met at all. Only a refusal that lasts may make the delete suspect a leak: nothing can be deleted
 * without a permission, and the record says which.
 */
export function verdictOf({ kind, phase }: Pick<Case, "kind" | "phase">, met: boolean, seen: Seen): Verdict {
  const why = [
    seen.hangs,
    ...(seen.left.length ? [`left: ${seen.left.join(", ")}`] : []),
    ...(seen.missing.length ? [`taken away: ${seen.missing.join(", ")}`] : []),
    ...(seen.leakSuspected && kind !== "refused" ? [`a leak was suspected without cause: ${seen.leakSuspected}`] : []),
    ...(!seen.neverBegun && seen.status !== "Deleted" ? [`the record says ${seen.status ?? "nothing"}`] : []),
    ...(!seen.neverBegun && !seen.certified ? ["no certificate"] : []),
  ].filter(Boolean);
  if (why.length) return { outcome: "leftover", why: why.join("; ") };
  if (!met) return { outcome: "not met" };
  const failed = phase === "delete" ? seen.leakSuspected !== undefined : !seen.ready;
  return { outcome: failed ? "failed and gone" : "ready" };
}
