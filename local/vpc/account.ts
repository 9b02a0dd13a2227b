import {
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type Instance,
  type InternetGateway,
  type NetworkInterface,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
  type Vpc,
  paginateDescribeInstances,
} from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand, type ElasticLoadBalancingClient, type LoadBalancerDescription } from "@aws-sdk/client-elastic-load-balancing";
import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand as DescribeV2Command,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  type Listener,
  type LoadBalancer,
  type TargetDescription,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";

export interface AccountClients {
  ec2: EC2Client;
  classic: ElasticLoadBalancingClient;
  network: ElasticLoadBalancingV2Client;
}

/** What the account's networks consist of, in AWS's own shapes. */
export interface Account {
  instances: Instance[];
  vpcs: Vpc[];
  subnets: Subnet[];
  routeTables: RouteTable[];
  gateways: InternetGateway[];
  groups: SecurityGroup[];
  /** What EC2 shows of load balancers. */
  balancerInterfaces: NetworkInterface[];
  classic: LoadBalancerDescription[];
  network: { balancer: LoadBalancer; listeners: Listener[]; targetGroups: (TargetGroup & { targets: TargetDescription[] })[] }[];
}

/** One look at everything of instances that are there and of the networks they are in. */
export async function readAccount({ ec2, classic, network }: AccountClients): Promise<Account> {
  const instances: Instance[] = [];
  const states = [{ Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] }];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters: states }))
    instances.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  const [classics, networks] = await Promise.all([
    classic.send(new DescribeLoadBalancersCommand({})).then(({ LoadBalancerDescriptions = [] }) => LoadBalancerDescriptions),
    network.send(new DescribeV2Command({})).then(({ LoadBalancers = [] }) => LoadBalancers.filter(({ Type }) => Type === "network")),
  ]);
  const ids = new Set([...instances, ...networks].map(({ VpcId }) => VpcId!).concat(classics.map(({ VPCId }) => VPCId!)));
  if (ids.size === 0) return { instances, vpcs: [], subnets: [], routeTables: [], gateways: [], groups: [], balancerInterfaces: [], classic: [], network: [] };
  const Filters = [{ Name: "vpc-id", Values: [...ids] }];
  const [vpcs, subnets, routeTables, gateways, groups, interfaces, detailed] = await Promise.all([
    ec2.send(new DescribeVpcsCommand({ Filters })).then(({ Vpcs = [] }) => Vpcs),
    ec2.send(new DescribeSubnetsCommand({ Filters })).then(({ Subnets = [] }) => Subnets),
    ec2.send(new DescribeRouteTablesCommand({ Filters })).then(({ RouteTables = [] }) => RouteTables),
    ec2
      .send(new DescribeInternetGatewaysCommand({ Filters: [{ Name: "attachment.vpc-id", Values: [...ids] }] }))
      .then(({ InternetGateways = [] }) => InternetGateways),
    ec2.send(new DescribeSecurityGroupsCommand({ Filters })).then(({ SecurityGroups = [] }) => SecurityGroups),
    ec2.send(new DescribeNetworkInterfacesCommand({ Filters })).then(({ NetworkInterfaces = [] }) => NetworkInterfaces),
    Promise.all(networks.map((balancer) => readNetwork(network, balancer))),
  ]);
  const balancerInterfaces = interfaces.filter(({ Description }) => Description?.startsWith("ELB "));
  return { instances, vpcs, subnets, routeTables, gateways, groups, balancerInterfaces, classic: classics, network: detailed };
}

async function readNetwork(elb: ElasticLoadBalancingV2Client, balancer: LoadBalancer): Promise<Account["network"][number]> {
  const LoadBalancerArn = balancer.LoadBalancerArn!;
  const [{ Listeners = [] }, { TargetGroups = [] }] = await Promise.all([
    elb.send(new DescribeListenersCommand({ LoadBalancerArn })),
    elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn })),
  ]);
  const targetGroups = await Promise.all(
    TargetGroups.map(async (group) => {
      const { TargetHealthDescriptions = [] } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group.TargetGroupArn! }));
      return { ...group, targets: TargetHealthDescriptions.map(({ Target }) => Target!) };
    }),
  );
  return { balancer, listeners: Listeners, targetGroups };
}
