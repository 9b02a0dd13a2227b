import type { IpPermission } from "@aws-sdk/client-ec2";
import type { GroupKey, RulePlan } from "../plan/cluster-plan";
import { looseCidr } from "../spec/cidr";

/** EC2 stores blocks in canonical form and answers Duplicate to another spelling of one that is there. */
const canonical = (cidr: string): string => looseCidr(cidr)?.text ?? cidr.toLowerCase();

/** A planned rule as EC2 takes it, with one source. Protocols by number are sent with the whole range, as kOps sends them. */
export function permissionOf(rule: RulePlan, groupId: (key: GroupKey) => string): IpPermission {
  const { protocol, fromPort, toPort, from, description: Description } = rule;
  const whole = protocol === "-1" ? {} : { FromPort: 0, ToPort: 65535 };
  const ports = fromPort === undefined ? whole : { FromPort: fromPort, ToPort: toPort };
  if ("group" in from) return { IpProtocol: protocol, ...ports, UserIdGroupPairs: [{ GroupId: groupId(from.group), Description }] };
  const cidr = canonical(from.cidr);
  return cidr.includes(":")
    ? { IpProtocol: protocol, ...ports, Ipv6Ranges: [{ CidrIpv6: cidr, Description }] }
    : { IpProtocol: protocol, ...ports, IpRanges: [{ CidrIp: cidr, Description }] };
}

/** EC2 merges rules of the same ports into one permission: this takes them apart again, one source each. */
export function bySource(permissions: IpPermission[] = []): IpPermission[] {
  return permissions.flatMap(({ IpRanges = [], Ipv6Ranges = [], PrefixListIds = [], UserIdGroupPairs = [], ...ports }) => [
    ...IpRanges.map((range) => ({ ...ports, IpRanges: [range] })),
    ...Ipv6Ranges.map((range) => ({ ...ports, Ipv6Ranges: [range] })),
    ...PrefixListIds.map((list) => ({ ...ports, PrefixListIds: [list] })),
    ...UserIdGroupPairs.map((pair) => ({ ...ports, UserIdGroupPairs: [pair] })),
  ]);
}

function identity({ IpProtocol = "-1", FromPort, ToPort, IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs }: IpPermission): string {
  const ports = ["tcp", "udp", "icmp", "icmpv6"].includes(IpProtocol) ? `${FromPort}-${ToPort}` : "all";
  const source = IpRanges?.[0]?.CidrIp ?? Ipv6Ranges?.[0]?.CidrIpv6 ?? PrefixListIds?.[0]?.PrefixListId ?? UserIdGroupPairs?.[0]?.GroupId;
  return `${IpProtocol} ${ports} ${source}`;
}

/** What to authorise and what to revoke so that exactly the planned rules are there. Descriptions are not compared. */
export function difference(planned: IpPermission[], present: IpPermission[]): { missing: IpPermission[]; unplanned: IpPermission[] } {
  const wanted = new Map(planned.map((permission) => [identity(permission), permission]));
  const there = new Map(present.map((permission) => [identity(permission), permission]));
  return {
    missing: [...wanted].filter(([key]) => !there.has(key)).map(([, permission]) => permission),
    unplanned: [...there].filter(([key]) => !wanted.has(key)).map(([, permission]) => permission),
  };
}
