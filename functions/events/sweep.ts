import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { SFNClient } from "@aws-sdk/client-sfn";
import { ClusterExists, EpochPassed } from "../../shared/errors";
import { failedConditions } from "../../shared/health/conditions";
import type { Environment } from "../../shared/lambda/environment";
import { onEvent } from "../../shared/lambda/event";
import { type ClusterEvent, notify } from "../../shared/notify/notify";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { replacementAdvice, wreckAdvice, wreckLife } from "../../shared/plan/lifetime";
import { type Finding, findingOf, needsExecution, orphansAmong, vouchesFor } from "../../shared/plan/sweep";
import { beginDelete, isRunning } from "../../shared/registry/begin-delete";
import type { ClusterRecord, Failure } from "../../shared/registry/cluster-record";
import { type PlannedCluster, listRecords, readPlan, refOf } from "../../shared/registry/clusters";
import { adoptOrphan, orphanRecord, sightOrphan } from "../../shared/registry/orphans";
import { type Registry, writeRecord } from "../../shared/registry/registry";
import { type DeploymentLook, describeOrphan, lookAtDeployment } from "../../shared/resources/deployment-look";

interface Clients {
  db: DynamoDBClient;
  sfn: SFNClient;
  ec2: EC2Client;
  iam: IAMClient;
}
interface Sweep {
  clients: Clients;
  environment: Environment;
  registry: Registry;
  now: Date;
}
/** What was found and acted on, as it is logged. */
export interface Deed {
  found: NonNullable<Finding> | "orphan" | "orphan-due" | "orphan-waits";
  name: string;
  uid: string;
  resources?: string[];
}

/**
 * One pass over the registry and over what AWS shows of this deployment: what was lost is begun again, what no record knows is
 * reported and, past its time of grace, deleted. A pass may die anywhere and run beside another. What goes wrong with one
 * cluster keeps no other from being looked at; the first such error is thrown at the end.
 */
export async function sweep(clients: Clients, environment: Environment, now: Date): Promise<Deed[]> {
  const pass = { clients, environment, now, registry: { db: clients.db, table: environment.table } };
  // Before the registry: whatever is tagged has had its record since before it was made.
  const look = await lookAtDeployment(clients, environment.deployment.id);
  const records = await allRecords(pass.registry);
  const known = records.filter((record) => vouchesFor(record, now)).map(({ uid }) => uid);
  const work = [
    ...records.map((record) => ({ uid: record.uid, run: () => sweepRecord(pass, record, look.alive) })),
    ...orphansAmong([...look.resources.keys()], known).map((uid) => ({ uid, run: () => sweepOrphan(pass, uid, look) })),
  ];
  const deeds: Deed[] = [];
  const errors: Error[] = [];
  for (const { uid, run } of work) {
    try {
      const deed = await run();
      if (deed) deeds.push(deed);
      if (deed) console.warn(JSON.stringify({ level: "warn", ...deed }));
    } catch (error) {
      // Somebody deletes it at this moment, or the name has passed to another cluster.
      if (error instanceof EpochPassed) continue;
      errors.push(error as Error);
      console.error(JSON.stringify({ level: "error", uid, error: (error as Error).name, message: (error as Error).message }));
    }
  }
  if (errors[0]) throw errors[0];
  return deeds;
}

/** All or an error: with half of the records the other half's clusters would be orphans. */
async function allRecords(registry: Registry): Promise<ClusterRecord[]> {
  const all: ClusterRecord[] = [];
  let nextToken: string | undefined;
  do {
    const page = await listRecords(registry, { limit: 50, ...(nextToken && { nextToken }) });
    all.push(...page.records);
    ({ nextToken } = page);
  } while (nextToken);
  return all;
}

/** The record is read again after Step Functions was asked: an execution writes its last word before it ends. */
async function sweepRecord(pass: Sweep, listed: ClusterRecord, alive: Set<string>): Promise<Deed | undefined> {
  const { clients, registry, now } = pass;
  const execution = listed.status === "Deleting" ? listed.deleteExecution : listed.createExecution;
  const running = needsExecution(listed) && execution !== undefined && (await isRunning(clients.sfn, execution));
  const seen = { running, machines: alive.has(listed.uid) };
  const found = findingOf({ ...listed, ...seen }, now);
  if (!found || (found === "resources-gone" && told(listed))) return undefined;
  const fresh = await readPlan(registry, listed.name, listed.uid);
  const moved = fresh.record.epoch !== listed.epoch || fresh.record.deleteExecution !== listed.deleteExecution;
  if (moved || findingOf({ ...fresh.record, ...seen }, now) !== found) return undefined;
  await act(pass, found, fresh);
  return { found, name: listed.name, uid: listed.uid };
}

async function act(pass: Sweep, found: NonNullable<Finding>, { record, plan }: PlannedCluster): Promise<void> {
  if (found === "resources-gone") await tellResourcesGone(pass, record);
  else if (found === "create-died") {
    const failed = await recordDeath(pass, record, plan);
    if (plan.onFailure === "delete") await remove(pass, failed);
  } else if (found === "replacement-died") await recordReplacementDeath(pass, record);
  else await remove(pass, record);
}

const remove = ({ clients: { sfn }, environment: { deleteMachineArn, deployment }, registry }: Sweep, record: ClusterRecord) =>
  beginDelete({ sfn, registry, deleteMachineArn, waits: deployment.waits }, record, { stopCreate: record.status === "Replacing" });

async function recordDeath(pass: Sweep, record: ClusterRecord, { name, onFailure, ttlSeconds }: ClusterPlan): Promise<ClusterRecord> {
  const { registry, now, environment } = pass;
  const again = "send the manifest again when this cluster is deleted";
  // The sweeper itself ends it then.
  const life = onFailure === "keep" ? wreckLife(ttlSeconds, environment.deployment.ttl, now) : undefined;
  const nextStep = life ? wreckAdvice(name, life.expiresAt, again) : again;
  const failure = deathOf(record, "create", nextStep, now);
  const conditions = failedConditions(record.conditions, failure, { now, generation: record.generation });
  return tell(pass, await writeRecord(registry, refOf(record), { set: { status: "Failed", failure, conditions, ...life } }, "epoch"), "cluster.failed");
}

/** The cluster goes on; what is open for the new worker ends by itself within the hour. */
async function recordReplacementDeath(pass: Sweep, record: ClusterRecord): Promise<void> {
  const { registry, now } = pass;
  const failure = deathOf(record, "replacement", replacementAdvice(record.name, record.replacement?.node ?? ""), now);
  const conditions = failedConditions(record.conditions, failure, { now, generation: record.generation });
  await tell(pass, await writeRecord(registry, refOf(record), { set: { status: "Degraded", failure, conditions } }, "epoch"), "cluster.replacement-failed");
}

function deathOf({ lastError, timeline }: ClusterRecord, what: string, nextStep: string, now: Date): Failure {
  const stage = lastError?.stage ?? timeline.at(-1)?.stage ?? "Begin";
  const message = `the ${what} ended without a word; the last that was heard of it is ${stage}${lastError ? `: ${lastError.message}` : ""}`;
  return { code: "ExecutionDied", blame: "clowder", stage, message, nextStep, at: now.toISOString() };
}

const GONE = "ResourcesGone";
const told = ({ conditions }: ClusterRecord): boolean => conditions.some(({ type, reason }) => type === "Ready" && reason === GONE);

/** The condition is written first: a message that is lost is better than one that is sent at every pass. */
async function tellResourcesGone(pass: Sweep, record: ClusterRecord): Promise<void> {
  const gone = { code: GONE, message: "EC2 shows none of its instances: something other than this service ended them" };
  const conditions = failedConditions(record.conditions, gone, { now: pass.now, generation: record.generation });
  await tell(pass, await writeRecord(pass.registry, refOf(record), { set: { conditions } }, "epoch"), "cluster.resources-gone");
}

async function tell({ environment, registry }: Sweep, record: ClusterRecord, event: ClusterEvent): Promise<ClusterRecord> {
  const notifications = [...(record.notifications ?? []), ...(await notify(record, event, environment))];
  return writeRecord(registry, refOf(record), { set: { notifications } }, "uid");
}

/** Reported at first sight, deleted after the time of grace. What has no cluster's name on it is not deleted: our own always has. */
async function sweepOrphan(pass: Sweep, uid: string, look: DeploymentLook): Promise<Deed | undefined> {
  const { clients, environment, registry, now } = pass;
  const { deployment, orphanGraceSeconds } = environment;
  const orphan = await describeOrphan(clients, deployment, { uid, resources: look.resources.get(uid) ?? [] });
  if (!orphan) return undefined;
  const { firstSeen, first } = await sightOrphan(registry, orphan, now);
  const due = new Date(firstSeen.getTime() + orphanGraceSeconds * 1000);
  const record = orphanRecord(orphan, deployment, firstSeen, {
    ...{ code: "Orphaned", blame: "clowder", stage: "Sweep", at: firstSeen.toISOString() },
    message: `no record knows the uid ${uid} of ${orphan.resources.join(", ")}`,
    nextStep: orphan.name
      ? `they are deleted after ${due.toISOString()}; take the tags clowder:uid and clowder:deployment off what is to stay`
      : "they name no cluster, so they are left as they are: delete them by hand",
  });
  const deed = { name: record.name, uid, resources: orphan.resources };
  if (first) await notify(record, "deployment.orphans", environment);
  if (!orphan.name || now < due) return first ? { found: "orphan", ...deed } : undefined;
  try {
    await adoptOrphan(registry, record, deployment);
  } catch (error) {
    if (error instanceof ClusterExists) return { found: "orphan-waits", ...deed };
    throw error;
  }
  await remove(pass, record);
  return { found: "orphan-due", ...deed };
}

const clients: Clients = { db: new DynamoDBClient(), sfn: new SFNClient(), ec2: new EC2Client(), iam: new IAMClient() };
/** Started by a clock. */
export const handler = onEvent((_tick: unknown, environment, now) => sweep(clients, environment, now));
