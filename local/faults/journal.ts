import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache } from "../python";
import type { Result } from "./table";

/** What is known of the cases over one state of the product's sources: a line a case, so that an interrupted run can go on. */
export interface Journal {
  path: string;
  results: Result[];
  add(result: Result): void;
}

/** Of a case that was run again the last result counts. */
export const latest = (results: Result[]): Result[] => [...new Map(results.map((result) => [result.case.id, result])).values()];

const read = (path: string): Result[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line) as Result) : [];

export interface Known {
  /** What is in this sources' journal already. */
  resume: boolean;
  /** Another journal, whose good ends need not be proved again. */
  carry?: string | undefined;
}

/** @throws Error when the journal to carry over is not there */
export function openJournal(sources: string, { resume, carry }: Known, folder = join(cache, "faults")): Journal {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${sources}.jsonl`);
  if (carry && !existsSync(carry)) throw new Error(`there is no journal ${carry}`);
  const good = ({ outcome }: Result) => outcome === "ready" || outcome === "failed and gone";
  const results = latest([...(carry ? read(carry).filter(good) : []), ...(resume ? read(path) : [])]);
  writeFileSync(path, results.map((result) => `${JSON.stringify(result)}\n`).join(""));
  return {
    path,
    results,
    add(result) {
      results.splice(0, results.length, ...latest([...results, result]));
      appendFileSync(path, `${JSON.stringify(result)}\n`);
    },
  };
}
