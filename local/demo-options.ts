import { parseArgs } from "node:util";
import { stages } from "../shared/health/beacon";
import { evidenceRows } from "./machines/evidence/rows";
import type { Failing } from "./machines/machine";
import type { RealOptions } from "./real-site";

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
  /** Key of the worker that gets a new machine once the cluster is ready. */
  replace?: string;
  json: boolean;
  keep: boolean;
  speed: number;
  /** Real machines in place of simulated ones. */
  real?: Omit<RealOptions, "kubernetesVersion">;
}

export const usage = `npm run demo -- [--manifest FILE] [--row NAME | --rows all] [--fail ROLE:STAGE[:REASON]] [--speed N] [--ttl 1m [--lose-schedule]]
                   [--replace NODE] [--crowd] [--keep] [--json] [--machines real [--data-plane stand-in [--no-replay]] [--images DIR] [--stock-image]]
  --row   what the control plane's evidence shows: ${Object.keys(evidenceRows).join(", ")}
  --fail  ROLE is ${Object.keys(stages).join(", ")} or a node's key; REASON is a CamelCase code, Silent tells nothing
  --ttl   shows the cluster end by its time to live, through the scheduler, instead of by DELETE; --lose-schedule
          takes that schedule away first, so that the sweeper has to find the cluster
  --replace gives this worker, such as nodes-us-east-1a-0, a new machine once the cluster is ready
  --crowd fills the cluster's VPC with what controllers and users make, beside neighbours of every kind, and shows what a delete takes
  --machines real   real kubeadm nodes in Linux namespaces; needs Linux and root
  --data-plane      calico, from --images; or stand-in: kube-proxy and a plain pod network, with Calico's part of the evidence replayed from
                    recorded values, unless --no-replay
  --images          folder of image archives, and Calico's calico-vxlan.yaml as it was published
  --stock-image     machines download what they need, as from a stock image`;

/** @throws Error that says what is wrong, with the usage */
export function readOptions(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      manifest: { type: "string" },
      machines: { type: "string", default: "simulated" },
      "data-plane": { type: "string", default: "calico" },
      "no-replay": { type: "boolean", default: false },
      images: { type: "string" },
      "stock-image": { type: "boolean", default: false },
      row: { type: "string", default: "healthy" },
      rows: { type: "string" },
      fail: { type: "string" },
      ttl: { type: "string" },
      "lose-schedule": { type: "boolean", default: false },
      crowd: { type: "boolean", default: false },
      replace: { type: "string" },
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
  const { crowd, replace, "lose-schedule": loseSchedule } = values;
  if (loseSchedule && !values.ttl) wrong("--lose-schedule needs a --ttl, after which the cluster should end");
  if (crowd && (values.fail || values.ttl || row !== "healthy")) wrong("--crowd goes with a cluster that is well and ends by DELETE");
  if (replace !== undefined && (crowd || values.fail || row !== "healthy")) wrong("--replace goes with a cluster that is well");
  const fail = values.fail === undefined ? undefined : readFailing(values.fail, wrong);
  if (!["simulated", "real"].includes(values.machines)) wrong(`--machines takes simulated or real, not ${values.machines}`);
  const dataPlane = (["calico", "stand-in"] as const).find((one) => one === values["data-plane"]) ?? wrong(`--data-plane takes calico or stand-in, not ${values["data-plane"]}`);
  const { images } = values;
  const real = { dataPlane, replay: !values["no-replay"], prepared: !values["stock-image"], ...(images && { images }) };
  const manifest = values.manifest ?? `test/cases/${values.machines === "real" ? "twin" : "seed"}/manifest.yaml`;
  return { ...(values.machines === "real" && { real }), manifest, row, loseSchedule, crowd, json: values.json, keep: values.keep, speed, ...(fail && { fail }), ...(replace && { replace }), ...(values.ttl && { ttl: values.ttl }) };
}

function readFailing(text: string, wrong: (what: string) => never): Failing {
  const [who, stage, reason = "StageFailed", ...rest] = text.split(":");
  const known = (stages as Record<string, readonly string[]>)[who ?? ""] ?? Object.values(stages).flat();
  if (!who || !stage || rest.length || !known.includes(stage)) wrong(`--fail ${text}: after ROLE: comes one of ${known.join(", ")}`);
  return { who: who!, stage: stage!, reason };
}
