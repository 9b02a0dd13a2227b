import { differenceFrom, inventory } from "./emulators/inventory";
import { createEnded, follow, post, remove } from "./life";
import { evidenceRows } from "./machines/evidence/rows";
import { type LocalManifest, renamed } from "./manifest";
import type { LocalService } from "./service";

/** Side by side: as many as two processors carry. */
const TOGETHER = 3;

/**
 * One cluster of its own for each row of the verdict tables, created, judged and deleted in one deployment. The machines are to show
 * the row that a cluster's name begins with. Answers whether every verdict was the expected one and nothing is left.
 */
export async function showRows(service: LocalService, manifest: LocalManifest, print: (line: string) => void): Promise<boolean> {
  const before = await inventory(service.emulators);
  const waiting = Object.keys(evidenceRows);
  const wrong: string[] = [];
  print(`\n${"row".padEnd(36)}${"status".padEnd(10)}${"reason".padEnd(30)}as expected`);
  const work = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      const { status, reason } = await showRow(service, manifest, row);
      const { expect } = evidenceRows[row]!;
      const right = status === expect.status && reason === expect.reason;
      if (!right) wrong.push(row);
      print(`${row.padEnd(36)}${status.padEnd(10)}${reason.padEnd(30)}${right ? "yes" : `no: ${expect.status} ${expect.reason}`}`);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  const { left, missing } = await differenceFrom(before, service.emulators);
  print(left.length + missing.length ? `Left behind: ${[...left, ...missing].join(", ")}` : "Nothing is left");
  for (const fault of service.machines.faults) print(`fault of the simulation: ${fault}`);
  return wrong.length === 0 && left.length + missing.length === 0 && service.machines.faults.length === 0;
}

async function showRow(service: LocalService, manifest: LocalManifest, row: string): Promise<{ status: string; reason: string }> {
  const nothing = () => {};
  const posted = await post(service, renamed(manifest, row).text);
  const created = await follow(service, posted, createEnded, nothing);
  const { status, failure, dataPlane } = created;
  const deleted = await remove(service, posted, created, nothing);
  if (deleted.status !== "Deleted") return { status: deleted.status, reason: deleted.failure?.message ?? "" };
  if (status === "Ready") return { status: dataPlane!.status, reason: dataPlane!.reason };
  const reason = /^(\w+): /.exec(failure!.message)?.[1] ?? failure!.message;
  const judged: Record<string, string> = { DataPlaneUnhealthy: "False", CalicoUnavailable: "False", DataPlaneUnproved: "Unknown" };
  return { status: judged[failure!.code] ?? failure!.code, reason };
}
