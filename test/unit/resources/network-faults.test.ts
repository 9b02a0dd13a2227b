import {
  AssociateRouteTableCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { memoryLedger } from "../../memory-ledger";
import { deleteNetwork, ensureNetwork } from "../../../shared/resources/network";
import { manifestOf, requestOf } from "../plan/sample-request";

const plan = planCluster(manifestOf(), requestOf());
const ec2 = mockClient(EC2Client);
const client = new EC2Client({ region: "us-east-1" });
const aws = (name: string, message = "why") => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const target = (ledger = memoryLedger()) => ({
  ref: { name: plan.name, uid: plan.uid, region: plan.region, epoch: 2 },
  accountId: plan.accountId,
  deployment: plan.deployment,
  ledger,
});

beforeEach(() => {
  ec2.reset();
  ec2.onAnyCommand().resolves({ $metadata: {} });
  ec2.on(CreateVpcCommand).resolves({ Vpc: { VpcId: "vpc-1" }, $metadata: { attempts: 1 } });
  ec2.on(CreateInternetGatewayCommand).resolves({ InternetGateway: { InternetGatewayId: "igw-1" }, $metadata: { attempts: 1 } });
  ec2.on(CreateSubnetCommand).resolves({ Subnet: { SubnetId: "subnet-1" } });
  ec2.on(CreateRouteTableCommand).resolves({ RouteTable: { RouteTableId: "rtb-1" } });
  ec2.on(CreateSecurityGroupCommand).callsFake(({ GroupName }: { GroupName: string }) => ({ GroupId: `sg-${GroupName.split(".")[0]}` }));
});

test("every create carries the tags, the intent is written before it", async () => {
  const ledger = memoryLedger();
  ec2.on(CreateVpcCommand).callsFake(() => {
    expect(ledger.entry("vpc/main")?.state).toBe("intended");
    expect(ledger.entry("subnet/us-east-1a")).toBeUndefined();
    return { Vpc: { VpcId: "vpc-1" }, $metadata: {} };
  });
  await ensureNetwork(client, plan, ledger);
  const creates = [
    CreateVpcCommand,
    CreateSubnetCommand,
    CreateInternetGatewayCommand,
    CreateRouteTableCommand,
    CreateSecurityGroupCommand,
  ];
  for (const create of creates) {
    const tags = ec2.commandCalls(create as typeof CreateVpcCommand)[0]!.args[0].input.TagSpecifications![0]!.Tags;
    expect(tags).toEqual(
      expect.arrayContaining([
        { Key: "clowder:uid", Value: plan.uid },
        { Key: "Name", Value: expect.any(String) },
      ]),
    );
  }
  expect(ec2.commandCalls(CreateVpcCommand)).toHaveLength(1);
});

test("a VPC whose create was sent twice asks for another look", async () => {
  ec2.on(CreateVpcCommand).resolves({ Vpc: { VpcId: "vpc-1" }, $metadata: { attempts: 2 } });
  const ledger = memoryLedger();
  await expect(ensureNetwork(client, plan, ledger)).rejects.toMatchObject({
    name: "TryAgain",
    message: expect.stringContaining("CreateVpc"),
  });
  expect(ledger.id("route-table/main")).toBe("rtb-1");
});

test("what was made a moment ago and is not shown yet is not made again; a minute later it is", async () => {
  const ledger = memoryLedger();
  ledger.made("vpc/main", "vpc-0");
  await expect(ensureNetwork(client, plan, ledger)).rejects.toMatchObject({ name: "TryAgain", message: expect.stringContaining("vpc-0") });
  expect(ec2.commandCalls(CreateVpcCommand)).toHaveLength(0);
  ledger.entries["vpc/main"]!.at = new Date(Date.now() - 60_000).toISOString();
  await ensureNetwork(client, plan, ledger);
  expect(ledger.id("vpc/main")).toBe("vpc-1");
});

test.each([
  [AssociateRouteTableCommand, "InvalidSubnetID.NotFound"],
  [AuthorizeSecurityGroupIngressCommand, "InvalidGroup.NotFound"],
  [AuthorizeSecurityGroupIngressCommand, "InvalidPermission.Duplicate"],
  [CreateSubnetCommand, "InvalidSubnet.Conflict"],
  [CreateSecurityGroupCommand, "InvalidGroup.Duplicate"],
])("%p answered with %s is tried again", async (command, code) => {
  ec2.on(command as never).rejects(aws(code));
  await expect(ensureNetwork(client, plan, memoryLedger())).rejects.toMatchObject({ name: "TryAgain" });
});

test("a throttled call leaves what was made beside it in the ledger", async () => {
  ec2.on(CreateSubnetCommand).rejects(aws("RequestLimitExceeded"));
  const ledger = memoryLedger();
  await expect(ensureNetwork(client, plan, ledger)).rejects.toMatchObject({ name: "RequestLimitExceeded" });
  expect(["vpc/main", "internet-gateway/main", "route-table/main", "security-group/node"].map((key) => ledger.id(key))).toEqual([
    "vpc-1",
    "igw-1",
    "rtb-1",
    "sg-nodes",
  ]);
  expect(ledger.entry("subnet/us-east-1a")?.state).toBe("intended");
});

describe("delete", () => {
  beforeEach(() => {
    ec2.on(DescribeVpcsCommand).resolves({ Vpcs: [{ VpcId: "vpc-1" }] });
    ec2.on(DescribeSubnetsCommand).resolves({ Subnets: [{ SubnetId: "subnet-1", VpcId: "vpc-1" }] });
    const pair = (GroupId: string) => [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId }] }];
    ec2.on(DescribeSecurityGroupsCommand).resolves({
      SecurityGroups: [
        { GroupId: "sg-default", GroupName: "default" },
        { GroupId: "sg-masters", GroupName: "masters", IpPermissions: [...pair("sg-nodes"), ...pair("sg-masters")] },
        { GroupId: "sg-nodes", GroupName: "nodes", IpPermissions: pair("sg-masters") },
      ],
    });
  });

  test("references between groups go before the groups, which name only each other's", async () => {
    expect(await deleteNetwork(client, target())).toEqual([]);
    expect(ec2.commandCalls(RevokeSecurityGroupIngressCommand).map(({ args }) => args[0].input)).toEqual([
      { GroupId: "sg-masters", IpPermissions: [expect.objectContaining({ UserIdGroupPairs: [{ GroupId: "sg-nodes" }] })] },
      { GroupId: "sg-nodes", IpPermissions: [expect.objectContaining({ UserIdGroupPairs: [{ GroupId: "sg-masters" }] })] },
    ]);
    expect(ec2.commandCalls(DeleteSecurityGroupCommand).map(({ args }) => args[0].input.GroupId)).toEqual(["sg-masters", "sg-nodes"]);
    expect(ec2.commandCalls(RevokeSecurityGroupIngressCommand)[1]!.calledBefore(ec2.commandCalls(DeleteSecurityGroupCommand)[0]!)).toBe(
      true,
    );
  });

  test("a DependencyViolation is a blocker in EC2's words, and the VPC is not tried", async () => {
    ec2
      .on(DeleteSecurityGroupCommand, { GroupId: "sg-nodes" })
      .rejects(aws("DependencyViolation", "resource sg-nodes has a dependent object"));
    const ledger = memoryLedger();
    ledger.made("security-group/node", "sg-nodes");
    ledger.made("security-group/control-plane", "sg-masters");
    expect(await deleteNetwork(client, target(ledger))).toEqual([
      { resource: "security-group sg-nodes", reason: "DependencyViolation: resource sg-nodes has a dependent object" },
      { resource: "vpc vpc-1", reason: "not empty" },
    ]);
    expect(ec2.commandCalls(DeleteVpcCommand)).toHaveLength(0);
    expect(ledger.ofKind("security-group").map(([key]) => key)).toEqual(["security-group/node"]);
  });

  test("what a network interface holds is not tried; the interface's owner is named", async () => {
    const held = {
      NetworkInterfaceId: "eni-1",
      SubnetId: "subnet-1",
      Groups: [{ GroupId: "sg-nodes" }],
      Attachment: { InstanceId: "i-1" },
    };
    ec2.on(DescribeNetworkInterfacesCommand).resolves({ NetworkInterfaces: [held, { ...held, NetworkInterfaceId: "eni-2" }] });
    const reason = "in use by network interface eni-1 (instance i-1) and 1 more";
    expect(await deleteNetwork(client, target())).toEqual([
      { resource: "network-interface eni-1", reason: "in use by instance i-1", byMachine: true },
      { resource: "network-interface eni-2", reason: "in use by instance i-1", byMachine: true },
      { resource: "subnet subnet-1", reason },
      { resource: "security-group sg-nodes", reason },
      { resource: "vpc vpc-1", reason: "not empty" },
    ]);
    expect(ec2.commandCalls(DeleteSubnetCommand)).toHaveLength(0);
  });

  test("what somebody else deleted meanwhile is done", async () => {
    ec2.on(DeleteSubnetCommand).rejects(aws("InvalidSubnetID.NotFound"));
    ec2.on(DeleteVpcCommand).rejects(aws("InvalidVpcID.NotFound"));
    expect(await deleteNetwork(client, target())).toEqual([]);
  });

  test("any other refusal is thrown, after the rest was tried", async () => {
    ec2.on(DeleteSubnetCommand).rejects(aws("UnauthorizedOperation"));
    await expect(deleteNetwork(client, target())).rejects.toMatchObject({ name: "UnauthorizedOperation" });
    expect(ec2.commandCalls(DeleteSecurityGroupCommand)).toHaveLength(2);
  });
});
