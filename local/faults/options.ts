import { parseArgs } from "node:util";

export interface FaultOptions {
  /** So many cases at random; all when absent. */
  cases?: number;
  seed: number;
  /** Only cases whose id contains one of these. */
  only: string[];
  parallel: number;
  list: boolean;
  json: boolean;
  /** Go on where a run over the same sources was interrupted. */
  resume: boolean;
  /** Journal of a run over other sources, whose good ends are taken over and told apart. */
  carry?: string;
  manifest: string;
}

export const usage =
  "npm run faults -- [--cases N] [--seed S] [--only SUBSTRING]… [--parallel N] [--list] [--json] [--resume] [--carry JOURNAL] [--manifest FILE]";

/** @throws Error with the usage for what cannot be understood */
export function readFaultOptions(args: string[], anySeed: () => number): FaultOptions {
  const { values } = parseArgs({
    args,
    options: {
      cases: { type: "string" },
      seed: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      parallel: { type: "string", default: "2" },
      list: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      resume: { type: "boolean", default: false },
      carry: { type: "string" },
      manifest: { type: "string", default: "test/cases/seed/manifest.yaml" },
    },
  });
  const whole = (name: "cases" | "seed" | "parallel", least: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name} must be a whole number from ${least}\n${usage}`);
    return value;
  };
  return {
    ...values,
    ...(values.cases !== undefined && { cases: whole("cases", 1) }),
    seed: values.seed === undefined ? anySeed() : whole("seed", 0),
    parallel: whole("parallel", 1),
  } as FaultOptions;
}
