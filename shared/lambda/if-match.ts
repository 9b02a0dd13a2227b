import { ChangedMeanwhile } from "../errors";
import type { ClusterRecord } from "../registry/cluster-record";
import { etagOf } from "../registry/cluster-view";

/** @throws ChangedMeanwhile when `If-Match` asks for another state than the record's (RFC 9110, 13.1.1). */
export function mustMatch(headers: Record<string, string>, record: ClusterRecord): void {
  const asked = headers["if-match"];
  if (asked && asked !== "*" && asked !== etagOf(record)) throw new ChangedMeanwhile(`${record.name} is at ${etagOf(record)} by now`);
}
