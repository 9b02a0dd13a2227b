import type { Calico, Role, Taint } from "../spec/manifest";
import type { Problem } from "../errors";
import type { Waits } from "../spec/deployment";

/** Everything that will exist for one cluster, decided before anything is made. Made by `planCluster`, never changed. */
export interface ClusterPlan {
  version: 1;
  name: string;
  uid: string;
  region: string;
  accountId: string;
  partition: string;
  deployment: string;
  /** ARN of who asked. */
  owner: string;
  /** RFC 3339. */
  createdAt: string;
  /** Seconds from ready, or "none". */
  ttlSeconds: number | "none";
  onFailure: "delete" | "keep";
  kubernetesVersion: string;
  containerRuntime: "docker" | "containerd";
  waits: Waits;
  /** On every resource that takes tags; resources add `Name` and kOps' role tags of their own. */
  tags: Record<string, string>;
  bucket: BucketPlan;
  keypair: KeypairPlan;
  network: NetworkPlan;
  iam: IamPlan;
  pki: PkiPlan;
  instances: InstancePlan[];
  /** The machine outside Calico that enters the NodePorts; deleted when the verdict is in. */
  probeClient: InstancePlan;
  elb: ElbPlan;
  kubernetes: KubernetesPlan;
  /** Manifest fields that are accepted without effect, each with its path. */
  warnings: Problem[];
}

export interface BucketPlan {
  name: string;
  /** `<cluster>/`: kOps' layout, only `config` and `instancegroup/*`. */
  kopsPrefix: string;
  /** `clowder/<uid>/`: ours. */
  prefix: string;
  /** An existing bucket of this account that the deployment allows may be used; any other existing one is refused. */
  mayExist: boolean;
}

export interface KeypairPlan {
  name: string;
  /** OpenSSH public key, one line. Absent: the step makes an ED25519 pair and keeps the private half once. */
  publicKey?: string;
  privateKeyObject: string;
}

export interface NetworkPlan {
  vpc: { name: string; cidr: string };
  internetGateway: { name: string };
  routeTable: { name: string };
  subnets: SubnetPlan[];
  securityGroups: SecurityGroupPlan[];
}
export interface SubnetPlan {
  key: string;
  name: string;
  zone: string;
  cidr: string;
  tags: Record<string, string>;
}
export type GroupKey = "control-plane" | "node" | "api-elb" | "probe-client";
export interface SecurityGroupPlan {
  key: GroupKey;
  name: string;
  description: string;
  ingress: RulePlan[];
}
export interface RulePlan {
  /** "-1" for all, or "tcp", "udp", "4" (IP in IP), "icmp" (whose ports are type and code). */
  protocol: string;
  fromPort?: number;
  toPort?: number;
  from: { cidr: string } | { group: GroupKey };
  description: string;
}

export interface IamPlan {
  /** `/clowder/<deployment>/` */
  path: string;
  boundary?: string;
  roles: RolePlan[];
}
export interface RolePlan {
  key: Role;
  /** Also the name of its instance profile. */
  name: string;
  trustPolicy: object;
  /** Inline policies by name. The control plane's `bootstrap` policy reads the PKI and is taken away by revoke-bootstrap. */
  policies: Record<string, object>;
}

export interface PkiPlan {
  /** RFC 3339; backdated so that a node whose clock is behind accepts it. */
  notBefore: string;
  notAfter: string;
  tokenExpiry: string;
  /** Object keys in the bucket. */
  controlPlaneObject: string;
  joinObject: string;
  /** The service's last word on the bootstrap: signed, and secret while it holds a token. */
  accessObject: string;
}

export interface InstancePlan {
  /** `<instance group>-<index>`: ledger key and Name tag's stem. */
  key: string;
  name: string;
  group: string;
  role: Role | "probe-client";
  index: number;
  clientToken: string;
  imageId: string;
  rootDevice: string;
  machineType: string;
  subnet: string;
  /** Subnet keys to try when EC2 has no capacity in `subnet`; workers only. */
  otherSubnets: string[];
  securityGroup: GroupKey;
  profile: string;
  /** Planned for control planes and the probe client; EC2 chooses for workers. */
  privateAddress?: string;
  associatePublicIp: boolean;
  sourceDestCheck: boolean;
  rootVolume: { sizeGiB: number; type: string; iops?: number };
  tags: Record<string, string>;
  /** Applied by the control plane after the join: kubelet refuses some of them. */
  nodeLabels: Record<string, string>;
  taints: Taint[];
  userData: StubPlan;
}
/** What the stub in user data needs: no secret among it. */
export interface StubPlan {
  role: Role | "probe-client";
  scriptObject: string;
}

export interface ElbPlan {
  class: "Classic" | "Network";
  type: "Public" | "Internal";
  name: string;
  targetGroup?: string;
  listenerPort: 443;
  targetPort: 6443;
  subnets: string[];
  /** Classic only: kOps puts rules on the load balancer's group; a Network one uses the nodes' group. */
  securityGroup?: GroupKey;
  idleTimeoutSeconds: number;
  tags: Record<string, string>;
}

/** What runs of AWS's own parts; their versions follow from Kubernetes'. */
export interface CloudPlan {
  provider: "none" | "in-tree" | "external";
  ebsCsi: boolean;
  storageClass: boolean;
  ecrCredentials: boolean;
}

export interface KubernetesPlan {
  podCidr: string;
  serviceCidr: string;
  clusterDns: string;
  clusterDomain: string;
  /** `host:6443` inside: the address of a single control plane, or `api.internal.<cluster>` for several. */
  endpoint: string;
  internalName: string;
  /** Names and addresses in the API server's certificate. */
  certificateNames: string[];
  controlPlaneAddresses: string[];
  anonymousAuth: boolean;
  allowContainerRegistry: boolean;
  cloud: CloudPlan;
  metricsServer: boolean;
  /** Secrets are encrypted in etcd, with a key that is among the control planes' material. */
  encryptSecrets: boolean;
  masterPublicName: string;
  calico: Calico;
  /** Set at plan time; evidence must carry it. */
  runNonce: string;
  probe: { clientAddress: string; clientPort: number; firstNodePort: number; image: string };
  artifacts: { kubernetes: string; github: string; calico: string };
}
