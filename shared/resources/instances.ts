import {
  DescribeInstancesCommand,
  type EC2Client,
  type Instance,
  type InstanceStateName,
  ModifyInstanceAttributeCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { settleAll, whileSettling } from "../aws/settle";
import { tagOf, withTags } from "../aws/tags";
import { codeOf, isNotFound } from "../aws/translate";
import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import { clientToken } from "../plan/names";
import type { Ledger } from "../registry/ledger";
import { noteAddresses } from "./addresses";
import type { Blocker, DeleteTarget } from "./blocker";
import { TAG_NODE, TAG_ROLE, launchInstance, nextAttempt } from "./launch-instance";
import { noteVolumes } from "./volumes";
import { type Missing, adopt, makeAll, markGone, ownTags, witness } from "./wave";

const living: InstanceStateName[] = ["pending", "running", "stopping", "stopped"];

/**
 * Every planned instance and the probe client: found by tag, else started, all at once. Of two for one plan the ledger's
 * or the oldest is kept. Ledger detail: `privateDnsName`, `privateAddress`, `role`.
 * @throws CapacityMissing, ImageNotFound, and TryAgain while EC2 does not see profile, key pair or instance yet
 */
export const ensureInstances = (
  ec2: EC2Client,
  plan: ClusterPlan,
  ledger: Ledger,
  userDataOf: (instance: InstancePlan) => string,
): Promise<void> =>
  whileSettling(async () => {
    const planned = [...plan.instances, plan.probeClient];
    const seen = await instancesWith(ec2, ownTags(plan.uid, plan.deployment), living);
    const extras: Instance[] = [];
    const there = new Map<string, Instance>();
    for (const { key, role } of planned) {
      const found = seen
        .filter(({ Tags }) => tagOf(Tags, TAG_NODE) === key)
        .sort((one, other) => (one.LaunchTime?.getTime() ?? 0) - (other.LaunchTime?.getTime() ?? 0));
      const adopted = adopt(ledger, `instance/${key}`, found, ({ InstanceId }) => InstanceId);
      extras.push(...adopted.extras);
      if (!adopted.one) continue;
      there.set(key, adopted.one);
      ledger.made(`instance/${key}`, adopted.one.InstanceId!, detailOf(adopted.one, role));
    }
    if (extras.length) await terminate(ec2, extras);
    const missing = planned.filter(({ key }) => !there.has(key));
    const launch = (instance: InstancePlan): Missing => {
      const key = `instance/${instance.key}`;
      const attempt = nextAttempt(instance, ledger.entry(key));
      const make = async () => {
        const made = await launchInstance(ec2, { plan, instance, attempt, userData: userDataOf(instance) }, ledger);
        there.set(instance.key, made);
        return { id: made.InstanceId!, detail: detailOf(made, instance.role) };
      };
      return { key, token: clientToken(plan.uid, instance.key, attempt), make };
    };
    // EC2 must not choose a planned address for a machine that has none.
    const addressed = missing.filter(({ privateAddress }) => privateAddress);
    await makeAll(ledger, addressed.map(launch), missing.filter((instance) => !addressed.includes(instance)).map(launch));
    await ensureSourceDestCheck(ec2, planned, there);
  });

const detailOf = ({ PrivateDnsName = "", PrivateIpAddress = "" }: Instance, role: InstancePlan["role"]): Record<string, string> => ({
  privateDnsName: PrivateDnsName,
  privateAddress: PrivateIpAddress,
  role,
});

/** RunInstances has no parameter for it. */
async function ensureSourceDestCheck(ec2: EC2Client, planned: InstancePlan[], there: Map<string, Instance>): Promise<void> {
  const differing = planned.filter(({ key, sourceDestCheck }) => (there.get(key)?.SourceDestCheck ?? true) !== sourceDestCheck);
  await settleAll(
    differing.map(({ key, sourceDestCheck: Value }) =>
      ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: there.get(key)!.InstanceId, SourceDestCheck: { Value } })),
    ),
  );
}

async function instancesWith(ec2: EC2Client, tags: Record<string, string>, states: InstanceStateName[]): Promise<Instance[]> {
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({ Filters: [...withTags(tags), { Name: "instance-state-name", Values: states }] }),
  );
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

/** What keeps EC2 from ending them, if anything: termination protection. */
async function terminate(ec2: EC2Client, instances: Instance[]): Promise<string | undefined> {
  try {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: instances.map(({ InstanceId }) => InstanceId!) }));
  } catch (error) {
    if (codeOf(error) === "OperationNotPermitted") return (error as Error).message;
    if (!isNotFound(error)) throw error;
  }
  return undefined;
}

/** One look: ends what lives. What will outlive the machines, volumes and addresses, is in the ledger before they end. */
export async function deleteInstances(ec2: EC2Client, target: DeleteTarget): Promise<Blocker[]> {
  const { ref, deployment, ledger } = target;
  const blockers = await endInstances(ec2, ownTags(ref.uid, deployment), async (instances) => {
    for (const { InstanceId } of instances) witness(ledger, "instance", InstanceId!);
    await settleAll([noteVolumes(ec2, instances, target), noteAddresses(ec2, instances, target)]);
    await ledger.flush();
  });
  markGone(ledger, ["instance"], blockers);
  return blockers;
}

/** Ends the machine outside Calico, and only it. */
export const deleteProbeClient = (ec2: EC2Client, { ref, deployment }: DeleteTarget): Promise<Blocker[]> =>
  endInstances(ec2, { ...ownTags(ref.uid, deployment), [TAG_ROLE]: "probe-client" });

async function endInstances(
  ec2: EC2Client,
  tags: Record<string, string>,
  before?: (seen: Instance[]) => Promise<void>,
): Promise<Blocker[]> {
  const seen = await instancesWith(ec2, tags, [...living, "shutting-down"]);
  if (seen.length) await before?.(seen);
  const alive = seen.filter(({ State }) => State?.Name !== "shutting-down");
  const protection = alive.length ? await terminate(ec2, alive) : undefined;
  return seen.map((instance) => ({
    resource: `instance ${instance.InstanceId}`,
    reason: alive.includes(instance) && protection ? protection : "shutting-down",
  }));
}
