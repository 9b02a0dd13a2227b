import { stringify } from "yaml";
import type { ClusterPlan } from "../plan/cluster-plan";
import { cloudControllerManager } from "./cloud-controller-manager";
import { ebsCsiDriver, storageClass } from "./ebs-csi-driver";
import type { KubernetesObject } from "./kubernetes-objects";
import { metricsServer } from "./metrics-server";
import { profileOf } from "./render-artifacts";

/**
 * What is applied after Calico, in order. A cluster is Ready without it: its images are pulled when they can be.
 * @throws InvalidManifest for a Kubernetes version without a profile
 */
export function addOns(plan: ClusterPlan): KubernetesObject[] {
  const { cloud: images } = profileOf(plan);
  const { cloud, endpoint, metricsServer: wanted } = plan.kubernetes;
  const { name: cluster, region, tags } = plan;
  const external = cloud.provider === "external" && images.cloudControllerManager;
  return [
    ...(external ? cloudControllerManager({ image: external, cluster, endpoint }) : []),
    ...(cloud.ebsCsi && images.ebsCsi ? ebsCsiDriver({ images: images.ebsCsi, cluster, region, tags }) : []),
    ...(cloud.storageClass ? [storageClass(cloud.ebsCsi)] : []),
    ...(wanted ? metricsServer(images.metricsServer) : []),
  ];
}

/** Empty where nothing is to be applied. */
export const renderAddOns = (plan: ClusterPlan): string =>
  addOns(plan)
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join("---\n");
