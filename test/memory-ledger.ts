import type { LedgerEntry } from "../shared/registry/cluster-record";
import type { Ledger } from "../shared/registry/ledger";

/** A ledger in memory: same promises, no fence. */
export function memoryLedger(entries: Record<string, LedgerEntry> = {}): Ledger & { entries: Record<string, LedgerEntry> } {
  const now = () => new Date().toISOString();
  const kindOf = (key: string) => key.slice(0, key.indexOf("/"));
  return {
    entries,
    entry: (key) => entries[key],
    id: (key) => (entries[key]?.state === "made" ? entries[key].id : undefined),
    ofKind: (kind) => Object.entries(entries).filter(([key, entry]) => kindOf(key) === kind && entry.state !== "gone"),
    async intend(...intents) {
      for (const { key, token } of intents)
        entries[key] = { ...entries[key], kind: kindOf(key), state: entries[key]?.id && entries[key].state === "made" ? "made" : "intended", token, epoch: 1, at: now() };
    },
    made(key, id, detail) {
      entries[key] = { kind: kindOf(key), token: key, epoch: 1, ...entries[key], state: "made", at: now(), id, ...(detail && { detail }) };
    },
    gone(key) {
      if (entries[key]) entries[key] = { ...entries[key], state: "gone", at: now() };
    },
    async flush() {},
  };
}
