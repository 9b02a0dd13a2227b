import { either, type Findings } from "./findings";
import { isMapping } from "./mapping";
import { nearest } from "./nearest";

/** What becomes of a field that is set. One that asks for nothing (absent, false, 0 or empty) needs no verdict. */
export type Verdict =
  | { verdict: "honoured" }
  | { verdict: "warned"; reason: string }
  | { verdict: "refused"; reason: string }
  /** Refused even as `{}`, which chooses it. */
  | { verdict: "refused-choice"; reason: string }
  /** Fine when it has one of these values, refused otherwise. */
  | { verdict: "only"; values: readonly unknown[]; reason: string }
  /** Fine as `{ enabled: false, … }`, refused otherwise. */
  | { verdict: "off"; reason: string };

/** The fields of a mapping; a one-element list stands for a list of such mappings; `*` for all fields not named. */
export interface FieldTable {
  [field: string]: Verdict | FieldTable | [FieldTable];
}

export const honoured: Verdict = { verdict: "honoured" };
export const warned = (reason: string): Verdict => ({ verdict: "warned", reason });
export const refused = (reason: string): Verdict => ({ verdict: "refused", reason });
export const refusedChoice = (reason: string): Verdict => ({ verdict: "refused-choice", reason });
export const only = (values: readonly unknown[], reason: string): Verdict => ({ verdict: "only", values, reason });
export const off = (reason: string): Verdict => ({ verdict: "off", reason });

/** Passes every field that is set through its verdict; a name outside the table is refused with the nearest one inside. */
export function judgeFields(table: FieldTable, value: unknown, path: string, found: Findings): void {
  if (value === undefined || value === null) return;
  if (!isMapping(value)) return found.refuse(path, "must be a mapping");
  for (const [field, child] of Object.entries(value)) {
    const rule = Object.hasOwn(table, field) ? table[field] : table["*"];
    const place = path === "" ? field : `${path}.${field}`;
    if (rule === undefined) found.refuse(place, unknownField(field, table));
    else judge(rule, child, place, found);
  }
}

function judge(rule: FieldTable[string], value: unknown, path: string, found: Findings): void {
  if (value === null) return;
  if (Array.isArray(rule)) {
    if (!Array.isArray(value)) return found.refuse(path, "must be a list");
    return value.forEach((item, index) => judgeFields(rule[0], item, `${path}[${index}]`, found));
  }
  if (isVerdict(rule)) judgeValue(rule, value, path, found);
  else judgeFields(rule, value, path, found);
}

function judgeValue(rule: Verdict, value: unknown, path: string, found: Findings): void {
  if (rule.verdict === "honoured") return;
  if (rule.verdict === "refused-choice") return found.refuse(path, `is refused: ${rule.reason}`);
  if (rule.verdict === "only") return judgeOnly(rule.values, rule.reason, value, path, found);
  if (asksNothing(value)) return;
  if (rule.verdict === "warned") return found.warn(path, `has no effect: ${rule.reason}`);
  if (rule.verdict === "off" && isMapping(value) && value["enabled"] === false) return;
  found.refuse(path, `is refused: ${rule.reason}`);
}

function judgeOnly(values: readonly unknown[], reason: string, value: unknown, path: string, found: Findings): void {
  if (!values.includes(value)) found.refuse(path, `must be ${either(values)}: ${reason}`);
}

const isVerdict = (rule: Verdict | FieldTable): rule is Verdict => typeof rule["verdict"] === "string";

const asksNothing = (value: unknown): boolean =>
  value === false || value === 0 || value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);

function unknownField(field: string, table: FieldTable): string {
  const meant = nearest(field, Object.keys(table));
  return `is no field of kOps v1alpha2${meant ? `; did you mean ${meant}?` : ""}`;
}
