import type { Instance } from "@aws-sdk/client-ec2";
import { GetInstanceProfileCommand, IAMClient } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { type Emulators, region, rootCredentials } from "../emulators/emulators";

export interface TakenRole {
  role: string;
  profileArn: string;
  profileId: string;
  accessKeyId: string;
  secretAccessKey: string;
  token: string;
  taken: Date;
  expires: Date;
  /** `<role id>:<instance id>`, as aws:userid. */
  userid: string;
}

/** Takes an instance's role, as EC2 does for the instance metadata service: the role trusts EC2, not a person. */
export function roleTaker({ endpoint }: Pick<Emulators, "endpoint">): (instance: Instance) => Promise<TakenRole> {
  const client = { endpoint, region, credentials: rootCredentials };
  const [iam, sts] = [new IAMClient(client), new STSClient(client)];
  return async ({ InstanceId, IamInstanceProfile }) => {
    const profileArn = IamInstanceProfile!.Arn!;
    const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: profileArn.split("/").at(-1)! }));
    const { Arn, RoleName } = InstanceProfile!.Roles![0]!;
    const taken = new Date();
    const { Credentials, AssumedRoleUser } = await sts.send(new AssumeRoleCommand({ RoleArn: Arn!, RoleSessionName: InstanceId! }));
    return {
      role: RoleName!,
      profileArn,
      profileId: InstanceProfile!.InstanceProfileId!,
      accessKeyId: Credentials!.AccessKeyId!,
      secretAccessKey: Credentials!.SecretAccessKey!,
      token: Credentials!.SessionToken!,
      taken,
      expires: new Date(Credentials!.Expiration!),
      userid: AssumedRoleUser!.AssumedRoleId!,
    };
  };
}
