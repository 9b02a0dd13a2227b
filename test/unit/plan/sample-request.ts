import type { PlanRequest } from "../../../shared/plan/plan-cluster";
import type { Deployment } from "../../../shared/spec/deployment";
import type { InstanceGroup, Manifest } from "../../../shared/spec/manifest";

export const focal = "099720109477/ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20210119.1";

export const deployment: Deployment = {
  id: "dev",
  region: "us-east-1",
  accountId: "111122223333",
  partition: "aws",
  allowedBuckets: ["kept-state", "team-*"],
  instanceTypes: ["t3.*"],
  imageOwners: ["099720109477"],
  maxNodes: 10,
  ttl: { defaultSeconds: 3600, capSeconds: 172_800, allowNone: true },
  artifacts: { kubernetes: "https://dl.k8s.io/", github: "https://github.com/", calico: "https://raw.githubusercontent.com/" },
  cloudProvider: "aws",
  proberImage: "registry.k8s.io/e2e-test-images/agnhost:2.53",
  probeClientMachineType: "t3.micro",
  waits: { poll: 10, nodes: 900, calico: 600, delete: 1800, settle: 120 },
};

export const requestOf = (change: Partial<PlanRequest> = {}): PlanRequest => ({
  now: new Date("2026-11-23T10:00:00.123Z"),
  uid: "a1b2c3d4e5",
  nonce: "4f1c9a7e5b2d",
  owner: "arn:aws:iam::111122223333:user/alice",
  deployment,
  options: { dryRun: false, substituteImage: false, ttlSeconds: 3600, onFailure: "delete" },
  images: { [focal]: { imageId: "ami-0focal0000000001", rootDevice: "/dev/sda1" } },
  warnings: [],
  ...change,
});

export const groupOf = (change: Partial<InstanceGroup> = {}): InstanceGroup => ({
  name: "nodes",
  role: "node",
  image: focal,
  machineType: "t3.medium",
  size: 1,
  subnets: ["us-east-1a"],
  nodeLabels: {},
  taints: [],
  cloudLabels: {},
  rootVolume: { sizeGiB: 128, type: "gp3" },
  associatePublicIp: true,
  ...change,
});

export const controlPlaneOf = (change: Partial<InstanceGroup> = {}): InstanceGroup =>
  groupOf({ name: "master-us-east-1a", role: "control-plane", rootVolume: { sizeGiB: 64, type: "gp3" }, ...change });

/** The seed's cluster as it is after reading. */
export const manifestOf = (change: Partial<Manifest> = {}): Manifest => ({
  name: "demo.k8s.local",
  region: "us-east-1",
  kubernetesVersion: "1.19.7",
  containerRuntime: "docker",
  configBase: { bucket: "calico-kops-demo" },
  cloudLabels: {},
  networkCidr: "172.20.0.0/16",
  subnets: [{ name: "us-east-1a", zone: "us-east-1a", cidr: "172.20.32.0/19" }],
  podCidr: "100.96.0.0/11",
  serviceCidr: "100.64.0.0/13",
  clusterDns: "100.64.0.10",
  clusterDomain: "cluster.local",
  kubernetesApiAccess: ["0.0.0.0/0"],
  sshAccess: ["0.0.0.0/0"],
  nodePortAccess: [],
  masterPublicName: "api.demo.k8s.local",
  loadBalancer: { class: "Classic", type: "Public", idleTimeoutSeconds: 300 },
  allowContainerRegistry: true,
  ebs: { csiDriver: true, storageClass: true },
  metricsServer: false,
  encryptSecrets: false,
  kubelet: { anonymousAuth: false },
  calico: { version: "3.17.6", awsSrcDstCheck: "Disable", bpfExternalServiceMode: "DSR", bpfLogLevel: "Off", vxlanMode: "CrossSubnet" },
  instanceGroups: [controlPlaneOf(), groupOf()],
  documents: [],
  ...change,
});

export const threeZones = ["a", "b", "c"].map((zone, index) => ({
  name: `us-east-1${zone}`,
  zone: `us-east-1${zone}`,
  cidr: `172.20.${32 * (index + 1)}.0/19`,
}));
