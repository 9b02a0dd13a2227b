import type { CreateOptions, Deployment } from "./deployment";
import { bucketNameProblem, isDnsName } from "./dns-name";
import { either, type Findings } from "./findings";
import type { Manifest } from "./manifest";
import type { ClusterSpec } from "./shapes";
import { nearestProfile, nearestVersions, type VersionProfile, versionProfile } from "./version-profile";

/** kOps: a fully qualified DNS name. 63 keeps it inside a label's value and a certificate's common name. */
export function readName(name: string | undefined, found: Findings): string {
  if (!name) found.missing("metadata.name", "is required, such as demo.k8s.local");
  else if (!isDnsName(name) || !name.includes(".") || name.length > 63) {
    found.refuse("metadata.name", "must be a fully qualified DNS name in lower case, at most 63 characters, such as demo.k8s.local");
  }
  return name ?? "";
}

export function readVersion(spec: ClusterSpec, found: Findings): { version: string; profile: VersionProfile | undefined } {
  const path = "spec.kubernetesVersion";
  const version = (spec.kubernetesVersion ?? "").replace(/^v/, "");
  const profile = versionProfile(version);
  const works = either(nearestVersions(version));
  if (version === "") found.missing(path, `is required, such as ${works}`);
  else if (!/^\d+\.\d+\.\d+$/.test(version)) found.refuse(path, `must be a release such as ${works}`);
  else if (!profile) found.refuse(path, `${version.slice(0, 40)} is not served; the nearest that work are ${works}`);
  return { version, profile };
}

export function readRuntime(spec: ClusterSpec, profile: VersionProfile | undefined, found: Findings): Manifest["containerRuntime"] {
  const asked = spec.containerRuntime;
  if (asked && profile && !profile.runtimes.includes(asked)) {
    const nearest = nearestProfile(profile, ({ runtimes }) => runtimes.includes(asked))?.newest;
    found.refuse("spec.containerRuntime", `must be containerd: Kubernetes ${profile.minor} has no dockershim; the nearest version with ${asked} is ${nearest}`);
  }
  return asked ?? profile?.runtimes[0] ?? "containerd";
}

/** `?configBase=` goes before the manifest's own, whose bucket's name somebody may have taken. */
export function readConfigBase(
  spec: ClusterSpec,
  name: string,
  options: Pick<CreateOptions, "configBase">,
  found: Findings,
): { bucket: string } {
  const asked = options.configBase !== undefined;
  const path = asked ? "?configBase" : "spec.configBase";
  const text = options.configBase ?? spec.configBase;
  if (!text) return { bucket: found.missing(path, `is required: s3://<bucket>/${name}, or a bucket's name as ?configBase=`) ?? "" };
  const [, scheme, bucket = "", folder] = /^(s3:\/\/)?([^/]*)(?:\/(.*?))?\/?$/.exec(text) ?? [];
  if (!scheme && (folder !== undefined || !asked)) found.refuse(path, `must be s3://<bucket>/${name}`);
  else {
    const problem = bucketNameProblem(bucket);
    if (problem) found.refuse(path, problem);
    if (folder ? folder !== name : !asked) found.refuse(path, `must end with the cluster's name: s3://${bucket}/${name}`);
  }
  return { bucket };
}

export function readLoadBalancer(spec: ClusterSpec, found: Findings): Manifest["loadBalancer"] {
  const path = "spec.api.loadBalancer";
  const asked = spec.api?.loadBalancer;
  if (!asked) found.missing(path, "is required, such as {class: Classic, type: Public}: the API server is reached by it");
  if (asked && !asked.type) found.missing(`${path}.type`, "is required: Public or Internal");
  if (asked?.class === "Network" && asked.idleTimeoutSeconds) {
    found.warn(`${path}.idleTimeoutSeconds`, "has no effect: a Network load balancer keeps its own");
  }
  return { class: asked?.class ?? "Classic", type: asked?.type ?? "Public", idleTimeoutSeconds: asked?.idleTimeoutSeconds ?? 300 };
}

/** Names under which nothing will be found in DNS, since no record is made. */
export function readPublicName(spec: ClusterSpec, name: string, found: Findings): string {
  const path = "spec.masterPublicName";
  const asked = spec.masterPublicName;
  if (asked && !isDnsName(asked)) found.refuse(path, `must be a DNS name such as api.${name}`);
  else if (asked) found.warn(path, `no DNS record is made for ${asked}; kubeconfigs use the load balancer's own name`);
  if (spec.masterInternalName && spec.masterInternalName !== `api.internal.${name}`) {
    found.refuse("spec.masterInternalName", `must be api.internal.${name}, the name inside the cluster`);
  }
  const dns = spec.topology?.dns?.type;
  if (dns && dns !== "None") found.warn("spec.topology.dns.type", `no DNS record is made, in a ${dns.toLowerCase()} zone neither`);
  return asked ?? `api.${name}`;
}

export function readClusterDomain(spec: ClusterSpec, found: Findings): string {
  const domain = spec.clusterDNSDomain ?? "cluster.local";
  if (!isDnsName(domain)) found.refuse("spec.clusterDNSDomain", "must be a DNS name such as cluster.local");
  return domain;
}

/** What is fine in itself, but may surprise who knows kOps; and the boundary, which is the deployment's to set. */
export function checkAccess(spec: ClusterSpec, deployment: Deployment, found: Findings): void {
  const boundary = spec.iam?.permissionsBoundary;
  if (boundary && boundary !== deployment.permissionsBoundary) {
    const right = deployment.permissionsBoundary
      ? `${deployment.permissionsBoundary}, this deployment's`
      : "left out: this deployment sets none";
    found.refuse("spec.iam.permissionsBoundary", `must be ${right}`);
  }
  if (!spec.authorization) found.warn("spec.authorization", "is left out, which is alwaysAllow to kOps; RBAC is used");
  if (!spec.kubernetesApiAccess?.length)
    found.warn("spec.kubernetesApiAccess", "is empty: the API answers nobody outside the cluster's network");
}
