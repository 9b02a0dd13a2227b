import { objectPrefix } from "./names";
import { clusterTag } from "./tags";

/** What the nodes' policies are about. */
export interface ClusterScope {
  cluster: string;
  uid: string;
  partition: string;
  bucket: string;
  allowContainerRegistry: boolean;
}

type Names = string | string[];
interface Statement {
  Sid: string;
  Effect: "Allow";
  Action: Names;
  Resource: Names;
  Condition?: Record<string, Record<string, Names>>;
}

/** `<role id>:<instance id>` on a machine: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
const OWN = "${aws:userid}";

/**
 * Inline policies of a control plane. `bootstrap` holds everything that is secret: revoke-bootstrap takes it away. No role may list
 * the bucket, so S3 answers 403 for an object that is not there.
 */
export function controlPlanePolicies(scope: ClusterScope): Record<string, object> {
  return {
    bootstrap: policy(read(scope, "Bootstrap", ["pki/*", "join/*"])),
    "control-plane": policy(
      read(scope, "Scripts", ["scripts/control-plane.sh", "bootstrap-access.json"]),
      write(scope, [`beacons/${OWN}/*`, `evidence/${OWN}/*`]),
      ...cloudProvider(scope),
      ...volumes(scope),
      ...containerRegistry(scope),
    ),
  };
}

/** A worker, and the probe client: joins and tells, nothing that could make it a control plane. */
export function nodePolicies(scope: ClusterScope): Record<string, object> {
  return {
    node: policy(
      read(scope, "Scripts", ["scripts/node.sh", "scripts/probe-client.sh", "join/node.json"]),
      write(scope, [`beacons/${OWN}/*`]),
      allow("Describe", ["ec2:DescribeInstances", "ec2:DescribeInstanceTypes", "ec2:DescribeRegions"], "*"),
      ...containerRegistry(scope),
    ),
  };
}

const policy = (...Statement: Statement[]): object => ({ Version: "2012-10-17", Statement });

const allow = (Sid: string, Action: Names, Resource: Names, Condition?: Statement["Condition"]): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
  ...(Condition && { Condition }),
});

const objects = ({ partition, bucket, uid }: ClusterScope, keys: string[]): string[] =>
  keys.map((key) => `arn:${partition}:s3:::${bucket}/${objectPrefix(uid)}${key}`);

const read = (scope: ClusterScope, sid: string, keys: string[]): Statement => allow(sid, "s3:GetObject", objects(scope, keys));

const write = (scope: ClusterScope, keys: string[]): Statement => allow("Tell", "s3:PutObject", objects(scope, keys));

const ofCluster = (place: "ResourceTag" | "RequestTag", { cluster }: ClusterScope, more: Record<string, Names> = {}) => ({
  StringEquals: { [`aws:${place}/${clusterTag(cluster)}`]: "owned", ...more },
});

const DESCRIBE_EC2 = [
  "AvailabilityZones InstanceTypes Instances NetworkInterfaces Regions RouteTables",
  "SecurityGroups Subnets Tags Volumes VolumesModifications Vpcs",
].join(" ");
const DESCRIBE_ELB = "Listeners LoadBalancerAttributes LoadBalancerPolicies LoadBalancers TargetGroupAttributes TargetGroups TargetHealth";
const CHANGE_ELB = [
  "AddTags ApplySecurityGroupsToLoadBalancer AttachLoadBalancerToSubnets ConfigureHealthCheck CreateListener CreateLoadBalancerListeners",
  "CreateLoadBalancerPolicy DeleteListener DeleteLoadBalancer DeleteLoadBalancerListeners DeleteTargetGroup",
  "DeregisterInstancesFromLoadBalancer DeregisterTargets DetachLoadBalancerFromSubnets ModifyListener ModifyLoadBalancerAttributes",
  "ModifyTargetGroup ModifyTargetGroupAttributes RegisterInstancesWithLoadBalancer RegisterTargets SetLoadBalancerPoliciesForBackendServer",
  "SetLoadBalancerPoliciesOfListener",
].join(" ");

const actions = (prefix: string, words: string): string[] => words.split(" ").map((word) => prefix + word);

/**
 * What the AWS cloud provider does for Services of type LoadBalancer, as kOps grants it to its masters (its pkg/model/iam), bound to
 * the cluster's tag. Left out: KMS, Auto Scaling and routes (ModifyInstanceAttribute with them), which no cluster of ours has.
 */
function cloudProvider(scope: ClusterScope): Statement[] {
  const owned = ofCluster("ResourceTag", scope);
  const named = ofCluster("RequestTag", scope);
  const onCreate = ofCluster("RequestTag", scope, { "ec2:CreateAction": "CreateSecurityGroup" });
  const ec2 = (kind: string) => `arn:${scope.partition}:ec2:*:*:${kind}/*`;
  const changeGroups = "AuthorizeSecurityGroupIngress DeleteSecurityGroup RevokeSecurityGroupIngress";
  return [
    allow("Describe", [...actions("ec2:Describe", DESCRIBE_EC2), ...actions("elasticloadbalancing:Describe", DESCRIBE_ELB)], "*"),
    allow("ChangeOwned", [...actions("ec2:", changeGroups), ...actions("elasticloadbalancing:", CHANGE_ELB)], "*", owned),
    allow("CreateOwned", actions("elasticloadbalancing:", "AddTags CreateListener CreateLoadBalancer CreateTargetGroup"), "*", named),
    allow("CreateGroup", "ec2:CreateSecurityGroup", ec2("security-group"), named),
    allow("GroupInVpc", "ec2:CreateSecurityGroup", ec2("vpc"), owned),
    allow("TagGroup", "ec2:CreateTags", ec2("security-group"), onCreate),
  ];
}

/** What the EBS CSI driver does for PersistentVolumes. */
function volumes(scope: ClusterScope): Statement[] {
  const onCreate = ofCluster("RequestTag", scope, { "ec2:CreateAction": "CreateVolume" });
  return [
    allow("Volumes", actions("ec2:", "AttachVolume DeleteVolume DetachVolume ModifyVolume"), "*", ofCluster("ResourceTag", scope)),
    allow("CreateVolume", "ec2:CreateVolume", "*", ofCluster("RequestTag", scope)),
    allow("TagVolume", "ec2:CreateTags", `arn:${scope.partition}:ec2:*:*:volume/*`, onCreate),
  ];
}

const READ_ECR = [
  "BatchCheckLayerAvailability BatchGetImage DescribeRepositories GetAuthorizationToken",
  "GetDownloadUrlForLayer GetRepositoryPolicy ListImages",
].join(" ");

/** `iam.allowContainerRegistry`: reading images from ECR. */
const containerRegistry = ({ allowContainerRegistry }: ClusterScope): Statement[] =>
  allowContainerRegistry ? [allow("ContainerRegistry", actions("ecr:", READ_ECR), "*")] : [];
