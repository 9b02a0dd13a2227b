import {
  DeleteNatGatewayCommand,
  DeleteNetworkAclCommand,
  DeleteVpcEndpointsCommand,
  DeleteVpcPeeringConnectionCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkAclsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  type EC2Client,
  type Filter,
  type Tag,
} from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import type { Blocker, DeleteTarget } from "./blocker";
import { claimOf } from "./claim";
import { markGone, remove, witness } from "./wave";

/** `addresses` outlive it. */
interface Attached {
  kind: "nat-gateway" | "vpc-endpoint" | "vpc-peering-connection" | "network-acl";
  id: string;
  tags: Tag[] | undefined;
  addresses?: string[];
  /** It was deleted and is not gone yet. */
  ending?: boolean;
  /** Answers why not, where EC2 says so without an error. */
  destroy: () => Promise<string | undefined>;
}

/** What no plan makes and a VPC rarely has, but is never deleted with: worth a look only when something is in the way. */
export async function deleteVpcAttachments(ec2: EC2Client, { ref, ledger }: DeleteTarget, vpcIds: string[]): Promise<Blocker[]> {
  const looks = [natGateways(ec2, vpcIds), endpoints(ec2, vpcIds), peerings(ec2, vpcIds), accessLists(ec2, vpcIds)];
  const found = (await Promise.all(looks)).flat();
  for (const { kind, id, tags, addresses = [] } of found) {
    if (claimOf(tags, ref)) continue;
    witness(ledger, kind, id);
    for (const address of addresses) witness(ledger, "address", address);
  }
  if (found.length) await ledger.flush();
  const blockers = (await settleAll(found.map((attached) => take(attached, claimOf(attached.tags, ref))))).flat();
  markGone(ledger, ["nat-gateway", "vpc-endpoint", "vpc-peering-connection", "network-acl"], blockers);
  return blockers;
}

async function take({ kind, id, ending, destroy }: Attached, claim: string | undefined): Promise<Blocker[]> {
  const resource = `${kind} ${id}`;
  const refused: Blocker[] = [];
  const call = async () => {
    const reason = claim ?? (ending ? "deleting" : await destroy());
    if (reason) refused.push({ resource, reason });
  };
  return [...(await remove(resource, call)), ...refused];
}

const inVpc = (Values: string[], Name = "vpc-id"): Filter[] => [{ Name, Values }];

async function natGateways(ec2: EC2Client, vpcIds: string[]): Promise<Attached[]> {
  const { NatGateways = [] } = await ec2.send(new DescribeNatGatewaysCommand({ Filter: inVpc(vpcIds) }));
  const there = NatGateways.filter(({ State }) => State !== "deleted");
  return there.map(({ NatGatewayId = "", Tags, State, NatGatewayAddresses = [] }) => ({
    kind: "nat-gateway",
    id: NatGatewayId,
    tags: Tags,
    addresses: NatGatewayAddresses.flatMap(({ AllocationId }) => AllocationId ?? []),
    ending: State === "deleting",
    destroy: async () => void (await ec2.send(new DeleteNatGatewayCommand({ NatGatewayId }))),
  }));
}

async function endpoints(ec2: EC2Client, vpcIds: string[]): Promise<Attached[]> {
  const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: inVpc(vpcIds) }));
  const there = VpcEndpoints.filter(({ State }) => State?.toLowerCase() !== "deleted");
  return there.map(({ VpcEndpointId = "", Tags, State }) => ({
    kind: "vpc-endpoint",
    id: VpcEndpointId,
    tags: Tags,
    ending: State?.toLowerCase() === "deleting",
    destroy: async () => {
      const { Unsuccessful = [] } = await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [VpcEndpointId] }));
      return Unsuccessful[0]?.Error?.Message;
    },
  }));
}

/** Either side may end it; ended ones stay listed for hours. */
async function peerings(ec2: EC2Client, vpcIds: string[]): Promise<Attached[]> {
  const sides = ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"].map((name) =>
    ec2.send(new DescribeVpcPeeringConnectionsCommand({ Filters: inVpc(vpcIds, name) })),
  );
  const all = (await Promise.all(sides)).flatMap(({ VpcPeeringConnections = [] }) => VpcPeeringConnections);
  const alive = all.filter(({ Status }) => ["active", "pending-acceptance", "provisioning"].includes(Status?.Code ?? ""));
  return alive.map(({ VpcPeeringConnectionId = "", Tags }) => ({
    kind: "vpc-peering-connection",
    id: VpcPeeringConnectionId,
    tags: Tags,
    destroy: async () => void (await ec2.send(new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId }))),
  }));
}

/** The default list goes with its VPC. */
async function accessLists(ec2: EC2Client, vpcIds: string[]): Promise<Attached[]> {
  const Filters = [...inVpc(vpcIds), { Name: "default", Values: ["false"] }];
  const { NetworkAcls = [] } = await ec2.send(new DescribeNetworkAclsCommand({ Filters }));
  return NetworkAcls.map(({ NetworkAclId = "", Tags }) => ({
    kind: "network-acl",
    id: NetworkAclId,
    tags: Tags,
    destroy: async () => void (await ec2.send(new DeleteNetworkAclCommand({ NetworkAclId }))),
  }));
}
