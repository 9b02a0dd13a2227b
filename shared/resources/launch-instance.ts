import { type EC2Client, type Instance, RunInstancesCommand, type RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { tagSpecification } from "../aws/tags";
import { codeOf, translate } from "../aws/translate";
import { CapacityMissing, ImageNotFound, TryAgain } from "../errors";
import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import { clientToken } from "../plan/names";
import type { LedgerEntry } from "../registry/cluster-record";
import type { Ledger } from "../registry/ledger";
import { idOf } from "./wave";

export const TAG_NODE = "clowder:node";
export const TAG_ROLE = "clowder:role";

/** The same attempt until it is known that its instance was made; then, that one being gone, past the tokens of its subnets. */
export function nextAttempt({ otherSubnets }: InstancePlan, entry: LedgerEntry | undefined): number {
  if (!entry) return 0;
  const attempt = Number(/-(\d+)$/.exec(entry.token)?.[1] ?? 0);
  return entry.state === "intended" ? attempt : attempt + 1 + otherSubnets.length;
}

/**
 * Starts one instance. Where EC2 has no capacity its other subnets are tried in turn, each with a token of its own.
 * @throws CapacityMissing when none has any; TryAgain while EC2 does not know the new instance profile; ImageNotFound
 */
export async function launchInstance(
  ec2: EC2Client,
  { plan, instance, attempt, userData }: { plan: ClusterPlan; instance: InstancePlan; attempt: number; userData: string },
  ledger: Ledger,
): Promise<Instance> {
  let refusal: unknown;
  for (const [index, subnet] of [instance.subnet, ...instance.otherSubnets].entries()) {
    const ClientToken = clientToken(plan.uid, instance.key, attempt + index);
    try {
      const request = requestOf(plan, instance, idOf(ledger, `subnet/${subnet}`), idOf(ledger, `security-group/${instance.securityGroup}`));
      const { Instances = [] } = await ec2.send(
        new RunInstancesCommand({ ...request, ClientToken, UserData: Buffer.from(userData).toString("base64") }),
      );
      return startedOf(Instances[0]!, instance, ledger);
    } catch (error) {
      refusal = meaningOf(error, instance);
      if (!(refusal instanceof CapacityMissing)) throw refusal;
    }
  }
  throw refusal;
}

/** EC2 answers a token of long ago with the instance of that time, even when it has ended: the ledger then calls for another token. */
function startedOf(made: Instance, { key }: InstancePlan, ledger: Ledger): Instance {
  if (made.State?.Name !== "terminated" && made.State?.Name !== "shutting-down") return made;
  ledger.made(`instance/${key}`, made.InstanceId!);
  ledger.gone(`instance/${key}`);
  throw new TryAgain(`${key} ended as ${made.InstanceId}: ${made.StateReason?.Message ?? "EC2 gives no reason"}`);
}

function meaningOf(error: unknown, { imageId, profile }: InstancePlan): unknown {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : "";
  if (code === "InvalidParameterValue" && /iam ?instance ?profile/i.test(message))
    return new TryAgain(`EC2 does not know the instance profile ${profile} yet`, { cause: error });
  if (code.startsWith("InvalidAMIID")) return new ImageNotFound(`${imageId}: ${message}`);
  const translated = translate(error);
  return translated instanceof CapacityMissing ? translated : error;
}

/** IMDSv2 only, one hop: pods cannot reach the node's credentials. Everything that comes to be carries the tags from the start. */
function requestOf(plan: ClusterPlan, instance: InstancePlan, SubnetId: string, groupId: string): RunInstancesCommandInput {
  const { sizeGiB, type, iops } = instance.rootVolume;
  const tags = { ...plan.tags, ...instance.tags, Name: instance.name, [TAG_NODE]: instance.key, [TAG_ROLE]: instance.role };
  return {
    MinCount: 1,
    MaxCount: 1,
    ImageId: instance.imageId,
    InstanceType: instance.machineType as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    KeyName: plan.keypair.name,
    IamInstanceProfile: { Name: instance.profile },
    MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1, InstanceMetadataTags: "disabled" },
    BlockDeviceMappings: [
      {
        DeviceName: instance.rootDevice,
        Ebs: {
          Encrypted: true,
          DeleteOnTermination: true,
          VolumeSize: sizeGiB,
          VolumeType: type as "gp3",
          ...(iops !== undefined && { Iops: iops }),
        },
      },
    ],
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId,
        Groups: [groupId],
        DeleteOnTermination: true,
        AssociatePublicIpAddress: instance.associatePublicIp,
        ...(instance.privateAddress && { PrivateIpAddress: instance.privateAddress }),
      },
    ],
    TagSpecifications: (["instance", "volume", "network-interface"] as const).map((type) => tagSpecification(type, tags)),
  };
}
