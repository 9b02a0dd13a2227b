import {
  CreateBucketCommand,
  type BucketLocationConstraint,
  DeleteBucketCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { type ObjectVersion, type OwnedBucket, purgeVersions } from "../aws/object-versions";
import { codeOf, isInUse, isNotFound } from "../aws/translate";
import { BucketTaken, TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { TAG_DEPLOYMENT, TAG_UID, objectPrefix } from "../plan/names";
import type { LedgerEntry } from "../registry/cluster-record";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";

type Tags = Record<string, string>;
const bucketKey = (name: string): string => `bucket/${name}`;
const PAGES_PER_LOOK = 5;

/**
 * The state bucket: found or made in its region; private, versioned, encrypted, TLS only and tagged when it is made here.
 * The ledger's detail `madeByUs` says whether its last user may remove it. A bucket that was there before is left as it is.
 * @throws BucketTaken when it is another account's, in another region, or there before and not allowed.
 * @throws TryAgain when S3 does not show a new bucket yet, or still deletes its namesake.
 */
export async function ensureBucket(s3: S3Client, plan: ClusterPlan, ledger: Ledger): Promise<void> {
  const { name } = plan.bucket;
  const bucket = { Bucket: name, ExpectedBucketOwner: plan.accountId };
  let fresh = false;
  if (!(await isThere(s3, bucket, plan.region))) {
    await ledger.intend({ key: bucketKey(name), token: plan.uid });
    fresh = await createBucket(s3, plan, ledger);
  }
  const tags = fresh ? {} : await tagsOf(s3, bucket);
  if (fresh || (await isOurs(s3, bucket, tags, plan, ledger.entry(bucketKey(name))))) {
    await settle(s3, bucket, plan, tags);
    ledger.made(bucketKey(name), name, { madeByUs: "true" });
  } else if (plan.bucket.mayExist) {
    ledger.made(bucketKey(name), name, { madeByUs: String(tags[TAG_DEPLOYMENT] === plan.deployment) });
  } else {
    throw new BucketTaken(`The bucket ${name} exists already in this account and this deployment does not allow it.`, {
      nextStep: "Name a bucket that does not exist yet with ?configBase=s3://…, or ask for this one to be allowed.",
    });
  }
}

/** HEAD answers carry no body: the status tells. 301 is another region, 403 another account or a policy against us. */
async function isThere(s3: S3Client, bucket: OwnedBucket, region: string): Promise<boolean> {
  try {
    const { BucketRegion } = await s3.send(new HeadBucketCommand(bucket));
    if (BucketRegion && BucketRegion !== region) throw elsewhere(bucket.Bucket, BucketRegion);
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return false;
    if (status === 301) throw elsewhere(bucket.Bucket, "another region", error);
    if (status === 403) throw notOurs(bucket.Bucket, error);
    throw error;
  }
}

const statusOf = (error: unknown): number | undefined => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
const otherName = "Name another bucket with ?configBase=s3://…: bucket names are unique over all accounts.";
const elsewhere = (name: string, region: string, cause?: unknown) =>
  new BucketTaken(`The bucket ${name} exists in ${region}, not in the region of this deployment.`, { cause, nextStep: otherName });
const notOurs = (name: string, cause: unknown) =>
  new BucketTaken(`The bucket ${name} belongs to another account, or its policy shuts us out.`, { cause, nextStep: otherName });

/** True when the bucket is surely new: us-east-1 answers 200 for one's own too, so there it is looked at again. */
async function createBucket(s3: S3Client, { bucket, region }: ClusterPlan, ledger: Ledger): Promise<boolean> {
  const legacy = region === "us-east-1";
  const LocationConstraint = region as BucketLocationConstraint;
  try {
    await s3.send(
      new CreateBucketCommand({
        Bucket: bucket.name,
        ObjectOwnership: "BucketOwnerEnforced",
        ...(!legacy && { CreateBucketConfiguration: { LocationConstraint } }),
      }),
    );
    return !legacy;
  } catch (error) {
    const code = codeOf(error);
    if (code === "BucketAlreadyOwnedByYou") return false;
    if (isInUse(error)) throw new TryAgain(`S3 is still busy with the name ${bucket.name}`, { cause: error });
    if (code === "BucketAlreadyExists") {
      ledger.gone(bucketKey(bucket.name));
      throw notOurs(bucket.name, error);
    }
    throw error;
  }
}

async function tagsOf(s3: S3Client, bucket: OwnedBucket): Promise<Tags> {
  try {
    const { TagSet = [] } = await s3.send(new GetBucketTaggingCommand(bucket));
    return Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]));
  } catch (error) {
    if (codeOf(error) === "NoSuchTagSet") return {};
    throw isNotFound(error) ? new TryAgain(`S3 does not show the bucket ${bucket.Bucket} yet`, { cause: error }) : error;
  }
}

/** Made for this very uid: it says so, or the reply to our create was lost before it was tagged and anything was put there. */
async function isOurs(s3: S3Client, bucket: OwnedBucket, tags: Tags, { uid }: { uid: string }, entry?: LedgerEntry): Promise<boolean> {
  if (tags[TAG_UID]) return tags[TAG_UID] === uid;
  if (entry?.state !== "intended" || Object.keys(tags).length) return false;
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ ...bucket, MaxKeys: 1 }));
  return Versions.length + DeleteMarkers.length === 0;
}

const nothingPublic = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };

/** Tags first, so that a crash leaves a bucket that says whose it is. One after another: S3 refuses some of these side by side. */
async function settle(s3: S3Client, bucket: OwnedBucket, plan: ClusterPlan, tags: Tags): Promise<void> {
  const arn = `arn:${plan.partition}:s3:::${bucket.Bucket}`;
  const tlsOnly = {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  try {
    const missing = Object.entries(plan.tags).some(([key]) => tags[key] === undefined);
    const TagSet = Object.entries({ ...plan.tags, ...tags }).map(([Key, Value]) => ({ Key, Value }));
    if (missing) await s3.send(new PutBucketTaggingCommand({ ...bucket, Tagging: { TagSet } }));
    await s3.send(new PutPublicAccessBlockCommand({ ...bucket, PublicAccessBlockConfiguration: nothingPublic }));
    await s3.send(new PutBucketVersioningCommand({ ...bucket, VersioningConfiguration: { Status: "Enabled" } }));
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" as const } }];
    await s3.send(new PutBucketEncryptionCommand({ ...bucket, ServerSideEncryptionConfiguration: { Rules } }));
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [tlsOnly] });
    await s3.send(new PutBucketPolicyCommand({ ...bucket, Policy }));
  } catch (error) {
    if (isNotFound(error) || isInUse(error)) throw new TryAgain(`S3 is not done with the new bucket ${bucket.Bucket}`, { cause: error });
    throw error;
  }
}

/**
 * One look at a delete. A bucket that clowder made goes with its last user, all versions included, some thousands a look;
 * from any other, and from one that another cluster still uses, only what this uid wrote is removed.
 */
export async function deleteBucket(s3: S3Client, target: DeleteTarget): Promise<Blocker[]> {
  const blockers: Blocker[] = [];
  for (const [key, entry] of target.ledger.ofKind("bucket")) {
    const name = key.slice(bucketKey("").length);
    const reason = await deleteOne(s3, { Bucket: name, ExpectedBucketOwner: target.accountId }, target, entry);
    if (reason) blockers.push({ resource: `bucket ${name}`, reason });
    else for (const [gone] of [[key] as const, ...target.ledger.ofKind("pki")]) target.ledger.gone(gone);
  }
  return blockers;
}

async function deleteOne(s3: S3Client, bucket: OwnedBucket, target: DeleteTarget, entry: LedgerEntry): Promise<string | undefined> {
  try {
    await s3.send(new HeadBucketCommand(bucket));
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || status === 301) return undefined;
    if (status === 403) return "S3 answers 403: it is another account's now, or a policy shuts this deployment out";
    throw error;
  }
  const tags = await tagsOf(s3, bucket);
  const ours = tags[TAG_DEPLOYMENT] === target.deployment || (await isOurs(s3, bucket, tags, target.ref, entry));
  if (!ours || (await hasOtherUsers(s3, bucket, target))) return purgeOwn(s3, bucket, target);
  const left = await purgeVersions(s3, bucket, { prefix: "", pages: PAGES_PER_LOOK });
  if (left) return left;
  try {
    await s3.send(new DeleteBucketCommand(bucket));
  } catch (error) {
    if (isInUse(error)) return `${codeOf(error)}: something was written meanwhile`;
    if (!isNotFound(error)) throw error;
  }
  return undefined;
}

/** Other users are other uids under `clowder/`, and other clusters' kOps state beside ours. */
async function hasOtherUsers(s3: S3Client, bucket: OwnedBucket, { ref }: DeleteTarget): Promise<boolean> {
  const folders = async (Prefix: string) => {
    const { CommonPrefixes = [] } = await s3.send(new ListObjectsV2Command({ ...bucket, Prefix, Delimiter: "/" }));
    return CommonPrefixes.map((folder) => folder.Prefix ?? "");
  };
  const [ours, all] = await Promise.all([folders("clowder/"), folders("")]);
  if (ours.some((folder) => folder !== objectPrefix(ref.uid))) return true;
  const others = all.filter((folder) => folder !== "clowder/" && folder !== `${ref.name}/`);
  return (await Promise.all(others.map((folder) => uidOf(s3, bucket, `${folder}config`)))).some((uid) => uid !== undefined);
}

/** The uid that an object's metadata names, `""` when it names none, undefined when there is no such object. */
async function uidOf(s3: S3Client, bucket: OwnedBucket, Key: string, VersionId?: string): Promise<string | undefined> {
  try {
    const { Metadata } = await s3.send(new HeadObjectCommand({ ...bucket, Key, ...(VersionId && { VersionId }) }));
    return Metadata?.["clowder-uid"] ?? "";
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Versions that another program wrote under kOps' keys, before us or after, stay. */
async function purgeOwn(s3: S3Client, bucket: OwnedBucket, { ref }: DeleteTarget): Promise<string | undefined> {
  const only = async ({ key, versionId, marker }: ObjectVersion) => !marker && (await uidOf(s3, bucket, key, versionId)) === ref.uid;
  const purges = [
    { prefix: objectPrefix(ref.uid), pages: PAGES_PER_LOOK },
    { prefix: `${ref.name}/config`, pages: PAGES_PER_LOOK, only },
    { prefix: `${ref.name}/instancegroup/`, pages: PAGES_PER_LOOK, only },
  ];
  return (await Promise.all(purges.map((purge) => purgeVersions(s3, bucket, purge)))).find((reason) => reason !== undefined);
}
