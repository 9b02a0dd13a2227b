import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplatesCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand as DescribeClassicCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeLoadBalancersCommand, DescribeTargetGroupsCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient, ListInstanceProfilesCommand, ListPoliciesCommand, ListRolesCommand, ListUsersCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { ListExecutionsCommand, ListStateMachinesCommand, SFNClient } from "@aws-sdk/client-sfn";
import { DescribeParametersCommand, SSMClient } from "@aws-sdk/client-ssm";
import { type Emulators, region, rootCredentials } from "./emulators";

type Kinds = Record<string, (string | undefined)[]>;

/**
 * Everything in the account that can be left behind, as sorted lines `kind id`: what costs, what grants, what a name holds, objects'
 * versions, and executions that still run. Terminated instances stay listed by EC2 for an hour and don't count.
 */
export async function inventory(emulators: Pick<Emulators, "endpoint">): Promise<string[]> {
  const client = { endpoint: emulators.endpoint, region, credentials: rootCredentials };
  const ec2 = new EC2Client(client);
  const parts = await Promise.all([
    compute(ec2),
    network(ec2),
    balancers(client),
    identities(new IAMClient(client)),
    buckets(new S3Client(client)),
    clocks(client),
  ]);
  return parts.flatMap((kinds) => Object.entries(kinds).flatMap(([kind, ids]) => ids.map((id) => `${kind} ${id}`))).sort();
}

async function compute(ec2: EC2Client): Promise<Kinds> {
  const [instances, volumes, keys, snapshots, templates] = await Promise.all([
    ec2.send(new DescribeInstancesCommand()),
    ec2.send(new DescribeVolumesCommand()),
    ec2.send(new DescribeKeyPairsCommand()),
    ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] })),
    ec2.send(new DescribeLaunchTemplatesCommand()),
  ]);
  const all = (instances.Reservations ?? []).flatMap(({ Instances = [] }) => Instances);
  return {
    instance: all.filter(({ State }) => State?.Name !== "terminated").map(({ InstanceId }) => InstanceId),
    volume: volumes.Volumes?.map(({ VolumeId }) => VolumeId) ?? [],
    "key-pair": keys.KeyPairs?.map(({ KeyName }) => KeyName) ?? [],
    snapshot: snapshots.Snapshots?.map(({ SnapshotId }) => SnapshotId) ?? [],
    "launch-template": templates.LaunchTemplates?.map(({ LaunchTemplateName }) => LaunchTemplateName) ?? [],
  };
}

async function network(ec2: EC2Client): Promise<Kinds> {
  const [vpcs, subnets, groups, gateways, tables, interfaces, addresses, nats, endpoints] = await Promise.all([
    ec2.send(new DescribeVpcsCommand()),
    ec2.send(new DescribeSubnetsCommand()),
    ec2.send(new DescribeSecurityGroupsCommand()),
    ec2.send(new DescribeInternetGatewaysCommand()),
    ec2.send(new DescribeRouteTablesCommand()),
    ec2.send(new DescribeNetworkInterfacesCommand()),
    ec2.send(new DescribeAddressesCommand()),
    ec2.send(new DescribeNatGatewaysCommand()),
    ec2.send(new DescribeVpcEndpointsCommand()),
  ]);
  return {
    vpc: vpcs.Vpcs?.map(({ VpcId }) => VpcId) ?? [],
    subnet: subnets.Subnets?.map(({ SubnetId }) => SubnetId) ?? [],
    "security-group": groups.SecurityGroups?.map(({ GroupId }) => GroupId) ?? [],
    "internet-gateway": gateways.InternetGateways?.map(({ InternetGatewayId }) => InternetGatewayId) ?? [],
    "route-table": tables.RouteTables?.map(({ RouteTableId }) => RouteTableId) ?? [],
    "network-interface": interfaces.NetworkInterfaces?.map(({ NetworkInterfaceId }) => NetworkInterfaceId) ?? [],
    address: addresses.Addresses?.map(({ AllocationId }) => AllocationId) ?? [],
    "nat-gateway": nats.NatGateways?.filter(({ State }) => State !== "deleted").map(({ NatGatewayId }) => NatGatewayId) ?? [],
    "vpc-endpoint": endpoints.VpcEndpoints?.map(({ VpcEndpointId }) => VpcEndpointId) ?? [],
  };
}

async function balancers(client: object): Promise<Kinds> {
  const v2 = new ElasticLoadBalancingV2Client(client);
  const [classic, network, groups] = await Promise.all([
    new ElasticLoadBalancingClient(client).send(new DescribeClassicCommand()),
    v2.send(new DescribeLoadBalancersCommand()),
    v2.send(new DescribeTargetGroupsCommand()),
  ]);
  return {
    "classic-load-balancer": classic.LoadBalancerDescriptions?.map(({ LoadBalancerName }) => LoadBalancerName) ?? [],
    "load-balancer": network.LoadBalancers?.map(({ LoadBalancerName }) => LoadBalancerName) ?? [],
    "target-group": groups.TargetGroups?.map(({ TargetGroupName }) => TargetGroupName) ?? [],
  };
}

async function identities(iam: IAMClient): Promise<Kinds> {
  const [roles, profiles, policies, users] = await Promise.all([
    iam.send(new ListRolesCommand({ MaxItems: 1000 })),
    iam.send(new ListInstanceProfilesCommand({ MaxItems: 1000 })),
    iam.send(new ListPoliciesCommand({ Scope: "Local", MaxItems: 1000 })),
    iam.send(new ListUsersCommand({ MaxItems: 1000 })),
  ]);
  return {
    role: roles.Roles?.map(({ RoleName }) => RoleName) ?? [],
    "instance-profile": profiles.InstanceProfiles?.map(({ InstanceProfileName }) => InstanceProfileName) ?? [],
    policy: policies.Policies?.map(({ PolicyName }) => PolicyName) ?? [],
    user: users.Users?.map(({ UserName }) => UserName) ?? [],
  };
}

async function buckets(s3: S3Client): Promise<Kinds> {
  const names = ((await s3.send(new ListBucketsCommand())).Buckets ?? []).map(({ Name }) => Name!);
  const versions = await Promise.all(
    names.map(async (Bucket) => {
      const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => `s3://${Bucket}/${Key}?versionId=${VersionId}`);
    }),
  );
  return { bucket: names, object: versions.flat() };
}

async function clocks(client: object): Promise<Kinds> {
  const sfn = new SFNClient(client);
  const [schedules, parameters, machines] = await Promise.all([
    new SchedulerClient(client).send(new ListSchedulesCommand()),
    new SSMClient(client).send(new DescribeParametersCommand()),
    sfn.send(new ListStateMachinesCommand()),
  ]);
  const running = await Promise.all(
    (machines.stateMachines ?? []).map(({ stateMachineArn }) => sfn.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: "RUNNING" }))),
  );
  return {
    schedule: schedules.Schedules?.map(({ GroupName, Name }) => `${GroupName}/${Name}`) ?? [],
    parameter: parameters.Parameters?.map(({ Name }) => Name) ?? [],
    "running-execution": running.flatMap(({ executions = [] }) => executions.map(({ name }) => name)),
  };
}

const SETTLE_MS = 8_000;

/** What is there now and was not before, and the other way round; looked at again for some seconds, while a last execution ends. */
export async function differenceFrom(before: string[], emulators: Pick<Emulators, "endpoint">): Promise<{ left: string[]; missing: string[] }> {
  const limit = Date.now() + SETTLE_MS;
  for (;;) {
    const now = await inventory(emulators);
    const left = now.filter((line) => !before.includes(line));
    const missing = before.filter((line) => !now.includes(line));
    if (left.length + missing.length === 0 || Date.now() > limit) return { left, missing };
    await new Promise((again) => setTimeout(again, 250));
  }
}
