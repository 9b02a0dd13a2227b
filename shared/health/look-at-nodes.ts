import { DescribeInstancesCommand, type EC2Client, type Instance } from "@aws-sdk/client-ec2";
import { GetObjectCommand, type S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import * as z from "zod";
import { codeOf } from "../aws/translate";
import { NodeFailed, NodesNotJoined } from "../errors";
import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import { type FailedBeacon, type NodeProgress, readProgress, stageAfter } from "./beacon";
import { failureInConsole, readConsole } from "./console";
import { adviceFor } from "./node-reasons";
import { redact, tailOf } from "./redact";

interface Clients {
  s3: S3Client;
  ec2: EC2Client;
}
/** A planned machine and how far it got. */
interface Machine {
  key: string;
  id: string | undefined;
  stage: string;
  done: boolean;
  progress: NodeProgress | undefined;
  /** Milliseconds since the epoch: its last beacon, or its launch. */
  heardAt: number;
  /** What it is in, and the seconds from `heardAt` within which it tells how that ended. */
  next: { stage: string; seconds: number };
}

/** EC2 is asked about a machine, and its console read, only when it has told nothing for so long. */
const SILENCE_SECONDS = 60;
/** A node that failed at its limit may try for so long to tell it. */
const GRACE_SECONDS = 30;
const CONSOLE_LINES = 40;

const failedBeacon: z.ZodType<FailedBeacon> = z.object({
  stage: z.string(),
  reason: z.string(),
  message: z.string(),
  logTail: z.array(z.string()),
  at: z.string(),
});

/**
 * One look at the beacons: the last stage of every planned machine by its key (`launched` before its first beacon), and whether
 * all are done.
 * @throws NodeFailed when a beacon or a console says so, when EC2 ended the machine, or when one is silent past its stage's limit;
 * `fault` names node, stage and reason, `logTail` has the end of its log
 * @throws NodesNotJoined past the deadline; `logTail` has the end of the first missing machine's console output
 */
export async function lookAtNodes(
  clients: Clients,
  plan: ClusterPlan,
  ledger: Ledger,
  times: { deadline: Date; now: Date },
): Promise<{ joined: boolean; nodes: Record<string, string> }> {
  const beacons = await listBeacons(clients.s3, plan);
  const progress = readProgress([...beacons.keys()]);
  const machines = [...plan.instances, plan.probeClient].map((instance) => machineOf(plan, instance, ledger, progress, beacons));
  const failed = machines.find((machine) => machine.progress?.failed);
  if (failed) throw await beaconFailure(clients.s3, plan, failed);
  const missing = machines.filter(({ done }) => !done);
  const nodes = Object.fromEntries(machines.map(({ key, stage }) => [key, stage]));
  if (missing.length === 0) return { joined: true, nodes };
  const overdue = times.now >= times.deadline;
  const silent = missing.filter(({ heardAt }) => overdue || heardAt + SILENCE_SECONDS * 1000 <= times.now.getTime());
  await refuseEnded(clients.ec2, silent);
  if (overdue) throw await notJoined(clients.ec2, missing);
  await Promise.all(silent.map((machine) => refuseSilent(clients.ec2, machine, times.now)));
  return { joined: false, nodes };
}

/** Beacon keys and when each was written. */
async function listBeacons(s3: S3Client, { bucket, accountId }: ClusterPlan): Promise<Map<string, Date | undefined>> {
  const beacons = new Map<string, Date | undefined>();
  const input = { Bucket: bucket.name, Prefix: `${bucket.prefix}beacons/`, ExpectedBucketOwner: accountId };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, input))
    for (const { Key, LastModified } of Contents) if (Key) beacons.set(Key, LastModified);
  return beacons;
}

function machineOf(plan: ClusterPlan, instance: InstancePlan, ledger: Ledger, all: NodeProgress[], beacons: Map<string, Date | undefined>): Machine {
  const { key, role } = instance;
  const id = ledger.id(`instance/${key}`);
  const progress = all.find(({ instanceId }) => instanceId === id);
  const told = progress?.stages.at(-1);
  const stage = progress?.failed ? "failed" : (told ?? (id ? "launched" : "not launched"));
  const own = [...beacons].filter(([beacon]) => id && beacon.includes(`:${id}/`)).map(([, at]) => at?.getTime() ?? 0);
  const heardAt = Math.max(Date.parse(ledger.entry(`instance/${key}`)?.at ?? "") || 0, ...own);
  const done = stage === (role === "probe-client" ? "listening" : "registered");
  return { key, id, stage, progress, done, heardAt, next: stageAfter(plan, instance, told) };
}

/** The failure of one machine, with the advice that belongs to its reason. */
function nodeFailed({ key }: Machine, what: { stage: string; reason: string; message: string; logTail?: string[] }): NodeFailed {
  const { stage, reason, message, logTail } = what;
  return new NodeFailed(redact(message), { ...adviceFor(reason), fault: { node: key, nodeStage: stage, reason }, ...(logTail && { logTail }) });
}

async function beaconFailure(s3: S3Client, plan: ClusterPlan, machine: Machine): Promise<NodeFailed> {
  const { key, id, progress, next } = machine;
  const object = { Bucket: plan.bucket.name, Key: progress?.failedKey, ExpectedBucketOwner: plan.accountId };
  const { Body } = await s3.send(new GetObjectCommand(object));
  const beacon = failedBeacon.safeParse(parseJson((await Body?.transformToString()) ?? ""));
  if (!beacon.success) {
    const message = `${key} (${id}) failed after ${progress?.stages.at(-1) ?? "launch"}; its beacon cannot be read`;
    return nodeFailed(machine, { stage: next.stage, reason: "BeaconUnreadable", message });
  }
  const { stage, reason, message, logTail } = beacon.data;
  return nodeFailed(machine, {
    stage,
    reason,
    message: `${key} (${id}) failed at ${stage}: ${reason}: ${message}`,
    logTail: tailOf(logTail.join("\n"), CONSOLE_LINES),
  });
}

/** A new account's instance is often ended by EC2 itself, with the reason in `StateReason`. */
async function refuseEnded(ec2: EC2Client, machines: Machine[]): Promise<void> {
  const ids = machines.flatMap(({ id }) => id ?? []);
  if (ids.length === 0) return;
  const filter = { Name: "instance-id", Values: ids };
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: [filter] }));
  const ended = Reservations.flatMap(({ Instances = [] }) => Instances).find(({ State }) =>
    /^(shutting-down|terminated|stopping|stopped)$/.test(State?.Name ?? ""),
  );
  const machine = ended && machines.find(({ id }) => id === ended.InstanceId);
  if (machine) throw nodeFailed(machine, { stage: machine.next.stage, reason: "InstanceEnded", message: endedBy(machine, ended) });
}
const endedBy = ({ key, id }: Machine, { State, StateReason }: Instance): string =>
  `${key} (${id}) is ${State?.Name} by EC2: ${StateReason?.Code ?? "no code"}: ${StateReason?.Message ?? "EC2 gives no reason"}`;

/** A node without a way to the bucket says so on its console alone; one that says nothing there either is given up at its stage's limit. */
async function refuseSilent(ec2: EC2Client, machine: Machine, now: Date): Promise<void> {
  const { key, id, heardAt, next, stage } = machine;
  if (!id) return;
  const console = await lookAtConsole(ec2, machine);
  if (console.failure) throw console.failure;
  const seconds = Math.round((now.getTime() - heardAt) / 1000);
  if (seconds < next.seconds + GRACE_SECONDS) return;
  const silence = `${key} (${id}) told nothing for ${seconds} s after "${stage}", and its stage ${next.stage} ends within ${next.seconds} s`;
  throw nodeFailed(machine, { stage: next.stage, reason: "NodeSilent", message: `${silence}; its console: ${console.note}`, logTail: console.lines });
}

async function notJoined(ec2: EC2Client, missing: Machine[]): Promise<NodesNotJoined | NodeFailed> {
  const first = missing.find(({ id }) => id) ?? missing[0]!;
  const console = await lookAtConsole(ec2, first);
  if (console.failure) return console.failure;
  const told = missing.map(({ key, id, stage }) => `${key} (${id ?? "no instance"}) last told "${stage}"`).join(", ");
  const message = `time is up and ${missing.length} of the machines did not join: ${told}; console of ${first.key}: ${console.note}`;
  const fault = { node: first.key, nodeStage: first.next.stage, reason: "NotJoinedInTime" };
  return new NodesNotJoined(redact(message), { ...adviceFor(fault.reason), fault, logTail: console.lines });
}

/** Its last lines, and the failure that the machine printed, if any. Whatever keeps the console from being read is told, and ends nothing. */
async function lookAtConsole(ec2: EC2Client, machine: Machine): Promise<{ note: string; lines: string[]; failure?: NodeFailed }> {
  const { key, id } = machine;
  if (!id) return { note: "it was never launched", lines: [] };
  try {
    const text = await readConsole(ec2, id);
    const logTail = tailOf(text, CONSOLE_LINES);
    const told = failureInConsole(text);
    const message = told && `${key} (${id}) failed at ${told.stage}: ${told.reason}: ${told.message}`;
    const note = logTail.length > 0 ? `its last lines are kept, the last being "${logTail.at(-1)}"` : "empty";
    return { note, lines: logTail, ...(told && message && { failure: nodeFailed(machine, { ...told, message, logTail }) }) };
  } catch (error) {
    return { note: `refused (${codeOf(error)})`, lines: [] };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
