import type { Manifest } from "../spec/manifest";
import type { ClusterPlan, InstancePlan } from "./cluster-plan";
import { TAG_DEPLOYMENT, TAG_UID } from "./names";

type Tags = Record<string, string>;

/** RFC 3339 to the second, which every janitor reads. */
export const rfc3339 = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, "Z");

/** Key of the tag that owns a thing for a cluster; AWS allows 128 characters, so a cluster's name has at most 106. */
export const clusterTag = (cluster: string): string => `kubernetes.io/cluster/${cluster}`;

/**
 * Tags of everything: kOps' (`kops delete cluster` finds things by them), ours, and the two that janitors read.
 * `expiresAt` is the latest moment at which the cluster may still live when nothing retags it. Labels of the user come under ours.
 */
export function clusterTags(
  { name, cloudLabels }: Pick<Manifest, "name" | "cloudLabels">,
  { uid, deployment, owner, expiresAt }: { uid: string; deployment: string; owner: string; expiresAt: Date },
): Tags {
  const ours = {
    KubernetesCluster: name,
    [clusterTag(name)]: "owned",
    [TAG_UID]: uid,
    [TAG_DEPLOYMENT]: deployment,
    owner: tagValue(owner),
    "managed-by": "clowder",
    "expires-at": rfc3339(expiresAt),
    "cloud-nuke-after": rfc3339(expiresAt),
  };
  return { ...without(cloudLabels, Object.keys(ours)), ...ours };
}

/** The cluster's tags, then the group's labels, then kOps' tags of a machine; `clusterLabels` may be overridden by the group's. */
export function instanceTags(
  { tags, clusterLabels }: { tags: ClusterPlan["tags"]; clusterLabels: Tags },
  { name, group, role, cloudLabels }: Pick<InstancePlan, "name" | "group" | "role"> & { cloudLabels: Tags },
): Tags {
  const roles = { "control-plane": ["control-plane", "master"], node: ["node"], "probe-client": [] }[role];
  const fixed = Object.keys(tags).filter((key) => !(key in clusterLabels));
  return {
    ...tags,
    ...without(cloudLabels, fixed),
    Name: name,
    ...(role !== "probe-client" && { "kops.k8s.io/instancegroup": group }),
    ...Object.fromEntries(roles.map((kopsRole) => [`k8s.io/role/${kopsRole}`, "1"])),
  };
}

/**
 * Labels whose keys are not taken. IAM compares tag keys without case: `Owner` beside `owner` makes it refuse a role
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html). `Name` is every resource's own.
 */
function without(labels: Tags, keys: string[]): Tags {
  const taken = new Set(["name", ...keys.map((key) => key.toLowerCase())]);
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !taken.has(key.toLowerCase())));
}

/** What every service takes: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html */
export const tagValue = (text: string): string => text.replace(/[^A-Za-z0-9 _.:/=+@-]/g, "_").slice(0, 256).trim();
