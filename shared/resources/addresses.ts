import {
  type Address,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  type EC2Client,
  type Filter,
  type Instance,
  type NetworkInterface,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { isNotFound } from "../aws/translate";
import type { Blocker, DeleteTarget } from "./blocker";
import { claimOf } from "./claim";
import { userOf } from "./network-interfaces";
import { markGone, remove, witness } from "./wave";

/** Notes the elastic addresses of these machines: once they have ended nothing shows whose those were. EC2's own go by themselves. */
export async function noteAddresses(ec2: EC2Client, instances: Instance[], { ref, ledger }: DeleteTarget): Promise<void> {
  const addressed = instances.filter(({ NetworkInterfaces = [] }) =>
    NetworkInterfaces.some(({ Association }) => Association?.IpOwnerId && Association.IpOwnerId !== "amazon"),
  );
  if (addressed.length === 0) return;
  const found = await addressesWith(ec2, { Name: "instance-id", Values: addressed.map(({ InstanceId }) => InstanceId!) });
  for (const { AllocationId = "", InstanceId = "", Tags } of found)
    if (!claimOf(Tags, ref)) witness(ledger, "address", AllocationId, { instance: InstanceId });
}

/**
 * Releases the elastic addresses that were noted, and those on interfaces in our VPC that nobody uses. A load balancer's, a NAT
 * gateway's and a foreign machine's are not taken off them.
 */
export async function releaseAddresses(ec2: EC2Client, { ref, ledger }: DeleteTarget, inVpc: NetworkInterface[]): Promise<Blocker[]> {
  const strays = inVpc.filter((one) => !userOf(one) && !claimOf(one.TagSet, ref));
  const onStray = strays.flatMap(({ Association }) => Association?.AllocationId ?? []);
  const noted = ledger.ofKind("address").flatMap(([, { id }]) => id ?? []);
  const Values = [...new Set([...onStray, ...noted])];
  const found = Values.length ? await addressesWith(ec2, { Name: "allocation-id", Values }) : [];
  const own = found.filter(({ Tags }) => !claimOf(Tags, ref));
  for (const { AllocationId = "" } of own) witness(ledger, "address", AllocationId);
  // An address that was taken off its interface leads back to nothing.
  if (own.length) await ledger.flush();
  const instances = new Set(ledger.ofKind("address").map(([, { detail }]) => detail?.["instance"]));
  const holderOf = ({ AssociationId, NetworkInterfaceId, InstanceId }: Address) => {
    if (!AssociationId || (InstanceId && instances.has(InstanceId))) return undefined;
    const within = inVpc.find((one) => one.NetworkInterfaceId === NetworkInterfaceId);
    return within ? (claimOf(within.TagSet, ref) ?? userOf(within)) : `network interface ${NetworkInterfaceId} outside the cluster's VPC`;
  };
  const left = own.map((address) => remove(`address ${address.AllocationId}`, () => release(ec2, address), holderOf(address)));
  const blockers = (await settleAll(left)).flat();
  markGone(ledger, ["address"], blockers);
  return blockers;
}

async function release(ec2: EC2Client, { AllocationId, AssociationId }: Address): Promise<void> {
  if (AssociationId)
    await ec2.send(new DisassociateAddressCommand({ AssociationId })).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  await ec2.send(new ReleaseAddressCommand({ AllocationId }));
}

const addressesWith = async (ec2: EC2Client, filter: Filter): Promise<Address[]> =>
  (await ec2.send(new DescribeAddressesCommand({ Filters: [filter] }))).Addresses ?? [];
