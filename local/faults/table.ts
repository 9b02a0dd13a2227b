import { type Case, kinds, phases } from "./cases";
import type { Outcome } from "./verdict";

export interface Result {
  case: Case;
  outcome: Outcome;
  why?: string;
  /** Of the failure that the record told. */
  failure?: string;
  seconds: number;
  /** Of an unseen effect: how many looks did not see it. */
  hidden?: number;
  /** Digest of the product's sources that it was run over. */
  sources: string;
}

const count = (results: Result[], outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;

export const summaryLine = (results: Result[]): string =>
  `${results.length} cases, ${count(results, "ready")} ready, ${count(results, "failed and gone")} failed and gone, ${count(results, "leftover")} leftovers` +
  (count(results, "not met") ? `, ${count(results, "not met")} not met` : "");

/** How many unseen effects nobody looked for: such a case passes by itself. */
export function unlookedLine(results: Result[]): string {
  const unseen = results.filter((result) => result.case.kind.endsWith("unseen"));
  return `${unseen.filter(({ hidden }) => !hidden).length} of ${unseen.length} unseen effects were looked for by nobody while they were`;
}

/** One row for each service of a phase, one column for each kind: how many, and how many of them were left over or not met. */
export function tableOf(results: Result[]): string[] {
  const service = ({ action }: Case) => action.split(":")[0]!;
  const cell = (these: Result[]) => {
    if (!these.length) return "-";
    const bad = count(these, "leftover") + count(these, "not met");
    return `${count(these, "ready")}+${count(these, "failed and gone")}${bad ? ` ✗${bad}` : ""}`;
  };
  const rows = phases.flatMap((phase) => {
    const own = results.filter((result) => result.case.phase === phase);
    return [...new Set(own.map((result) => service(result.case)))].sort().map((name) => {
      const these = own.filter((result) => service(result.case) === name);
      return [`${phase} ${name}`, ...kinds.map((kind) => cell(these.filter((result) => result.case.kind === kind))), cell(these)];
    });
  });
  const head = ["ready + failed and gone", ...kinds, "all"];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  return [head, ...rows].map((row) => row.map((text, at) => (at ? text.padStart(widths[at]!) : text.padEnd(widths[at]!))).join("  "));
}

/** Each case that is not as it must be, with its reason. */
export const troubleLines = (results: Result[]): string[] =>
  results.filter(({ outcome }) => outcome === "leftover" || outcome === "not met").map((result) => `${result.outcome}  ${result.case.id}${result.why ? `: ${result.why}` : ""}`);
