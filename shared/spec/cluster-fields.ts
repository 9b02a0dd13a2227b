import { type FieldTable, honoured, off, only, refused, refusedChoice, warned } from "./field-table";
import { networkingFields } from "./networking-fields";

const runs = "it would run what the caller sends; this service installs what it can prove";
const addOn = "no add-on is installed; leave it out, or set enabled: false, and install it when the cluster is ready";
const component = "components run with kubeadm's configuration; leave it out";
const elsewhere = "this service keeps its state under configBase; leave it out";
const oneVpc = "this service makes a VPC of its own; leave it out";
const google = "only aws is served";
const noBastion = "private topology and bastions are not served";
const noDns = "no DNS record is made; kubeconfigs use the load balancer's own name";
const noGossip = "nodes find the control plane by planned addresses, not by gossip";
const stackedEtcd = "kubeadm runs one stacked etcd on the control plane's root volume";

const etcdMember: FieldTable = {
  name: honoured,
  instanceGroup: honoured,
  encryptedVolume: only([true], "the root volume that holds etcd is always encrypted"),
  volumeType: warned(stackedEtcd),
  volumeSize: warned(stackedEtcd),
  volumeIops: warned(stackedEtcd),
  volumeThroughput: warned(stackedEtcd),
  kmsKeyId: refused("volumes are encrypted with the account's EBS key"),
};

const etcdCluster: FieldTable = {
  name: honoured,
  etcdMembers: [etcdMember],
  provider: warned(stackedEtcd),
  version: warned("kubeadm chooses etcd's version"),
  enableEtcdTLS: only([true], "kubeadm's etcd always speaks TLS"),
  enableTLSAuth: only([true], "kubeadm's etcd always checks client certificates"),
  cpuRequest: warned("kubeadm sets etcd's requests"),
  memoryRequest: warned("kubeadm sets etcd's requests"),
  leaderElectionTimeout: refused(component),
  heartbeatInterval: refused(component),
  image: refused(component),
  backups: refused("etcd is not backed up"),
  manager: { backupRetentionDays: warned("etcd is not backed up"), "*": refused("there is no etcd-manager") },
};

const loadBalancer: FieldTable = {
  class: honoured,
  type: honoured,
  idleTimeoutSeconds: honoured,
  securityGroupOverride: refused("the load balancer has a security group of its own"),
  additionalSecurityGroups: refused("it would reach beyond this cluster; the load balancer has a security group of its own"),
  useForInternalApi: refused("nodes join by the control plane's planned address"),
  sslCertificate: refused("TLS ends at the API server"),
  sslPolicy: refused("TLS ends at the API server"),
  crossZoneLoadBalancing: refused("the load balancer serves each zone from itself"),
  subnets: refused("the load balancer stands in the cluster's subnets"),
  accessLog: refused("it would write to a bucket of the caller's choice"),
};

const subnet: FieldTable = {
  name: honoured,
  zone: honoured,
  cidr: honoured,
  type: only(["Public"], `${noBastion}; subnets of type Private and Utility need NAT`),
  id: refused(oneVpc),
  egress: refused("subnets reach the internet by the internet gateway"),
  publicIP: refused("there is no NAT gateway to give it to"),
  additionalRoutes: refused(oneVpc),
  ipv6CIDR: refused("IPv6 is not served"),
  region: refused(google),
};

const topology: FieldTable = {
  masters: only(["public"], noBastion),
  controlPlane: only(["public"], noBastion),
  nodes: only(["public"], noBastion),
  bastion: refused(noBastion),
  dns: { type: honoured },
};

/** Every field of kOps' v1alpha2 ClusterSpec (pkg/apis/kops/v1alpha2/cluster.go) and what becomes of it. */
export const clusterFields: FieldTable = {
  channel: warned("no channel is read: kubernetesVersion and image are taken as they are"),
  addons: refused(runs),
  configBase: honoured,
  cloudProvider: only(["aws"], google),
  gossipConfig: warned(noGossip),
  dnsControllerGossipConfig: warned(noGossip),
  containerRuntime: honoured,
  kubernetesVersion: honoured,
  subnets: [subnet],
  project: refused(google),
  masterPublicName: honoured,
  masterInternalName: honoured,
  networkCIDR: honoured,
  additionalNetworkCIDRs: refused(oneVpc),
  networkID: refused(oneVpc),
  topology,
  secretStore: refused(elsewhere),
  keyStore: refused(elsewhere),
  configStore: refused(elsewhere),
  dnsZone: warned(noDns),
  additionalSans: refused("the API server's certificate carries the planned names only"),
  clusterDNSDomain: honoured,
  serviceClusterIPRange: honoured,
  podCIDR: honoured,
  nonMasqueradeCIDR: honoured,
  sshAccess: honoured,
  nodePortAccess: honoured,
  kubernetesApiAccess: honoured,
  egressProxy: refused("nodes reach the internet directly"),
  sshKeyName: refused("the key comes from the manifest: add an SSHCredential with the public key, or none to have one made"),
  isolateMasters: refused("control planes are on the pod network"),
  updatePolicy: warned("the image's own update settings stay as they are"),
  externalPolicies: refused("it would grant the nodes what the caller chooses; their policies are planned"),
  additionalPolicies: refused("it would grant the nodes what the caller chooses; their policies are planned"),
  fileAssets: refused(runs),
  hooks: refused(runs),
  etcdClusters: [etcdCluster],
  containerd: refused(component),
  docker: refused(component),
  kubeDNS: { provider: only(["CoreDNS"], "kubeadm installs CoreDNS"), "*": refused(component) },
  kubeAPIServer: refused(component),
  kubeControllerManager: refused(component),
  cloudControllerManager: { cloudProvider: only(["aws"], google), "*": refused(component) },
  kubeScheduler: refused(component),
  kubeProxy: { enabled: honoured, "*": warned("no kube-proxy runs") },
  kubelet: { anonymousAuth: honoured, "*": refused("only anonymousAuth can be set; leave it out") },
  masterKubelet: refused("only spec.kubelet.anonymousAuth can be set; leave it out"),
  controlPlaneKubelet: refused("only spec.kubelet.anonymousAuth can be set; leave it out"),
  cloudConfig: {
    awsEBSCSIDriver: { enabled: honoured, "*": refused("the driver's version follows from Kubernetes'; leave it out") },
    manageStorageClasses: honoured,
    "*": refused(component),
  },
  externalDns: { disable: only([true, false], "no DNS controller runs"), "*": refused(addOn) },
  ntp: warned("the image's own time service is used"),
  packages: refused(runs),
  nodeTerminationHandler: off(addOn),
  nodeProblemDetector: off(addOn),
  metricsServer: { enabled: honoured, insecure: only([true], "kubelets have certificates of their own"), "*": refused(component) },
  certManager: off(addOn),
  awsLoadBalancerController: off(addOn),
  podIdentityWebhook: off(addOn),
  clusterAutoscaler: off(addOn),
  snapshotController: off(addOn),
  karpenter: off(addOn),
  networking: networkingFields,
  api: { loadBalancer, dns: refusedChoice(`${noDns}: use api.loadBalancer`) },
  authentication: {
    aws: refusedChoice("kubeconfigs are minted by this service; leave it out"),
    kopeio: refusedChoice("kubeconfigs are minted by this service; leave it out"),
  },
  authorization: { rbac: honoured, alwaysAllow: refusedChoice("it would let everybody do everything: write rbac: {}") },
  nodeAuthorization: refused("kubeadm authorizes nodes; leave it out"),
  cloudLabels: honoured,
  assets: refused("artifacts come from the deployment's sets"),
  iam: {
    allowContainerRegistry: honoured,
    permissionsBoundary: honoured,
    legacy: only([false], "nodes get the least they need"),
    useServiceAccountExternalPermissions: refused("service accounts get no AWS roles"),
    serviceAccountExternalPermissions: refused("service accounts get no AWS roles"),
  },
  encryptionConfig: honoured,
  DisableSubnetTags: refused("things are found by their tags"),
  tagSubnets: only([true], "things are found by their tags"),
  target: warned("nothing is written for Terraform"),
  useHostCertificates: refused(component),
  sysctlParameters: refused("nodes run with the kernel parameters that Calico and kubeadm need"),
  rollingUpdate: warned("nothing is updated in place"),
  warmPool: refused("instances are started as they are needed"),
  serviceAccountIssuerDiscovery: refused("service accounts get no AWS roles"),
};
