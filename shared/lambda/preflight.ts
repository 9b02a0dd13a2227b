import type { S3Client } from "@aws-sdk/client-s3";
import { BucketTaken, ClusterExists, ClusterNotFound, ImageNotFound, InvalidManifest, PermissionMissing, type Problem } from "../errors";
import type { ClusterRecord } from "../registry/cluster-record";
import { readRecord } from "../registry/clusters";
import type { Registry } from "../registry/registry";
import { bucketStanding, findForeignCluster } from "../resources/foreign-cluster";
import { type FoundImages, findImages } from "../resources/images";
import { type QuotaClients, findRoom } from "../resources/quotas";
import { type StepRoles, findRefusals } from "../resources/step-roles";
import type { CreateOptions, Deployment, Waits } from "../spec/deployment";
import type { Manifest } from "../spec/manifest";
import { matchesAny } from "../spec/patterns";

interface Look extends QuotaClients {
  registry: Registry;
  s3: S3Client;
  stepRoles: StepRoles;
  deployment: Deployment;
  options: Pick<CreateOptions, "substituteImage">;
}

/**
 * Looks, all at once, whether the registry and AWS leave room for this cluster, whether the steps may make it, and which images it boots.
 * @throws ClusterExists, BucketTaken, ImageNotFound where only images are missing, PermissionMissing where only permissions are,
 * InvalidManifest where quotas or zones are in the way too
 */
export async function preflight(look: Look, manifest: Manifest): Promise<Pick<FoundImages, "images" | "warnings">> {
  const { registry, ec2, s3, deployment, options } = look;
  const { name, configBase, instanceGroups } = manifest;
  const { accountId, id, imageOwners } = deployment;
  const references = instanceGroups.map(({ image }) => image);
  const [record, foreign, standing, found, room, refusals] = await Promise.all([
    recordOf(registry, name),
    findForeignCluster(ec2, s3, { name, bucket: configBase.bucket, accountId, deployment: id }),
    bucketStanding(s3, configBase.bucket, accountId),
    findImages({ ec2 }, references, { owners: imageOwners, substitute: options.substituteImage }),
    findRoom(look, manifest, deployment.probeClientMachineType),
    findRefusals(look.stepRoles, deployment),
  ]);
  if (record) refuseTaken(record, deployment.waits);
  if (foreign) throw new ClusterExists(foreign, { nextStep: "choose another metadata.name; what others made is never adopted or deleted" });
  if (standing !== "free") refuseBucket(standing, configBase.bucket, deployment);
  const byGroup = ({ path: reference, message }: Problem): Problem[] =>
    instanceGroups.filter(({ image }) => image === reference).map((group) => ({ path: `InstanceGroup/${group.name}.spec.image`, message }));
  const problems = found.problems.flatMap(byGroup);
  if (room.problems.length > 0) throw new InvalidManifest([...problems, ...room.problems, ...refusals.problems]);
  if (refusals.problems.length > 0) refuseSteps([...problems, ...refusals.problems]);
  if (problems.length > 0) throw new ImageNotFound(problems.map(({ path, message }) => `${path}: ${message}`).join("; "), { problems });
  return { images: found.images, warnings: [...found.warnings.flatMap(byGroup), ...room.warnings, ...refusals.warnings] };
}

function refuseSteps(problems: Problem[]): never {
  throw new PermissionMissing(problems.map(({ path, message }) => `${path}: ${message}`).join("; "), {
    problems,
    nextStep: "nothing was made; have the administrator of this deployment restore the permissions that its steps lack, then send this again",
  });
}

/** A deleted cluster's record holds its name no longer. */
async function recordOf(registry: Registry, name: string): Promise<ClusterRecord | undefined> {
  try {
    const record = await readRecord(registry, name);
    return record.status === "Deleted" ? undefined : record;
  } catch (error) {
    if (error instanceof ClusterNotFound) return undefined;
    throw error;
  }
}

function refuseTaken({ name, status }: ClusterRecord, { poll }: Waits): never {
  if (status === "Deleting")
    throw new ClusterExists(`${name} is being deleted`, {
      nextStep: `send this again when GET /clusters/${name} says Deleted`,
      retryAfterSeconds: Math.max(1, Math.ceil(3 * poll)),
    });
  throw new ClusterExists(`a cluster named ${name} exists and is ${status}`, {
    nextStep: `DELETE /clusters/${name} first, or choose another metadata.name`,
  });
}

function refuseBucket(standing: "ours" | "foreign", bucket: string, { allowedBuckets }: Deployment): void {
  const nextStep = "name another with ?configBase=s3://…: bucket names are unique over all accounts";
  if (standing === "foreign") throw new BucketTaken(`the bucket ${bucket} is another account's, or out of this deployment's reach`, { nextStep });
  if (!matchesAny(allowedBuckets, bucket)) throw new BucketTaken(`the bucket ${bucket} exists and this deployment does not allow it`, { nextStep });
}
