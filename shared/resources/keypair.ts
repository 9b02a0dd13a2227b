import { DeleteKeyPairCommand, DescribeKeyPairsCommand, type EC2Client, ImportKeyPairCommand, type KeyPairInfo } from "@aws-sdk/client-ec2";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { purgeVersions } from "../aws/object-versions";
import { codeOf, isNotFound } from "../aws/translate";
import { makeSshKey } from "../bootstrap/ssh-key";
import { Ambiguous, NotNow, TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { TAG_UID, keypairName } from "../plan/names";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";

/**
 * The EC2 key pair of the manifest's public key. Without one an ED25519 pair is made once; its private half waits at
 * `plan.keypair.privateKeyObject` until `takePrivateKey`.
 * @throws Ambiguous when a key pair of that name is not this cluster's: it is never imported over.
 */
export async function ensureKeypair({ ec2, s3 }: { ec2: EC2Client; s3: S3Client }, plan: ClusterPlan, ledger: Ledger): Promise<void> {
  const { name } = plan.keypair;
  const key = `keypair/${name}`;
  const found = await ownKeypair(ec2, plan);
  if (found) return ledger.made(key, found);
  await ledger.intend({ key, token: name });
  const publicKey = plan.keypair.publicKey ?? (await keepNewKey(s3, plan));
  const Tags = Object.entries({ ...plan.tags, Name: name }).map(([Key, Value]) => ({ Key, Value }));
  try {
    const { KeyPairId } = await ec2.send(
      new ImportKeyPairCommand({
        KeyName: name,
        PublicKeyMaterial: Buffer.from(publicKey),
        TagSpecifications: [{ ResourceType: "key-pair", Tags }],
      }),
    );
    ledger.made(key, KeyPairId ?? name);
  } catch (error) {
    if (codeOf(error) !== "InvalidKeyPair.Duplicate") throw error;
    const adopted = await ownKeypair(ec2, plan);
    if (!adopted) throw new TryAgain(`EC2 holds a key pair ${name} and does not show it yet`, { cause: error });
    ledger.made(key, adopted);
  }
}

async function ownKeypair(ec2: EC2Client, plan: ClusterPlan): Promise<string | undefined> {
  const [found] = await named(ec2, [plan.keypair.name]);
  if (!found) return undefined;
  if (!isOf(plan.uid, found)) throw new Ambiguous(`A key pair ${plan.keypair.name} exists that is not this cluster's; it is left alone.`);
  return found.KeyPairId ?? plan.keypair.name;
}

/** A filter answers nothing where KeyNames would answer an error. */
async function named(ec2: EC2Client, names: string[]): Promise<KeyPairInfo[]> {
  const { KeyPairs = [] } = await ec2.send(new DescribeKeyPairsCommand({ Filters: [{ Name: "key-name", Values: names }] }));
  return KeyPairs;
}
const isOf = (uid: string, { Tags = [] }: KeyPairInfo): boolean => Tags.some(({ Key, Value }) => Key === TAG_UID && Value === uid);

/** Puts a private half where none is, its public half in the metadata: whoever comes second uses the one that is there. */
async function keepNewKey(s3: S3Client, plan: ClusterPlan): Promise<string> {
  const object = { Bucket: plan.bucket.name, ExpectedBucketOwner: plan.accountId, Key: plan.keypair.privateKeyObject };
  const { publicKey, privateKey } = makeSshKey(plan.keypair.name);
  const Metadata = { "public-key": publicKey };
  try {
    await s3.send(
      new PutObjectCommand({ ...object, Body: privateKey, Metadata, ServerSideEncryption: "AES256", IfNoneMatch: "*" }),
    );
    return publicKey;
  } catch (error) {
    if (codeOf(error) === "ConditionalRequestConflict") throw new TryAgain("another run writes the private key", { cause: error });
    if (codeOf(error) !== "PreconditionFailed") throw error;
    const kept = await s3.send(new HeadObjectCommand(object));
    return kept.Metadata?.["public-key"] ?? "";
  }
}

/**
 * The private half of a key that was made here: given once, then every version of it is deleted.
 * @throws NotNow when the manifest brought a key, or it was fetched, or it is not made yet.
 */
export async function takePrivateKey(s3: S3Client, plan: ClusterPlan): Promise<string> {
  if (plan.keypair.publicKey) throw new NotNow("The manifest brought a public key: its private half was never here.");
  const bucket = { Bucket: plan.bucket.name, ExpectedBucketOwner: plan.accountId };
  const Key = plan.keypair.privateKeyObject;
  const privateKey = await s3.send(new GetObjectCommand({ ...bucket, Key })).then(
    ({ Body }) => Body?.transformToString(),
    (error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    },
  );
  if (!privateKey) throw new NotNow("The private key is not there: it can be fetched once, or it is not made yet.");
  const left = await purgeVersions(s3, bucket, { prefix: Key, pages: 1 });
  if (left) throw new TryAgain(`The private key could not be taken away after this fetch, so it is not given: ${left}`);
  return privateKey;
}

/** Deleting is at once; a key pair of one of the names without our uid stays. */
export async function deleteKeypair(ec2: EC2Client, { ref, ledger }: DeleteTarget): Promise<Blocker[]> {
  const entries = ledger.ofKind("keypair").map(([key]) => key);
  const names = new Set([keypairName(ref.name, ref.uid), ...entries.map((key) => key.slice("keypair/".length))]);
  const found = (await named(ec2, [...names])).filter((keypair) => isOf(ref.uid, keypair));
  await Promise.all(found.map(({ KeyName }) => ec2.send(new DeleteKeyPairCommand({ KeyName }))));
  entries.forEach((key) => ledger.gone(key));
  return [];
}
