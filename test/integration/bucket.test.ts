import {
  CreateBucketCommand,
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { BucketTaken } from "../../shared/errors";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { memoryLedger } from "../memory-ledger";
import { deleteBucket, ensureBucket } from "../../shared/resources/bucket";
import { samplePlan, targetOf } from "../unit/resources/sample-plan";

const s3 = new S3Client({ region: "us-east-1" });
afterAll(() => s3.destroy());

let count = 0;
const freshName = () => `clowder-bucket-${process.pid}-${Date.now()}-${count++}`;
const put = (Bucket: string, Key: string, uid?: string) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: `${Key} ${uid}`, ...(uid && { Metadata: { "clowder-uid": uid } }) }));
const exists = (Bucket: string) => s3.send(new HeadBucketCommand({ Bucket })).then(() => true, () => false);
async function versions(Bucket: string): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return [...Versions, ...DeleteMarkers].map(({ Key }) => Key ?? "").sort();
}
async function there(): Promise<string> {
  const Bucket = freshName();
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  return Bucket;
}
const allowed = (plan: ClusterPlan): ClusterPlan => ({ ...plan, bucket: { ...plan.bucket, mayExist: true } });

test("a new bucket is private, versioned, encrypted, TLS only and tagged", async () => {
  const plan = samplePlan({ bucket: freshName() });
  const ledger = memoryLedger();
  await ensureBucket(s3, plan, ledger);
  const Bucket = plan.bucket.name;
  expect(ledger.entry(`bucket/${Bucket}`)).toMatchObject({ state: "made", id: Bucket, detail: { madeByUs: "true" } });
  const [access, versioning, encryption, policy, tagging] = await Promise.all([
    s3.send(new GetPublicAccessBlockCommand({ Bucket })),
    s3.send(new GetBucketVersioningCommand({ Bucket })),
    s3.send(new GetBucketEncryptionCommand({ Bucket })),
    s3.send(new GetBucketPolicyCommand({ Bucket })),
    s3.send(new GetBucketTaggingCommand({ Bucket })),
  ]);
  expect(Object.values(access.PublicAccessBlockConfiguration!)).toEqual([true, true, true, true]);
  expect(versioning.Status).toBe("Enabled");
  expect(encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm).toBe("AES256");
  expect(JSON.parse(policy.Policy!).Statement).toEqual([
    {
      Sid: "TlsOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ]);
  expect(Object.fromEntries(tagging.TagSet!.map(({ Key, Value }) => [Key, Value]))).toEqual(plan.tags);
});

test("the second run finds it, and mends what somebody changed", async () => {
  const plan = samplePlan({ bucket: freshName() });
  const Bucket = plan.bucket.name;
  await ensureBucket(s3, plan, memoryLedger());
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }));
  const ledger = memoryLedger();
  await ensureBucket(s3, plan, ledger);
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
  expect(ledger.entry(`bucket/${Bucket}`)?.detail).toEqual({ madeByUs: "true" });
});

test("a bucket that was there before is refused unless it is allowed", async () => {
  const Bucket = await there();
  const plan = samplePlan({ bucket: Bucket });
  await expect(ensureBucket(s3, plan, memoryLedger())).rejects.toThrow(BucketTaken);
  const ledger = memoryLedger();
  await ensureBucket(s3, allowed(plan), ledger);
  expect(ledger.entry(`bucket/${Bucket}`)?.detail).toEqual({ madeByUs: "false" });
  await expect(s3.send(new GetBucketTaggingCommand({ Bucket }))).rejects.toThrow();
});

test("a bucket whose create reply was lost is adopted while it is empty and untagged, not otherwise", async () => {
  const Bucket = await there();
  const plan = samplePlan({ bucket: Bucket });
  const intended = async () => {
    const ledger = memoryLedger();
    await ledger.intend({ key: `bucket/${Bucket}`, token: plan.uid });
    return ledger;
  };
  await put(Bucket, "somebody/else");
  await expect(ensureBucket(s3, plan, await intended())).rejects.toThrow(BucketTaken);
  const empty = samplePlan({ bucket: await there() });
  const ledger = memoryLedger();
  await ledger.intend({ key: `bucket/${empty.bucket.name}`, token: empty.uid });
  await ensureBucket(s3, empty, ledger);
  expect(ledger.entry(`bucket/${empty.bucket.name}`)?.detail).toEqual({ madeByUs: "true" });
});

test("a bucket made here goes with its last user, versions and delete markers included", async () => {
  const first = samplePlan({ bucket: freshName(), uid: "first" });
  const second = allowed(samplePlan({ bucket: first.bucket.name, uid: "second", name: "two.k8s.local" }));
  const Bucket = first.bucket.name;
  const [ledger, other] = [memoryLedger(), memoryLedger()];
  await ensureBucket(s3, first, ledger);
  await ensureBucket(s3, second, other);
  expect(other.entry(`bucket/${Bucket}`)?.detail).toEqual({ madeByUs: "true" });
  for (const plan of [first, first, second]) {
    await put(Bucket, `${plan.bucket.kopsPrefix}config`, plan.uid);
    await put(Bucket, `${plan.bucket.prefix}scripts/node.sh`);
  }

  expect(await deleteBucket(s3, targetOf(first, ledger))).toEqual([]);
  expect(await versions(Bucket)).toEqual(["clowder/second/scripts/node.sh", "two.k8s.local/config"]);
  expect(ledger.entry(`bucket/${Bucket}`)?.state).toBe("gone");

  expect(await deleteBucket(s3, targetOf(second, other))).toEqual([]);
  expect(await exists(Bucket)).toBe(false);
  expect(await deleteBucket(s3, targetOf(second, other))).toEqual([]);
});

test("a bucket made here stays while kOps keeps another cluster in it", async () => {
  const plan = samplePlan({ bucket: freshName() });
  const ledger = memoryLedger();
  await ensureBucket(s3, plan, ledger);
  await put(plan.bucket.name, "other.example.com/config");
  await put(plan.bucket.name, `${plan.bucket.prefix}manifest.yaml`);
  expect(await deleteBucket(s3, targetOf(plan, ledger))).toEqual([]);
  expect(await versions(plan.bucket.name)).toEqual(["other.example.com/config"]);
});

test("from a bucket that was there before only what this uid wrote is removed", async () => {
  const Bucket = await there();
  const plan = allowed(samplePlan({ bucket: Bucket }));
  const ledger = memoryLedger();
  await ensureBucket(s3, plan, ledger);
  await put(Bucket, "demo.k8s.local/config", "an-earlier-uid");
  await put(Bucket, "demo.k8s.local/config", plan.uid);
  await put(Bucket, "demo.k8s.local/instancegroup/nodes", plan.uid);
  await put(Bucket, "demo.k8s.local/pki/theirs");
  await put(Bucket, `${plan.bucket.prefix}manifest.yaml`);
  await put(Bucket, "clowder/other/manifest.yaml");
  expect(await deleteBucket(s3, targetOf(plan, ledger))).toEqual([]);
  expect(await versions(Bucket)).toEqual(["clowder/other/manifest.yaml", "demo.k8s.local/config", "demo.k8s.local/pki/theirs"]);
  expect(ledger.entry(`bucket/${Bucket}`)?.state).toBe("gone");
});

test("a delete before anything was made has nothing to do", async () => {
  expect(await deleteBucket(s3, targetOf(samplePlan()))).toEqual([]);
  const ledger = memoryLedger();
  await ledger.intend({ key: `bucket/${freshName()}`, token: "demo1234" });
  expect(await deleteBucket(s3, targetOf(samplePlan(), ledger))).toEqual([]);
  expect(ledger.ofKind("bucket")).toEqual([]);
});
