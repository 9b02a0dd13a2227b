import type { Instance, InstanceNetworkInterface, Subnet, Vpc } from "@aws-sdk/client-ec2";
import { type Cidr, nthAddress, parseCidr } from "../../shared/spec/cidr";
import type { Account } from "./account";
import { type Balancer, balancersOf } from "./balancers";
import type { BalancerFabric, Fabric, Forward, Interface, MachineMetadata, Names, VpcFabric } from "./fabric";
import { type RuledInterface, rulesetOf } from "./ruleset";

/** What is chosen once and stays: link indexes from 1 on, and the addresses of load balancers. */
export interface Choices {
  index(id: string): number;
  once(id: string, choose: () => string): string;
}

export function newChoices(): Choices {
  const indexes = new Map<string, number>();
  const chosen = new Map<string, string>();
  return {
    index: (id) => indexes.get(id) ?? indexes.set(id, indexes.size + 1).get(id)!,
    once: (id, choose) => chosen.get(id) ?? chosen.set(id, choose()).get(id)!,
  };
}

export interface FabricOptions {
  forwards: Forward[];
  /** By instance id. */
  metadata: Record<string, MachineMetadata>;
  /** How many times faster than configured load balancers check health; 1 when absent. */
  checkPace?: number;
}

type Planned = Omit<Interface, "publicAddresses"> & RuledInterface & { vpcId: string };

/**
 * The network of the account's machines and load balancers. Machines are the account's instances; the caller leaves out what it does not boot.
 * A load balancer has one interface, in the first of its subnets, at an address that EC2 has not given away.
 */
export function fabricOf(account: Account, { forwards, metadata, checkPace = 1 }: FabricOptions, choices: Choices): Fabric {
  const machines = account.instances.flatMap((instance) => machineInterfaces(account, instance, choices));
  const balancers = balancersOf(account).filter(({ subnetIds }) => subnetIds.length > 0);
  const fronts = balancers.map((balancer) => frontOf(account, balancer, machines, choices));
  const planned = [...machines, ...fronts];
  const namesOf = (vpcId?: string) => names(account, balancers, fronts, vpcId);
  return {
    namespaces: [...new Set(planned.map(({ namespace }) => namespace))],
    forwards,
    names: namesOf(),
    vpcs: account.vpcs.map((vpc) => vpcFabric(account, vpc, planned, namesOf(vpc.VpcId), metadata)),
    balancers: balancers.map((balancer, index) => balancerFabric(balancer, fronts[index]!, checkPace)),
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

function machineInterfaces(account: Account, instance: Instance, choices: Choices): Planned[] {
  const attached = (instance.NetworkInterfaces ?? []).filter(({ Attachment }) => Attachment?.Status !== "detached");
  return attached.map((nic) => ({
    ...placeOf(account, nic.NetworkInterfaceId!, nic.SubnetId!, choices),
    namespace: instance.InstanceId!,
    device: `eth${nic.Attachment?.DeviceIndex ?? 0}`,
    mac: nic.MacAddress!.toLowerCase(),
    addresses: addressesOf(nic).map(({ inner }) => inner),
    publicAddresses: Object.fromEntries(addressesOf(nic).flatMap(({ inner, outer }) => (outer ? [[inner, outer]] : []))),
    groups: (nic.Groups ?? []).map(({ GroupId }) => GroupId!),
    // The instance's attribute is its primary interface's; moto keeps the two apart.
    sourceDestCheck: nic.SourceDestCheck !== false && (nic.Attachment?.DeviceIndex !== 0 || instance.SourceDestCheck !== false),
  }));
}

/** The primary address comes first. */
function addressesOf({ PrivateIpAddress, PrivateIpAddresses = [], Association }: InstanceNetworkInterface): { inner: string; outer: string | undefined }[] {
  const others = PrivateIpAddresses.filter(({ PrivateIpAddress: inner }) => inner !== PrivateIpAddress);
  return [
    { inner: PrivateIpAddress!, outer: Association?.PublicIp },
    ...others.map((one) => ({ inner: one.PrivateIpAddress!, outer: one.Association?.PublicIp })),
  ];
}

function frontOf(account: Account, balancer: Balancer, machines: Planned[], choices: Choices): Planned {
  const id = `elb-${balancer.name}`;
  const index = choices.index(id);
  const block = blockOf(account.subnets.find(({ SubnetId }) => SubnetId === balancer.subnetIds[0])!);
  const taken = new Set(machines.flatMap(({ addresses }) => addresses));
  const address = choices.once(id, () => freeAddress(block, index, taken));
  return {
    ...placeOf(account, id, balancer.subnetIds[0]!, choices),
    namespace: id,
    device: "eth0",
    mac: `0e:c2:00:00:${hex(index >> 8)}:${hex(index & 255)}`,
    addresses: [address],
    publicAddresses: balancer.internal ? {} : { [address]: `198.19.${index >> 8}.${index & 255}` },
    groups: balancer.groups,
    sourceDestCheck: true,
  };
}

/** From the subnet's end, where planned machines are not. */
function freeAddress(block: Cidr, index: number, taken: Set<string>): string {
  const size = block.last - block.first + 1;
  for (let n = size - 1 - index; n > 3; n--) if (!taken.has(nthAddress(block, n))) return nthAddress(block, n);
  throw new Error(`${block.text} has no free address for a load balancer`);
}

const hex = (byte: number): string => byte.toString(16).padStart(2, "0");

function placeOf(account: Account, id: string, subnetId: string, choices: Choices) {
  const subnet = account.subnets.find(({ SubnetId }) => SubnetId === subnetId)!;
  return {
    id,
    index: choices.index(id),
    vpcId: subnet.VpcId!,
    prefix: blockOf(subnet).prefix,
    gateway: gatewayOf(subnet),
    internetRoute: hasInternetRoute(account, subnet),
  };
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

/** A balancer that faces the internet has one public address for everybody, as AWS answers; private names are known inside alone. */
function names(account: Account, balancers: Balancer[], fronts: Planned[], vpcId?: string): Names {
  const ofBalancers = balancers.map(({ dnsName, internal }, index): [string, string[]] => {
    const { addresses, publicAddresses } = fronts[index]!;
    return [dnsName.toLowerCase(), internal ? addresses : Object.values(publicAddresses)];
  });
  const inside = account.instances.filter(({ VpcId, PrivateDnsName }) => VpcId === vpcId && PrivateDnsName);
  const ofMachines = inside.map(({ PrivateDnsName, PrivateIpAddress }): [string, string[]] => [PrivateDnsName!.toLowerCase(), [PrivateIpAddress!]]);
  return Object.fromEntries([...ofBalancers, ...ofMachines]);
}

function balancerFabric({ name, listeners }: Balancer, { namespace, addresses }: Planned, pace: number): BalancerFabric {
  const paced = listeners.map(({ port, pool }) => ({ port, pool: { ...pool, check: { ...pool.check, interval: pool.check.interval / pace } } }));
  return { name, namespace, address: addresses[0]!, listeners: paced };
}
