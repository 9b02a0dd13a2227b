import { randomBytes, randomInt } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { SFNClient } from "@aws-sdk/client-sfn";
import { isUncertain, translate } from "../../shared/aws/translate";
import { type ClowderError, InvalidManifest, type Problem } from "../../shared/errors";
import { accepted } from "../../shared/lambda/accepted";
import type { Environment } from "../../shared/lambda/environment";
import { preflight } from "../../shared/lambda/preflight";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { planCluster } from "../../shared/plan/plan-cluster";
import { stepPermissions } from "../../shared/plan/step-permissions";
import type { ClusterRecord } from "../../shared/registry/cluster-record";
import { createRecord, refOf } from "../../shared/registry/clusters";
import { newRecord } from "../../shared/registry/new-record";
import { itemsOf } from "../../shared/registry/record-size";
import { type Registry, writeRecord } from "../../shared/registry/registry";
import { startCreate } from "../../shared/registry/start-create";
import type { QuotaClients } from "../../shared/resources/quotas";
import { readCreateOptions } from "../../shared/spec/create-options";
import type { Deployment } from "../../shared/spec/deployment";
import { readManifest } from "../../shared/spec/read-manifest";
import stepFunctions from "../steps/functions.yml";

const DAY = 86_400;

interface Clients extends QuotaClients {
  db: DynamoDBClient;
  s3: S3Client;
  sfn: SFNClient;
  iam: IAMClient;
}
const clients: Clients = {
  db: new DynamoDBClient(),
  ec2: new EC2Client(),
  s3: new S3Client(),
  sfn: new SFNClient(),
  iam: new IAMClient(),
  quotas: new ServiceQuotasClient(),
  classic: new ElasticLoadBalancingClient(),
  network: new ElasticLoadBalancingV2Client(),
};
const permissionsSeen = { goodUntil: 0 };
export const handler = route((request, environment) => createCluster(clients, environment, request, permissionsSeen));

/**
 * Reads and plans the whole cluster before anything is made; then records it, starts the create machine, and answers 202.
 * With `?dryRun=true` the plan is the answer and nothing is written.
 * @throws InvalidManifest, UnreadableBody, BodyTooLarge, ImageNotFound, BucketTaken, ClusterExists, PermissionMissing, PlanTooLarge
 */
export async function createCluster(
  { db, sfn, iam, ...looked }: Clients,
  { deployment, table, createMachineArn, stepRoles: prefix }: Environment,
  request: Request,
  memory = { goodUntil: 0 },
): Promise<Answer> {
  const registry = { db, table };
  const { options, manifest, warnings } = readRequest(request, deployment);
  const stepRoles = { iam, prefix, memory, permissions: stepPermissions(stepFunctions, deployment) };
  const found = await preflight({ registry, deployment, options, stepRoles, ...looked }, manifest);
  const plan = planCluster(manifest, {
    now: request.now,
    uid: newUid(),
    nonce: randomBytes(16).toString("hex"),
    owner: request.caller.arn,
    deployment,
    options,
    images: found.images,
    warnings: [...warnings, ...found.warnings],
  });
  const record = newRecord(plan, createMachineArn);
  const planned = { record, plan, documents: manifest.documents };
  if (options.dryRun) {
    itemsOf(planned);
    return { status: 200, body: { plan, warnings: plan.warnings } };
  }
  await createRecord(registry, planned);
  await startOrAbandon({ sfn, registry, createMachineArn }, record, plan);
  return accepted(record, deployment.waits, { createdAt: record.createdAt, warnings: record.warnings });
}

/** Every problem of the query and of the body, at once. */
function readRequest({ query, body }: Request, deployment: Deployment) {
  const problems: Problem[] = [];
  const collecting = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InvalidManifest)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const options = collecting(() => readCreateOptions(query, deployment));
  const read = collecting(() => readManifest(body, deployment, options ?? readCreateOptions({}, deployment)));
  if (!options || !read) throw new InvalidManifest(problems);
  return { options, ...read };
}

/** Ten of `[a-z0-9]`, a letter first: it is part of names that must begin with one. */
function newUid(): string {
  const any = () => randomInt(36).toString(36);
  return `${String.fromCharCode(97 + randomInt(26))}${Array.from({ length: 9 }, any).join("")}`;
}

/**
 * A create that was refused its start is closed at once, so that its name is free again: nothing was made. Where nobody knows whether
 * it has started the record stays: either the create goes on, or the sweeper finds that it died.
 */
async function startOrAbandon(
  { sfn, registry, createMachineArn }: { sfn: SFNClient; registry: Registry; createMachineArn: string },
  record: ClusterRecord,
  { waits }: ClusterPlan,
): Promise<void> {
  try {
    await startCreate(sfn, createMachineArn, { cluster: refOf(record), waits });
  } catch (thrown) {
    const error = translate(thrown);
    if (isUncertain(thrown)) throw error;
    // A record that stays behind is found by the sweeper; what went wrong first is what the caller is told.
    await abandon(registry, record, error).catch(({ name, message }: Error) =>
      console.error(JSON.stringify({ level: "error", cluster: record.name, uid: record.uid, error: name, message })),
    );
    throw error;
  }
}

/** The epoch is raised too: should the execution run after all, it makes nothing. */
async function abandon(registry: Registry, record: ClusterRecord, { name: code, blame, message }: ClowderError): Promise<void> {
  const now = new Date();
  const at = now.toISOString();
  const failure = { code, blame, message, stage: "StartCreate", at };
  const forgetAt = Math.floor(now.getTime() / 1000) + DAY;
  await writeRecord(registry, refOf(record), { set: { status: "Deleted", deletedAt: at, failure, forgetAt }, raise: ["epoch"] }, "uid");
}
