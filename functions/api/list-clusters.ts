import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { codeOf } from "../../shared/aws/translate";
import { InvalidManifest } from "../../shared/errors";
import { isAdmin } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { clusterSummary } from "../../shared/registry/cluster-view";
import { listRecords } from "../../shared/registry/clusters";

const LARGEST_PAGE = 100;
const db = new DynamoDBClient();
export const handler = route((request, environment) => listClusters(db, environment, request));

/**
 * One page, in no order: an administrator sees all, others their own. A page may be shorter than `limit`, even empty,
 * while there is a `nextToken`.
 * @throws InvalidManifest for a limit or token that cannot be used
 */
export async function listClusters(db: DynamoDBClient, { table, admins }: Environment, { query, caller }: Request): Promise<Answer> {
  const limit = Number(query["limit"] ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE)
    throw new InvalidManifest([{ path: "?limit", message: `must be a whole number from 1 to ${LARGEST_PAGE}` }]);
  const owner = isAdmin(caller, admins) ? undefined : caller.arn;
  const { records, nextToken } = await listRecords({ db, table }, { limit, nextToken: query["nextToken"], owner }).catch(notOurToken);
  return { status: 200, body: { clusters: records.map(clusterSummary), nextToken } };
}

/** The token is opaque to callers; what it holds is read by `listRecords` and DynamoDB, and either may refuse it. */
function notOurToken(error: unknown): never {
  if (error instanceof SyntaxError || codeOf(error) === "ValidationException")
    throw new InvalidManifest([{ path: "?nextToken", message: "is none that this service gave; leave it out to start again" }]);
  throw error;
}
