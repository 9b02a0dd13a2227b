import type { ClusterRecord, LedgerEntry } from "./cluster-record";

/** What was there, when it was last known to be, and when it was seen to be absent: the proof that a delete leaves. */
export interface DeletionCertificate {
  schema: "clowder.deletion-certificate/v1";
  cluster: { name: string; uid: string; region: string; owner: string };
  createdAt: string;
  deletedAt: string;
  resources: { resource: string; id?: string; madeAt: string; absentAt: string }[];
  /** Every look of the delete that found nothing left, by state. Each state looked at least twice. */
  looks: { stage: string; at: string[] }[];
}

/** As it is kept and handed out: `document` is the exact text that was signed. */
export interface SignedCertificate {
  document: string;
  algorithm: "ECDSA_SHA_256";
  /** Base64, DER as AWS KMS returns it; `openssl dgst -sha256 -verify` takes it. */
  signature: string;
  keyArn: string;
}

/** Ledger keys that nobody saw gone, with the reason where a delete gave one: with one of these there is no certificate. */
export const notSeenGone = (ledger: Record<string, LedgerEntry>): string[] =>
  Object.entries(ledger)
    .filter(([, { state }]) => state !== "gone")
    .map(([key, { detail }]) => (detail?.["reason"] ? `${key} (${detail["reason"]})` : key));

/** Pure. The record must have all its ledger entries gone. */
export function certificateOf(record: ClusterRecord, deletedAt: Date): DeletionCertificate {
  const { name, uid, region, owner, createdAt, ledger, timeline } = record;
  const stages = new Map<string, string[]>();
  for (const { stage, endedAt } of timeline)
    if (stage.startsWith("Delete")) stages.set(stage, [...(stages.get(stage) ?? []), endedAt]);
  return {
    schema: "clowder.deletion-certificate/v1",
    cluster: { name, uid, region, owner },
    createdAt,
    deletedAt: deletedAt.toISOString(),
    resources: Object.entries(ledger)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([resource, { id, at, goneAt }]) => ({ resource, ...(id && { id }), madeAt: at, absentAt: goneAt ?? "" })),
    looks: [...stages].map(([stage, at]) => ({ stage, at })),
  };
}
