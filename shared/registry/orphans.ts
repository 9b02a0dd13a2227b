import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { initialConditions } from "../health/conditions";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Deployment } from "../spec/deployment";
import type { ClusterRecord, Failure } from "./cluster-record";
import { createRecord } from "./clusters";
import type { Registry } from "./registry";

/** What carries a uid that no record knows, and what its tags tell of the cluster. */
export interface Orphan {
  uid: string;
  name?: string;
  owner?: string;
  /** `vpc vpc-0123` */
  resources: string[];
}

/** An orphan that was not seen for so long was gone: its time of grace begins anew. */
const REMEMBERED_MS = 2 * 3600_000;

/** Keeps that an orphan was seen, and since when: one item `orphan:<uid>`, which DynamoDB forgets a day after the last sight. */
export async function sightOrphan({ db, table }: Registry, { uid, resources }: Orphan, now: Date): Promise<{ firstSeen: Date; first: boolean }> {
  const key = { name: `orphan:${uid}`, item: "orphan" };
  const { Item } = await db.send(new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true }));
  const known = Item && (unmarshall(Item) as { firstSeen: string; lastSeen: string });
  const again = known && now.getTime() - Date.parse(known.lastSeen) <= REMEMBERED_MS;
  const firstSeen = again ? known.firstSeen : now.toISOString();
  const forgetAt = Math.floor(now.getTime() / 1000) + 86_400;
  await db.send(new PutItemCommand({ TableName: table, Item: marshall({ ...key, uid, firstSeen, lastSeen: now.toISOString(), resources, forgetAt }) }));
  return { firstSeen: new Date(firstSeen), first: !again };
}

/**
 * The record under which an orphan is deleted. Its epoch follows from when it was first seen: above that of whatever Lambda made it,
 * and another one for every time of grace, as the names of executions must be.
 */
export function orphanRecord({ uid, name, owner }: Orphan, { region }: Deployment, firstSeen: Date, failure: Failure): ClusterRecord {
  return {
    ...{ uid, region, failure },
    name: name ?? "unknown",
    owner: owner ?? "unknown",
    epoch: Math.floor(firstSeen.getTime() / 1000),
    generation: 1,
    status: "Deleting",
    createdAt: firstSeen.toISOString(),
    conditions: initialConditions(firstSeen),
    timeline: [],
    ledger: {},
    warnings: [],
  };
}

/**
 * Gives an orphan a record, with as much of a plan as the delete machine's steps read.
 * @throws ClusterExists while a cluster that is not deleted holds the name
 */
export async function adoptOrphan(registry: Registry, record: ClusterRecord, deployment: Deployment): Promise<void> {
  const { name, uid, region, owner, createdAt } = record;
  const { id, accountId, partition, waits } = deployment;
  const plan = { version: 1, name, uid, region, owner, createdAt, accountId, partition, deployment: id, waits, onFailure: "delete" } satisfies Partial<ClusterPlan>;
  await createRecord(registry, { record, plan: plan as unknown as ClusterPlan, documents: [] });
}
