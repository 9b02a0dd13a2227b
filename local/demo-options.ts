import { parseArgs } from "node:util";
import { stages } from "../shared/health/beacon";
import { evidenceRows } from "./machines/evidence/rows";
import type { Failing } from "./machines/machine";

export interface DemoOptions {
  manifest: string;
  /** Name of a row, or `all` for one create of each. */
  row: string;
  fail?: Failing;
  /** Time to live: the demo then waits for the cluster's own end instead of asking for it. */
  ttl?: string;
  /** The schedule of its end is taken away when it is ready: the sweeper finds it. */
  loseSchedule: boolean;
  /** Its VPC is filled by others, among neighbours. */
  crowd: boolean;
  json: boolean;
  keep: boolean;
  speed: number;
}

export const usage = `npm run demo -- [--manifest FILE] [--row NAME | --rows all] [--fail ROLE:STAGE[:REASON]] [--speed N] [--ttl 1m [--lose-schedule]] [--crowd] [--keep] [--json]
  --row   what the control plane's evidence shows: ${Object.keys(evidenceRows).join(", ")}
  --fail  ROLE is ${Object.keys(stages).join(", ")} or a node's key; REASON is a CamelCase code, Silent tells nothing
  --ttl   shows the cluster end by its time to live, through the scheduler, instead of by DELETE; --lose-schedule
          takes that schedule away first, so that the sweeper has to find the cluster
  --crowd fills the cluster's VPC with what controllers and users make, beside neighbours of every kind, and shows what a delete takes`;

/** @throws Error that says what is wrong, with the usage */
export function readOptions(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      manifest: { type: "string", default: "test/cases/seed/manifest.yaml" },
      row: { type: "string", default: "healthy" },
      rows: { type: "string" },
      fail: { type: "string" },
      ttl: { type: "string" },
      "lose-schedule": { type: "boolean", default: false },
      crowd: { type: "boolean", default: false },
      speed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const row = values.rows ?? values.row;
  const wrong = (what: string): never => {
    throw new Error(`${what}\n${usage}`);
  };
  if (values.rows !== undefined && values.rows !== "all") wrong(`--rows takes all, not ${values.rows}`);
  if (row !== "all" && !Object.hasOwn(evidenceRows, row)) wrong(`there is no row ${row}`);
  const speed = Number(values.speed);
  if (!(speed > 0)) wrong(`--speed ${values.speed} is not a positive number`);
  const { crowd, "lose-schedule": loseSchedule } = values;
  if (loseSchedule && !values.ttl) wrong("--lose-schedule needs a --ttl, after which the cluster should end");
  if (crowd && (values.fail || values.ttl || row !== "healthy")) wrong("--crowd goes with a cluster that is well and ends by DELETE");
  const fail = values.fail === undefined ? undefined : readFailing(values.fail, wrong);
  return { manifest: values.manifest, row, loseSchedule, crowd, json: values.json, keep: values.keep, speed, ...(fail && { fail }), ...(values.ttl && { ttl: values.ttl }) };
}

function readFailing(text: string, wrong: (what: string) => never): Failing {
  const [who, stage, reason = "StageFailed", ...rest] = text.split(":");
  const known = (stages as Record<string, readonly string[]>)[who ?? ""] ?? Object.values(stages).flat();
  if (!who || !stage || rest.length || !known.includes(stage)) wrong(`--fail ${text}: after ROLE: comes one of ${known.join(", ")}`);
  return { who: who!, stage: stage!, reason };
}
