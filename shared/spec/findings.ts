import type { Problem } from "../errors";

/** Everything found while a manifest is read: what makes it impossible, and what has no effect. Readers go on after a problem. */
export interface Findings {
  problems: Problem[];
  warnings: Problem[];
  /** What they return stands in for a value that could not be read; it is never used, since problems end the reading. */
  refuse(path: string, message: string): undefined;
  /** Refuses what is absent; silent where a value of the wrong shape at that path was named already. */
  missing(path: string, message: string): undefined;
  warn(path: string, message: string): undefined;
}

export function newFindings(): Findings {
  const [problems, warnings]: [Problem[], Problem[]] = [[], []];
  const addTo =
    (list: Problem[]) =>
    (path: string, message: string): undefined => {
      if (!list.some((other) => other.path === path && other.message === message)) list.push({ path, message });
    };
  const refuse = addTo(problems);
  const missing = (path: string, message: string): undefined =>
    problems.some((problem) => problem.path === path) ? undefined : refuse(path, message);
  return { problems, warnings, refuse, missing, warn: addTo(warnings) };
}

/** `a, b or c` */
export const either = (values: readonly unknown[]): string =>
  [values.slice(0, -1).join(", "), values.at(-1)].filter((part) => part !== "").join(" or ");
