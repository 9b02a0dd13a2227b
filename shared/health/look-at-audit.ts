import { GetObjectCommand, type S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import { type Audit, auditSchema } from "./audit";
import type { Audits } from "./judge-audit";

const MAX_AGE_SECONDS = 120;

/** The audit of every control plane by its key: of this run, at most two minutes old and not from before `notBefore`, or undefined. */
export async function lookAtAudit(s3: S3Client, plan: ClusterPlan, ledger: Ledger, now: Date, notBefore = new Date(0)): Promise<Audits> {
  const { bucket, accountId, instances } = plan;
  const controlPlanes = instances.filter(({ role }) => role === "control-plane").map(({ key }) => key);
  const audits: Audits = Object.fromEntries(controlPlanes.map((key) => [key, undefined]));
  const input = { Bucket: bucket.name, Prefix: `${bucket.prefix}evidence/`, ExpectedBucketOwner: accountId };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, input))
    for (const { Key = "" } of Contents) {
      const writer = /\/evidence\/[^/:]+:([^/]+)\/audit\.json$/.exec(Key)?.[1];
      const key = controlPlanes.find((controlPlane) => writer && ledger.id(`instance/${controlPlane}`) === writer);
      if (!key) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket.name, Key, ExpectedBucketOwner: accountId }));
      audits[key] = believed(plan, (await Body?.transformToString()) ?? "", now, notBefore);
    }
  return audits;
}

function believed({ uid, kubernetes }: ClusterPlan, text: string, now: Date, notBefore: Date): Audit | undefined {
  try {
    const audit = auditSchema.parse(JSON.parse(text));
    const fresh = Math.abs(now.getTime() - Date.parse(audit.at)) <= MAX_AGE_SECONDS * 1000 && Date.parse(audit.at) >= notBefore.getTime();
    return fresh && audit.uid === uid && audit.nonce === kubernetes.runNonce ? audit : undefined;
  } catch {
    return undefined;
  }
}
