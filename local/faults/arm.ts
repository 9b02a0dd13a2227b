import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FaultFiles } from "../emulators/emulators";
import type { LoggedCall } from "./calls";
import type { Case } from "./cases";

/** What is between the harness and emulators whose calls can be broken. */
export interface Arm {
  files: FaultFiles;
  /** From here on calls are counted anew and this one is broken; none without a case. */
  arm(one?: Case): void;
  /** Calls since it was last armed. */
  calls(): LoggedCall[];
  forget(): void;
}

export function newArm(waitScale: number): Arm {
  const folder = mkdtempSync(join(tmpdir(), "clowder-faults-"));
  const files = { armed: join(folder, "armed.json"), calls: join(folder, "calls.jsonl"), waitScale };
  const removed = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removed);
  const arm = (one?: Case) => {
    const fault = one ? { case: one.id, kind: one.kind, function: one.function, action: one.action, nth: one.n, cold: one.cold ?? false } : {};
    writeFileSync(`${files.armed}.new`, JSON.stringify(fault));
    writeFileSync(files.calls, "");
    renameSync(`${files.armed}.new`, files.armed);
  };
  arm();
  return {
    files,
    arm,
    calls: () => readFileSync(files.calls, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line) as LoggedCall),
    forget() {
      process.removeListener("exit", removed);
      removed();
    },
  };
}
