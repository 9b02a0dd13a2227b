import { CreateSubnetCommand, DeleteSubnetCommand, type EC2Client, ModifySubnetAttributeCommand, type Subnet } from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { tagOf, tagSpecification } from "../aws/tags";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker } from "./blocker";
import { type Missing, adopt, idOf, remove } from "./wave";

/** The planned subnets that are not in `vpcId`. A block is in a VPC only once, so there are no extras. */
export function missingSubnets(ec2: EC2Client, plan: ClusterPlan, ledger: Ledger, vpcId: string, seen: Subnet[]): Missing[] {
  return plan.network.subnets.flatMap(({ key: subnet, name, zone, cidr, tags }) => {
    const key = `subnet/${subnet}`;
    const found = seen.filter(({ VpcId, Tags }) => VpcId === vpcId && tagOf(Tags, "Name") === name);
    if (adopt(ledger, key, found, ({ SubnetId }) => SubnetId).one) return [];
    const TagSpecifications = [tagSpecification("subnet", { ...plan.tags, ...tags, Name: name })];
    const make = async () => {
      const { Subnet } = await ec2.send(
        new CreateSubnetCommand({ VpcId: vpcId, AvailabilityZone: zone, CidrBlock: cidr, TagSpecifications }),
      );
      return { id: Subnet!.SubnetId! };
    };
    return [{ key, token: name, make }];
  });
}

/** Load balancers and machines that others start here get public addresses, as in kOps' public subnets. */
export async function ensurePublicAddresses(ec2: EC2Client, plan: ClusterPlan, ledger: Ledger, seen: Subnet[]): Promise<void> {
  const wanting = plan.network.subnets
    .map(({ key }) => idOf(ledger, `subnet/${key}`))
    .filter((id) => !seen.find(({ SubnetId }) => SubnetId === id)?.MapPublicIpOnLaunch);
  await settleAll(
    wanting.map((SubnetId) => ec2.send(new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: true } }))),
  );
}

export async function deleteSubnets(ec2: EC2Client, subnets: Subnet[], holderOf: (id: string) => string | undefined): Promise<Blocker[]> {
  const left = subnets.map(({ SubnetId }) =>
    remove(`subnet ${SubnetId}`, () => ec2.send(new DeleteSubnetCommand({ SubnetId })), holderOf(SubnetId!)),
  );
  return (await settleAll(left)).flat();
}
