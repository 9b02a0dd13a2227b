import type { ClusterPlan } from "../plan/cluster-plan";

/**
 * What the control plane applies before Calico's own manifest, so that calico-node starts in eBPF mode without kube-proxy.
 * https://docs.tigera.io/calico/latest/operations/ebpf/enabling-ebpf
 */
export function renderCalicoInstallation(plan: ClusterPlan): { servicesEndpoint: string; configuration: string } {
  return { servicesEndpoint: renderServicesEndpoint(plan), configuration: renderConfiguration(plan) };
}

/** Nothing serves the `kubernetes` ClusterIP until Felix does. calico-node is in the host's network, where the name resolves. */
function renderServicesEndpoint(plan: ClusterPlan): string {
  const { endpoint } = plan.kubernetes;
  const colon = endpoint.lastIndexOf(":");
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: kubernetes-services-endpoint
  namespace: kube-system
data:
  KUBERNETES_SERVICE_HOST: ${JSON.stringify(endpoint.slice(0, colon))}
  KUBERNETES_SERVICE_PORT: ${JSON.stringify(endpoint.slice(colon + 1))}
`;
}

/** The service itself turns the source/destination check off, so Calico is told to leave it alone. */
function renderConfiguration(plan: ClusterPlan): string {
  const { calico, podCidr } = plan.kubernetes;
  return `apiVersion: crd.projectcalico.org/v1
kind: FelixConfiguration
metadata:
  name: default
spec:
  awsSrcDstCheck: DoNothing
  bpfEnabled: true
  bpfExternalServiceMode: ${calico.bpfExternalServiceMode}
  bpfLogLevel: ${JSON.stringify(calico.bpfLogLevel)}
  ipipEnabled: false
${calico.logSeverityScreen ? `  logSeverityScreen: ${calico.logSeverityScreen}\n` : ""}\
  prometheusMetricsEnabled: true
  vxlanEnabled: ${calico.vxlanMode !== "Never"}
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata:
  name: default-ipv4-ippool
spec:
  blockSize: 26
  cidr: ${podCidr}
  ipipMode: Never
  natOutgoing: true
  nodeSelector: all()
  vxlanMode: ${calico.vxlanMode}
`;
}
