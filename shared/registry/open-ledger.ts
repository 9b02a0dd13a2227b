import type { ClusterRef, LedgerEntry } from "./cluster-record";
import type { Ledger } from "./ledger";
import { type RecordChange, type Registry, writeRecord } from "./registry";

/** The ledger of a record that was just read. Ids wait in memory until the next intent, `flush`, or `take`. */
export function openLedger(
  registry: Registry,
  ref: ClusterRef,
  entries: Record<string, LedgerEntry>,
): Ledger & { take(): Pick<RecordChange, "ledger"> } {
  let unwritten: Record<string, LedgerEntry> = {};
  const kindOf = (key: string) => key.slice(0, key.indexOf("/"));
  const put = (key: string, entry: LedgerEntry) => {
    entries[key] = entry;
    unwritten[key] = entry;
  };
  const stamp = () => ({ epoch: ref.epoch, at: new Date().toISOString() });
  const take = () => {
    const ledger = unwritten;
    unwritten = {};
    return Object.keys(ledger).length ? { ledger } : {};
  };
  return {
    entry: (key) => entries[key],
    id: (key) => (entries[key]?.state === "made" ? entries[key].id : undefined),
    ofKind: (kind) => Object.entries(entries).filter(([key, entry]) => kindOf(key) === kind && entry.state !== "gone"),
    async intend(...intents) {
      for (const { key, token } of intents) {
        const known = entries[key];
        if (known?.state !== "made") put(key, { kind: kindOf(key), state: "intended", token, ...stamp() });
      }
      await writeRecord(registry, ref, take(), "epoch");
    },
    made(key, id, detail) {
      const known = entries[key];
      if (known?.state === "made" && known.id === id && (!detail || JSON.stringify(detail) === JSON.stringify(known.detail))) return;
      put(key, { kind: kindOf(key), token: known?.token ?? key, ...stamp(), state: "made", id, ...(detail && { detail }) });
    },
    gone(key) {
      const known = entries[key];
      if (known && known.state !== "gone") put(key, { ...known, state: "gone", goneAt: stamp().at });
    },
    async flush() {
      const change = take();
      if (change.ledger) await writeRecord(registry, ref, change, "uid");
    },
    take,
  };
}
