import { DescribeInstancesCommand, DescribeTagsCommand, type EC2Client, type TagDescription } from "@aws-sdk/client-ec2";
import { HeadBucketCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { codeOf, isNotFound } from "../aws/translate";
import { TAG_DEPLOYMENT } from "../plan/names";

interface Query {
  name: string;
  bucket: string;
  accountId: string;
  deployment: string;
}

/** A sentence when a cluster of that name exists that is not this deployment's: it is never adopted and never deleted. */
export async function findForeignCluster(ec2: EC2Client, s3: S3Client, query: Query): Promise<string | undefined> {
  const [tagged, stored] = await Promise.all([foreignResource(ec2, query), foreignState(s3, query)]);
  return tagged ?? stored;
}

async function foreignResource(ec2: EC2Client, { name, deployment }: Query): Promise<string | undefined> {
  const ownerTag = `kubernetes.io/cluster/${name}`;
  const { Tags = [] } = await ec2.send(
    new DescribeTagsCommand({
      Filters: [
        { Name: "key", Values: [ownerTag, "KubernetesCluster"] },
        { Name: "value", Values: ["owned", "shared", name] },
        { Name: "resource-type", Values: ["vpc", "security-group", "instance"] },
      ],
    }),
  );
  const marks = Tags.filter(({ Key, Value }) => Key === ownerTag || Value === name);
  const foreign = marks.length ? await withoutOurs(ec2, marks, deployment) : [];
  const lasting = foreign.find(({ ResourceType }) => ResourceType !== "instance") ?? (await firstAlive(ec2, foreign));
  return (
    lasting &&
    `the ${lasting.ResourceType} ${lasting.ResourceId} is tagged ${lasting.Key}=${lasting.Value} and was not made by this service`
  );
}

/** EC2 takes 200 values in a filter; the first hundreds of a cluster tell enough. */
const filterLimit = 200;

async function withoutOurs(ec2: EC2Client, marks: TagDescription[], deployment: string): Promise<TagDescription[]> {
  const ids = [...new Set(marks.map(({ ResourceId }) => ResourceId!))].slice(0, filterLimit);
  const { Tags = [] } = await ec2.send(
    new DescribeTagsCommand({
      Filters: [
        { Name: "key", Values: [TAG_DEPLOYMENT] },
        { Name: "value", Values: [deployment] },
        { Name: "resource-id", Values: ids },
      ],
    }),
  );
  const ours = new Set(Tags.map(({ ResourceId }) => ResourceId));
  return marks.filter(({ ResourceId }) => ids.includes(ResourceId!) && !ours.has(ResourceId));
}

/** Ended instances keep their tags for an hour and are no cluster. */
async function firstAlive(ec2: EC2Client, marks: TagDescription[]): Promise<TagDescription | undefined> {
  if (marks.length === 0) return undefined;
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        { Name: "instance-id", Values: marks.map(({ ResourceId }) => ResourceId!) },
        { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
      ],
    }),
  );
  const alive = new Set(Reservations.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId }) => InstanceId));
  return marks.find(({ ResourceId }) => alive.has(ResourceId));
}

/** kOps keeps a cluster at `<bucket>/<name>/config`; ours carries its uid as metadata. */
async function foreignState(s3: S3Client, { name, bucket, accountId }: Query): Promise<string | undefined> {
  const Key = `${name}/config`;
  try {
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ExpectedBucketOwner: accountId }));
    return Metadata?.["clowder-uid"] ? undefined : `s3://${bucket}/${Key} is the state of a kOps cluster that was not made by this service`;
  } catch (error) {
    if (isNotFound(error) || isRefused(error)) return undefined;
    throw error;
  }
}

/**
 * `free`: nobody has the name. `ours`: this account's. `foreign`: another account's, or out of reach for this role or region.
 * S3 tells no more: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 */
export async function bucketStanding(s3: S3Client, bucket: string, accountId: string): Promise<"free" | "ours" | "foreign"> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: accountId }));
    return "ours";
  } catch (error) {
    if (isNotFound(error)) return "free";
    if (isRefused(error)) return "foreign";
    throw error;
  }
}

/** 403: not ours to see. 301: it is in another region. HEAD has no body that would say more. */
const isRefused = (error: unknown): boolean =>
  [301, 400, 403].includes((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0) ||
  /^(AccessDenied|PermanentRedirect|301|403)$/.test(codeOf(error));
