import { createHash } from "node:crypto";
import type { Role } from "../spec/manifest";

/**
 * Names that follow from the cluster's name and uid alone, so that a delete can look for things without a plan.
 * Limits: IAM role 64, ELB and target group 32 (letters, digits, hyphens), Step Functions execution 80.
 */
const kopsRole: Record<Role, string> = { "control-plane": "masters", node: "nodes" };

/** Shortens to `limit` and keeps names apart that differ only past it. */
function fit(name: string, limit: number): string {
  if (name.length <= limit) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `${name.slice(0, limit - 7)}-${digest}`;
}

export const roleName = (cluster: string, uid: string, role: Role): string =>
  `${kopsRole[role]}.${fit(cluster, 44)}-${uid}`;

/** RunInstances' idempotency: ≤ 64 ASCII. Another `attempt` is another request, such as one in another subnet. */
export const clientToken = (uid: string, instance: string, attempt: number): string => `${fit(`${uid}-${instance}`, 60)}-${attempt}`;

export const keypairName = (cluster: string, uid: string): string => `kubernetes.${cluster}-${uid}`;

export const elbName = (cluster: string, uid: string): string =>
  `api-${fit(cluster.replaceAll(".", "-"), 17)}-${uid}`;

export const targetGroupName = (cluster: string, uid: string): string =>
  `tcp-${fit(cluster.replaceAll(".", "-"), 17)}-${uid}`;

/** One execution for each machine and epoch: starting it twice is starting it once. */
export const executionName = (uid: string, machine: "create" | "delete", epoch: number): string =>
  `${uid}-${machine}-${epoch}`;

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html, resource types. */
export const executionArn = (machineArn: string, name: string): string => `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;

export const rolePath = (deployment: string): string => `/clowder/${deployment}/`;

/** Prefix of everything in the state bucket that is ours and not kOps'. */
export const objectPrefix = (uid: string): string => `clowder/${uid}/`;

export const TAG_UID = "clowder:uid";
export const TAG_DEPLOYMENT = "clowder:deployment";
/** On what IAM keeps, which knows no regions: deployments of one id in two regions leave each other's roles alone. */
export const TAG_REGION = "clowder:region";

/** Ten of `[a-z0-9]`, a letter first. Checked wherever a uid comes from a tag: in an EC2 filter `*` would mean every cluster. */
export const isUid = (text: string): boolean => /^[a-z][a-z0-9]{9}$/.test(text);

/** One-shot schedule of a cluster's end; ≤ 64. */
export const scheduleName = (uid: string): string => `end-of-${uid}`;

/** Kubernetes group of minted kubeconfigs; the control plane binds it to cluster-admin, and unbinding it revokes them all. */
export const ADMIN_GROUP = "clowder:cluster-admins";
