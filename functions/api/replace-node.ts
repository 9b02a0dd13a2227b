import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { isUncertain, translate } from "../../shared/aws/translate";
import { InvalidChange, NodeNotFound, NotNow } from "../../shared/errors";
import { replacing } from "../../shared/health/conditions";
import { accepted } from "../../shared/lambda/accepted";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { changedSince, mustMatch } from "../../shared/lambda/if-match";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { executionArn, executionName } from "../../shared/plan/names";
import type { ClusterRecord } from "../../shared/registry/cluster-record";
import { readPlan, refOf } from "../../shared/registry/clusters";
import { type Registry, writeRecord } from "../../shared/registry/registry";
import { startCreate } from "../../shared/registry/start-create";

const RETRY_SECONDS = 60;
const clients = { db: new DynamoDBClient(), sfn: new SFNClient() };
export const handler = route((request, environment) => replaceNode(clients, environment, request));

/**
 * Gives a worker's place to a new machine, by another run of the create machine under the next epoch, and answers at once. Asked again for
 * the same worker while it runs, it gives the same answer.
 * @throws NotNow, NodeNotFound, InvalidChange for a control plane, ChangedMeanwhile, ClusterNotFound, NotYours
 */
export async function replaceNode(
  { db, sfn }: { db: DynamoDBClient; sfn: SFNClient },
  { table, admins, createMachineArn, deployment }: Environment,
  { path, caller, headers, now }: Request,
): Promise<Answer> {
  const registry = { db, table };
  const node = path["node"] ?? "";
  const { record, plan } = await readPlan(registry, path["name"] ?? "");
  mayTouch(caller, record, admins);
  const runs = record.status === "Replacing" && record.replacement?.node === node;
  if (!runs) {
    mayReplace(record, plan, node);
    mustMatch(headers, record);
  }
  const begun = runs ? record : await begin(registry, record, { node, now, createMachineArn });
  try {
    await startCreate(sfn, createMachineArn, { cluster: refOf(begun), waits: plan.waits, replaces: true });
  } catch (thrown) {
    // Where nobody knows whether it started, the sweeper finds out.
    if (!runs && !isUncertain(thrown)) await undo(registry, begun, record);
    throw translate(thrown);
  }
  return accepted(begun, deployment.waits, { node });
}

function mayReplace({ name, status, replacement }: ClusterRecord, { instances }: ClusterPlan, node: string): void {
  if (status === "Replacing")
    throw new NotNow(`${name} gets a new machine for ${replacement?.node} at the moment; one worker is replaced at a time`, { retryAfterSeconds: RETRY_SECONDS });
  if (status !== "Ready" && status !== "Degraded") throw new NotNow(`${name} is ${status}; a worker is replaced while its cluster is Ready or Degraded`);
  const workers = instances.filter(({ role }) => role === "node").map(({ key }) => key);
  const found = instances.find(({ key }) => key === node);
  if (!found) throw new NodeNotFound(`${name} has no node ${node}; its workers are ${workers.join(", ")}`);
  if (found.role === "node") return;
  const message = `${node} is a control plane, which is a member of etcd: a new machine cannot take its place; workers are ${workers.join(", ")}`;
  throw new InvalidChange([{ path: "node", message }]);
}

/** One write: nothing that an earlier execution does counts any more, and a delete knows what to stop. */
async function begin(
  registry: Registry,
  record: ClusterRecord,
  { node, now, createMachineArn }: { node: string; now: Date; createMachineArn: string },
): Promise<ClusterRecord> {
  const { uid, epoch, generation } = record;
  const instanceId = record.ledger[`instance/${node}`]?.id;
  const set = {
    status: "Replacing" as const,
    replacement: { node, at: now.toISOString(), ...(instanceId && { instanceId }) },
    conditions: replacing(record.conditions, node, { now, generation: generation + 1 }),
    createExecution: executionArn(createMachineArn, executionName(uid, "create", epoch + 1)),
  };
  const remove = (["dataPlane", "failure", "lastError"] as const).filter((name) => record[name] !== undefined);
  return writeRecord(registry, refOf(record), { set, remove, raise: ["epoch", "generation"], expect: generation }, "epoch").catch(changedSince(record));
}

/** Nothing was begun: the record says again what it said. */
async function undo(registry: Registry, begun: ClusterRecord, { status, conditions, dataPlane, failure }: ClusterRecord): Promise<void> {
  const set = { status, conditions, ...(dataPlane && { dataPlane }), ...(failure && { failure }) };
  await writeRecord(registry, refOf(begun), { set, remove: ["replacement"] }, "epoch").catch(({ name, message }: Error) =>
    console.error(JSON.stringify({ level: "error", cluster: begun.name, uid: begun.uid, error: name, message })),
  );
}
