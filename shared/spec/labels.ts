import { isDnsName } from "./dns-name";
import { either, type Findings } from "./findings";
import type { Taint } from "./manifest";

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;
/** Node labels that Kubernetes sets from the machine itself. */
const OF_THE_NODE =
  /^(beta\.)?kubernetes\.io\/(hostname|os|arch)$|^(topology|failure-domain\.beta)\.kubernetes\.io\/|^node\.kubernetes\.io\/instance-type$/;
/** Tags by which things are found, counted and deleted, by us, kOps and janitors. */
const OF_THE_SERVICE = [
  /^(aws:|clowder:|kubernetes\.io\/cluster\/|k8s\.io\/role\/)/i,
  /^(KubernetesCluster|kops\.k8s\.io\/instancegroup|Name|owner|managed-by|expires-at|cloud-nuke-after)$/i,
];
/** EC2 takes 50 tags; the rest of them are ours. */
const MOST_TAGS = 30;

/** `[prefix/]name`: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
function isLabelKey(key: string): boolean {
  const [name = "", prefix, ...rest] = key.split("/").reverse();
  return rest.length === 0 && NAME.test(name) && (prefix === undefined || isDnsName(prefix));
}

const isLabelValue = (value: string): boolean => value === "" || NAME.test(value);

export function readNodeLabels(
  labels: Record<string, string> | undefined,
  group: string,
  path: string,
  found: Findings,
): Record<string, string> {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const place = `${path}[${key}]`;
    if (!isLabelKey(key)) found.refuse(place, "must have a key such as tier or example.com/tier");
    if (!isLabelValue(value)) found.refuse(place, "must have a value of at most 63 letters, digits, hyphens, dots and underscores");
    if (OF_THE_NODE.test(key)) found.refuse(place, "is set by Kubernetes from the machine itself");
    if (key === "kops.k8s.io/instancegroup" && value !== group) found.refuse(place, `must be the group's own name, ${group}`);
  }
  return labels ?? {};
}

/** kOps' form of taints: `key=value:Effect` or `key:Effect`. */
export function readTaints(taints: readonly (string | undefined)[] | undefined, path: string, found: Findings): Taint[] {
  return (taints ?? []).flatMap((text, index) => {
    if (text === undefined) return [];
    const [, key = "", value, effect] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? [];
    const known = EFFECTS.find((name) => name === effect);
    if (known && isLabelKey(key) && isLabelValue(value ?? "")) return [{ key, ...(value && { value }), effect: known }];
    return found.refuse(`${path}[${index}]`, `must be key=value:Effect or key:Effect, the effect ${either(EFFECTS)}`) ?? [];
  });
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions, in what all of AWS's services take. */
export function readCloudLabels(labels: Record<string, string> | undefined, path: string, found: Findings): Record<string, string> {
  const entries = Object.entries(labels ?? {});
  if (entries.length > MOST_TAGS) found.refuse(path, `must have at most ${MOST_TAGS} tags, not ${entries.length}`);
  for (const [key, value] of entries) {
    const place = `${path}[${key}]`;
    if (OF_THE_SERVICE.some((pattern) => pattern.test(key))) found.refuse(place, "is a tag by which the cluster's things are found and deleted: choose another key");
    if (key.length < 1 || key.length > 128 || value.length > 256)
      found.refuse(place, "must have 1 to 128 characters in its key and at most 256 in its value");
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value)) found.refuse(place, "must be letters, digits, spaces and _ . : / = + - @");
  }
  return labels ?? {};
}
