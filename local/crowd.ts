import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AssociateRouteTableCommand,
  AttachVolumeCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkInterfaceCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  DescribeInstancesCommand,
  type EC2Client,
  ImportKeyPairCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand as CreateClassicCommand } from "@aws-sdk/client-elastic-load-balancing";
import { CreateListenerCommand, CreateLoadBalancerCommand, CreateTargetGroupCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { asTags, tagOf, tagSpecification, withTags } from "../shared/aws/tags";
import { makeSshKey } from "../shared/bootstrap/ssh-key";
import type { ElbClients } from "../shared/resources/elb";

export type Clients = ElbClients & { ec2: EC2Client };
type Tags = Record<string, string>;

/** Where in a cluster something is put by hand. */
export interface Place {
  name: string;
  uid: string;
  vpcId: string;
  subnetId: string;
  nodeId: string;
  nodeGroupId: string;
}

const zone = "us-east-1a";
export const ofKops = (name: string): Tags => ({ KubernetesCluster: name, [`kubernetes.io/cluster/${name}`]: "owned" });
const specified = (kind: "volume" | "security-group", tags: Tags) =>
  Object.keys(tags).length ? { TagSpecifications: [tagSpecification(kind, tags)] } : {};

export async function volume(ec2: EC2Client, tags: Tags, InstanceId?: string): Promise<string> {
  const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1, ...specified("volume", tags) }));
  if (InstanceId) await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" }));
  return VolumeId!;
}
async function address(ec2: EC2Client, on: { NetworkInterfaceId: string } | { InstanceId: string }): Promise<void> {
  const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
  await ec2.send(new AssociateAddressCommand({ AllocationId, ...on }));
}
async function group(ec2: EC2Client, VpcId: string, GroupName: string, tags: Tags = {}): Promise<string> {
  const wanted = { VpcId, GroupName, Description: "by hand", ...specified("security-group", tags) };
  return (await ec2.send(new CreateSecurityGroupCommand(wanted))).GroupId!;
}
const subnet = async (ec2: EC2Client, VpcId: string, CidrBlock: string): Promise<string> =>
  (await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock, AvailabilityZone: zone }))).Subnet!.SubnetId!;
const networkInterface = async (ec2: EC2Client, SubnetId: string, ...Groups: string[]): Promise<string> =>
  (await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId, Groups }))).NetworkInterface!.NetworkInterfaceId!;

async function classic({ classic: elb }: Clients, LoadBalancerName: string, subnetId: string, groupId: string, tags: Tags): Promise<void> {
  const placed = { LoadBalancerName, Subnets: [subnetId], SecurityGroups: [groupId], Tags: asTags(tags) };
  await elb.send(new CreateClassicCommand({ ...placed, Listeners: [{ Protocol: "TCP", LoadBalancerPort: 80, InstancePort: 30080 }] }));
}
async function balanced({ network: elb }: Clients, Name: string, VpcId: string, subnetId: string, tags: Tags): Promise<void> {
  const wanted = { Name, Type: "network" as const, Subnets: [subnetId], Tags: asTags(tags) };
  const { LoadBalancerArn } = (await elb.send(new CreateLoadBalancerCommand(wanted))).LoadBalancers![0]!;
  const { TargetGroups } = await elb.send(new CreateTargetGroupCommand({ Name, Protocol: "TCP", Port: 30080, VpcId }));
  const DefaultActions = [{ Type: "forward" as const, TargetGroupArn: TargetGroups![0]!.TargetGroupArn }];
  await elb.send(new CreateListenerCommand({ LoadBalancerArn, Protocol: "TCP", Port: 80, DefaultActions }));
}

/** What controllers make for Services and claims: a load balancer of each kind with what it stands on, and a volume on a machine. */
export async function controllers(clients: Clients, { name, uid, vpcId, subnetId, nodeId, nodeGroupId }: Place): Promise<void> {
  const { ec2 } = clients;
  const owned = { [`kubernetes.io/cluster/${name}`]: "owned" };
  const ofElb = await group(ec2, vpcId, `k8s-elb-a${uid}`, owned);
  const IpPermissions = [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: ofElb }] }];
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: nodeGroupId, IpPermissions }));
  await classic(clients, `a${uid}`, subnetId, ofElb, { ...owned, "kubernetes.io/service-name": "default/web" });
  await balanced(clients, `k8s-${uid}`, vpcId, subnetId, { "elbv2.k8s.aws/cluster": name });
  await volume(ec2, { ...owned, "kubernetes.io/created-for/pvc/name": "data" }, nodeId);
}

/** What a user leaves in the VPC without a tag: a subnet with its route table, a group, an interface, and two elastic addresses. */
export async function strays({ ec2 }: Clients, { vpcId, nodeId }: Place): Promise<void> {
  const [spare, byHand] = [await subnet(ec2, vpcId, "172.20.200.0/24"), await group(ec2, vpcId, "by-hand")];
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId: vpcId }));
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId: RouteTable!.RouteTableId, SubnetId: spare }));
  await address(ec2, { NetworkInterfaceId: await networkInterface(ec2, spare, byHand) });
  await address(ec2, { InstanceId: nodeId });
}

/** Both of them. By kind of the ledger's, how many. */
export async function crowd(clients: Clients, place: Place): Promise<Record<string, number>> {
  await controllers(clients, place);
  await strays(clients, place);
  return { "vpc-load-balancer": 2, "vpc-target-group": 1, volume: 1, address: 2, "network-interface": 1 };
}

const LOOK_MS = 250;

/** Where such things stand in a cluster that is up. Waits until its probe client, which it has asked EC2 to end, has ended. */
export async function placeIn(ec2: EC2Client, { name, uid }: { name: string; uid: string }): Promise<Place & { image: string }> {
  const look = async (...Values: string[]) => {
    const Filters = [...withTags({ "clowder:uid": uid }), { Name: "instance-state-name", Values }];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    return Reservations.flatMap(({ Instances = [] }) => Instances);
  };
  while ((await look("shutting-down")).length) await new Promise((next) => setTimeout(next, LOOK_MS));
  const node = (await look("running")).find(({ Tags }) => tagOf(Tags, "clowder:role") === "node")!;
  const { GroupId = "" } = node.NetworkInterfaces![0]!.Groups![0]!;
  return { name, uid, vpcId: node.VpcId!, subnetId: node.SubnetId!, nodeId: node.InstanceId!, nodeGroupId: GroupId, image: node.ImageId! };
}

/** A cluster of kOps with the very name of ours, in a VPC of its own, with a load balancer of each kind, a claim's volume and an address. */
export async function kopsCluster(clients: Clients, name: string, ImageId: string): Promise<void> {
  const { ec2 } = clients;
  const tags = ofKops(name);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "172.20.0.0/16", TagSpecifications: [tagSpecification("vpc", tags)] }));
  const vpcId = Vpc!.VpcId!;
  const [inKops, groupId] = [await subnet(ec2, vpcId, "172.20.32.0/19"), await group(ec2, vpcId, `nodes.${name}`, tags)];
  const TagSpecifications = [tagSpecification("instance", tags)];
  const NetworkInterfaces = [{ DeviceIndex: 0, SubnetId: inKops, Groups: [groupId] }];
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ImageId, InstanceType: "t3.medium", MinCount: 1, MaxCount: 1, NetworkInterfaces, TagSpecifications }),
  );
  await classic(clients, "api-kops", inKops, groupId, tags);
  await balanced(clients, "tcp-kops", vpcId, inKops, tags);
  await volume(ec2, { ...tags, "kubernetes.io/created-for/pvc/name": "data" }, Instances![0]!.InstanceId);
  await address(ec2, { NetworkInterfaceId: await networkInterface(ec2, inKops, groupId) });
}

/** A VPC, a key pair and a bucket that have nothing to do with any cluster. */
export async function usersOwn({ ec2 }: Clients, s3: S3Client): Promise<void> {
  const own = (await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).Vpc!.VpcId!;
  await networkInterface(ec2, await subnet(ec2, own, "10.0.1.0/24"), await group(ec2, own, "by-hand"));
  await ec2.send(new ImportKeyPairCommand({ KeyName: "users-own", PublicKeyMaterial: Buffer.from(makeSshKey("user").publicKey) }));
  await s3.send(new CreateBucketCommand({ Bucket: "users-own-bucket" }));
}

/** What is none of the cluster's. */
export async function neighbours(clients: Clients, s3: S3Client, name: string, ImageId: string): Promise<void> {
  await kopsCluster(clients, name, ImageId);
  await usersOwn(clients, s3);
}
