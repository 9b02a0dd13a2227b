import { DeleteObjectsCommand, ListObjectVersionsCommand, type ObjectIdentifier, type S3Client } from "@aws-sdk/client-s3";

/** A bucket of this account; `ExpectedBucketOwner` goes with every call, so that a name lost to somebody else is never touched. */
export interface OwnedBucket {
  Bucket: string;
  ExpectedBucketOwner: string;
}

/** A version under a prefix; `marker` is true for a delete marker. */
export interface ObjectVersion {
  key: string;
  versionId: string;
  marker: boolean;
}

export interface Purge {
  prefix: string;
  /** At most this many pages of 1,000 versions in one call. */
  pages: number;
  /** Which versions go; all when absent. */
  only?: (version: ObjectVersion) => Promise<boolean> | boolean;
}

/**
 * Deletes versions and delete markers under a prefix for good. Answers what keeps it from being done:
 * undefined when nothing is left to delete, else a reason such as `purging` (more pages) or S3's refusal of a key.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
export async function purgeVersions(s3: S3Client, bucket: OwnedBucket, { prefix, pages, only }: Purge): Promise<string | undefined> {
  let from: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (let page = 0; page < pages; page++) {
    const listed = await s3.send(new ListObjectVersionsCommand({ ...bucket, Prefix: prefix, ...from }));
    const versions = [...versionsOf(listed.Versions, false), ...versionsOf(listed.DeleteMarkers, true)];
    const wanted = only ? await Promise.all(versions.map(only)) : [];
    const refusal = await deleteVersions(s3, bucket, only ? versions.filter((_, at) => wanted[at]) : versions);
    if (refusal) return refusal;
    if (!listed.IsTruncated) return undefined;
    from = {
      ...(listed.NextKeyMarker && { KeyMarker: listed.NextKeyMarker }),
      ...(listed.NextVersionIdMarker && { VersionIdMarker: listed.NextVersionIdMarker }),
    };
  }
  return "purging: more versions are left";
}

const versionsOf = (listed: { Key?: string; VersionId?: string }[] | undefined, marker: boolean): ObjectVersion[] =>
  (listed ?? []).flatMap(({ Key, VersionId }) => (Key ? [{ key: Key, versionId: VersionId ?? "null", marker }] : []));

async function deleteVersions(s3: S3Client, bucket: OwnedBucket, versions: ObjectVersion[]): Promise<string | undefined> {
  if (!versions.length) return undefined;
  const Objects: ObjectIdentifier[] = versions.map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
  const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ ...bucket, Delete: { Objects, Quiet: true } }));
  const [first] = Errors;
  return first && `${Errors.length} versions refused, the first is ${first.Key}: ${first.Code}`;
}
