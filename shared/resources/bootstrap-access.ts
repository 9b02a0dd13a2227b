import { DeleteRolePolicyCommand, type IAMClient } from "@aws-sdk/client-iam";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { purgeVersions } from "../aws/object-versions";
import { codeOf, isNotFound } from "../aws/translate";
import { type ControlPlaneMaterial, signRevocation } from "../bootstrap/pki";
import { TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";

/**
 * Ends what only the bootstrap needed: the control plane's right to read the PKI, the join material, and, by a signed marker
 * that the control plane acts on, the bootstrap tokens. The PKI stays for kubeconfigs. Twice is once.
 */
export async function revokeBootstrap(
  { s3, iam }: { s3: S3Client; iam: IAMClient },
  plan: ClusterPlan,
  ledger: Ledger,
  now: Date,
): Promise<void> {
  await Promise.all([dropPolicy(iam, plan, ledger), dropJoinMaterial(s3, plan), putMarker(s3, plan, now)]);
  ledger.made("pki/control-plane", plan.pki.controlPlaneObject, REVOKED);
}

/** The ledger remembers it, so that an ensure that comes later puts nothing back. */
const REVOKED = { bootstrap: "revoked" };

const owned = (plan: ClusterPlan) => ({ Bucket: plan.bucket.name, ExpectedBucketOwner: plan.accountId });

async function dropPolicy(iam: IAMClient, plan: ClusterPlan, ledger: Ledger): Promise<void> {
  for (const role of plan.iam.roles.filter(({ policies }) => policies["bootstrap"])) {
    try {
      await iam.send(new DeleteRolePolicyCommand({ RoleName: role.name, PolicyName: "bootstrap" }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const key = `role/${role.key}`;
    ledger.made(key, role.name, { ...ledger.entry(key)?.detail, ...REVOKED });
  }
}

async function dropJoinMaterial(s3: S3Client, plan: ClusterPlan): Promise<void> {
  const left = await purgeVersions(s3, owned(plan), { prefix: plan.pki.joinObject, pages: 1 });
  if (left) throw new TryAgain(`the join material is not gone yet: ${left}`);
}

async function putMarker(s3: S3Client, plan: ClusterPlan, now: Date): Promise<void> {
  const { Body } = await s3.send(new GetObjectCommand({ ...owned(plan), Key: plan.pki.controlPlaneObject }));
  const { files }: ControlPlaneMaterial = JSON.parse((await Body?.transformToString()) ?? "");
  const marker = signRevocation(files["ca.key"], { uid: plan.uid, nonce: plan.kubernetes.runNonce, at: now.toISOString() });
  try {
    await s3.send(
      new PutObjectCommand({
        ...owned(plan),
        Key: plan.pki.revokeObject,
        Body: JSON.stringify(marker),
        ContentType: "application/json",
        ServerSideEncryption: "AES256",
        IfNoneMatch: "*",
      }),
    );
  } catch (error) {
    if (codeOf(error) !== "PreconditionFailed") throw error;
  }
}
