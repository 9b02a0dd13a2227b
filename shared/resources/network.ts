import type { EC2Client } from "@aws-sdk/client-ec2";
import { settleAll, whileSettling } from "../aws/settle";
import { withTags } from "../aws/tags";
import { TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";
import { deleteGateways, missingGateway, ensureAttached } from "./internet-gateway";
import { holderAmong, lookByTags, lookForDelete } from "./network-look";
import { deleteRouteTables, ensureRoutes, missingRouteTable } from "./route-table";
import { deleteGroups, ensureRules, missingGroups, revokeReferences } from "./security-groups";
import { deleteSubnets, ensurePublicAddresses, missingSubnets } from "./subnets";
import { deleteVpcs, ensureDns, missingVpc } from "./vpc";
import { idOf, makeAll, markGone, ownTags } from "./wave";

/**
 * VPC, internet gateway, subnets, route table and security groups as planned: one look, then two waves of creates and one of
 * settings. Of VPCs and gateways made twice by a lost reply one is kept.
 * @throws TryAgain while EC2 does not yet show what was made, or when a create call had to be sent twice.
 */
export const ensureNetwork = (ec2: EC2Client, plan: ClusterPlan, ledger: Ledger): Promise<void> =>
  whileSettling(async () => {
    const seen = await lookByTags(ec2, withTags(ownTags(plan.uid, plan.deployment)));
    const sentTwice: string[] = [];
    await makeAll(ledger, [
      ...(await missingVpc(ec2, plan, ledger, seen, sentTwice)),
      ...(await missingGateway(ec2, plan, ledger, seen, sentTwice)),
    ]);
    const vpcId = idOf(ledger, "vpc/main");
    const gatewayId = idOf(ledger, "internet-gateway/main");
    await settleAll([
      ensureDns(
        ec2,
        vpcId,
        seen.vpcs.some(({ VpcId }) => VpcId === vpcId),
      ),
      ensureAttached(ec2, vpcId, gatewayId, seen.gateways),
      makeAll(ledger, [
        ...missingSubnets(ec2, plan, ledger, vpcId, seen.subnets),
        ...(await missingRouteTable(ec2, plan, ledger, vpcId, seen.routeTables)),
        ...missingGroups(ec2, plan, ledger, vpcId, seen.groups),
      ]),
    ]);
    await settleAll([
      ensurePublicAddresses(ec2, plan, ledger, seen.subnets),
      ensureRoutes(ec2, plan, ledger, gatewayId, seen.routeTables),
      ensureRules(ec2, plan, ledger, seen.groups),
    ]);
    if (sentTwice.length)
      throw new TryAgain(`${sentTwice.join(" and ")} was sent more than once: the next look deletes what was made twice`);
  });

/**
 * Deletes what carries the cluster's tags and what is in its VPC, as far as nothing holds it. Network interfaces belong to
 * somebody who deletes them (instances, load balancers): they are named as holders and left.
 */
export async function deleteNetwork(ec2: EC2Client, { ref, deployment, ledger }: DeleteTarget): Promise<Blocker[]> {
  const seen = await lookForDelete(ec2, withTags(ownTags(ref.uid, deployment)));
  const holderWhere = (holds: (of: (typeof seen.interfaces)[number]) => boolean) => holderAmong(seen.interfaces.filter(holds));
  await revokeReferences(ec2, seen.groups);
  const inside = await settleAll([
    deleteSubnets(ec2, seen.subnets, (id) => holderWhere(({ SubnetId }) => SubnetId === id)),
    deleteGroups(ec2, seen.groups, (id) => holderWhere(({ Groups = [] }) => Groups.some(({ GroupId }) => GroupId === id))),
    deleteGateways(ec2, seen.gateways, (vpcs) => holderWhere(({ VpcId, Association }) => Boolean(Association) && vpcs.includes(VpcId!))),
    deleteRouteTables(ec2, seen.routeTables),
  ]);
  const blockers = inside.flat();
  if (blockers.length === 0) blockers.push(...(await deleteVpcs(ec2, seen.vpcs)));
  else blockers.push(...seen.vpcs.map(({ VpcId }) => ({ resource: `vpc ${VpcId}`, reason: "not empty" })));
  markGone(ledger, ["security-group", "subnet", "route-table", "internet-gateway", "vpc"], blockers);
  return blockers;
}
