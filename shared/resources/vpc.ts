import {
  CreateVpcCommand,
  DeleteVpcCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
  type Vpc,
} from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { tagSpecification, withTags } from "../aws/tags";
import { Ambiguous } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";
import { type Missing, adopt, ownTags, remove } from "./wave";

/**
 * The VPC when it is missing. CreateVpc has no ClientToken: extras are deleted.
 * @throws Ambiguous when an extra is not empty, so that neither can be chosen.
 */
export async function missingVpc(
  ec2: EC2Client,
  plan: ClusterPlan,
  ledger: Ledger,
  { vpcs }: { vpcs: Vpc[] },
  sentTwice: string[],
): Promise<Missing[]> {
  const { one, extras } = adopt(ledger, "vpc/main", vpcs, ({ VpcId }) => VpcId);
  const [blocker] = await deleteVpcs(ec2, extras);
  if (blocker) throw new Ambiguous(`two VPCs carry the tags of ${plan.name} (${plan.uid}); ${blocker.resource}: ${blocker.reason}`);
  if (one) return [];
  const { name, cidr } = plan.network.vpc;
  const make = async () => {
    const { Vpc, $metadata } = await ec2.send(
      new CreateVpcCommand({ CidrBlock: cidr, TagSpecifications: [tagSpecification("vpc", { ...plan.tags, Name: name })] }),
    );
    if (($metadata.attempts ?? 1) > 1) sentTwice.push("CreateVpc");
    return { id: Vpc!.VpcId! };
  };
  return [{ key: "vpc/main", token: name, make }];
}

const attributes = { enableDnsSupport: "EnableDnsSupport", enableDnsHostnames: "EnableDnsHostnames" } as const;

/** Resolver and host names inside: nodes are known by their private DNS names. A new VPC has the resolver already. */
export async function ensureDns(ec2: EC2Client, VpcId: string, existed: boolean): Promise<void> {
  const wanting = existed
    ? await Promise.all(
        (["enableDnsSupport", "enableDnsHostnames"] as const).map(async (Attribute) => {
          const reply = await ec2.send(new DescribeVpcAttributeCommand({ VpcId, Attribute }));
          return reply[attributes[Attribute]]?.Value ? [] : [Attribute];
        }),
      )
    : [["enableDnsHostnames" as const]];
  // EC2 takes one attribute a call.
  for (const attribute of wanting.flat())
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId, [attributes[attribute]]: { Value: true } }));
}

/** The cluster's VPC by the ledger or, where its id was never heard, by tag: with a lost reply there can be two. Gone is none. */
export async function ownVpcIds(ec2: EC2Client, { ref, deployment, ledger }: DeleteTarget): Promise<string[]> {
  const known = ledger.id("vpc/main");
  if (known) return [known];
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({ Filters: withTags(ownTags(ref.uid, deployment)) }));
  return Vpcs.map(({ VpcId }) => VpcId!);
}

export async function deleteVpcs(ec2: EC2Client, vpcs: Vpc[]): Promise<Blocker[]> {
  return (await settleAll(vpcs.map(({ VpcId }) => remove(`vpc ${VpcId}`, () => ec2.send(new DeleteVpcCommand({ VpcId })))))).flat();
}
