import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import { TAG_DEPLOYMENT, TAG_UID, keypairName, objectPrefix, roleName, rolePath } from "../../../shared/plan/names";
import type { Ledger } from "../../../shared/registry/ledger";
import { memoryLedger } from "../../memory-ledger";
import type { DeleteTarget } from "../../../shared/resources/blocker";

const trustPolicy = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
};
const allow = (action: string, resource: string) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: action, Resource: resource }],
});

/** The parts of a plan that bucket, keys, roles and PKI read; a `bucket` and `uid` of its own keeps tests apart. */
export function samplePlan({ uid = "demo1234", bucket = "clowder-sample", name = "demo.k8s.local" }: Sample = {}): ClusterPlan {
  const prefix = objectPrefix(uid);
  return {
    version: 1,
    name,
    uid,
    region: "us-east-1",
    accountId: "000000000000",
    partition: "aws",
    deployment: "test",
    tags: {
      KubernetesCluster: name,
      [`kubernetes.io/cluster/${name}`]: "owned",
      [TAG_UID]: uid,
      [TAG_DEPLOYMENT]: "test",
      "expires-at": "2026-11-25T12:00:00Z",
    },
    bucket: { name: bucket, kopsPrefix: `${name}/`, prefix, mayExist: false },
    keypair: { name: keypairName(name, uid), privateKeyObject: `${prefix}ssh/id_ed25519` },
    iam: {
      path: rolePath("test"),
      roles: [
        {
          key: "control-plane",
          name: roleName(name, uid, "control-plane"),
          trustPolicy,
          policies: {
            node: allow("s3:GetObject", `arn:aws:s3:::${bucket}/${prefix}scripts/*`),
            bootstrap: allow("s3:GetObject", `arn:aws:s3:::${bucket}/${prefix}pki/*`),
          },
        },
        {
          key: "node",
          name: roleName(name, uid, "node"),
          trustPolicy,
          policies: { node: allow("s3:GetObject", `arn:aws:s3:::${bucket}/${prefix}join/*`) },
        },
      ],
    },
    pki: {
      notBefore: "2026-11-23T11:00:00Z",
      notAfter: "2027-11-23T12:00:00Z",
      tokenExpiry: "2026-11-23T14:00:00Z",
      controlPlaneObject: `${prefix}pki/control-plane.json`,
      joinObject: `${prefix}join/node.json`,
      accessObject: `${prefix}bootstrap-access.json`,
    },
    kubernetes: { endpoint: "10.0.1.10:6443", runNonce: "n0nce" },
  } as unknown as ClusterPlan;
}
interface Sample {
  uid?: string;
  bucket?: string;
  name?: string;
}

export const targetOf = (plan: ClusterPlan, ledger: Ledger = memoryLedger()): DeleteTarget => ({
  ref: { name: plan.name, uid: plan.uid, region: plan.region, epoch: 2 },
  accountId: plan.accountId,
  deployment: plan.deployment,
  ledger,
});

/** An error as the SDK throws it for a code and an HTTP status. */
export const awsError = (name: string, httpStatusCode = 400): Error =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
