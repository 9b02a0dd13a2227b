import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  DeleteInternetGatewayCommand,
  DetachInternetGatewayCommand,
  type EC2Client,
  type InternetGateway,
} from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { tagSpecification } from "../aws/tags";
import { isNotFound } from "../aws/translate";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker } from "./blocker";
import { type Missing, adopt, remove } from "./wave";

/** The gateway when it is missing. An attached one is preferred: the extra of a lost reply is attached to nothing. */
export async function missingGateway(
  ec2: EC2Client,
  plan: ClusterPlan,
  ledger: Ledger,
  { gateways }: { gateways: InternetGateway[] },
  sentTwice: string[],
): Promise<Missing[]> {
  const attachedFirst = [...gateways].sort((one, other) => (other.Attachments?.length ?? 0) - (one.Attachments?.length ?? 0));
  const { one, extras } = adopt(ledger, "internet-gateway/main", attachedFirst, ({ InternetGatewayId }) => InternetGatewayId);
  await deleteGateways(ec2, extras, () => undefined);
  if (one) return [];
  const { name } = plan.network.internetGateway;
  const make = async () => {
    const { InternetGateway, $metadata } = await ec2.send(
      new CreateInternetGatewayCommand({ TagSpecifications: [tagSpecification("internet-gateway", { ...plan.tags, Name: name })] }),
    );
    if (($metadata.attempts ?? 1) > 1) sentTwice.push("CreateInternetGateway");
    return { id: InternetGateway!.InternetGatewayId! };
  };
  return [{ key: "internet-gateway/main", token: name, make }];
}

export async function ensureAttached(ec2: EC2Client, VpcId: string, InternetGatewayId: string, seen: InternetGateway[]): Promise<void> {
  const attachments = seen.find((gateway) => gateway.InternetGatewayId === InternetGatewayId)?.Attachments ?? [];
  if (!attachments.some((attachment) => attachment.VpcId === VpcId))
    await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId }));
}

/** Detached, then deleted. EC2 refuses to detach while a public address is in use in the VPC: `holderOf` names its interface. */
export async function deleteGateways(
  ec2: EC2Client,
  gateways: InternetGateway[],
  holderOf: (vpcIds: string[]) => string | undefined,
): Promise<Blocker[]> {
  const left = gateways.map(({ InternetGatewayId, Attachments = [] }) => {
    const vpcIds = Attachments.map(({ VpcId }) => VpcId!);
    const detachAndDelete = async () => {
      for (const VpcId of vpcIds)
        await ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId })).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      await ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId }));
    };
    return remove(`internet-gateway ${InternetGatewayId}`, detachAndDelete, holderOf(vpcIds));
  });
  return (await settleAll(left)).flat();
}
