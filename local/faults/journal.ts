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

export function openJournal(sources: string, resume: boolean, folder = join(cache, "faults")): Journal {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${sources}.jsonl`);
  const known = resume && existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line) as Result) : [];
  const results = latest(known);
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
