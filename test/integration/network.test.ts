import {
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteRouteCommand,
  DeleteSubnetCommand,
  DescribeSecurityGroupsCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
  DetachInternetGatewayCommand,
  EC2Client,
  type Instance,
  ModifyVpcAttributeCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { tagSpecification, withTags } from "../../shared/aws/tags";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { memoryLedger } from "../memory-ledger";
import { lookByTags } from "../../shared/resources/network-look";
import { deleteNetwork, ensureNetwork } from "../../shared/resources/network";
import { bySource } from "../../shared/resources/security-group-rules";
import { threeZones } from "../unit/plan/sample-request";
import { changing, focalImage, minuteLater, planOf, record, targetOf, untilGone } from "./sample-cluster";

jest.setTimeout(60_000);
const ec2 = new EC2Client();
const calls = record(ec2);
const clusters: ClusterPlan[] = [];

async function networkOf(plan: ClusterPlan, ledger = memoryLedger()) {
  clusters.push(plan);
  await ensureNetwork(ec2, plan, ledger);
  calls.length = 0;
  return minuteLater(ledger);
}
const seen = (plan: ClusterPlan) => lookByTags(ec2, withTags({ "clowder:uid": plan.uid }));
const everything = async (plan: ClusterPlan) => Object.values(await seen(plan)).flat().length;
const group = async (GroupId: string) => (await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }))).SecurityGroups![0]!;

afterAll(async () => {
  for (const plan of clusters) await untilGone(() => deleteNetwork(ec2, targetOf(plan)));
});

test("the seed's network is made as planned, in at most 30 calls and two writes of intents", async () => {
  const plan = planOf();
  clusters.push(plan);
  const ledger = memoryLedger();
  const intend = jest.spyOn(ledger, "intend");
  calls.length = 0;
  await ensureNetwork(ec2, plan, ledger);
  expect(calls.length).toBeLessThanOrEqual(30);
  expect(intend).toHaveBeenCalledTimes(2);
  expect((await seen(plan)).vpcs).toEqual([expect.objectContaining({ VpcId: ledger.id("vpc/main"), CidrBlock: "172.20.0.0/16" })]);
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [ledger.id("route-table/main")!] }));
  expect(RouteTables[0]!.Routes).toContainEqual(
    expect.objectContaining({ DestinationCidrBlock: "0.0.0.0/0", GatewayId: ledger.id("internet-gateway/main") }),
  );
  expect(RouteTables[0]!.Associations).toContainEqual(expect.objectContaining({ SubnetId: ledger.id("subnet/us-east-1a") }));
  for (const { key, ingress } of plan.network.securityGroups) {
    const { IpPermissions, Tags } = await group(ledger.id(`security-group/${key}`)!);
    expect([key, bySource(IpPermissions).length]).toEqual([key, ingress.length]);
    expect(Tags).toContainEqual({ Key: "clowder:uid", Value: plan.uid });
  }
});

test("three zones get three subnets and one route table", async () => {
  const ledger = await networkOf(planOf({ subnets: threeZones }));
  expect(ledger.ofKind("subnet").map(([key]) => key)).toEqual(["subnet/us-east-1a", "subnet/us-east-1b", "subnet/us-east-1c"]);
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [ledger.id("route-table/main")!] }));
  expect(RouteTables[0]!.Associations!.filter(({ Main }) => !Main)).toHaveLength(3);
});

test("a second run changes nothing, with its ledger and without", async () => {
  const plan = planOf();
  const ledger = await networkOf(plan);
  const before = structuredClone(ledger.entries);
  await ensureNetwork(ec2, plan, ledger);
  const forgetful = memoryLedger();
  await ensureNetwork(ec2, plan, forgetful);
  expect(changing(calls)).toEqual([]);
  expect(ledger.entries).toEqual(before);
  expect(Object.keys(forgetful.entries).sort()).toEqual(Object.keys(before).sort());
  expect(forgetful.id("vpc/main")).toBe(ledger.id("vpc/main"));
});

test("what differs is repaired: a rule too many, one too few, the route, a subnet, host names", async () => {
  const plan = planOf();
  const ledger = await networkOf(plan);
  const GroupId = ledger.id("security-group/node")!;
  const planned = (await group(GroupId)).IpPermissions!;
  const foreignRule = { IpProtocol: "tcp", FromPort: 8080, ToPort: 8081, IpRanges: [{ CidrIp: "192.0.2.0/24" }] };
  await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: bySource(planned).slice(0, 1) }));
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [foreignRule] }));
  await ec2.send(new DeleteRouteCommand({ RouteTableId: ledger.id("route-table/main"), DestinationCidrBlock: "0.0.0.0/0" }));
  await ec2.send(new DeleteSubnetCommand({ SubnetId: ledger.id("subnet/us-east-1a") }));
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId: ledger.id("vpc/main"), EnableDnsHostnames: { Value: false } }));
  calls.length = 0;
  await ensureNetwork(ec2, plan, ledger);
  expect(changing(calls).sort()).toEqual([
    "AssociateRouteTable",
    "AuthorizeSecurityGroupIngress",
    "CreateRoute",
    "CreateSubnet",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "RevokeSecurityGroupIngress",
  ]);
  const identities = (permissions: typeof planned) =>
    bySource(permissions)
      .map((one) => JSON.stringify([one.IpProtocol, one.FromPort, one.IpRanges?.[0]?.CidrIp, one.UserIdGroupPairs?.[0]?.GroupId]))
      .sort();
  expect(identities((await group(GroupId)).IpPermissions!)).toEqual(identities(planned));
});

test("a gateway that was taken away is made anew, and the route leads through it", async () => {
  const plan = planOf();
  const ledger = await networkOf(plan);
  const InternetGatewayId = ledger.id("internet-gateway/main");
  await ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId: ledger.id("vpc/main") }));
  await ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId }));
  calls.length = 0;
  await ensureNetwork(ec2, plan, ledger);
  expect(changing(calls)).toEqual(["CreateInternetGateway", "AttachInternetGateway", "ReplaceRoute"]);
  const { routeTables } = await seen(plan);
  expect(routeTables[0]!.Routes).toContainEqual(expect.objectContaining({ GatewayId: ledger.id("internet-gateway/main") }));
});

test("of a VPC and a gateway made twice by a lost reply one is adopted and the other deleted", async () => {
  const plan = planOf();
  clusters.push(plan);
  const tags = { ...plan.tags, Name: plan.name };
  for (let time = 0; time < 2; time++) {
    await ec2.send(new CreateVpcCommand({ CidrBlock: plan.network.vpc.cidr, TagSpecifications: [tagSpecification("vpc", tags)] }));
    await ec2.send(new CreateInternetGatewayCommand({ TagSpecifications: [tagSpecification("internet-gateway", tags)] }));
  }
  const ledger = memoryLedger();
  await ledger.intend({ key: "vpc/main", token: plan.name });
  await ensureNetwork(ec2, plan, ledger);
  const { vpcs, gateways } = await seen(plan);
  expect(vpcs.map(({ VpcId }) => VpcId)).toEqual([ledger.id("vpc/main")]);
  expect(gateways.map(({ InternetGatewayId }) => InternetGatewayId)).toEqual([ledger.id("internet-gateway/main")]);
});

test("a second VPC with something in it is nobody's to choose", async () => {
  const plan = planOf();
  const ledger = await networkOf(plan);
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: "10.9.0.0/16", TagSpecifications: [tagSpecification("vpc", plan.tags)] }),
  );
  await ec2.send(new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: "10.9.1.0/24" }));
  await expect(ensureNetwork(ec2, plan, ledger)).rejects.toMatchObject({
    name: "Ambiguous",
    message: expect.stringContaining(Vpc!.VpcId!),
  });
});

test("delete takes everything of the cluster and nothing of another, twice as once", async () => {
  const [plan, other] = [planOf(), planOf()];
  const ledger = await networkOf(plan);
  await networkOf(other);
  const before = await everything(other);
  expect(await deleteNetwork(ec2, targetOf(plan, ledger))).toEqual([]);
  expect(await everything(plan)).toBe(0);
  expect(Object.values(ledger.entries).map(({ state }) => state)).toEqual(Object.keys(ledger.entries).map(() => "gone"));
  expect(await everything(other)).toBe(before);
  calls.length = 0;
  expect(await deleteNetwork(ec2, targetOf(plan, ledger))).toEqual([]);
  expect(changing(calls)).toEqual([]);
});

test("delete without a ledger, of a half-made network, also takes what somebody else put into the VPC", async () => {
  const plan = planOf();
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: plan.network.vpc.cidr, TagSpecifications: [tagSpecification("vpc", plan.tags)] }),
  );
  await ec2.send(new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: plan.network.subnets[0]!.cidr }));
  expect(await deleteNetwork(ec2, targetOf(plan))).toEqual([]);
  expect((await ec2.send(new DescribeVpcsCommand({}))).Vpcs!.map(({ VpcId }) => VpcId)).not.toContain(Vpc!.VpcId);
});

test("a foreign machine in the VPC is named by what it holds, and the rest is deleted", async () => {
  const plan = planOf();
  const ledger = await networkOf(plan);
  const [SubnetId, GroupId] = [ledger.id("subnet/us-east-1a")!, ledger.id("security-group/api-elb")!];
  const NetworkInterfaces = [{ DeviceIndex: 0, SubnetId, Groups: [GroupId], DeleteOnTermination: true }];
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ImageId: await focalImage(ec2), InstanceType: "t3.micro", MinCount: 1, MaxCount: 1, NetworkInterfaces }),
  );
  const [{ InstanceId, NetworkInterfaces: held = [] }] = Instances as [Instance];
  const { NetworkInterfaceId } = held[0]!;
  const reason = `in use by network interface ${NetworkInterfaceId} (instance ${InstanceId})`;
  const blockers = await deleteNetwork(ec2, targetOf(plan, ledger));
  expect(blockers).toEqual(
    expect.arrayContaining([
      { resource: `network-interface ${NetworkInterfaceId}`, reason: `in use by instance ${InstanceId}`, byMachine: true },
      { resource: `subnet ${SubnetId}`, reason },
      { resource: `security-group ${GroupId}`, reason },
      { resource: `vpc ${ledger.id("vpc/main")}`, reason: "not empty" },
    ]),
  );
  expect(ledger.entry("security-group/node")?.state).toBe("gone");
  expect(ledger.entry("subnet/us-east-1a")?.state).toBe("made");
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId!] }));
  expect(await untilGone(() => deleteNetwork(ec2, targetOf(plan, ledger)))).toEqual([]);
});
