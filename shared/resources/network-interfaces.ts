import { DeleteNetworkInterfaceCommand, type EC2Client, type NetworkInterface } from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import type { Blocker, DeleteTarget } from "./blocker";
import { claimOf } from "./claim";
import { heldByMachine, markGone, remove, witness } from "./wave";

/**
 * Deletes the interfaces that hang on nothing. The others belong to somebody who deletes them: a machine, or the AWS service that
 * manages them (load balancers let go of theirs within minutes); they are blockers that name it.
 */
export async function deleteInterfaces(ec2: EC2Client, interfaces: NetworkInterface[], { ref, ledger }: DeleteTarget): Promise<Blocker[]> {
  const left = interfaces.map(async (one) => {
    const { NetworkInterfaceId = "", TagSet } = one;
    const resource = `network-interface ${NetworkInterfaceId}`;
    const claim = claimOf(TagSet, ref);
    if (claim) return [{ resource, reason: claim }];
    const holder = userOf(one);
    if (!holder) witness(ledger, "network-interface", NetworkInterfaceId);
    const blockers = await remove(resource, () => ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId })), holder);
    return one.Attachment?.InstanceId ? heldByMachine(blockers) : blockers;
  });
  const blockers = (await settleAll(left)).flat();
  markGone(ledger, ["network-interface"], blockers);
  return blockers;
}

/** Who uses it: the machine it is attached to, else in words of the service that made it. */
export function userOf({ Status, Attachment, RequesterManaged, Description }: NetworkInterface): string | undefined {
  if (Attachment?.InstanceId) return `instance ${Attachment.InstanceId}`;
  return Status === "available" && !RequesterManaged ? undefined : Description || Status || "something unknown";
}
