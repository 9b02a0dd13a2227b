import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { readPlan } from "../../shared/registry/clusters";
import { takePrivateKey } from "../../shared/resources/keypair";

const clients = { db: new DynamoDBClient(), s3: new S3Client() };
export const handler = route((request, environment) => takeSshKey(clients, environment, request));

/**
 * The private half of a key pair that was made here: POST, because it can be had once.
 * @throws NotNow, ClusterNotFound, NotYours
 */
export async function takeSshKey(
  { db, s3 }: { db: DynamoDBClient; s3: S3Client },
  { table, admins }: Environment,
  { path, caller }: Request,
): Promise<Answer> {
  const { record, plan } = await readPlan({ db, table }, path["name"] ?? "");
  mayTouch(caller, record, admins);
  return { status: 200, headers: { "content-type": "application/x-pem-file" }, body: await takePrivateKey(s3, plan) };
}
