import { DeleteRolePolicyCommand, type IAMClient } from "@aws-sdk/client-iam";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { purgeVersions } from "../aws/object-versions";
import { isNotFound } from "../aws/translate";
import { type BootstrapAccess, signAccess } from "../bootstrap/access-marker";
import { type JoinMaterial, joinMaterial, newToken } from "../bootstrap/join-material";
import type { ControlPlaneMaterial } from "../bootstrap/pki";
import { TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";

const HOUR_MS = 3600_000;
const JOIN = "pki/join";

/**
 * Lets a new worker join for an hour: join material with a token of its own, and the signed word on which control planes make that token
 * and drop the Nodes of ended machines. Of several runs the first one's token counts, until `revokeBootstrap`.
 * @param ended names of Nodes
 */
export async function reopenBootstrap(
  s3: S3Client,
  plan: ClusterPlan,
  ledger: Ledger,
  { now, ended }: { now: Date; ended: string[] },
): Promise<void> {
  await ledger.intend({ key: JOIN, token: plan.pki.joinObject });
  const material = await readJson<ControlPlaneMaterial>(s3, plan, plan.pki.controlPlaneObject);
  if (!material) throw new TryAgain("the cluster's PKI is not readable");
  const known = await readJson<JoinMaterial>(s3, plan, plan.pki.joinObject);
  const token = known?.token ?? newToken();
  const expires = `${new Date(now.getTime() + HOUR_MS).toISOString().slice(0, 19)}Z`;
  await putAccess(s3, plan, material, { at: now.toISOString(), open: { token, expires, ended } });
  if (!known) await put(s3, plan, plan.pki.joinObject, joinMaterial({ ...material, token }));
  ledger.made(JOIN, plan.pki.joinObject);
}

/**
 * Ends what only the bootstrap needed: the control plane's right to read the PKI, the join material, and, by a signed word that the
 * control planes act on, the bootstrap tokens. The PKI stays for kubeconfigs. Twice is once.
 */
export async function revokeBootstrap(
  { s3, iam }: { s3: S3Client; iam: IAMClient },
  plan: ClusterPlan,
  ledger: Ledger,
  now: Date,
): Promise<void> {
  await Promise.all([dropPolicy(iam, plan, ledger), purge(s3, plan, plan.pki.joinObject), closeAccess(s3, plan, now)]);
  ledger.made("pki/control-plane", plan.pki.controlPlaneObject, REVOKED);
  ledger.gone(JOIN);
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

async function purge(s3: S3Client, plan: ClusterPlan, prefix: string): Promise<void> {
  const left = await purgeVersions(s3, owned(plan), { prefix, pages: 1 });
  if (left) throw new TryAgain(`${prefix} is not gone yet: ${left}`);
}

/** No version of an earlier word stays: it may hold a token. */
async function closeAccess(s3: S3Client, plan: ClusterPlan, now: Date): Promise<void> {
  const material = await readJson<ControlPlaneMaterial>(s3, plan, plan.pki.controlPlaneObject);
  if (!material) throw new TryAgain("the cluster's PKI is not readable");
  await purge(s3, plan, plan.pki.accessObject);
  await putAccess(s3, plan, material, { at: now.toISOString() });
}

const putAccess = (s3: S3Client, plan: ClusterPlan, { files }: ControlPlaneMaterial, access: Pick<BootstrapAccess, "at" | "open">): Promise<void> =>
  put(s3, plan, plan.pki.accessObject, signAccess(files["ca.key"], { uid: plan.uid, nonce: plan.kubernetes.runNonce, ...access }));

async function put(s3: S3Client, plan: ClusterPlan, Key: string, content: object): Promise<void> {
  const Body = JSON.stringify(content);
  await s3.send(new PutObjectCommand({ ...owned(plan), Key, Body, ContentType: "application/json", ServerSideEncryption: "AES256" }));
}

async function readJson<Content>(s3: S3Client, plan: ClusterPlan, Key: string): Promise<Content | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ ...owned(plan), Key }));
    return JSON.parse((await Body?.transformToString()) ?? "");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
