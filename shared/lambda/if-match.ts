import { ChangedMeanwhile, EpochPassed } from "../errors";
import type { ClusterRecord } from "../registry/cluster-record";
import { etagOf } from "../registry/cluster-view";

/** @throws ChangedMeanwhile when `If-Match` asks for another state than the record's (RFC 9110, 13.1.1). */
export function mustMatch(headers: Record<string, string>, record: ClusterRecord): void {
  const asked = headers["if-match"];
  if (asked && asked !== "*" && asked !== etagOf(record)) throw new ChangedMeanwhile(`${record.name} is at ${etagOf(record)} by now`);
}

/** Catches the failure of a write that expects the generation that was read. @throws ChangedMeanwhile where somebody else's came first, and the error otherwise */
export const changedSince =
  ({ name }: ClusterRecord) =>
  (error: unknown): never => {
    if (error instanceof EpochPassed) throw new ChangedMeanwhile(`${name} was changed at the same moment`, { cause: error });
    throw error;
  };
