import { createHash } from "node:crypto";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { FAILED, type FailedBeacon, stages } from "../../shared/health/beacon";
import type { AccessMarker } from "../../shared/bootstrap/access-marker";
import type { JoinMaterial } from "../../shared/bootstrap/join-material";
import type { ControlPlaneMaterial } from "../../shared/bootstrap/pki";
import { type Heard, heed } from "./bootstrap-access";
import { evidenceRows, healthyEvidence } from "./evidence/rows";
import { readScript } from "./script";
import type { Setup } from "./user-data";

/** A machine that goes wrong on purpose: at this stage of this role, or of the one node with this key. */
export interface Failing {
  who: string;
  stage: string;
  /** CamelCase, as a failed beacon carries it; `Silent` tells nothing at all. */
  reason: string;
}

/** What the machines of one cluster know of each other; on real ones the network and the API server tell it. */
export interface Neighbours {
  /** As the API server lists them: those of ended machines too. `since` is RFC 3339. */
  nodes: { name: string; address: string; since: string }[];
  client?: { instanceId: string; address: string };
  controlPlaneUp: boolean;
  /** Bootstrap tokens. */
  tokens: string[];
  /** Whether the collector's timer runs. */
  collecting: boolean;
}

export interface Instance {
  id: string;
  privateDnsName: string;
  address: string;
  uid: string;
}

export interface MachineOptions {
  /** How many times faster than the delays below. */
  speed: number;
  fail?: Failing;
  /** Name of a row of the verdict tables; `healthy` when absent. */
  row: string;
  say(line: string): void;
}

/** Seconds that a simulated stage takes: their order and proportion are real, their length is not. */
const delays: Record<string, number> = {
  started: 0.3,
  material: 0.2,
  artifacts: 0.8,
  runtime: 0.3,
  "control-plane-up": 1,
  "calico-applied": 0.4,
  registered: 0.5,
  listening: 0.3,
};
const COLLECT_SECONDS = 0.5;
/** A real collector's round takes some 30 s. */
const RENEW_SECONDS = 5;
/** A real one looks every 30 s. */
const HEED_SECONDS = 1;

/**
 * One instance's life, played: it takes its script and material from the bucket with its role's own credentials, tells each stage, and
 * a control plane then writes evidence, and does what the service says of the bootstrap, until the machine is stopped.
 * @throws Error when it is refused something or its script is not the one its user data names
 */
export async function runMachine(
  instance: Instance,
  setup: Setup,
  s3: S3Client,
  userid: string,
  neighbours: Neighbours,
  options: MachineOptions,
  stopped: AbortSignal,
): Promise<void> {
  const pause = (seconds: number) => sleep((seconds / options.speed) * 1000, stopped);
  const get = async (Key: string) => (await s3.send(new GetObjectCommand({ Bucket: setup.bucket, Key }), { abortSignal: stopped })).Body!.transformToString();
  const put = (name: string, body: object) =>
    s3.send(
      new PutObjectCommand({ Bucket: setup.bucket, Key: `${setup.prefix}${name}`, Body: JSON.stringify(body), ContentType: "application/json" }),
      { abortSignal: stopped },
    );
  const { fail } = options;
  const failsAt = fail && [setup.role, setup.nodeKey].includes(fail.who) ? fail : undefined;
  let script = "";
  let material: ControlPlaneMaterial | JoinMaterial | undefined;

  for (const [index, stage] of stages[setup.role].entries()) {
    await pause(delays[stage] ?? 0.3);
    if (failsAt?.stage === stage) {
      options.say(`${setup.nodeKey} fails at ${stage}: ${failsAt.reason}`);
      if (failsAt.reason !== "Silent") await put(`beacons/${userid}/${FAILED}`, failedBeacon(setup, failsAt));
      return;
    }
    if (stage === "started") script = await checkedScript(setup, get);
    if (stage === "material") material = await readMaterial(setup, get);
    if (stage === "registered" && setup.role === "node")
      while (!neighbours.controlPlaneUp || !neighbours.tokens.includes(material!.token)) await pause(0.2);
    const number = String(index + 1).padStart(2, "0");
    await put(`beacons/${userid}/${number}-${stage}.json`, { stage, node: setup.nodeKey, at: new Date().toISOString() });
    options.say(`${setup.nodeKey} ${stage}`);
    if (stage === "control-plane-up" && !neighbours.controlPlaneUp) Object.assign(neighbours, { controlPlaneUp: true, tokens: [material!.token] });
    if (stage === "registered") register(instance, neighbours);
    if (stage === "listening") neighbours.client = { instanceId: instance.id, address: instance.address };
  }
  if (setup.role !== "control-plane") return;
  const look = async (): Promise<AccessMarker | undefined> => {
    const text = await get(`${setup.prefix}bootstrap-access.json`).catch((error: Error) => {
      // It may not list the bucket, so what is not there is refused.
      if (/AccessDenied|NoSuchKey/.test(error.name)) return undefined;
      throw error;
    });
    return text && JSON.parse(text);
  };
  const { files } = material as ControlPlaneMaterial;
  await Promise.all([
    collect(instance, script, neighbours, options, pause, (evidence) => put(`evidence/${userid}/latest.json`, evidence)),
    listen({ uid: instance.uid, caCertificate: files["ca.crt"], last: "" }, neighbours, options, pause, look),
  ]);
}

/** The Node of an ended machine that had the same name is still listed where nobody has deleted it. */
function register({ privateDnsName: name, address }: Instance, neighbours: Neighbours): void {
  neighbours.nodes = [...neighbours.nodes.filter((node) => node.name !== name), { name, address, since: new Date().toISOString() }];
}

async function listen(
  heard: Heard,
  neighbours: Neighbours,
  { say }: MachineOptions,
  pause: (seconds: number) => Promise<void>,
  look: () => Promise<AccessMarker | undefined>,
): Promise<never> {
  for (;;) {
    await pause(HEED_SECONDS);
    const marker = await look();
    const last = marker ? heed(marker, heard, neighbours, new Date()) : heard.last;
    if (last !== heard.last) say(`the bootstrap is ${neighbours.collecting ? "open" : "closed"}`);
    heard.last = last;
  }
}

/** Evidence once all nodes have registered, again in each round. */
async function collect(
  instance: Instance,
  script: string,
  neighbours: Neighbours,
  { row, say, speed }: MachineOptions,
  pause: (seconds: number) => Promise<void>,
  write: (evidence: object) => Promise<unknown>,
): Promise<never> {
  const { nodeCount, ...facts } = readScript(script);
  for (let seen = "", at = 0; ; await pause(COLLECT_SECONDS)) {
    const now = JSON.stringify(neighbours);
    const complete = neighbours.collecting && neighbours.client && neighbours.nodes.length === nodeCount;
    if (!complete || (now === seen && Date.now() - at < RENEW_SECONDS * 1000)) continue;
    const healthy = healthyEvidence({
      ...facts,
      uid: instance.uid,
      nodes: neighbours.nodes,
      client: neighbours.client!,
      now: new Date(),
      startedAt: new Date(Date.now() - (COLLECT_SECONDS / speed) * 1000),
      collectedBy: "simulated machine, from recorded values",
    });
    await write(evidenceRows[row]!.differences(healthy));
    if (now !== seen) say(`evidence over ${neighbours.nodes.length} nodes, row ${row}`);
    [seen, at] = [now, Date.now()];
  }
}

async function checkedScript({ script, scriptSha256 }: Setup, get: (key: string) => Promise<string>): Promise<string> {
  const text = await get(script);
  const found = createHash("sha256").update(text).digest("hex");
  if (found !== scriptSha256) throw new Error(`${script} has the digest ${found}, the user data says ${scriptSha256}`);
  return text;
}

/** The same shapes that the scripts read. */
async function readMaterial({ role, prefix }: Setup, get: (key: string) => Promise<string>): Promise<ControlPlaneMaterial | JoinMaterial> {
  const [object, members] = role === "control-plane" ? ["pki/control-plane.json", ["files", "token", "caCertHash", "endpoint"]] : ["join/node.json", ["token", "caCertHash", "endpoint", "ca.crt"]];
  const material = JSON.parse(await get(`${prefix}${object}`)) as ControlPlaneMaterial | JoinMaterial;
  const missing = (members as string[]).filter((member) => !(member in material));
  if (missing.length) throw new Error(`${object} lacks ${missing.join(", ")}`);
  return material;
}

function failedBeacon({ nodeKey }: Setup, { stage, reason }: Failing): FailedBeacon {
  const message = `simulated: ${stage} was made to fail`;
  return { stage, reason, message, logTail: [`${nodeKey} is a simulated machine`, `${stage}: ${reason}`], at: new Date().toISOString() };
}

function sleep(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((done, ended) => {
    if (stopped.aborted) return ended(stopped.reason);
    const stop = () => {
      clearTimeout(timer);
      ended(stopped.reason);
    };
    const timer = setTimeout(() => {
      stopped.removeEventListener("abort", stop);
      done();
    }, milliseconds);
    stopped.addEventListener("abort", stop, { once: true });
  });
}
