import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { isNotFound } from "../../shared/aws/translate";
import { mintKubeconfig } from "../../shared/bootstrap/kubeconfig";
import type { ControlPlaneMaterial } from "../../shared/bootstrap/pki";
import { NotNow } from "../../shared/errors";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { endOf } from "../../shared/plan/lifetime";
import { ADMIN_GROUP } from "../../shared/plan/names";
import { readPlan } from "../../shared/registry/clusters";

const LONGEST_MS = 8 * 3600_000;
const CLOCK_SKEW_MS = 5 * 60_000;
const clients = { db: new DynamoDBClient(), s3: new S3Client() };
export const handler = route((request, environment) => getKubeconfig(clients, environment, request));

/**
 * A kubeconfig of the caller's own, made for this answer and kept nowhere; it ends with the cluster, and after 8 hours at most.
 * @throws NotNow while there is no ELB to reach or the cluster is on its way out, ClusterNotFound, NotYours
 */
export async function getKubeconfig(
  { db, s3 }: { db: DynamoDBClient; s3: S3Client },
  { table, admins }: Environment,
  { path, caller, now }: Request,
): Promise<Answer> {
  const { record, plan } = await readPlan({ db, table }, path["name"] ?? "");
  mayTouch(caller, record, admins);
  if (record.status.startsWith("Delet")) throw new NotNow(`${record.name} is ${record.status}: there is nothing left to reach`);
  const host = record.ledger["load-balancer/api"]?.detail?.["dnsName"];
  const material = host && (await readMaterial(s3, plan));
  if (!host || !material)
    throw new NotNow(`${record.name} has no API endpoint yet; it comes with its ELB`, {
      nextStep: `ask again when GET /clusters/${record.name} shows an apiEndpoint`,
      retryAfterSeconds: 15,
    });
  const ends = endOf(record);
  const latest = now.getTime() + LONGEST_MS;
  const kubeconfig = await mintKubeconfig(material, {
    cluster: record.name,
    server: `https://${host}:${plan.elb.listenerPort}`,
    tlsServerName: plan.kubernetes.internalName,
    user: caller.arn.split(":").slice(5).join(":"),
    group: ADMIN_GROUP,
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(ends ? Math.min(latest, Date.parse(ends)) : latest),
  });
  return { status: 200, headers: { "content-type": "application/yaml" }, body: kubeconfig };
}

async function readMaterial(s3: S3Client, { bucket, accountId, pki }: ClusterPlan): Promise<ControlPlaneMaterial | undefined> {
  const object = { Bucket: bucket.name, Key: pki.controlPlaneObject, ExpectedBucketOwner: accountId };
  try {
    const { Body } = await s3.send(new GetObjectCommand(object));
    return JSON.parse((await Body?.transformToString()) ?? "");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
