import {
  type Address,
  DeleteNatGatewayCommand,
  DeleteNetworkAclCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DeleteVpcEndpointsCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkAclsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DisassociateAddressCommand,
  EC2Client,
  type NetworkInterface,
  ReleaseAddressCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { deleteInstances } from "../../../shared/resources/instances";
import { deleteNetwork } from "../../../shared/resources/network";
import { aws, sharedTag, target, uidTag } from "./delete-target";

const ec2 = mockClient(EC2Client);
const client = new EC2Client({ region: "us-east-1" });
const look = (to = target()) => deleteNetwork(client, to);
const inputs = (command: unknown): Record<string, unknown>[] =>
  ec2.commandCalls(command as typeof DeleteVpcCommand).map(({ args }) => ({ ...args[0].input }));
const interfaces = (...NetworkInterfaces: NetworkInterface[]) => ec2.on(DescribeNetworkInterfacesCommand).resolves({ NetworkInterfaces });
const addresses = (...Addresses: Address[]) => ec2.on(DescribeAddressesCommand).resolves({ Addresses });
const stray: NetworkInterface = { NetworkInterfaceId: "eni-1", Status: "available", SubnetId: "subnet-1", VpcId: "vpc-1" };
const onStray = { AllocationId: "eipalloc-1", AssociationId: "eipassoc-1", NetworkInterfaceId: "eni-1" };

beforeEach(() => {
  ec2.reset();
  ec2.onAnyCommand().resolves({});
});

test("the ledger's VPC is looked into also where its tags were taken away", async () => {
  expect(await look()).toEqual([]);
  expect(inputs(DescribeNetworkInterfacesCommand)).toEqual([{ Filters: [{ Name: "vpc-id", Values: ["vpc-1"] }] }]);
  expect(inputs(DeleteVpcCommand)).toEqual([{ VpcId: "vpc-1" }]);
});

test("a gateway made moments ago that no look shows is not gone: it is looked for again, and is gone when it is not there later", async () => {
  const to = target({ "internet-gateway/main": "igw-1" });
  const late = new Date(Date.now() - 21_000).toISOString();

  const soon = await look(to);
  const kept = to.ledger.entry("internet-gateway/main")?.state;
  to.ledger.entries["internet-gateway/main"]!.at = late;
  const later = await look(to);

  expect(soon).toEqual([{ resource: "internet-gateway igw-1", reason: expect.stringMatching(/^made at .* and not to be seen yet$/) }]);
  expect([kept, later, to.ledger.entry("internet-gateway/main")?.state]).toEqual(["made", [], "gone"]);
});

test("in a plain delete nothing rare is looked for", async () => {
  await look();
  for (const rare of [DescribeAddressesCommand, DescribeNatGatewaysCommand, DescribeVpcEndpointsCommand, DescribeNetworkAclsCommand])
    expect(inputs(rare)).toEqual([]);
});

describe("interfaces", () => {
  test("one that hangs on nothing goes, with its elastic address, before its subnet", async () => {
    interfaces({ ...stray, Association: { AllocationId: "eipalloc-1" } });
    addresses(onStray);
    ec2.on(DescribeSubnetsCommand).resolves({ Subnets: [{ SubnetId: "subnet-1" }] });
    const to = target();
    const flush = jest.spyOn(to.ledger, "flush");
    ec2.on(DisassociateAddressCommand).callsFake(async () => {
      expect(flush).toHaveBeenCalled();
      expect(to.ledger.id("address/eipalloc-1")).toBe("eipalloc-1");
      return {};
    });
    expect(await look(to)).toEqual([]);
    expect(inputs(DisassociateAddressCommand)).toEqual([{ AssociationId: "eipassoc-1" }]);
    expect(inputs(ReleaseAddressCommand)).toEqual([{ AllocationId: "eipalloc-1" }]);
    expect(inputs(DeleteNetworkInterfaceCommand)).toEqual([{ NetworkInterfaceId: "eni-1" }]);
    expect(ec2.commandCalls(DeleteNetworkInterfaceCommand)[0]!.calledBefore(ec2.commandCalls(DeleteSubnetCommand)[0]!)).toBe(true);
    const keys = ["network-interface/eni-1", "address/eipalloc-1", "subnet/subnet-1", "vpc/main"];
    expect(keys.map((key) => to.ledger.entry(key)?.state)).toEqual(Array(4).fill("gone"));
  });

  test.each([
    ["a foreign machine", { Status: "in-use", Attachment: { InstanceId: "i-9" } }, "in use by instance i-9", true],
    ["a load balancer that lets go of it", { RequesterManaged: true, Description: "ELB net/k8s-web/1" }, "in use by ELB net/k8s-web/1", false],
    ["whoever shares it", { TagSet: [sharedTag] }, `tagged ${sharedTag.Key}=shared`, false],
  ] as const)("one of %s stays with its address, is named, and so is what it holds", async (_, more, reason, byMachine) => {
    const held = { ...stray, ...more, Association: { AllocationId: "eipalloc-1", IpOwnerId: "111122223333" } } as NetworkInterface;
    interfaces(held);
    addresses(onStray);
    ec2.on(DescribeSubnetsCommand).resolves({ Subnets: [{ SubnetId: "subnet-1" }] });
    const to = target();
    const blockers = await look(to);
    expect(blockers).toContainEqual({ resource: "network-interface eni-1", reason, ...(byMachine && { byMachine }) });
    expect(blockers).toContainEqual({ resource: "subnet subnet-1", reason: expect.stringContaining("in use by network interface eni-1") });
    expect(blockers).toContainEqual({ resource: "vpc vpc-1", reason: "not empty" });
    for (const command of [DeleteNetworkInterfaceCommand, DeleteSubnetCommand, ReleaseAddressCommand, DisassociateAddressCommand])
      expect(inputs(command)).toEqual([]);
    expect([to.ledger.id("vpc/main"), to.ledger.ofKind("address")]).toEqual(["vpc-1", []]);
  });
});

describe("elastic addresses", () => {
  const machine = (IpOwnerId: string) =>
    ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [
        { Instances: [{ InstanceId: "i-1", State: { Name: "running" }, NetworkInterfaces: [{ Association: { IpOwnerId } }] }] },
      ],
    });
  const onMachine = { AllocationId: "eipalloc-2", InstanceId: "i-1" };

  test("a machine's are written down before it ends, and released after", async () => {
    machine("111122223333");
    addresses({ ...onMachine, AssociationId: "eipassoc-2" });
    const to = target();
    ec2.on(TerminateInstancesCommand).callsFake(() => {
      expect(to.ledger.id("address/eipalloc-2")).toBe("eipalloc-2");
      return {};
    });
    await deleteInstances(client, to);
    expect(inputs(TerminateInstancesCommand)).toHaveLength(1);
    addresses({ AllocationId: "eipalloc-2" });
    expect(await look(to)).toEqual([]);
    expect([inputs(DisassociateAddressCommand), inputs(ReleaseAddressCommand)]).toEqual([[], [{ AllocationId: "eipalloc-2" }]]);
  });

  test("EC2's own are not looked up, and a shared one is left", async () => {
    machine("amazon");
    await deleteInstances(client, target());
    expect(inputs(DescribeAddressesCommand)).toEqual([]);
    machine("111122223333");
    addresses({ ...onMachine, Tags: [sharedTag] });
    const to = target();
    await deleteInstances(client, to);
    expect(to.ledger.ofKind("address")).toEqual([]);
  });

  test("one that somebody has taken elsewhere since is not taken from him", async () => {
    addresses({ AllocationId: "eipalloc-2", AssociationId: "eipassoc-9", NetworkInterfaceId: "eni-9", InstanceId: "i-9" });
    const blockers = await look(target({ "vpc/main": "vpc-1", "address/eipalloc-2": "eipalloc-2" }));
    expect(blockers).toContainEqual({
      resource: "address eipalloc-2",
      reason: "in use by network interface eni-9 outside the cluster's VPC",
    });
    expect([inputs(DisassociateAddressCommand), inputs(ReleaseAddressCommand)]).toEqual([[], []]);
  });

  test("one that was released meanwhile is done", async () => {
    addresses({ AllocationId: "eipalloc-2" });
    ec2.on(ReleaseAddressCommand).rejects(aws("InvalidAllocationID.NotFound"));
    expect(await look(target({ "vpc/main": "vpc-1", "address/eipalloc-2": "eipalloc-2" }))).toEqual([]);
  });
});

describe("security groups", () => {
  const groups = (...SecurityGroups: object[]) => ec2.on(DescribeSecurityGroupsCommand).resolves({ SecurityGroups });
  const from = (GroupId: string) => [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId }] }];

  test("of load balancers go too, and rules in either direction that name a group, the default group's too, go before them", async () => {
    groups(
      { GroupId: "sg-default", GroupName: "default", IpPermissions: from("sg-elb") },
      { GroupId: "sg-node", GroupName: "nodes", Tags: [uidTag], IpPermissions: from("sg-elb") },
      { GroupId: "sg-elb", GroupName: "k8s-elb-a1b2", IpPermissionsEgress: from("sg-node") },
    );
    const to = target();
    expect(await look(to)).toEqual([]);
    expect(inputs(RevokeSecurityGroupIngressCommand).map(({ GroupId }) => GroupId)).toEqual(["sg-default", "sg-node"]);
    expect(inputs(RevokeSecurityGroupEgressCommand).map(({ GroupId }) => GroupId)).toEqual(["sg-elb"]);
    expect(inputs(DeleteSecurityGroupCommand)).toEqual([{ GroupId: "sg-node" }, { GroupId: "sg-elb" }]);
    expect(Object.keys(to.ledger.entries)).toEqual(["vpc/main", "security-group/sg-elb"]);
  });

  test("a shared one keeps its rules and is named", async () => {
    groups({ GroupId: "sg-1", GroupName: "theirs", Tags: [sharedTag], IpPermissions: from("sg-2") });
    expect(await look()).toContainEqual({ resource: "security-group sg-1", reason: `tagged ${sharedTag.Key}=shared` });
    expect([inputs(RevokeSecurityGroupIngressCommand), inputs(DeleteSecurityGroupCommand), inputs(DeleteVpcCommand)]).toEqual([[], [], []]);
  });
});

describe("what a VPC rarely has", () => {
  beforeEach(() => {
    ec2.on(DeleteVpcCommand).rejects(aws("DependencyViolation", "The vpc 'vpc-1' has dependencies and cannot be deleted."));
  });
  const violation = { resource: "vpc vpc-1", reason: "DependencyViolation: The vpc 'vpc-1' has dependencies and cannot be deleted." };

  test("is looked for when EC2 refuses to delete it, deleted, and gone in the next look", async () => {
    const endpoint = (VpcEndpointId: string, State: "Available" | "Deleted") => ({ VpcEndpointId, State });
    ec2.on(DescribeVpcEndpointsCommand).resolves({ VpcEndpoints: [endpoint("vpce-1", "Available"), endpoint("vpce-0", "Deleted")] });
    const peering = (VpcPeeringConnectionId: string, Code: "active" | "deleted") => ({ VpcPeeringConnectionId, Status: { Code } });
    ec2
      .on(DescribeVpcPeeringConnectionsCommand)
      .resolves({ VpcPeeringConnections: [] })
      .on(DescribeVpcPeeringConnectionsCommand, { Filters: [{ Name: "accepter-vpc-info.vpc-id", Values: ["vpc-1"] }] })
      .resolves({ VpcPeeringConnections: [peering("pcx-1", "active"), peering("pcx-0", "deleted")] });
    ec2.on(DescribeNetworkAclsCommand).resolves({ NetworkAcls: [{ NetworkAclId: "acl-1" }] });
    const to = target();
    expect(await look(to)).toEqual([violation]);
    expect(inputs(DeleteVpcEndpointsCommand)).toEqual([{ VpcEndpointIds: ["vpce-1"] }]);
    expect(inputs(DeleteVpcPeeringConnectionCommand)).toEqual([{ VpcPeeringConnectionId: "pcx-1" }]);
    expect(inputs(DeleteNetworkAclCommand)).toEqual([{ NetworkAclId: "acl-1" }]);
    expect(["vpc-endpoint/vpce-1", "vpc-peering-connection/pcx-1", "network-acl/acl-1"].map((key) => to.ledger.entry(key)?.state)).toEqual(
      Array(3).fill("gone"),
    );
  });

  test("a NAT gateway blocks until it is deleted; its address, written down first, is released then", async () => {
    const NatGatewayAddresses = [{ AllocationId: "eipalloc-3" }];
    ec2.on(DescribeNatGatewaysCommand).resolves({ NatGateways: [{ NatGatewayId: "nat-1", State: "available", NatGatewayAddresses }] });
    const to = target();
    ec2.on(DeleteNatGatewayCommand).callsFake(() => {
      expect(to.ledger.id("address/eipalloc-3")).toBe("eipalloc-3");
      return {};
    });
    await look(to);
    expect(inputs(DeleteNatGatewayCommand)).toEqual([{ NatGatewayId: "nat-1" }]);
    interfaces({ NetworkInterfaceId: "eni-3", Status: "in-use", RequesterManaged: true, Description: "Interface for NAT Gateway nat-1" });
    addresses({ AllocationId: "eipalloc-3", AssociationId: "eipassoc-3", NetworkInterfaceId: "eni-3" });
    ec2.on(DescribeNatGatewaysCommand).resolves({ NatGateways: [{ NatGatewayId: "nat-1", State: "deleting", NatGatewayAddresses }] });
    const waiting = await look(to);
    expect(waiting).toContainEqual({ resource: "nat-gateway nat-1", reason: "deleting" });
    expect(waiting).toContainEqual({ resource: "address eipalloc-3", reason: "in use by Interface for NAT Gateway nat-1" });
    expect(inputs(ReleaseAddressCommand)).toEqual([]);
    interfaces();
    addresses({ AllocationId: "eipalloc-3" });
    ec2.on(DescribeNatGatewaysCommand).resolves({ NatGateways: [{ NatGatewayId: "nat-1", State: "deleted" }] });
    ec2.on(DeleteVpcCommand).resolves({});
    expect(await look(to)).toEqual([]);
    expect(inputs(ReleaseAddressCommand)).toEqual([{ AllocationId: "eipalloc-3" }]);
  });

  test("what EC2 will not delete, or another cluster shares, is named", async () => {
    const VpcEndpoints = [{ VpcEndpointId: "vpce-1" }, { VpcEndpointId: "vpce-2", Tags: [sharedTag] }];
    ec2.on(DescribeVpcEndpointsCommand).resolves({ VpcEndpoints });
    const refusal = { Code: "InvalidParameter", Message: "is managed by RDS" };
    ec2.on(DeleteVpcEndpointsCommand).resolves({ Unsuccessful: [{ ResourceId: "vpce-1", Error: refusal }] });
    ec2.on(DescribeNetworkAclsCommand).resolves({ NetworkAcls: [{ NetworkAclId: "acl-1" }] });
    ec2.on(DeleteNetworkAclCommand).rejects(aws("DependencyViolation", "acl-1 has a dependent subnet"));
    expect(await look()).toEqual([
      violation,
      { resource: "vpc-endpoint vpce-1", reason: "is managed by RDS" },
      { resource: "vpc-endpoint vpce-2", reason: `tagged ${sharedTag.Key}=shared` },
      { resource: "network-acl acl-1", reason: "DependencyViolation: acl-1 has a dependent subnet" },
    ]);
    expect(inputs(DeleteVpcEndpointsCommand)).toHaveLength(1);
  });
});
