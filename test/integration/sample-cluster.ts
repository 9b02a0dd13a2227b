import { randomBytes } from "node:crypto";
import { DescribeImagesCommand, type EC2Client, ImportKeyPairCommand } from "@aws-sdk/client-ec2";
import { CreateInstanceProfileCommand, IAMClient } from "@aws-sdk/client-iam";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { planCluster } from "../../shared/plan/plan-cluster";
import type { Ledger } from "../../shared/registry/ledger";
import { memoryLedger } from "../memory-ledger";
import type { DeleteTarget } from "../../shared/resources/blocker";
import type { Manifest } from "../../shared/spec/manifest";
import { makeSshKey } from "../../shared/bootstrap/ssh-key";
import { focal, manifestOf, requestOf } from "../unit/plan/sample-request";

/** The seed's plan with a uid of its own, so that tests see only what is theirs. */
export function planOf(change: Partial<Manifest> = {}, imageId = "ami-02fe94dee086c0c37"): ClusterPlan {
  const uid = `t${randomBytes(4).toString("hex")}`;
  return planCluster(manifestOf(change), requestOf({ uid, images: { [focal]: { imageId, rootDevice: "/dev/sda1" } } }));
}

export const targetOf = (plan: ClusterPlan, ledger: Ledger = memoryLedger()): DeleteTarget => ({
  ref: { name: plan.name, uid: plan.uid, region: plan.region, epoch: 2 },
  accountId: plan.accountId,
  deployment: plan.deployment,
  ledger,
});

/** A ledger as it is when the step runs again a minute later, beyond the time in which EC2 may not show what was made. */
export function minuteLater(ledger: ReturnType<typeof memoryLedger>): ReturnType<typeof memoryLedger> {
  for (const entry of Object.values(ledger.entries)) entry.at = new Date(Date.parse(entry.at) - 60_000).toISOString();
  return ledger;
}

interface AnyClient {
  middlewareStack: { add(middleware: never, options: { step: "initialize"; name: string; override: boolean }): void };
}
/** Names of the calls that the client makes from now on. */
export function record(client: AnyClient, calls: string[] = []): string[] {
  const middleware =
    (next: (args: unknown) => Promise<unknown>, { commandName }: { commandName: string }) =>
    (args: unknown) => {
      calls.push(commandName.replace(/Command$/, ""));
      return next(args);
    };
  client.middlewareStack.add(middleware as never, { step: "initialize", name: "record", override: true });
  return calls;
}
export const changing = (calls: string[]): string[] => calls.filter((call) => !/^(Describe|Get|List|Head)/.test(call));

/** Runs again until nothing is left, as the state machine does; says what each look named. */
export async function untilGone(look: () => Promise<{ resource: string; reason: string }[]>): Promise<string[]> {
  const named: string[] = [];
  for (let round = 0; round < 5; round++) {
    const blockers = await look();
    if (blockers.length === 0) return named;
    named.push(...blockers.map(({ resource, reason }) => `${resource}: ${reason}`));
  }
  throw new Error(`still there: ${named.join("; ")}`);
}

/** What instances stand on besides the network: the key pair and the profiles of the plan. */
export async function makeKeyAndProfiles(ec2: EC2Client, plan: ClusterPlan): Promise<void> {
  const iam = new IAMClient();
  await ec2.send(new ImportKeyPairCommand({ KeyName: plan.keypair.name, PublicKeyMaterial: Buffer.from(makeSshKey("test").publicKey) }));
  for (const { name } of plan.iam.roles) await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
}

export async function focalImage(ec2: EC2Client): Promise<string> {
  const { Images = [] } = await ec2.send(
    new DescribeImagesCommand({ Filters: [{ Name: "name", Values: [focal.slice(focal.indexOf("/") + 1)] }] }),
  );
  return Images[0]!.ImageId!;
}
