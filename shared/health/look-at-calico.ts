import { GetObjectCommand, type S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { CalicoUnavailable, DataPlaneUnhealthy, DataPlaneUnproved } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Expectation, Verdict } from "./evidence";
import { judge } from "./judge";

/** About the evidence that a verdict rests on; kept beside the verdict and given back as `previous` at the next look. */
export interface EvidenceSeen {
  collectedBy?: string;
  evidenceStartedAt?: string;
  /** When the first evidence in a row started that was False for this same reason. */
  failingSince?: string;
}

/** Not Ready yet is what every cluster is at first: only the deadline ends these. */
const settling = new RegExp(
  "^(Node(Missing|NotReady)|CalicoNode(Missing|NotReady|NotUpdated)|CalicoUnavailable|Felix(Down|NotInSync)|BpfNotInUse|IPPoolMissing" +
    "|ServicesEndpointMissing|Healthz\\w+|\\w*Unsteady|WorkloadsWithoutPrograms|DnsDead)$",
);
/** The same failure in evidence that started so long after the first is certain. */
const CERTAIN_SECONDS = 30;
const MAX_AGE_SECONDS = 120;

/**
 * One look at the newest evidence that a control plane of this cluster wrote.
 * @throws DataPlaneUnhealthy when the verdict is False past the deadline, or sooner where it cannot settle any more
 * @throws CalicoUnavailable when it is False past the deadline because images cannot be had
 * @throws DataPlaneUnproved when it is Unknown past the deadline
 */
export async function lookAtCalico(
  s3: S3Client,
  plan: ClusterPlan,
  ledger: Ledger,
  { deadline, now, previous, notBefore }: { deadline: Date; now: Date; previous?: Verdict & EvidenceSeen; notBefore?: Date },
): Promise<{ verdict: Verdict; proved: boolean; evidence: EvidenceSeen }> {
  const newest = await newestEvidence(s3, plan, ledger);
  const verdict = newest ? judge(newest.content, { ...expectationOf(plan, ledger, now), ...(notBefore && { notBefore }) }) : noEvidence;
  if (verdict.status === "True") return { verdict, proved: true, evidence: originOf(newest?.content) };
  const evidence = { ...originOf(newest?.content), ...failingSince(verdict, originOf(newest?.content), previous) };
  if (now >= deadline || isCertain(verdict, evidence)) throw failureOf(verdict);
  return { verdict, proved: false, evidence };
}

const noEvidence: Verdict = {
  status: "Unknown",
  reason: "EvidenceMissing",
  message: "no control plane has written evidence yet",
  checks: [],
};

async function newestEvidence(
  s3: S3Client,
  { bucket, accountId, instances }: ClusterPlan,
  ledger: Ledger,
): Promise<{ content: unknown } | undefined> {
  const controlPlanes = instances.filter(({ role }) => role === "control-plane").map(({ key }) => ledger.id(`instance/${key}`));
  const input = { Bucket: bucket.name, Prefix: `${bucket.prefix}evidence/`, ExpectedBucketOwner: accountId };
  let newest: { key: string; at: number } | undefined;
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, input))
    for (const { Key = "", LastModified } of Contents) {
      const writer = /\/evidence\/[^/:]+:([^/]+)\/latest\.json$/.exec(Key)?.[1];
      const at = LastModified?.getTime() ?? 0;
      if (writer && controlPlanes.includes(writer) && (!newest || at > newest.at)) newest = { key: Key, at };
    }
  if (!newest) return undefined;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket.name, Key: newest.key, ExpectedBucketOwner: accountId }));
  const text = (await Body?.transformToString()) ?? "";
  try {
    return { content: JSON.parse(text) as unknown };
  } catch {
    return { content: undefined };
  }
}

/** What must be seen, from the plan and the ledger alone. A node is named as EC2 names it. */
export function expectationOf({ uid, kubernetes, instances, probeClient }: ClusterPlan, ledger: Ledger, now: Date): Expectation {
  const { calico, probe, runNonce } = kubernetes;
  return {
    uid,
    nonce: runNonce,
    nodes: instances.map(({ key }) => ledger.entry(`instance/${key}`)?.detail?.["privateDnsName"] ?? key),
    clientInstanceId: ledger.id(`instance/${probeClient.key}`) ?? "",
    clientAddress: probe.clientAddress,
    externalServiceMode: calico.bpfExternalServiceMode,
    vxlanMode: calico.vxlanMode,
    calicoVersion: calico.version,
    now,
    maxAgeSeconds: MAX_AGE_SECONDS,
  };
}

function originOf(content: unknown): EvidenceSeen {
  const { collectedBy, startedAt } = (content ?? {}) as { collectedBy?: unknown; startedAt?: unknown };
  return {
    ...(typeof collectedBy === "string" && { collectedBy: collectedBy.slice(0, 200) }),
    ...(typeof startedAt === "string" && !Number.isNaN(Date.parse(startedAt)) && { evidenceStartedAt: startedAt }),
  };
}

function failingSince(verdict: Verdict, { evidenceStartedAt }: EvidenceSeen, previous?: Verdict & EvidenceSeen): EvidenceSeen {
  if (verdict.status !== "False" || !evidenceStartedAt) return {};
  const same = previous?.status === "False" && previous.reason === verdict.reason;
  return { failingSince: (same && (previous.failingSince ?? previous.evidenceStartedAt)) || evidenceStartedAt };
}

function isCertain({ reason }: Verdict, { evidenceStartedAt, failingSince: since }: EvidenceSeen): boolean {
  if (!evidenceStartedAt || !since || settling.test(reason)) return false;
  return Date.parse(evidenceStartedAt) - Date.parse(since) > CERTAIN_SECONDS * 1000;
}

function failureOf({ status, reason, message }: Verdict): DataPlaneUnhealthy | CalicoUnavailable | DataPlaneUnproved {
  const told = `${reason}: ${message}`;
  if (status === "Unknown") return new DataPlaneUnproved(told, { nextStep: "send the manifest again; the bundle has the control planes' own word" });
  if (reason === "CalicoUnavailable") return new CalicoUnavailable(message, { nextStep: "look whether the nodes reach Calico's images, or bring them in the image" });
  return new DataPlaneUnhealthy(told, { nextStep: "the check that failed first names what is broken; the bundle has all of the evidence" });
}
