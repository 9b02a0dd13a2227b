import { generateKeyPairSync } from "node:crypto";
import { DescribeKeyPairsCommand, EC2Client, ImportKeyPairCommand } from "@aws-sdk/client-ec2";
import { CreateBucketCommand, ListObjectVersionsCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { makeSshKey } from "../../shared/bootstrap/ssh-key";
import { Ambiguous, NotNow } from "../../shared/errors";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { memoryLedger } from "../memory-ledger";
import { deleteKeypair, ensureKeypair, takePrivateKey } from "../../shared/resources/keypair";
import { samplePlan, targetOf } from "../unit/resources/sample-plan";

const ec2 = new EC2Client({ region: "us-east-1" });
const s3 = new S3Client({ region: "us-east-1" });
const Bucket = `clowder-keypair-${process.pid}-${Date.now()}`;
beforeAll(async () => {
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  await ec2.send(new DescribeKeyPairsCommand({})); // moto loads its images at the first call
}, 60_000);
afterAll(() => {
  ec2.destroy();
  s3.destroy();
});

let count = 0;
function planOf(publicKey?: string): ClusterPlan {
  const plan = samplePlan({ bucket: Bucket, uid: `k${process.pid % 1000}x${Date.now() % 100000}${count++}` });
  return { ...plan, keypair: { ...plan.keypair, ...(publicKey && { publicKey }) } };
}
async function found(plan: ClusterPlan) {
  const filter = { Name: "key-name", Values: [plan.keypair.name] };
  return (await ec2.send(new DescribeKeyPairsCommand({ Filters: [filter], IncludePublicKey: true }))).KeyPairs ?? [];
}
async function privateVersions(plan: ClusterPlan): Promise<number> {
  const Prefix = plan.keypair.privateKeyObject;
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
  return Versions.length + DeleteMarkers.length;
}
const rsaLine = (): string => {
  const { e = "", n = "" } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 0xff]), bytes]);
  const number = (text: string) => field(Buffer.concat([Buffer.from([0]), Buffer.from(text, "base64url")]));
  return `ssh-rsa ${Buffer.concat([field(Buffer.from("ssh-rsa")), field(Buffer.from(e, "base64url")), number(n)]).toString("base64")} ada`;
};

test.each([
  ["ED25519", () => makeSshKey("ada").publicKey],
  ["RSA", rsaLine],
])("the manifest's %s key is imported with name and tags", async (_, line) => {
  const plan = planOf(line());
  const ledger = memoryLedger();
  await ensureKeypair({ ec2, s3 }, plan, ledger);
  const [keypair] = await found(plan);
  expect(keypair?.Tags).toEqual(expect.arrayContaining([{ Key: "clowder:uid", Value: plan.uid }]));
  expect(ledger.id(`keypair/${plan.keypair.name}`)).toBe(keypair?.KeyPairId);
  expect(await privateVersions(plan)).toBe(0);
  await expect(takePrivateKey(s3, plan)).rejects.toThrow(NotNow);
});

test("without a key one is made, and the private half can be fetched once", async () => {
  const plan = planOf();
  await ensureKeypair({ ec2, s3 }, plan, memoryLedger());
  await ensureKeypair({ ec2, s3 }, plan, memoryLedger());
  expect(await found(plan)).toHaveLength(1);
  expect(await privateVersions(plan)).toBe(1);
  expect(await takePrivateKey(s3, plan)).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  expect(await privateVersions(plan)).toBe(0);
  await expect(takePrivateKey(s3, plan)).rejects.toThrow(/fetched once/);
  await ensureKeypair({ ec2, s3 }, plan, memoryLedger());
  expect(await privateVersions(plan)).toBe(0);
});

test("a run that ended between the private half and the import goes on with the same key", async () => {
  const plan = planOf();
  await ensureKeypair({ ec2, s3 }, plan, memoryLedger());
  const [first] = await found(plan);
  await deleteKeypair(ec2, targetOf(plan));
  expect(await found(plan)).toEqual([]);
  await ensureKeypair({ ec2, s3 }, plan, memoryLedger());
  const [second] = await found(plan);
  expect(second?.KeyFingerprint).toBe(first?.KeyFingerprint);
  expect(await privateVersions(plan)).toBe(1);
});

test("a key pair of that name which is not ours is neither imported over nor deleted", async () => {
  const plan = planOf(makeSshKey("ada").publicKey);
  await ec2.send(new ImportKeyPairCommand({ KeyName: plan.keypair.name, PublicKeyMaterial: Buffer.from(makeSshKey("eve").publicKey) }));
  const before = await found(plan);
  await expect(ensureKeypair({ ec2, s3 }, plan, memoryLedger())).rejects.toThrow(Ambiguous);
  expect(await deleteKeypair(ec2, targetOf(plan))).toEqual([]);
  expect(await found(plan)).toEqual(before);
});

test("a delete removes it, from name and uid alone, and twice is once", async () => {
  const plan = planOf(makeSshKey("ada").publicKey);
  const ledger = memoryLedger();
  await ensureKeypair({ ec2, s3 }, plan, ledger);
  expect(await deleteKeypair(ec2, targetOf(plan))).toEqual([]);
  expect(await found(plan)).toEqual([]);
  expect(await deleteKeypair(ec2, targetOf(plan, ledger))).toEqual([]);
  expect(ledger.ofKind("keypair")).toEqual([]);
});
