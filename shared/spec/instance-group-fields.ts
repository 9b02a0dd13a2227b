import { type FieldTable, honoured, only, refused, warned } from "./field-table";

const runs = "it would run what the caller sends; this service installs what it can prove";
const noScaling = "instances are started one by one, without an Auto Scaling group";
const noSpot = "instances are on demand, so that the cluster lives as long as was asked";
const ownGroups = "it would reach beyond this cluster; instances have security groups of their own";
const rootOnly = "instances have their root volume only";
const google = "only aws is served";

/** Every field of kOps' v1alpha2 InstanceGroupSpec (pkg/apis/kops/v1alpha2/instancegroup.go) and what becomes of it. */
export const instanceGroupFields: FieldTable = {
  role: honoured,
  image: honoured,
  machineType: honoured,
  minSize: honoured,
  maxSize: honoured,
  subnets: honoured,
  nodeLabels: honoured,
  taints: honoured,
  cloudLabels: honoured,
  rootVolumeSize: honoured,
  rootVolumeType: honoured,
  rootVolumeIops: honoured,
  associatePublicIp: only([true], "without NAT a node reaches neither its bucket nor its images without a public address"),
  rootVolumeEncryption: only([true], "root volumes are always encrypted"),
  rootVolumeDeleteOnTermination: only([true], "nothing is left behind"),
  rootVolumeThroughput: only([125], "gp3 volumes have their base throughput"),
  rootVolumeEncryptionKey: refused("volumes are encrypted with the account's EBS key"),
  rootVolumeOptimization: warned("the instance type's default is used"),
  tenancy: only(["default"], "dedicated hosts are not served"),
  instanceMetadata: {
    httpTokens: only(["required"], "IMDSv2 is required"),
    httpPutResponseHopLimit: only([1], "pods must not read the node's credentials"),
  },
  manager: only(["CloudGroup"], noScaling),
  autoscale: warned(noScaling),
  suspendProcesses: warned(noScaling),
  instanceProtection: warned(noScaling),
  maxInstanceLifetime: warned(noScaling),
  capacityRebalance: warned(noScaling),
  rollingUpdate: warned("nothing is updated in place"),
  updatePolicy: warned("the image's own update settings stay as they are"),
  compressUserData: warned("user data is a small stub"),
  warmPool: refused("instances are started as they are needed"),
  zones: warned("the subnets decide the zones"),
  volumes: refused(rootOnly),
  volumeMounts: refused(rootOnly),
  hooks: refused(runs),
  fileAssets: refused(runs),
  packages: refused(runs),
  additionalUserData: refused(runs),
  maxPrice: refused(noSpot),
  spotDurationInMinutes: refused(noSpot),
  instanceInterruptionBehavior: refused(noSpot),
  mixedInstancesPolicy: refused(`${noSpot}, and of one type: machineType`),
  cpuCredits: refused("the instance type's default is used; leave it out"),
  additionalSecurityGroups: refused(ownGroups),
  securityGroupOverride: refused(ownGroups),
  externalLoadBalancers: refused("it would reach beyond this cluster"),
  iam: refused("it would give the nodes a profile of the caller's choice"),
  kubelet: refused("only the Cluster's spec.kubelet.anonymousAuth can be set; leave it out"),
  containerd: refused("the runtime's configuration is planned; leave it out"),
  sysctlParameters: refused("nodes run with the kernel parameters that Calico and kubeadm need"),
  detailedInstanceMonitoring: refused("instances have basic monitoring"),
  guestAccelerators: refused(google),
  gcpProvisioningModel: refused(google),
};

export const sshCredentialFields: FieldTable = { publicKey: honoured };

/** What stands around every `spec`. kOps and Kubernetes write the bookkeeping fields themselves into what they export. */
export const documentFields = (spec: FieldTable): FieldTable => ({
  apiVersion: honoured,
  kind: honoured,
  metadata: {
    name: honoured,
    labels: honoured,
    annotations: honoured,
    creationTimestamp: honoured,
    generation: honoured,
    resourceVersion: honoured,
    uid: honoured,
    selfLink: honoured,
    managedFields: honoured,
    namespace: warned("clusters have no namespace"),
    ownerReferences: warned("the documents have no owner"),
    finalizers: warned("a delete waits for nothing"),
    generateName: refused("give a name"),
  },
  spec,
});
