import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteTableCommand,
  DisassociateRouteTableCommand,
  type EC2Client,
  ReplaceRouteCommand,
  type RouteTable,
} from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { tagSpecification } from "../aws/tags";
import { isNotFound } from "../aws/translate";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker } from "./blocker";
import { type Missing, adopt, idOf, remove } from "./wave";

const anywhere = "0.0.0.0/0";

/** The route table when it is missing. Of several the one with the most associations is kept. */
export async function missingRouteTable(
  ec2: EC2Client,
  plan: ClusterPlan,
  ledger: Ledger,
  VpcId: string,
  seen: RouteTable[],
): Promise<Missing[]> {
  const found = seen
    .filter((table) => table.VpcId === VpcId)
    .sort((one, other) => (other.Associations?.length ?? 0) - (one.Associations?.length ?? 0));
  const { one, extras } = adopt(ledger, "route-table/main", found, ({ RouteTableId }) => RouteTableId);
  await deleteRouteTables(ec2, extras);
  if (one) return [];
  const { name } = plan.network.routeTable;
  // A token that was used answers with the table of that time, also when it was deleted since.
  const token = `${plan.uid}-${VpcId}-${ledger.entry("route-table/main")?.id ?? "first"}`;
  const make = async () => {
    const { RouteTable } = await ec2.send(
      new CreateRouteTableCommand({
        VpcId,
        ClientToken: token,
        TagSpecifications: [tagSpecification("route-table", { ...plan.tags, Name: name })],
      }),
    );
    return { id: RouteTable!.RouteTableId! };
  };
  return [{ key: "route-table/main", token, make }];
}

/** The way out through the gateway, and every subnet on this table. */
export async function ensureRoutes(
  ec2: EC2Client,
  plan: ClusterPlan,
  ledger: Ledger,
  GatewayId: string,
  seen: RouteTable[],
): Promise<void> {
  const RouteTableId = idOf(ledger, "route-table/main");
  const { Routes = [], Associations = [] } = seen.find((table) => table.RouteTableId === RouteTableId) ?? {};
  const out = Routes.find(({ DestinationCidrBlock }) => DestinationCidrBlock === anywhere);
  const route = { RouteTableId, DestinationCidrBlock: anywhere, GatewayId };
  const associated = new Set(Associations.map(({ SubnetId }) => SubnetId));
  const apart = plan.network.subnets.map(({ key }) => idOf(ledger, `subnet/${key}`)).filter((id) => !associated.has(id));
  await settleAll<unknown>([
    ...(out ? [] : [ec2.send(new CreateRouteCommand(route))]),
    ...(out && out.GatewayId !== GatewayId ? [ec2.send(new ReplaceRouteCommand(route))] : []),
    ...apart.map((SubnetId) => ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }))),
  ]);
}

/** The main table goes with its VPC. */
export async function deleteRouteTables(ec2: EC2Client, tables: RouteTable[]): Promise<Blocker[]> {
  const own = tables.filter(({ Associations = [] }) => !Associations.some(({ Main }) => Main));
  const left = own.map(({ RouteTableId, Associations = [] }) =>
    remove(`route-table ${RouteTableId}`, async () => {
      for (const { RouteTableAssociationId: AssociationId } of Associations)
        await ec2.send(new DisassociateRouteTableCommand({ AssociationId })).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      await ec2.send(new DeleteRouteTableCommand({ RouteTableId }));
    }),
  );
  return (await settleAll(left)).flat();
}
