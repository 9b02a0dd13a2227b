import type { ClusterRecord, LedgerEntry } from "./cluster-record";

/** What `GET /clusters` tells of each. */
export type ClusterSummary = Pick<ClusterRecord, "name" | "uid" | "region" | "owner" | "status" | "createdAt"> &
  Partial<Pick<ClusterRecord, "versions" | "readyAt" | "expiresAt" | "heldSince" | "limitAt" | "deletedAt" | "apiEndpoint">> & { secondsToReady?: number };

/** What `GET /clusters/{name}` tells: the record without what only the machines need. */
export type ClusterView = ClusterSummary &
  Pick<ClusterRecord, "conditions" | "timeline" | "warnings"> &
  Partial<Pick<ClusterRecord, "generation" | "replacement" | "failure" | "nodes" | "dataPlane" | "caCertificate" | "notifications">> & {
    resources: { resource: string; state: LedgerEntry["state"]; id?: string }[];
  };

export function clusterSummary(record: ClusterRecord): ClusterSummary {
  const { name, uid, region, owner, status, createdAt, versions, readyAt, deletedAt, apiEndpoint } = record;
  const { expiresAt, heldSince, limitAt } = record;
  const secondsToReady = readyAt ? (Date.parse(readyAt) - Date.parse(createdAt)) / 1000 : undefined;
  const lifetime = { createdAt, readyAt, secondsToReady, expiresAt, heldSince, limitAt, deletedAt };
  return { name, uid, region, owner, status, versions, apiEndpoint, ...lifetime };
}

export function clusterView(record: ClusterRecord): ClusterView {
  const { generation, conditions, timeline, nodes, replacement, failure, dataPlane, caCertificate, notifications, warnings, ledger } = record;
  const resources = Object.entries(ledger)
    .sort(([, a], [, b]) => a.at.localeCompare(b.at))
    .map(([resource, { state, id }]) => ({ resource, state, id }));
  return {
    ...clusterSummary(record),
    ...{ generation, conditions, nodes, replacement, failure, dataPlane, warnings, caCertificate, notifications },
    timeline: [...timeline].sort((a, b) => a.startedAt.localeCompare(b.startedAt)),
    resources,
  };
}

/** Names one state of what callers may change: a new generation or another cluster of that name has another. */
export const etagOf = ({ uid, generation }: Pick<ClusterRecord, "uid" | "generation">): string => `"${uid}-${generation}"`;
