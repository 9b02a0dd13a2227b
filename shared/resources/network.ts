import type { EC2Client, NetworkInterface, RouteTable, SecurityGroup, Tag } from "@aws-sdk/client-ec2";
import { settleAll, whileSettling } from "../aws/settle";
import { tagOf, withTags } from "../aws/tags";
import { TryAgain } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { TAG_UID } from "../plan/names";
import type { Ledger } from "../registry/ledger";
import { releaseAddresses } from "./addresses";
import type { Blocker, DeleteTarget } from "./blocker";
import { claimOf } from "./claim";
import { deleteGateways, missingGateway, ensureAttached } from "./internet-gateway";
import { deleteInterfaces } from "./network-interfaces";
import { type SeenNetwork, holderAmong, lookByTags, lookForDelete } from "./network-look";
import { deleteRouteTables, ensureRoutes, missingRouteTable } from "./route-table";
import { deleteGroups, ensureRules, missingGroups, revokeReferences } from "./security-groups";
import { deleteSubnets, ensurePublicAddresses, missingSubnets } from "./subnets";
import { deleteVpcs, ensureDns, missingVpc } from "./vpc";
import { deleteVpcAttachments } from "./vpc-attachments";
import { idOf, makeAll, markGone, notSeenYet, ownTags, witness } from "./wave";

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
 * Deletes what carries the cluster's tags and whatever stands in its VPC, by whomever it was made, as far as nothing holds it. What
 * another cluster's tag claims stays and is a blocker, as is every interface that a foreign machine or an AWS service uses.
 */
export async function deleteNetwork(ec2: EC2Client, target: DeleteTarget): Promise<Blocker[]> {
  const { ref, deployment, ledger } = target;
  const seen = await lookForDelete(ec2, withTags(ownTags(ref.uid, deployment)), ledger.id("vpc/main"));
  const vpcIds = seen.vpcs.map(({ VpcId }) => VpcId!);
  const { own, claimed } = claims(seen, target);
  const held = await releaseAddresses(ec2, target, seen.interfaces);
  const used = await deleteInterfaces(ec2, seen.interfaces, target);
  const isHolding = ({ NetworkInterfaceId }: NetworkInterface) => used.some(({ resource }) => resource.endsWith(` ${NetworkInterfaceId}`));
  const holding = seen.interfaces.filter(isHolding);
  const holderWhere = (holds: (of: NetworkInterface) => boolean) => holderAmong(holding.filter(holds));
  await revokeReferences(ec2, own.groups);
  const inside = await settleAll([
    deleteSubnets(ec2, own.subnets, (id) => holderWhere(({ SubnetId }) => SubnetId === id)),
    deleteGroups(ec2, own.groups, (id) => holderWhere(({ Groups = [] }) => Groups.some(({ GroupId }) => GroupId === id))),
    deleteGateways(ec2, own.gateways, (vpcs) => holderWhere(({ VpcId, Association }) => Boolean(Association) && vpcs.includes(VpcId!))),
    deleteRouteTables(ec2, own.routeTables),
  ]);
  const blockers = [...claimed, ...held, ...used, ...inside.flat(), ...notSeenYet(ledger, INSIDE, idsOf(seen))];
  if (blockers.length === 0) blockers.push(...(await deleteVpcs(ec2, own.vpcs)));
  else blockers.push(...own.vpcs.map(({ VpcId }) => ({ resource: `vpc ${VpcId}`, reason: "not empty" })));
  if (blockers.length && vpcIds.length) blockers.push(...(await deleteVpcAttachments(ec2, target, vpcIds)));
  markGone(ledger, [...INSIDE, "vpc"], blockers);
  return blockers;
}

const INSIDE = ["security-group", "subnet", "route-table", "internet-gateway"];
const idsOf = ({ gateways, subnets, routeTables, groups }: SeenNetwork): (string | undefined)[] => [
  ...gateways.map(({ InternetGatewayId }) => InternetGatewayId),
  ...subnets.map(({ SubnetId }) => SubnetId),
  ...routeTables.map(({ RouteTableId }) => RouteTableId),
  ...groups.map(({ GroupId }) => GroupId),
];

/** Parts what is ours to delete from what another cluster's tag claims, and writes down what others put into our VPC. */
function claims(seen: SeenNetwork, { ref, ledger }: DeleteTarget): { own: SeenNetwork; claimed: Blocker[] } {
  const claimed: Blocker[] = [];
  const ownOf = <Thing extends { Tags?: Tag[] }>(kind: string, things: Thing[], idOf: (thing: Thing) => string | undefined): Thing[] =>
    things.filter((thing) => {
      const id = idOf(thing)!;
      const claim = claimOf(thing.Tags, ref);
      if (claim) claimed.push({ resource: `${kind} ${id}`, reason: claim });
      else if (tagOf(thing.Tags, TAG_UID) !== ref.uid) witness(ledger, kind, id);
      return !claim;
    });
  const own = {
    vpcs: ownOf("vpc", seen.vpcs, ({ VpcId }) => VpcId),
    gateways: ownOf("internet-gateway", seen.gateways, ({ InternetGatewayId }) => InternetGatewayId),
    subnets: ownOf("subnet", seen.subnets, ({ SubnetId }) => SubnetId),
    routeTables: ownOf("route-table", seen.routeTables.filter(isExtra), ({ RouteTableId }) => RouteTableId),
    groups: [
      ...seen.groups.filter(isDefault),
      ...ownOf(
        "security-group",
        seen.groups.filter((group) => !isDefault(group)),
        ({ GroupId }) => GroupId,
      ),
    ],
  };
  return { own, claimed };
}

/** EC2 makes a VPC with one of each, and takes them away with it. */
const isDefault = ({ GroupName }: SecurityGroup): boolean => GroupName === "default";
const isExtra = ({ Associations = [] }: RouteTable): boolean => !Associations.some(({ Main }) => Main);
