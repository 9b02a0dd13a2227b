import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import { planOf as planOfCase } from "../case-folders";

const artifacts = {
  kubernetes: "https://dl.k8s.io",
  github: "https://github.com",
  calico: "https://raw.githubusercontent.com/projectcalico/calico",
};

/** The plan of a case's manifest, with the artifacts of a deployment that sets nothing. */
export function planOf(folder: string, change: Partial<ClusterPlan["kubernetes"]> = {}): ClusterPlan {
  const { plan } = planOfCase(folder);
  return { ...plan, kubernetes: { ...plan.kubernetes, artifacts, ...change } };
}

/** The same cluster with another Kubernetes. */
export const withKubernetes = (plan: ClusterPlan, kubernetesVersion: string): ClusterPlan => ({
  ...plan,
  kubernetesVersion,
  containerRuntime: "containerd",
});
