import type { Deployment } from "./deployment";
import type { Findings } from "./findings";
import type { InstanceGroup } from "./manifest";
import { type VersionProfile, nearestProfile } from "./version-profile";

/** Ubuntu before 22.04 boots with cgroup v1: https://kubernetes.io/docs/concepts/architecture/cgroups/ */
const CGROUP1_IMAGE = /ubuntu-(xenial|bionic|focal)|amzn2-|amazonlinux-?2-/i;

/** What a version cannot do with what else was asked, each with the nearest that can; and what nobody is known to have tested. */
export function checkProfile(profile: VersionProfile | undefined, groups: InstanceGroup[], deployment: Pick<Deployment, "cloudProvider">, found: Findings): void {
  if (!profile) return;
  for (const { name, image } of groups) {
    if (!profile.needsCgroup2 || !CGROUP1_IMAGE.test(image)) continue;
    const nearest = nearestProfile(profile, ({ needsCgroup2 }) => !needsCgroup2);
    found.refuse(
      `InstanceGroup/${name}.spec.image`,
      `must boot with cgroup v2, such as Ubuntu 22.04 or newer: the kubelet of ${profile.minor} starts on no other; the nearest version for this image is ${nearest?.newest}`,
    );
  }
  for (const doubt of profile.doubts) found.warn("spec.kubernetesVersion", doubt);
  if (deployment.cloudProvider === "none")
    found.warn(
      "spec.cloudProvider",
      "this deployment installs no AWS cloud provider: Services of type LoadBalancer, EBS volumes and pulls from ECR do not work",
    );
}
