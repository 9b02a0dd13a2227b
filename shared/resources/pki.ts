import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { codeOf, isNotFound } from "../aws/translate";
import { joinMaterial } from "../bootstrap/join-material";
import { type ControlPlaneMaterial, makePki } from "../bootstrap/pki";
import { TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";

/**
 * The cluster's CAs, service-account key and token at `plan.pki.controlPlaneObject`, and what workers read of it at
 * `plan.pki.joinObject`. Made once: nodes may hold what is there already. Nothing is put back after revoke-bootstrap.
 * The objects go with the bucket.
 * @returns the cluster's CA certificate, which is public
 */
export async function ensurePki(s3: S3Client, plan: ClusterPlan, ledger: Ledger): Promise<string | undefined> {
  const key = "pki/control-plane";
  if (ledger.entry(key)?.detail?.["bootstrap"] === "revoked") return undefined;
  const known = ledger.entry(key) && (await readMaterial(s3, plan));
  if (!known) await ledger.intend({ key, token: plan.pki.controlPlaneObject });
  const material = known || (await keepMaterial(s3, plan, await makePki(plan)));
  await putOnce(s3, plan, plan.pki.joinObject, joinMaterial(material));
  ledger.made(key, plan.pki.controlPlaneObject);
  return material.files["ca.crt"];
}

const at = (plan: ClusterPlan, Key: string) => ({ Bucket: plan.bucket.name, ExpectedBucketOwner: plan.accountId, Key });

async function readMaterial(s3: S3Client, plan: ClusterPlan): Promise<ControlPlaneMaterial | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand(at(plan, plan.pki.controlPlaneObject)));
    return JSON.parse((await Body?.transformToString()) ?? "");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The material that counts: this one, or that of a run which was quicker. */
async function keepMaterial(s3: S3Client, plan: ClusterPlan, made: ControlPlaneMaterial): Promise<ControlPlaneMaterial> {
  if (await putOnce(s3, plan, plan.pki.controlPlaneObject, made)) return made;
  const kept = await readMaterial(s3, plan);
  if (!kept) throw new TryAgain("the PKI of another run is not readable yet");
  return kept;
}

/** False when there is an object already; it stays. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
async function putOnce(s3: S3Client, plan: ClusterPlan, Key: string, content: object): Promise<boolean> {
  const Body = JSON.stringify(content);
  try {
    await s3.send(
      new PutObjectCommand({ ...at(plan, Key), Body, ContentType: "application/json", ServerSideEncryption: "AES256", IfNoneMatch: "*" }),
    );
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === "PreconditionFailed") return false;
    if (code === "ConditionalRequestConflict") throw new TryAgain(`another run writes ${Key}`, { cause: error });
    throw error;
  }
}
