import type { ClusterRef, LedgerEntry } from "./cluster-record";
import type { Ledger } from "./ledger";
import { type RecordChange, type Registry, writeRecord } from "./registry";

/**
 * The ledger of a record that was just read. Ids wait in memory until the next intent, `flush`, or `close`, which writes them with
 * the rest of a change. Of a write that fails what was made or is gone waits for the next one; intents nothing came of do not.
 */
export function openLedger(
  registry: Registry,
  ref: ClusterRef,
  entries: Record<string, LedgerEntry>,
): Ledger & { close(change: Omit<RecordChange, "ledger">): Promise<void> } {
  let unwritten: Record<string, LedgerEntry> = {};
  const kindOf = (key: string) => key.slice(0, key.indexOf("/"));
  const put = (key: string, entry: LedgerEntry) => {
    entries[key] = entry;
    unwritten[key] = entry;
  };
  const stamp = () => ({ epoch: ref.epoch, at: new Date().toISOString() });
  const write = async (change: Omit<RecordChange, "ledger">, fence: "epoch" | "uid") => {
    const ledger = unwritten;
    unwritten = {};
    try {
      await writeRecord(registry, ref, { ...change, ledger }, fence);
    } catch (error) {
      const facts = Object.entries(ledger).filter(([, { state }]) => state !== "intended");
      unwritten = { ...Object.fromEntries(facts), ...unwritten };
      throw error;
    }
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
      await write({}, "epoch");
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
      if (Object.keys(unwritten).length) await write({}, "uid");
    },
    close: (change) => write(change, "uid"),
  };
}
