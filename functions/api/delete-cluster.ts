import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { ClusterNotFound, EpochPassed } from "../../shared/errors";
import { accepted } from "../../shared/lambda/accepted";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { beginDelete } from "../../shared/registry/begin-delete";
import { readRecord } from "../../shared/registry/clusters";

const clients = { db: new DynamoDBClient(), sfn: new SFNClient() };
export const handler = route((request, environment) => deleteCluster(clients, environment, request));

/**
 * Begins the delete and answers at once; asked again while it runs, it gives the same answer.
 * @throws ClusterNotFound also for a cluster that is deleted already, NotYours
 */
export async function deleteCluster(
  { db, sfn }: { db: DynamoDBClient; sfn: SFNClient },
  { table, admins, deleteMachineArn, deployment }: Environment,
  { path, caller }: Request,
): Promise<Answer> {
  const registry = { db, table };
  const record = await readRecord(registry, path["name"] ?? "");
  mayTouch(caller, record, admins);
  if (record.status === "Deleted") throw new ClusterNotFound(`${record.name} was deleted at ${record.deletedAt}`);
  const deleting = await beginDelete({ sfn, registry, deleteMachineArn, waits: deployment.waits }, record, { stopCreate: true }).catch((error: unknown) => {
    // Somebody else's DELETE came in between.
    if (error instanceof EpochPassed) return readRecord(registry, record.name);
    throw error;
  });
  return accepted(deleting, deployment.waits);
}
