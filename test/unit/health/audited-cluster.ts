import type { Audit } from "../../../shared/health/audit";
import type { Audits } from "../../../shared/health/judge-audit";
import type { ClusterPlan } from "../../../shared/plan/cluster-plan";

/** Node names by instance key, as EC2 gives them. */
export const namesOf = (plan: ClusterPlan): Record<string, string> => Object.fromEntries(plan.instances.map(({ key }) => [key, `${key}.ec2.internal`]));

/** What a control plane tells of a cluster in which everything is as `plan` says. */
export function auditOf(plan: ClusterPlan, at: Date): Audit {
  const { kubernetes } = plan;
  return {
    schema: "clowder.audit/v1",
    uid: plan.uid,
    nonce: kubernetes.runNonce,
    at: at.toISOString(),
    nodes: plan.instances.map(({ key, nodeLabels, taints }) => ({
      name: namesOf(plan)[key]!,
      labels: { "kubernetes.io/os": "linux", ...nodeLabels },
      taints,
      providerId: "aws:///us-east-1a/i-1",
      kubeletVersion: `v${plan.kubernetesVersion}`,
      runtime: `${plan.containerRuntime}://2.1.7`,
      kubelet: {
        authentication: { anonymous: { enabled: kubernetes.anonymousAuth } },
        authorization: { mode: "Webhook" },
        clusterDNS: [kubernetes.clusterDns],
        clusterDomain: kubernetes.clusterDomain,
      },
    })),
    apiServer: { "authorization-mode": "Node,RBAC", "service-cluster-ip-range": kubernetes.serviceCidr },
    encryptedWrites: null,
    addOns: [
      { kind: "DaemonSet", name: "aws-cloud-controller-manager", wanted: 1, ready: 1 },
      { kind: "Deployment", name: "coredns", wanted: 2, ready: 0 },
    ],
  };
}

/** The same, told by every control plane. */
export const auditsOf = (plan: ClusterPlan, at: Date, change: (audit: Audit) => void = () => {}): Audits =>
  Object.fromEntries(
    plan.instances
      .filter(({ role }) => role === "control-plane")
      .map(({ key }) => {
        const audit = structuredClone(auditOf(plan, at));
        change(audit);
        return [key, audit];
      }),
  );
