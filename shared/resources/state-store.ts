import { createHash } from "node:crypto";
import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { ClusterExists } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { stateStoreDocuments } from "../plan/state-store";

/**
 * Writes kOps' own documents (`<cluster>/config`, `<cluster>/instancegroup/*`) and the nodes' scripts. What is there already
 * with the same content is not written again. kOps' objects carry the uid in their metadata: delete goes by it.
 * @throws ClusterExists when one of kOps' keys holds what this uid did not write.
 */
export async function writeStateStore(
  s3: S3Client,
  plan: ClusterPlan,
  documents: Record<string, unknown>[],
  scripts: { key: string; body: string }[],
): Promise<void> {
  const bucket = { Bucket: plan.bucket.name, ExpectedBucketOwner: plan.accountId };
  const kops = stateStoreDocuments(plan, documents);
  const listed = await Promise.all(
    [plan.bucket.kopsPrefix, plan.bucket.prefix].map(async (Prefix) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ ...bucket, Prefix }));
      return Contents.map(({ Key = "", ETag }) => [Key, ETag] as const);
    }),
  );
  const etags = new Map(listed.flat());
  const written = Object.keys(kops).filter((key) => etags.has(key));
  await Promise.all(
    written.map(async (Key) => {
      const head = await s3.send(new HeadObjectCommand({ ...bucket, Key }));
      if (head.Metadata?.["clowder-uid"] === plan.uid) return;
      throw new ClusterExists(`s3://${bucket.Bucket}/${Key} holds a cluster ${plan.name} that clowder did not make now.`, {
        nextStep: "Choose another cluster name or another bucket, or delete that cluster with the program that made it.",
      });
    }),
  );
  const Metadata = { "clowder-uid": plan.uid };
  const objects = [
    ...Object.entries(kops).map(([Key, Body]) => ({ Key, Body, ContentType: "application/octet-stream", Metadata })),
    ...scripts.map(({ key, body }) => ({ Key: key, Body: body, ContentType: "text/x-shellscript" })),
  ];
  const differing = objects.filter(({ Key, Body }) => etags.get(Key) !== md5(Body));
  await Promise.all(differing.map((object) => s3.send(new PutObjectCommand({ ...bucket, ...object, ServerSideEncryption: "AES256" }))));
}

/** An object's ETag under SSE-S3 is its MD5: it compares content here, it secures nothing. */
const md5 = (body: string): string => `"${createHash("md5").update(body).digest("hex")}"`;
