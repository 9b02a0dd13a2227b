import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  type EC2Client,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { tagSpecification } from "../aws/tags";
import { isNotFound } from "../aws/translate";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker } from "./blocker";
import { bySource, difference, permissionOf } from "./security-group-rules";
import { type Missing, adopt, idOf, remove } from "./wave";

/** The planned groups that are not in `vpcId`. EC2 keeps names unique in a VPC, so there are no extras. */
export function missingGroups(ec2: EC2Client, plan: ClusterPlan, ledger: Ledger, vpcId: string, seen: SecurityGroup[]): Missing[] {
  return plan.network.securityGroups.flatMap(({ key: group, name, description }) => {
    const key = `security-group/${group}`;
    const found = seen.filter(({ VpcId, GroupName }) => VpcId === vpcId && GroupName === name);
    if (adopt(ledger, key, found, ({ GroupId }) => GroupId).one) return [];
    const TagSpecifications = [tagSpecification("security-group", { ...plan.tags, Name: name })];
    const make = async () => {
      const reply = await ec2.send(
        new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName: name, Description: description, TagSpecifications }),
      );
      return { id: reply.GroupId! };
    };
    return [{ key, token: name, make }];
  });
}

/** Ingress exactly as planned: at most one call to authorise and one to revoke for each group. Egress stays as EC2 makes it: open. */
export async function ensureRules(ec2: EC2Client, plan: ClusterPlan, ledger: Ledger, seen: SecurityGroup[]): Promise<void> {
  const groupId = (key: string) => idOf(ledger, `security-group/${key}`);
  await settleAll(
    plan.network.securityGroups.map(async ({ key, ingress }) => {
      const GroupId = groupId(key);
      const present = bySource(seen.find((group) => group.GroupId === GroupId)?.IpPermissions);
      const planned = ingress.map((rule) => permissionOf(rule, groupId));
      const { missing, unplanned } = difference(planned, present);
      if (missing.length) await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: missing }));
      if (unplanned.length) await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: unplanned }));
    }),
  );
}

/** Takes away the rules by which groups name each other: a group that is named in another's rule cannot be deleted. */
export async function revokeReferences(ec2: EC2Client, groups: SecurityGroup[]): Promise<void> {
  const revoked = groups.flatMap(({ GroupId, IpPermissions: ingress, IpPermissionsEgress: egress }) => {
    const others = (permissions: typeof ingress) =>
      bySource(permissions).filter(({ UserIdGroupPairs: [pair] = [] }) => pair && pair.GroupId !== GroupId);
    const [inward, outward] = [others(ingress), others(egress)];
    return [
      ...(inward.length ? [ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: inward })).catch(ignoreGone)] : []),
      ...(outward.length ? [ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: outward })).catch(ignoreGone)] : []),
    ];
  });
  await settleAll<unknown>(revoked);
}
const ignoreGone = (error: unknown): void => {
  if (!isNotFound(error)) throw error;
};

/** The default group goes with its VPC. */
export async function deleteGroups(
  ec2: EC2Client,
  groups: SecurityGroup[],
  holderOf: (id: string) => string | undefined,
): Promise<Blocker[]> {
  const own = groups.filter(({ GroupName }) => GroupName !== "default");
  const left = own.map(({ GroupId }) =>
    remove(`security-group ${GroupId}`, () => ec2.send(new DeleteSecurityGroupCommand({ GroupId })), holderOf(GroupId!)),
  );
  return (await settleAll(left)).flat();
}
