import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { clusterView, etagOf } from "../../shared/registry/cluster-view";
import { readRecord } from "../../shared/registry/clusters";

const db = new DynamoDBClient();
export const handler = route((request, environment) => getCluster(db, environment, request));

/** @throws ClusterNotFound, NotYours */
export async function getCluster(db: DynamoDBClient, { table, admins }: Environment, { path, caller }: Request): Promise<Answer> {
  const record = await readRecord({ db, table }, path["name"] ?? "");
  mayTouch(caller, record, admins);
  return { status: 200, headers: { etag: etagOf(record) }, body: clusterView(record) };
}
