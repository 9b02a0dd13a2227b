import { DescribeInstancesCommand, type EC2Client, GetConsoleOutputCommand, type Instance } from "@aws-sdk/client-ec2";
import { GetObjectCommand, type S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import * as z from "zod";
import { codeOf } from "../aws/translate";
import { NodeFailed, NodesNotJoined } from "../errors";
import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import { type FailedBeacon, type NodeProgress, readProgress } from "./beacon";
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
}

/** EC2 is asked about a machine only when it has told nothing for so long. */
const SILENCE_SECONDS = 60;
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
 * @throws NodeFailed when a beacon says so, or when EC2 ended the machine; `logTail` has the end of its log
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
  const machines = [...plan.instances, plan.probeClient].map((instance) => machineOf(instance, ledger, progress));
  const failed = machines.find((machine) => machine.progress?.failed);
  if (failed) throw await nodeFailed(clients.s3, plan, failed);
  const missing = machines.filter(({ done }) => !done);
  const nodes = Object.fromEntries(machines.map(({ key, stage }) => [key, stage]));
  if (missing.length === 0) return { joined: true, nodes };
  const overdue = times.now >= times.deadline;
  const silent = missing.filter(
    (machine) => overdue || lastHeard(machine, ledger, beacons) + SILENCE_SECONDS * 1000 <= times.now.getTime(),
  );
  await refuseEnded(clients.ec2, silent);
  if (overdue) throw await notJoined(clients.ec2, missing);
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

function machineOf({ key, role }: InstancePlan, ledger: Ledger, all: NodeProgress[]): Machine {
  const id = ledger.id(`instance/${key}`);
  const progress = all.find(({ instanceId }) => instanceId === id);
  const stage = progress?.failed ? "failed" : (progress?.stages.at(-1) ?? (id ? "launched" : "not launched"));
  return { key, id, stage, progress, done: stage === (role === "probe-client" ? "listening" : "registered") };
}

function lastHeard({ key, id }: Machine, ledger: Ledger, beacons: Map<string, Date | undefined>): number {
  const own = [...beacons].filter(([beacon]) => id && beacon.includes(`:${id}/`)).map(([, at]) => at?.getTime() ?? 0);
  return Math.max(Date.parse(ledger.entry(`instance/${key}`)?.at ?? "") || 0, ...own);
}

async function nodeFailed(s3: S3Client, plan: ClusterPlan, { key, id, progress }: Machine): Promise<NodeFailed> {
  const object = { Bucket: plan.bucket.name, Key: progress?.failedKey, ExpectedBucketOwner: plan.accountId };
  const { Body } = await s3.send(new GetObjectCommand(object));
  const beacon = failedBeacon.safeParse(parseJson((await Body?.transformToString()) ?? ""));
  if (!beacon.success)
    return new NodeFailed(`${key} (${id}) failed after ${progress?.stages.at(-1) ?? "launch"}; its beacon cannot be read`);
  const { stage, reason, message, logTail } = beacon.data;
  return new NodeFailed(`${key} (${id}) failed at ${stage}: ${reason}: ${redact(message)}`, {
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
  if (ended)
    throw new NodeFailed(
      `${describe(machines, ended)}: ${ended.StateReason?.Code ?? "no code"}: ${ended.StateReason?.Message ?? "EC2 gives no reason"}`,
    );
}
const describe = (machines: Machine[], { InstanceId, State }: Instance): string =>
  `${machines.find(({ id }) => id === InstanceId)?.key} (${InstanceId}) is ${State?.Name} by EC2`;

async function notJoined(ec2: EC2Client, missing: Machine[]): Promise<NodesNotJoined> {
  const first = missing.find(({ id }) => id);
  const console = first?.id ? await consoleTail(ec2, first.id) : { note: "it was never launched", lines: [] };
  const told = missing.map(({ key, id, stage }) => `${key} (${id ?? "no instance"}) last told "${stage}"`).join(", ");
  return new NodesNotJoined(
    `time is up and ${missing.length} of the machines did not join: ${told}; console of ${first?.key ?? missing[0]?.key}: ${console.note}`,
    {
      logTail: console.lines,
    },
  );
}

/** `Latest` works on Nitro instances only; others keep what was printed up to some minutes after the start. */
async function consoleTail(ec2: EC2Client, id: string): Promise<{ note: string; lines: string[] }> {
  const read = (Latest: boolean) => ec2.send(new GetConsoleOutputCommand({ InstanceId: id, Latest }));
  try {
    const { Output = "" } = await read(true).catch(() => read(false));
    const lines = tailOf(Buffer.from(Output, "base64").toString("utf8"), CONSOLE_LINES);
    return lines.length > 0 ? { note: `its last lines are kept, the last being "${lines.at(-1)}"`, lines } : { note: "empty", lines };
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
