import { TAG_UID } from "../plan/names";
import { clusterTag } from "../plan/tags";
import type { ClusterRef } from "../registry/cluster-record";

type Tags = { Key?: string | undefined; Value?: string | undefined }[] | undefined;

const OF_SOME_CLUSTER = clusterTag("");

/**
 * Whose a thing is that stands in our VPC or hangs on our machines: undefined means ours to delete. Else the tag by which it is
 * another cluster's, or shared (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/):
 * such a thing outlives this cluster. No tag at all is no claim.
 */
export function claimOf(tags: Tags, { name, uid }: ClusterRef): string | undefined {
  const values = new Map((tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
  const own = clusterTag(name);
  if (values.get(own) === "shared") return `tagged ${own}=shared`;
  if (values.get(TAG_UID) === uid) return undefined;
  const other = [...values].find(([key]) => key === TAG_UID || (key.startsWith(OF_SOME_CLUSTER) && key !== own));
  return other && `tagged ${other[0]}=${other[1]}`;
}
