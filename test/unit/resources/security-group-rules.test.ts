import type { RulePlan } from "../../../shared/plan/cluster-plan";
import { bySource, difference, permissionOf } from "../../../shared/resources/security-group-rules";

const groupId = (key: string) => `sg-${key}`;
const ssh = (cidr: string): RulePlan => ({ protocol: "tcp", fromPort: 22, toPort: 22, from: { cidr }, description: "sshAccess" });
const all: RulePlan = { protocol: "-1", from: { group: "node" }, description: "node to node" };

test("a rule from a block, of either IP version, is spelled as EC2 stores it", () => {
  expect(permissionOf(ssh("10.1.2.3/16"), groupId)).toEqual({
    IpProtocol: "tcp",
    FromPort: 22,
    ToPort: 22,
    IpRanges: [{ CidrIp: "10.1.0.0/16", Description: "sshAccess" }],
  });
  expect(permissionOf(ssh("2001:DB8::/32"), groupId).Ipv6Ranges).toEqual([{ CidrIpv6: "2001:db8::/32", Description: "sshAccess" }]);
});

test("a rule from a group names its id; all protocols have no ports, a numbered one has the whole range", () => {
  expect(permissionOf(all, groupId)).toEqual({ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: "sg-node", Description: "node to node" }] });
  expect(permissionOf({ ...all, protocol: "4" }, groupId)).toMatchObject({ IpProtocol: "4", FromPort: 0, ToPort: 65535 });
});

test("what EC2 merged is taken apart, one source each", () => {
  const merged = {
    IpProtocol: "tcp",
    FromPort: 22,
    ToPort: 22,
    IpRanges: [{ CidrIp: "10.0.0.0/8" }, { CidrIp: "192.0.2.0/24" }],
    Ipv6Ranges: [{ CidrIpv6: "::/0" }],
    PrefixListIds: [{ PrefixListId: "pl-1" }],
    UserIdGroupPairs: [{ GroupId: "sg-1" }],
  };
  expect(bySource([merged]).map(({ IpProtocol: _protocol, FromPort: _from, ToPort: _to, ...source }) => source)).toEqual([
    { IpRanges: [{ CidrIp: "10.0.0.0/8" }] },
    { IpRanges: [{ CidrIp: "192.0.2.0/24" }] },
    { Ipv6Ranges: [{ CidrIpv6: "::/0" }] },
    { PrefixListIds: [{ PrefixListId: "pl-1" }] },
    { UserIdGroupPairs: [{ GroupId: "sg-1" }] },
  ]);
  expect(bySource(undefined)).toEqual([]);
});

test("the difference is what is missing and what nobody planned", () => {
  const planned = [permissionOf(all, groupId), permissionOf(ssh("10.0.0.0/8"), groupId), permissionOf(ssh("10.0.0.0/8"), groupId)];
  const present = [permissionOf(all, groupId), permissionOf(ssh("0.0.0.0/0"), groupId)];
  const { missing, unplanned } = difference(planned, present);
  expect(missing).toEqual([permissionOf(ssh("10.0.0.0/8"), groupId)]);
  expect(unplanned).toEqual([permissionOf(ssh("0.0.0.0/0"), groupId)]);
});

test("EC2's ways of telling the same rule are no difference: account in a pair, ports of all protocols, another description", () => {
  const planned = [permissionOf(all, groupId), permissionOf({ ...all, protocol: "4" }, groupId)];
  const present = [
    {
      IpProtocol: "-1",
      FromPort: -1,
      ToPort: -1,
      UserIdGroupPairs: [{ UserId: "111122223333", GroupId: "sg-node", Description: "by hand" }],
    },
    { IpProtocol: "4", UserIdGroupPairs: [{ UserId: "111122223333", GroupId: "sg-node" }] },
  ];
  expect(difference(planned, present)).toEqual({ missing: [], unplanned: [] });
});
