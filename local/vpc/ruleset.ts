import type { IpPermission, SecurityGroup } from "@aws-sdk/client-ec2";

/** What the rules must know of an interface. */
export interface RuledInterface {
  index: number;
  mac: string;
  addresses: string[];
  /** By private address. */
  publicAddresses: Record<string, string>;
  /** None is no filter at all, as a Network load balancer without security groups. */
  groups: string[];
  sourceDestCheck: boolean;
  /** Its subnet's route table has a route to an attached internet gateway. */
  internetRoute: boolean;
}

/**
 * The rules of one VPC's router, for `nft -f`: security groups (stateful, allow only), source/destination checks, the ways to the internet
 * gateway and its one-to-one address translation, delivery by destination MAC. It replaces what was loaded, in one transaction.
 *
 * What EC2 does and this does not: rules of peered VPCs' groups and prefix lists are skipped, network ACLs are not looked at, a connection
 * that was let in stays when its rule goes. A group is matched by the interface that a packet comes from, whatever its source address.
 * https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
 */
export function rulesetOf(interfaces: RuledInterface[], groups: SecurityGroup[]): string {
  const known = new Set(groups.map(({ GroupId }) => GroupId!));
  const members = (id: string) => interfaces.filter((one) => one.groups.includes(id)).map(deviceOf);
  const every = (pick: (one: RuledInterface) => string[]) => interfaces.flatMap(pick);
  const publics = every(({ publicAddresses }) => Object.entries(publicAddresses).map(([inner, outer]) => `${inner} : ${outer}`));
  const lines = [
    ...(interfaces.length ? delivery(interfaces) : []),
    "table inet vpc {",
    set("own", "ifname . ipv4_addr", every((one) => one.addresses.map((address) => `${deviceOf(one)} . ${address}`))),
    set("checked", "ifname", every((one) => (one.sourceDestCheck ? [deviceOf(one)] : []))),
    set("internet-routed", "ifname", every((one) => (one.internetRoute ? [deviceOf(one)] : []))),
    set("public", "ipv4_addr", every(({ publicAddresses }) => Object.keys(publicAddresses))),
    ...[...known].map((id) => set(id, "ifname", members(id))),
    map("to-public", publics),
    map("to-private", publics.map((pair) => pair.split(" : ").reverse().join(" : "))),
    ...groups.flatMap((group) => groupChains(group, known)),
    ...interfaces.flatMap(interfaceChains),
    chain("arriving", ['oifname "igw" accept', ...vmap("oifname", interfaces, "in")]),
    chain("forward", [
      "type filter hook forward priority 0; policy drop;",
      // Checks are of every packet, groups only of a connection's first.
      "iifname @checked iifname . ip saddr != @own counter drop",
      "oifname @checked oifname . ip daddr != @own counter drop",
      'oifname "igw" iifname != @internet-routed drop',
      'oifname "igw" ip saddr != @public drop',
      'iifname "igw" oifname != @internet-routed drop',
      "ct state established,related accept",
      'iifname "igw" goto arriving',
      ...vmap("iifname", interfaces, "out"),
    ]),
    chain("input", [
      "type filter hook input priority 0; policy drop;",
      "ct state established,related accept",
      'iifname "lo" accept',
      "iifname . ip saddr != @own drop",
      "ip daddr 169.254.169.254 tcp dport 80 accept",
      "udp dport 53 accept",
      "icmp type echo-request accept",
    ]),
    chain("prerouting", ["type nat hook prerouting priority -100;", 'iifname "igw" dnat ip to ip daddr map @to-private']),
    chain("postrouting", ["type nat hook postrouting priority 100;", 'oifname "igw" snat ip to ip saddr map @to-public']),
    "}",
  ];
  return ["table inet vpc {}", "delete table inet vpc", "table netdev delivery {}", "delete table netdev delivery", ...lines, ""].join("\n");
}

export const deviceOf = ({ index }: { index: number }): string => `"v${1000 + index}"`;

/** Within a subnet AWS delivers by destination MAC, whatever the address in the packet; ARP is answered with the machine's own MAC. */
function delivery(interfaces: RuledInterface[]): string[] {
  const elements = (pairs: string[]) => `{ ${pairs.join(", ")} }`;
  const arp = interfaces.flatMap((one) => one.addresses.map((address) => `${address} : ${deviceOf(one)}`));
  return [
    "table netdev delivery {",
    chain("ingress", [
      `type filter hook ingress devices = ${elements(interfaces.map(deviceOf))} priority 0; policy accept;`,
      `fwd to arp daddr ip map ${elements(arp)}`,
      `meta mark set ether daddr map ${elements(interfaces.map(({ mac, index }) => `${mac} : ${1000 + index}`))} meta pkttype set host`,
    ]),
    "}",
  ];
}

const groupChains = ({ GroupId, IpPermissions = [], IpPermissionsEgress = [] }: SecurityGroup, known: Set<string>): string[] => [
  chain(`in-${GroupId}`, IpPermissions.flatMap((permission) => matches(permission, "saddr", "iifname", known)).map((match) => `${match}accept`)),
  chain(
    `out-${GroupId}`,
    IpPermissionsEgress.flatMap((permission) => matches(permission, "daddr", "oifname", known)).map((match) => `${match}goto arriving`),
  ),
];

function interfaceChains({ index, groups }: RuledInterface): string[] {
  if (groups.length === 0) return [chain(`in-v${1000 + index}`, ["accept"]), chain(`out-v${1000 + index}`, ["goto arriving"])];
  return ["in", "out"].map((way) => chain(`${way}-v${1000 + index}`, groups.map((id) => `jump ${way}-${id}`)));
}

const vmap = (key: string, interfaces: RuledInterface[], way: "in" | "out"): string[] =>
  interfaces.length ? [`${key} vmap { ${interfaces.map((one) => `${deviceOf(one)} : goto ${way}-v${1000 + one.index}`).join(", ")} }`] : [];

/** A rule for each peer of the permission. */
function matches(permission: IpPermission, address: "saddr" | "daddr", device: "iifname" | "oifname", known: Set<string>): string[] {
  const { IpRanges = [], UserIdGroupPairs = [] } = permission;
  const peers = [
    ...IpRanges.map(({ CidrIp }) => (CidrIp === "0.0.0.0/0" ? "" : `ip ${address} ${CidrIp} `)),
    ...UserIdGroupPairs.filter(({ GroupId }) => known.has(GroupId!)).map(({ GroupId }) => `${device} @${GroupId} `),
  ];
  return peers.map((peer) => peer + traffic(permission));
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html: ICMP's "ports" are its type and code, -1 is any. */
function traffic({ IpProtocol = "-1", FromPort = -1, ToPort = -1 }: IpPermission): string {
  const protocol = ({ "1": "icmp", "6": "tcp", "17": "udp" } as Record<string, string>)[IpProtocol] ?? IpProtocol;
  if (protocol === "-1") return "";
  if (protocol === "icmp") {
    if (FromPort === -1) return "meta l4proto icmp ";
    return `icmp type ${FromPort} ${ToPort === -1 ? "" : `icmp code ${ToPort} `}`;
  }
  if (protocol === "tcp" || protocol === "udp") {
    if (FromPort === -1) return `meta l4proto ${protocol} `;
    return `${protocol} dport ${FromPort === ToPort ? FromPort : `${FromPort}-${ToPort}`} `;
  }
  return `meta l4proto ${protocol} `;
}

const set = (name: string, type: string, elements: string[]): string =>
  `  set ${name} {\n    type ${type}\n${elements.length ? `    elements = { ${elements.join(", ")} }\n` : ""}  }`;

const map = (name: string, elements: string[]): string =>
  `  map ${name} {\n    type ipv4_addr : ipv4_addr\n${elements.length ? `    elements = { ${elements.join(", ")} }\n` : ""}  }`;

const chain = (name: string, rules: string[]): string => `  chain ${name} {\n${rules.map((rule) => `    ${rule}\n`).join("")}  }`;
