import type { Blame } from "../errors";

/** Who can mend a failure, and what a person does next, in one sentence. */
export interface Advice {
  blame: Blame;
  nextStep: string;
}

const again = "send the manifest again";
const artifacts = "look whether the deployment's artifact sources answer from the cluster's subnets, then send the manifest again";
const ours = "download the bundle and report it to the operator of this deployment";

/** Every reason that a node tells, or that the service finds where a node tells nothing. */
const ADVICE: Record<string, Advice> = {
  // Told by the node.
  RoleNotValid: { blame: "transient", nextStep: `${again}: AWS did not know the node's new role in time, or the node has no way to STS` },
  MetadataUnreachable: { blame: "transient", nextStep: `${again}: the instance's metadata service did not answer` },
  BucketUnreachable: { blame: "clowder", nextStep: "look whether a network ACL, a route or a bucket policy of the account keeps the subnets from S3" },
  ScriptRefused: { blame: "clowder", nextStep: "look whether an SCP, a permissions boundary or a bucket policy keeps the node's role from its bucket" },
  MaterialRefused: { blame: "clowder", nextStep: "look whether an SCP, a permissions boundary or a bucket policy keeps the node's role from its bucket" },
  MaterialInvalid: { blame: "clowder", nextStep: ours },
  AddressNotPlanned: { blame: "clowder", nextStep: ours },
  ChecksumMismatch: { blame: "clowder", nextStep: "look what the named URL serves: it differs from its published checksum, so nothing of it was run" },
  ArtifactUnreachable: { blame: "transient", nextStep: artifacts },
  KernelTooOld: { blame: "user", nextStep: "choose an image with a newer kernel in the InstanceGroup's spec.image" },
  RuntimeFailed: { blame: "user", nextStep: "look in the log why the container runtime does not start on this image, or choose another spec.image" },
  PreflightFailed: { blame: "user", nextStep: "kubeadm names what the machine lacks: choose another machineType or image" },
  DiskFull: { blame: "user", nextStep: "give the InstanceGroup a larger rootVolumeSize" },
  ControlPlaneFailed: { blame: "clowder", nextStep: ours },
  CalicoNotApplied: { blame: "clowder", nextStep: ours },
  AddOnsNotApplied: { blame: "clowder", nextStep: ours },
  NotRegistered: { blame: "clowder", nextStep: ours },
  ApiUnreachable: { blame: "clowder", nextStep: "look at the control plane's own log in the bundle: the API server did not answer this node" },
  JoinRefused: { blame: "clowder", nextStep: `${again}: the join token or the CA was not accepted` },
  JoinFailed: { blame: "clowder", nextStep: ours },
  ProbeClientFailed: { blame: "clowder", nextStep: ours },
  StageTimedOut: { blame: "transient", nextStep: `${again}; a larger machineType is quicker where it happens twice` },
  // Found by the service.
  BeaconUnreadable: { blame: "clowder", nextStep: ours },
  NodeSilent: { blame: "transient", nextStep: "look whether the node's subnet reaches S3 and STS; its console is in the bundle" },
  InstanceEnded: { blame: "transient", nextStep: "EC2 ended the instance: look at its reason, then send the manifest again" },
  NotJoinedInTime: { blame: "transient", nextStep: `${again}; a larger machineType is quicker, and nodesSeconds is the deployment's time for it` },
};

export const nodeReasons: readonly string[] = Object.keys(ADVICE);

/** For a reason that is not in the table, such as one of an older script, the failure is taken for ours. */
export const adviceFor = (reason: string): Advice => (Object.hasOwn(ADVICE, reason) ? ADVICE[reason]! : { blame: "clowder", nextStep: ours });
