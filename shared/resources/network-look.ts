import {
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type Filter,
  type InternetGateway,
  type NetworkInterface,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
  type Vpc,
} from "@aws-sdk/client-ec2";
import { userOf } from "./network-interfaces";

/** What EC2 shows of a cluster's network. */
export interface SeenNetwork {
  vpcs: Vpc[];
  gateways: InternetGateway[];
  subnets: Subnet[];
  routeTables: RouteTable[];
  groups: SecurityGroup[];
}

/** Everything that carries these tags: one call for each kind, all at once. */
export async function lookByTags(ec2: EC2Client, Filters: Filter[]): Promise<SeenNetwork> {
  const [vpcs, gateways, inside] = await Promise.all([
    ec2.send(new DescribeVpcsCommand({ Filters })),
    ec2.send(new DescribeInternetGatewaysCommand({ Filters })),
    lookInside(ec2, Filters),
  ]);
  return { vpcs: vpcs.Vpcs ?? [], gateways: gateways.InternetGateways ?? [], ...inside };
}

async function lookInside(ec2: EC2Client, Filters: Filter[]): Promise<Pick<SeenNetwork, "subnets" | "routeTables" | "groups">> {
  const [subnets, routeTables, groups] = await Promise.all([
    ec2.send(new DescribeSubnetsCommand({ Filters })),
    ec2.send(new DescribeRouteTablesCommand({ Filters })),
    ec2.send(new DescribeSecurityGroupsCommand({ Filters })),
  ]);
  return { subnets: subnets.Subnets ?? [], routeTables: routeTables.RouteTables ?? [], groups: groups.SecurityGroups ?? [] };
}

/** What is tagged, and whatever else is in the VPCs that are, and in the one that the ledger knows: others may have made it there. */
export async function lookForDelete(
  ec2: EC2Client,
  Filters: Filter[],
  known?: string,
): Promise<SeenNetwork & { interfaces: NetworkInterface[] }> {
  const tagged = await lookByTags(ec2, Filters);
  const vpcs = union(known ? [{ VpcId: known }] : [], tagged.vpcs, ({ VpcId }) => VpcId);
  const Values = vpcs.map(({ VpcId }) => VpcId!);
  if (Values.length === 0) return { ...tagged, interfaces: [] };
  const inVpc = [{ Name: "vpc-id", Values }];
  const [inside, gateways, interfaces] = await Promise.all([
    lookInside(ec2, inVpc),
    ec2.send(new DescribeInternetGatewaysCommand({ Filters: [{ Name: "attachment.vpc-id", Values }] })),
    ec2.send(new DescribeNetworkInterfacesCommand({ Filters: inVpc })),
  ]);
  return {
    vpcs,
    gateways: union(tagged.gateways, gateways.InternetGateways ?? [], ({ InternetGatewayId }) => InternetGatewayId),
    subnets: union(tagged.subnets, inside.subnets, ({ SubnetId }) => SubnetId),
    routeTables: union(tagged.routeTables, inside.routeTables, ({ RouteTableId }) => RouteTableId),
    groups: union(tagged.groups, inside.groups, ({ GroupId }) => GroupId),
    interfaces: interfaces.NetworkInterfaces ?? [],
  };
}

const union = <Thing>(one: Thing[], other: Thing[], idOf: (thing: Thing) => string | undefined): Thing[] => [
  ...new Map([...one, ...other].map((thing) => [idOf(thing), thing])).values(),
];

/** Names the first network interface that holds a subnet, group or public address, and what it belongs to. */
export function holderAmong(interfaces: NetworkInterface[]): string | undefined {
  const [first] = interfaces;
  if (!first) return undefined;
  const others = interfaces.length > 1 ? ` and ${interfaces.length - 1} more` : "";
  return `network interface ${first.NetworkInterfaceId} (${userOf(first) ?? "no description"})${others}`;
}
