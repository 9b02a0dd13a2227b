/** What was asked, after reading and validation: kOps v1alpha2 in the terms that the plan needs. */
export type Role = "control-plane" | "node";

export interface Taint {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

export interface InstanceGroup {
  name: string;
  role: Role;
  /** As written: `owner/name`, `ami-…` or `ssm:/parameter`. */
  image: string;
  machineType: string;
  /** Instances that are made: the group's minSize. */
  size: number;
  subnets: string[];
  nodeLabels: Record<string, string>;
  taints: Taint[];
  cloudLabels: Record<string, string>;
  rootVolume: { sizeGiB: number; type: "gp2" | "gp3"; iops?: number };
  associatePublicIp: boolean;
}

export interface Subnet {
  name: string;
  zone: string;
  cidr: string;
}

export interface Calico {
  version: string;
  awsSrcDstCheck: "Enable" | "Disable" | "DoNothing";
  bpfExternalServiceMode: "Tunnel" | "DSR";
  bpfLogLevel: "Off" | "Info" | "Debug";
  vxlanMode: "Always" | "CrossSubnet" | "Never";
  mtu?: number;
  logSeverityScreen?: string;
}

export interface Manifest {
  name: string;
  region: string;
  /** `x.y.z`, without `v`. */
  kubernetesVersion: string;
  containerRuntime: "docker" | "containerd";
  configBase: { bucket: string };
  /** The public half to import; absent where the service is to make a pair. */
  sshPublicKey?: string;
  cloudLabels: Record<string, string>;
  networkCidr: string;
  subnets: Subnet[];
  podCidr: string;
  serviceCidr: string;
  clusterDns: string;
  clusterDomain: string;
  kubernetesApiAccess: string[];
  sshAccess: string[];
  nodePortAccess: string[];
  masterPublicName: string;
  loadBalancer: { class: "Classic" | "Network"; type: "Public" | "Internal"; idleTimeoutSeconds: number };
  allowContainerRegistry: boolean;
  /** `cloudConfig.awsEBSCSIDriver.enabled` and `manageStorageClasses`. */
  ebs: { csiDriver: boolean; storageClass: boolean };
  metricsServer: boolean;
  /** `encryptionConfig`: Secrets are encrypted in etcd. */
  encryptSecrets: boolean;
  kubelet: { anonymousAuth: boolean };
  calico: Calico;
  instanceGroups: InstanceGroup[];
  /** The documents as they were sent, for the kOps state store: `Cluster` first. */
  documents: Record<string, unknown>[];
}
