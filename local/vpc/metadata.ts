import type { Instance, Subnet, Vpc } from "@aws-sdk/client-ec2";
import type { TakenRole } from "../machines/role";
import type { MachineMetadata } from "./fabric";

export interface Described {
  instance: Instance;
  /** Of its interfaces. */
  subnets: Subnet[];
  vpc: Vpc;
  accountId: string;
  region: string;
  /** Base64. */
  userData: string | undefined;
  /** None while the instance has no profile or its role cannot be taken yet. */
  credentials?: TakenRole;
  /** OpenSSH line of the key pair; EC2 does not tell it to others, so that it may be unknown here. */
  publicKey?: string;
}

/**
 * What the instance metadata service says of one instance: categories that nodes and cloud-init's Ec2 datasource read.
 * The identity document is not signed: there is nobody whose signature it could carry.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
 */
export function metadataOf(described: Described): MachineMetadata {
  const { instance, credentials, publicKey, userData } = described;
  const { Placement, MetadataOptions, KeyName, NetworkInterfaces = [] } = instance;
  const zone = Placement?.AvailabilityZone ?? "";
  const ofGroups = [...new Set(NetworkInterfaces.flatMap(({ Groups = [] }) => Groups.map(({ GroupName }) => GroupName!)))];
  const tree: Record<string, string | undefined> = {
    "meta-data/ami-id": instance.ImageId,
    "meta-data/ami-launch-index": String(instance.AmiLaunchIndex ?? 0),
    "meta-data/ami-manifest-path": "(unknown)",
    "meta-data/block-device-mapping/ami": instance.RootDeviceName?.replace("/dev/", ""),
    "meta-data/block-device-mapping/root": instance.RootDeviceName,
    "meta-data/hostname": instance.PrivateDnsName,
    "meta-data/instance-action": "none",
    "meta-data/instance-id": instance.InstanceId,
    "meta-data/instance-life-cycle": "on-demand",
    "meta-data/instance-type": instance.InstanceType,
    "meta-data/local-hostname": instance.PrivateDnsName,
    "meta-data/local-ipv4": instance.PrivateIpAddress,
    "meta-data/mac": NetworkInterfaces[0]?.MacAddress?.toLowerCase(),
    "meta-data/placement/availability-zone": zone,
    "meta-data/placement/region": described.region,
    "meta-data/profile": "default-hvm",
    "meta-data/public-hostname": instance.PublicDnsName,
    "meta-data/public-ipv4": instance.PublicIpAddress,
    "meta-data/security-groups": ofGroups.join("\n"),
    "meta-data/services/domain": "amazonaws.com",
    "meta-data/services/partition": "aws",
    "dynamic/instance-identity/document": identityOf(described, zone),
    ...Object.fromEntries(NetworkInterfaces.flatMap((nic) => Object.entries(interfaceTree(described, nic)))),
    ...(credentials && roleTree(credentials)),
    ...(KeyName && publicKey && { "meta-data/public-keys/": `0=${KeyName}`, "meta-data/public-keys/0/openssh-key": publicKey }),
    ...(MetadataOptions?.InstanceMetadataTags === "enabled" && tagTree(instance)),
  };
  return {
    options: {
      endpoint: MetadataOptions?.HttpEndpoint ?? "enabled",
      tokens: MetadataOptions?.HttpTokens ?? "optional",
      hopLimit: MetadataOptions?.HttpPutResponseHopLimit ?? 1,
    },
    tree: Object.fromEntries(Object.entries(tree).filter((entry): entry is [string, string] => Boolean(entry[1]))),
    userData: userData || null,
  };
}

function interfaceTree({ vpc, subnets, accountId }: Described, nic: NonNullable<Instance["NetworkInterfaces"]>[number]): Record<string, string | undefined> {
  const mac = nic.MacAddress!.toLowerCase();
  const subnet = subnets.find(({ SubnetId }) => SubnetId === nic.SubnetId);
  const folder = `meta-data/network/interfaces/macs/${mac}/`;
  const publicIp = nic.Association?.PublicIp;
  const members = {
    "device-number": String(nic.Attachment?.DeviceIndex ?? 0),
    "interface-id": nic.NetworkInterfaceId,
    "local-hostname": nic.PrivateDnsName ?? `ip-${nic.PrivateIpAddress!.replaceAll(".", "-")}.ec2.internal`,
    "local-ipv4s": (nic.PrivateIpAddresses ?? []).map(({ PrivateIpAddress }) => PrivateIpAddress).join("\n"),
    mac,
    "owner-id": accountId,
    "public-ipv4s": publicIp,
    "security-groups": (nic.Groups ?? []).map(({ GroupName }) => GroupName).join("\n"),
    "security-group-ids": (nic.Groups ?? []).map(({ GroupId }) => GroupId).join("\n"),
    "subnet-id": nic.SubnetId,
    "subnet-ipv4-cidr-block": subnet?.CidrBlock,
    "vpc-id": nic.VpcId,
    "vpc-ipv4-cidr-block": vpc.CidrBlock,
    "vpc-ipv4-cidr-blocks": vpc.CidrBlock,
    ...(publicIp && { [`ipv4-associations/${publicIp}`]: nic.PrivateIpAddress }),
  };
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [folder + name, value]));
}

function roleTree({ role, profileArn, profileId, accessKeyId, secretAccessKey, token, taken, expires }: TakenRole): Record<string, string> {
  const at = (date: Date) => date.toISOString().replace(/\.\d+Z$/, "Z");
  const success = { Code: "Success", LastUpdated: at(taken) };
  const keys = { Type: "AWS-HMAC", AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: token, Expiration: at(expires) };
  return {
    "meta-data/iam/info": JSON.stringify({ ...success, InstanceProfileArn: profileArn, InstanceProfileId: profileId }, null, 2),
    [`meta-data/iam/security-credentials/${role}`]: JSON.stringify({ ...success, ...keys }, null, 2),
  };
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html */
const identityOf = ({ instance, accountId, region }: Described, availabilityZone: string): string =>
  JSON.stringify(
    {
      accountId,
      architecture: instance.Architecture,
      availabilityZone,
      imageId: instance.ImageId,
      instanceId: instance.InstanceId,
      instanceType: instance.InstanceType,
      pendingTime: instance.LaunchTime?.toISOString().replace(/\.\d+Z$/, "Z"),
      privateIp: instance.PrivateIpAddress,
      region,
      version: "2017-09-30",
    },
    null,
    2,
  );

const tagTree = ({ Tags = [] }: Instance): Record<string, string> =>
  Object.fromEntries(Tags.map(({ Key, Value }) => [`meta-data/tags/instance/${Key}`, Value!]));
