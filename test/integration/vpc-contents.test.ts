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
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  EC2Client,
  ImportKeyPairCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand as CreateClassicCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { inventory } from "../../local/emulators/inventory";
import { asTags, tagSpecification } from "../../shared/aws/tags";
import { makeSshKey } from "../../shared/bootstrap/ssh-key";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { notSeenGone } from "../../shared/registry/certificate";
import { memoryLedger } from "../../shared/registry/ledger";
import { deleteElb, ensureElb } from "../../shared/resources/elb";
import { deleteInstances, ensureInstances } from "../../shared/resources/instances";
import { deleteNetwork, ensureNetwork } from "../../shared/resources/network";
import { deleteVolumes } from "../../shared/resources/volumes";
import { deleteVpcLoadBalancers } from "../../shared/resources/vpc-load-balancers";
import { focalImage, makeKeyAndProfiles, planOf, record, targetOf, untilGone } from "./sample-cluster";

jest.setTimeout(120_000);
const ec2 = new EC2Client();
const clients = { ec2, classic: new ElasticLoadBalancingClient(), network: new ElasticLoadBalancingV2Client() };
const calls = record(ec2, record(clients.classic, record(clients.network)));
const env = (name: string) => process.env[name]!;
const everything = () =>
  inventory({ endpoint: env("AWS_ENDPOINT_URL"), credentials: { accessKeyId: env("AWS_ACCESS_KEY_ID"), secretAccessKey: env("AWS_SECRET_ACCESS_KEY") } });

const zone = "us-east-1a";
const ofKops = (name: string) => ({ KubernetesCluster: name, [`kubernetes.io/cluster/${name}`]: "owned" });
const listener = { Protocol: "TCP", LoadBalancerPort: 80, InstancePort: 30080 };
let ImageId = "";

async function cluster(): Promise<{ plan: ClusterPlan; make: () => Promise<ReturnType<typeof memoryLedger>> }> {
  const plan = planOf({}, ImageId);
  await makeKeyAndProfiles(ec2, plan);
  const make = async () => {
    const ledger = memoryLedger();
    await ensureNetwork(ec2, plan, ledger);
    await ensureInstances(ec2, plan, ledger, () => "#!/bin/sh\n");
    await ensureElb(clients, plan, ledger);
    return ledger;
  };
  return { plan, make };
}

/** As the delete machine's states come; says what each look named. */
async function takeDown(plan: ClusterPlan, ledger = memoryLedger()): Promise<string[]> {
  const target = { ...targetOf(plan, ledger), createdAt: plan.createdAt };
  calls.length = 0;
  return [
    ...(await untilGone(() => deleteElb(clients, target))),
    ...(await untilGone(() => deleteInstances(ec2, target))),
    ...(await untilGone(() => deleteVpcLoadBalancers(clients, target))),
    ...(await untilGone(() => deleteVolumes(ec2, target))),
    ...(await untilGone(() => deleteNetwork(ec2, target))),
  ];
}

async function volume(tags: Record<string, string>, attachTo?: string, Device = "/dev/sdf"): Promise<string> {
  const { VolumeId } = await ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1, ...(Object.keys(tags).length && { TagSpecifications: [tagSpecification("volume", tags)] }) }),
  );
  if (attachTo) await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: attachTo, Device }));
  return VolumeId!;
}
async function address(on: { NetworkInterfaceId: string } | { InstanceId: string }): Promise<string> {
  const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
  await ec2.send(new AssociateAddressCommand({ AllocationId, ...on }));
  return AllocationId!;
}
async function group(VpcId: string, GroupName: string, tags?: Record<string, string>): Promise<string> {
  const TagSpecifications = tags && [tagSpecification("security-group", tags)];
  return (await ec2.send(new CreateSecurityGroupCommand({ VpcId, GroupName, Description: "of a Service", TagSpecifications }))).GroupId!;
}
const subnet = async (VpcId: string, CidrBlock: string): Promise<string> =>
  (await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock, AvailabilityZone: zone }))).Subnet!.SubnetId!;
async function networkInterface(SubnetId: string, ...Groups: string[]): Promise<string> {
  return (await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId, Groups }))).NetworkInterface!.NetworkInterfaceId!;
}
async function classic(name: string, subnetId: string, groupId: string, tags: Record<string, string>): Promise<void> {
  const Listeners = [listener];
  await clients.classic.send(
    new CreateClassicCommand({ LoadBalancerName: name, Listeners, Subnets: [subnetId], SecurityGroups: [groupId], Tags: asTags(tags) }),
  );
}
async function balanced(name: string, VpcId: string, subnetId: string, tags: Record<string, string> = {}): Promise<void> {
  const { LoadBalancers } = await clients.network.send(
    new CreateLoadBalancerCommand({ Name: name, Type: "network", Subnets: [subnetId], ...(Object.keys(tags).length && { Tags: asTags(tags) }) }),
  );
  const { TargetGroups } = await clients.network.send(new CreateTargetGroupCommand({ Name: name, Protocol: "TCP", Port: 30080, VpcId }));
  const DefaultActions = [{ Type: "forward" as const, TargetGroupArn: TargetGroups![0]!.TargetGroupArn }];
  await clients.network.send(new CreateListenerCommand({ LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn, Protocol: "TCP", Port: 80, DefaultActions }));
}

/** What the cluster's controllers and its users made by hand: by kind, how many of each the certificate must name. */
async function crowd(plan: ClusterPlan, ledger: ReturnType<typeof memoryLedger>): Promise<Record<string, number>> {
  const [VpcId, own, node] = [ledger.id("vpc/main")!, ledger.id("subnet/us-east-1a")!, ledger.id("instance/nodes-0")!];
  const name = `a${plan.uid}`;
  const ofElb = await group(VpcId, `k8s-elb-${name}`, { [`kubernetes.io/cluster/${plan.name}`]: "owned" });
  await ec2.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: ledger.id("security-group/node"),
      IpPermissions: [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: ofElb }] }],
    }),
  );
  await classic(name, own, ofElb, { [`kubernetes.io/cluster/${plan.name}`]: "owned", "kubernetes.io/service-name": "default/web" });
  await balanced(`k8s-${plan.uid}`, VpcId, own, { "elbv2.k8s.aws/cluster": plan.name });
  await volume({ [`kubernetes.io/cluster/${plan.name}`]: "owned", "kubernetes.io/created-for/pvc/name": "data" }, node);
  const [spare, byHand] = [await subnet(VpcId, "172.20.200.0/24"), await group(VpcId, "by-hand")];
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId }));
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId: RouteTable!.RouteTableId, SubnetId: spare }));
  const stray = await networkInterface(spare, byHand);
  await address({ NetworkInterfaceId: stray });
  await address({ InstanceId: node });
  return { "vpc-load-balancer": 2, "vpc-target-group": 1, volume: 1, address: 2, "network-interface": 1 };
}

/** What must be as it was: another cluster of ours, one of kOps with the very name, and things of the user's own. */
async function neighbours(name: string): Promise<void> {
  const tags = ofKops(name);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "172.20.0.0/16", TagSpecifications: [tagSpecification("vpc", tags)] }));
  const [inKops, groupId] = [await subnet(Vpc!.VpcId!, "172.20.32.0/19"), await group(Vpc!.VpcId!, `nodes.${name}`, tags)];
  const TagSpecifications = [tagSpecification("instance", tags)];
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ImageId, InstanceType: "t3.medium", MinCount: 1, MaxCount: 1, SubnetId: inKops, SecurityGroupIds: [groupId], TagSpecifications }),
  );
  await classic("api-kops", inKops, groupId, tags);
  await balanced("tcp-kops", Vpc!.VpcId!, inKops, tags);
  await volume({ ...tags, "kubernetes.io/created-for/pvc/name": "data" }, Instances![0]!.InstanceId);
  await address({ NetworkInterfaceId: await networkInterface(inKops, groupId) });
  const own = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
  await networkInterface(await subnet(own.Vpc!.VpcId!, "10.0.1.0/24"), await group(own.Vpc!.VpcId!, "by-hand"));
  await ec2.send(new ImportKeyPairCommand({ KeyName: "users-own", PublicKeyMaterial: Buffer.from(makeSshKey("user").publicKey) }));
  await new S3Client().send(new CreateBucketCommand({ Bucket: "users-own-bucket" }));
}

let before: string[];
let ours: Awaited<ReturnType<typeof cluster>>;
beforeAll(async () => {
  ImageId = await focalImage(ec2);
  const second = await cluster();
  await crowd(second.plan, await second.make());
  ours = await cluster();
  await neighbours(ours.plan.name);
  before = await everything();
});

test("what controllers and users made in our VPC is gone after the delete, and written down; the neighbours are as they were", async () => {
  const ledger = await ours.make();
  const made = await crowd(ours.plan, ledger);
  await takeDown(ours.plan, ledger);
  expect(await everything()).toEqual(before);
  expect(notSeenGone(ledger.entries)).toEqual([]);
  const named = Object.values(ledger.entries).map(({ kind }) => kind);
  for (const [kind, count] of Object.entries(made)) expect([kind, named.filter((one) => one === kind).length]).toEqual([kind, count]);
});

test("the same without a ledger, as for an orphan: the VPC is found by its tags, and a volume that is only attached cannot be lost", async () => {
  const made = await ours.make();
  await crowd(ours.plan, made);
  const ledger = memoryLedger();
  await takeDown(ours.plan, ledger);
  expect(await everything()).toEqual(before);
  expect(notSeenGone(ledger.entries)).toEqual([]);
});

test("a volume of the user's own on our machine is let go of and stays", async () => {
  const ledger = await ours.make();
  const VolumeId = await volume({}, ledger.id("instance/nodes-0")!);
  await takeDown(ours.plan, ledger);
  expect(await everything()).toEqual([...before, `volume ${VolumeId}`].sort());
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
});

test("a volume that only has the cluster's name stays, blocks nothing and keeps the certificate back until somebody deletes it", async () => {
  const ledger = await ours.make();
  const VolumeId = await volume(ofKops(ours.plan.name));
  await takeDown(ours.plan, ledger);
  expect((await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes).toHaveLength(1);
  expect(notSeenGone(ledger.entries)).toEqual([expect.stringMatching(`^suspected-volume/${VolumeId} \\(only tagged kubernetes.io/cluster/`)]);
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
  expect(await deleteVolumes(ec2, targetOf(ours.plan, ledger))).toEqual([]);
  expect(notSeenGone(ledger.entries)).toEqual([]);
  expect(await everything()).toEqual(before);
});

test("a plain delete looks around with six calls beyond its own things, and with three the second time", async () => {
  const ledger = await ours.make();
  const around = () => calls.filter((call) => /^Describe(LoadBalancers|TargetGroups|Vpcs|Volumes|Addresses|Nat|VpcE|VpcP|NetworkA|NetworkI)/.test(call)).sort();
  await takeDown(ours.plan, ledger);
  const own = ["DescribeLoadBalancers", "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeVpcs"];
  const looks = ["DescribeLoadBalancers", "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeVolumes", "DescribeVolumes", "DescribeNetworkInterfaces"];
  // EC2 says of its own public addresses that they are amazon's; moto does not, so they are looked up.
  expect(around()).toEqual([...own, ...looks, "DescribeAddresses"].sort());
  await takeDown(ours.plan, ledger);
  expect(around()).toEqual([...own, "DescribeVpcs", "DescribeVolumes", "DescribeVolumes"].sort());
});
