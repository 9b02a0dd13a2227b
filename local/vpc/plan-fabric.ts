import type { InstanceNetworkInterface, NetworkInterface, Subnet, Vpc } from "@aws-sdk/client-ec2";
import { type Cidr, nthAddress, parseCidr } from "../../shared/spec/cidr";
import type { Account } from "./account";
import { type Balancer, balancersOf } from "./balancers";
import type { BalancerFabric, Fabric, Forward, Interface, MachineMetadata, Names, VpcFabric } from "./fabric";
import { type RuledInterface, rulesetOf } from "./ruleset";

/** Link indexes from 1 on, which stay what they are while the interface is there. */
export interface Indexes {
  of(interfaceId: string): number;
}

export function newIndexes(): Indexes {
  const given = new Map<string, number>();
  return { of: (id) => given.get(id) ?? given.set(id, given.size + 1).get(id)! };
}

export interface FabricOptions {
  forwards: Forward[];
  /** By instance id. */
  metadata: Record<string, MachineMetadata>;
  /** How many times faster than configured load balancers check health; 1 when absent. */
  checkPace?: number;
}

type Planned = Omit<Interface, "publicAddresses"> & RuledInterface & { vpcId: string };

/** A load balancer as it is in one of its subnets. */
interface Front {
  balancer: Balancer;
  planned: Planned;
}

/**
 * The network of the account's machines and load balancers. Machines are the account's instances; the caller leaves out what it does not boot.
 * A load balancer stands in each of its subnets, at the interface that EC2 shows for it, and sends to the targets of all zones.
 */
export function fabricOf(account: Account, { forwards, metadata, checkPace = 1 }: FabricOptions, indexes: Indexes): Fabric {
  const machines = account.instances.flatMap(({ InstanceId, SourceDestCheck, NetworkInterfaces = [] }) =>
    NetworkInterfaces.filter(({ Attachment }) => Attachment?.Status !== "detached").map((nic) =>
      // The instance's attribute is its primary interface's; moto keeps the two apart.
      plan(account, nic, InstanceId!, nic.Attachment?.DeviceIndex === 0 && SourceDestCheck === false, indexes),
    ),
  );
  const fronts = balancersOf(account).flatMap((balancer) =>
    account.balancerInterfaces
      .filter(({ Description }) => Description === balancer.description)
      .map((nic): Front => ({ balancer, planned: { ...plan(account, nic, nic.NetworkInterfaceId!, false, indexes), groups: balancer.groups } })),
  );
  const planned = [...machines, ...fronts.map((front) => front.planned)];
  const namesOf = (vpcId?: string) => names(account, fronts, vpcId);
  return {
    namespaces: [...new Set(planned.map(({ namespace }) => namespace))],
    forwards,
    names: namesOf(),
    vpcs: account.vpcs.map((vpc) => vpcFabric(account, vpc, planned, namesOf(vpc.VpcId), metadata)),
    balancers: fronts.map((front) => balancerFabric(front, checkPace)),
  };
}

function vpcFabric(account: Account, vpc: Vpc, all: Planned[], ofVpc: Names, metadata: Record<string, MachineMetadata>): VpcFabric {
  const inside = all.filter(({ vpcId }) => vpcId === vpc.VpcId);
  const instances = account.instances.filter(({ VpcId, InstanceId }) => VpcId === vpc.VpcId && metadata[InstanceId!]);
  return {
    id: vpc.VpcId!,
    gateways: account.subnets.filter(({ VpcId }) => VpcId === vpc.VpcId).map(gatewayOf),
    resolver: nthAddress(blockOf(vpc), 2),
    names: ofVpc,
    interfaces: inside.map(interfaceOf),
    ruleset: rulesetOf(inside, account.groups.filter(({ VpcId }) => VpcId === vpc.VpcId)),
    machines: Object.fromEntries(instances.map(({ InstanceId, PrivateIpAddress }) => [PrivateIpAddress!, metadata[InstanceId!]!])),
  };
}

const interfaceOf = ({ id, index, namespace, device, mac, addresses, prefix, gateway, publicAddresses }: Planned): Interface => ({
  id,
  index,
  namespace,
  device,
  mac,
  addresses,
  prefix,
  gateway,
  publicAddresses: Object.values(publicAddresses),
});

type Nic = InstanceNetworkInterface | NetworkInterface;

function plan(account: Account, nic: Nic, namespace: string, unchecked: boolean, indexes: Indexes): Planned {
  const subnet = account.subnets.find(({ SubnetId }) => SubnetId === nic.SubnetId)!;
  return {
    id: nic.NetworkInterfaceId!,
    index: indexes.of(nic.NetworkInterfaceId!),
    vpcId: subnet.VpcId!,
    namespace,
    device: `eth${nic.Attachment?.DeviceIndex ?? 0}`,
    mac: nic.MacAddress!.toLowerCase(),
    addresses: addressesOf(nic).map(({ inner }) => inner),
    prefix: blockOf(subnet).prefix,
    gateway: gatewayOf(subnet),
    publicAddresses: Object.fromEntries(addressesOf(nic).flatMap(({ inner, outer }) => (outer ? [[inner, outer]] : []))),
    groups: (nic.Groups ?? []).map(({ GroupId }) => GroupId!),
    sourceDestCheck: nic.SourceDestCheck !== false && !unchecked,
    internetRoute: hasInternetRoute(account, subnet),
  };
}

/** The primary address comes first. */
function addressesOf({ PrivateIpAddress, PrivateIpAddresses = [], Association }: Nic): { inner: string; outer: string | undefined }[] {
  const others = PrivateIpAddresses.filter(({ PrivateIpAddress: inner }) => inner !== PrivateIpAddress);
  return [
    { inner: PrivateIpAddress!, outer: Association?.PublicIp },
    ...others.map((one) => ({ inner: one.PrivateIpAddress!, outer: one.Association?.PublicIp })),
  ];
}

const gatewayOf = (subnet: Subnet): string => nthAddress(blockOf(subnet), 1);
const blockOf = ({ CidrBlock }: { CidrBlock?: string }): Cidr => parseCidr(CidrBlock!)!;

/** The subnet's own route table, else the VPC's main one. */
function hasInternetRoute({ routeTables, gateways }: Account, { SubnetId, VpcId }: Subnet): boolean {
  const ofVpc = routeTables.filter((table) => table.VpcId === VpcId);
  const table =
    ofVpc.find(({ Associations = [] }) => Associations.some((association) => association.SubnetId === SubnetId)) ??
    ofVpc.find(({ Associations = [] }) => Associations.some(({ Main }) => Main));
  const attached = gateways.filter(({ Attachments = [] }) => Attachments.some((attachment) => attachment.VpcId === VpcId));
  return (table?.Routes ?? []).some(
    ({ DestinationCidrBlock, GatewayId }) =>
      DestinationCidrBlock === "0.0.0.0/0" && attached.some(({ InternetGatewayId }) => InternetGatewayId === GatewayId),
  );
}

/** A balancer that faces the internet has its public addresses for everybody, as AWS answers; private names are known inside alone. */
function names(account: Account, fronts: Front[], vpcId?: string): Names {
  const found: Names = {};
  for (const { balancer, planned } of fronts)
    (found[balancer.dnsName.toLowerCase()] ??= []).push(...(balancer.internal ? planned.addresses : Object.values(planned.publicAddresses)));
  const inside = account.instances.filter(({ VpcId, PrivateDnsName }) => VpcId === vpcId && PrivateDnsName);
  for (const { PrivateDnsName, PrivateIpAddress } of inside) found[PrivateDnsName!.toLowerCase()] = [PrivateIpAddress!];
  return found;
}

function balancerFabric({ balancer, planned }: Front, pace: number): BalancerFabric {
  const listeners = balancer.listeners.map(({ port, pool }) => ({ port, pool: { ...pool, check: { ...pool.check, interval: pool.check.interval / pace } } }));
  return { name: balancer.name, namespace: planned.namespace, address: planned.addresses[0]!, listeners };
}
