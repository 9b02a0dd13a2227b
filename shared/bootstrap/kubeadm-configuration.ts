import { CREDENTIAL_PROVIDERS, CREDENTIAL_PROVIDER_FOLDER } from "./credential-providers";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Role } from "../spec/manifest";
import { profileOf } from "./render-artifacts";

/**
 * kubeadm's configuration in the API version that this Kubernetes reads. `"@NAME@"` stands for what only the node knows
 * (address, name, group, taints, cgroup driver) and for the token, which is never rendered: `material.py fill` puts them in.
 * https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
 */
export const IMAGE_REPOSITORY = "registry.k8s.io";

const minorOf = (plan: ClusterPlan): number => Number(plan.kubernetesVersion.split(".")[1]);

/** dockershim's is the last without a scheme; kubeadm asks for `unix://` from 1.24 on. */
export function criSocket(plan: ClusterPlan): string {
  if (plan.containerRuntime === "docker") return "/var/run/dockershim.sock";
  return minorOf(plan) < 24 ? "/run/containerd/containerd.sock" : "unix:///run/containerd/containerd.sock";
}

/** For the first control plane: InitConfiguration, ClusterConfiguration and, last, KubeletConfiguration. */
export function renderInit(plan: ClusterPlan): string {
  const { kubeadmApi } = profileOf(plan);
  const { kubernetes } = plan;
  return `apiVersion: kubeadm.k8s.io/${kubeadmApi}
kind: InitConfiguration
bootstrapTokens:
- token: "@TOKEN@"
  ttl: "@TOKEN_TTL@"
localAPIEndpoint:
  advertiseAddress: "@ADDRESS@"
  bindPort: 6443
${renderRegistration(plan)}---
apiVersion: kubeadm.k8s.io/${kubeadmApi}
kind: ClusterConfiguration
clusterName: ${plan.name}
kubernetesVersion: v${plan.kubernetesVersion}
controlPlaneEndpoint: ${JSON.stringify(kubernetes.endpoint)}
imageRepository: ${IMAGE_REPOSITORY}
apiServer:
  certSANs:
${kubernetes.certificateNames.map((name) => `  - ${JSON.stringify(name)}\n`).join("")}\
${renderExtraArgs(plan, "  ", apiServerArgs(plan))}\
${plan.kubernetes.cloud.provider === "in-tree" ? `controllerManager:\n${renderExtraArgs(plan, "  ", IN_TREE_CONTROLLER)}` : ""}\
${renderDns(plan)}networking:
  dnsDomain: ${kubernetes.clusterDomain}
  podSubnet: ${kubernetes.podCidr}
  serviceSubnet: ${kubernetes.serviceCidr}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: ${kubernetes.anonymousAuth}
  webhook:
    enabled: true
authorization:
  mode: Webhook
cgroupDriver: "@CGROUP_DRIVER@"
clusterDNS:
- ${kubernetes.clusterDns}
clusterDomain: ${kubernetes.clusterDomain}
serverTLSBootstrap: false
`;
}

/** For workers, and for the control planes after the first. */
export function renderJoin(plan: ClusterPlan, role: Role): string {
  const { kubeadmApi } = profileOf(plan);
  const v4 = kubeadmApi === "v1beta4";
  return `apiVersion: kubeadm.k8s.io/${kubeadmApi}
kind: JoinConfiguration
discovery:
  bootstrapToken:
    token: "@TOKEN@"
    apiServerEndpoint: ${JSON.stringify(plan.kubernetes.endpoint)}
    caCertHashes:
    - "@CA_CERT_HASH@"
${v4 ? "timeouts:\n  discovery: 2m0s\n" : "  timeout: 2m0s\n"}\
${role === "control-plane" ? 'controlPlane:\n  localAPIEndpoint:\n    advertiseAddress: "@ADDRESS@"\n    bindPort: 6443\n' : ""}\
${renderRegistration(plan)}`;
}

/** Labels below kubernetes.io or k8s.io make kubelet exit: it names its group, and the control plane labels it after the join. */
function renderRegistration(plan: ClusterPlan): string {
  return `nodeRegistration:
  name: "@NODE_NAME@"
  criSocket: ${criSocket(plan)}
${profileOf(plan).kubeadmApi === "v1beta2" ? "" : "  imagePullPolicy: IfNotPresent\n"}\
  taints: "@TAINTS@"
${renderExtraArgs(plan, "  ", kubeletArgs(plan), "kubeletExtraArgs")}`;
}

type Args = [name: string, value: string][];

/** Flags of a component: a list since v1beta4, a mapping before it. Nothing where there are none. */
function renderExtraArgs(plan: ClusterPlan, indent: string, args: Args, member = "extraArgs"): string {
  if (args.length === 0) return "";
  const v4 = profileOf(plan).kubeadmApi === "v1beta4";
  const lines = args.map(([name, value]) => (v4 ? `${indent}- name: ${name}\n${indent}  value: ${value}\n` : `${indent}  ${name}: ${value}\n`));
  return `${indent}${member}:\n${lines.join("")}`;
}

/** The node's route controller would write routes into the VPC's tables, which Calico needs none of. */
const IN_TREE_CONTROLLER: Args = [["cloud-provider", "aws"], ["configure-cloud-routes", '"false"']];

/** kubeadm gives the API server all of `/etc/kubernetes/pki`. */
export const ENCRYPTION_FILE = "encryption-configuration.yaml";

const apiServerArgs = ({ kubernetes }: ClusterPlan): Args => [
  ...(kubernetes.cloud.provider === "in-tree" ? ([["cloud-provider", "aws"]] as Args) : []),
  ...(kubernetes.encryptSecrets ? ([["encryption-provider-config", `/etc/kubernetes/pki/${ENCRYPTION_FILE}`]] as Args) : []),
];

/** An external cloud provider's nodes are tainted until its controller has seen them. */
function kubeletArgs({ kubernetes: { cloud } }: ClusterPlan): Args {
  const args: Args = [
    ["node-ip", '"@ADDRESS@"'],
    ["node-labels", "clowder.io/instance-group=@GROUP@"],
  ];
  if (cloud.provider !== "none") args.push(["cloud-provider", cloud.provider === "in-tree" ? "aws" : "external"]);
  if (cloud.ecrCredentials) args.push(["image-credential-provider-bin-dir", CREDENTIAL_PROVIDER_FOLDER], ["image-credential-provider-config", CREDENTIAL_PROVIDERS]);
  return args;
}

/** CoreDNS' image moved one folder down with 1.21; kubeadm before 1.25 knows that of its own default registry only. */
const renderDns = (plan: ClusterPlan): string => (minorOf(plan) < 21 ? "" : `dns:\n  imageRepository: ${IMAGE_REPOSITORY}/coredns\n`);
