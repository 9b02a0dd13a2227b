import {
  type CancellationReason,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { ClusterExists, ClusterNotFound, EpochPassed, TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { ClusterRecord, ClusterRef } from "./cluster-record";
import { itemsOf } from "./record-size";
import { CLUSTER, PLAN, type Registry, recordBehind, toRecord, writeRecord } from "./registry";

export interface PlannedCluster {
  record: ClusterRecord;
  plan: ClusterPlan;
  /** The manifest's documents as they were sent. */
  documents: Record<string, unknown>[];
}

/**
 * Records a cluster before anything is made. The name is free when no record holds it or its cluster is deleted.
 * @throws ClusterExists, PlanTooLarge, TryAgain
 */
export async function createRecord({ db, table }: Registry, planned: PlannedCluster): Promise<void> {
  const { record } = planned;
  const items = itemsOf(planned);
  try {
    await db.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          {
            Put: {
              TableName: table,
              Item: items.record,
              ConditionExpression: "attribute_not_exists(#name) OR #status = :deleted",
              ExpressionAttributeNames: { "#name": "name", "#status": "status" },
              ExpressionAttributeValues: marshall({ ":deleted": "Deleted" }),
            },
          },
          { Put: { TableName: table, Item: items.plan } },
        ],
      }),
    );
  } catch (error) {
    if (error instanceof TransactionCanceledException && error.CancellationReasons?.some(isPassing))
      throw new TryAgain(`the registry is busy with ${record.name}`, { cause: error });
    if ((error as Error).name === "TransactionCanceledException")
      throw new ClusterExists(`a cluster named ${record.name} exists`, { cause: error, nextStep: `DELETE /clusters/${record.name} first` });
    throw error;
  }
}

/** TransactionConflict, ThrottlingError and the like: no word on whether the name is free. */
const isPassing = ({ Code }: CancellationReason): boolean => Code !== undefined && !["None", "ConditionalCheckFailed"].includes(Code);

/** @throws ClusterNotFound */
export async function readRecord({ db, table }: Registry, name: string): Promise<ClusterRecord> {
  const { Item } = await db.send(
    new GetItemCommand({ TableName: table, Key: marshall({ name, item: CLUSTER }), ConsistentRead: true }),
  );
  if (!Item) throw new ClusterNotFound(`there is no cluster named ${name}`);
  return toRecord(Item);
}

/** Record and plan in one read. @throws ClusterNotFound also when the name belongs to another uid by now. */
export async function readPlan({ db, table }: Registry, name: string, uid?: string): Promise<PlannedCluster> {
  const { Items = [] } = await db.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: "#name = :name",
      ExpressionAttributeNames: { "#name": "name" },
      ExpressionAttributeValues: marshall({ ":name": name }),
      ConsistentRead: true,
    }),
  );
  const [record, plan] = [CLUSTER, PLAN].map((item) => Items.find((found) => found["item"]?.S === item));
  if (!record || !plan || (uid && record["uid"]?.S !== uid)) throw new ClusterNotFound(`there is no cluster ${name}${uid ? ` (${uid})` : ""}`);
  const planned = unmarshall(plan) as { plan: ClusterPlan; documents: Record<string, unknown>[] };
  return { record: toRecord(record), plan: planned.plan, documents: planned.documents };
}

/** A page of records in no order; `nextToken` is opaque. `owner` filters. */
export async function listRecords(
  { db, table }: Registry,
  { limit, nextToken, owner }: { limit: number; nextToken?: string; owner?: string },
): Promise<{ records: ClusterRecord[]; nextToken?: string }> {
  const { Items = [], LastEvaluatedKey } = await db.send(
    new ScanCommand({
      TableName: table,
      // Every name has two items.
      Limit: limit * 2,
      FilterExpression: owner ? "#item = :cluster AND #owner = :owner" : "#item = :cluster",
      ExpressionAttributeNames: { "#item": "item", ...(owner && { "#owner": "owner" }) },
      ExpressionAttributeValues: marshall({ ":cluster": CLUSTER, ...(owner && { ":owner": owner }) }),
      ...(nextToken && { ExclusiveStartKey: JSON.parse(Buffer.from(nextToken, "base64url").toString()) }),
    }),
  );
  return {
    records: Items.map(toRecord),
    ...(LastEvaluatedKey && { nextToken: Buffer.from(JSON.stringify(LastEvaluatedKey)).toString("base64url") }),
  };
}

export const refOf = ({ name, uid, region, epoch }: ClusterRecord): ClusterRef => ({ name, uid, region, epoch });

/**
 * Begins a delete: from here on no step of a lower epoch can make anything. Twice is once, also where the reply to the first
 * was lost or somebody else began it at the same moment.
 * @throws EpochPassed when the record is another cluster's, or this one's delete has ended meanwhile.
 */
export async function raiseEpoch(registry: Registry, record: ClusterRecord): Promise<ClusterRecord> {
  return record.status === "Deleting" || record.status === "Deleted" ? record : raiseAgain(registry, record);
}

/** The next epoch whatever the status is: for a delete whose execution died. */
export async function raiseAgain(registry: Registry, record: ClusterRecord): Promise<ClusterRecord> {
  try {
    return await writeRecord(registry, refOf(record), { set: { status: "Deleting" }, raise: ["epoch", "generation"] }, "epoch");
  } catch (error) {
    const found = error instanceof EpochPassed ? recordBehind(error) : undefined;
    if (found?.uid === record.uid && found.status === "Deleting" && found.epoch > record.epoch) return found;
    throw error;
  }
}
