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
import { AwsRefused, NodeFailed } from "../errors";
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
    const isAside = ({ InstanceId }: Instance) => ledger.entry(`instance/${InstanceId}`) !== undefined;
    const extras = seen.filter(isAside);
    const there = new Map<string, Instance>();
    for (const { key, role } of planned) {
      const found = seen
        .filter((one) => tagOf(one.Tags, TAG_NODE) === key && !isAside(one))
        .sort((one, other) => (one.LaunchTime?.getTime() ?? 0) - (other.LaunchTime?.getTime() ?? 0));
      const adopted = adopt(ledger, `instance/${key}`, found, ({ InstanceId }) => InstanceId);
      extras.push(...adopted.extras);
      if (!adopted.one) {
        setAside(ledger, key);
        continue;
      }
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

/** Its place is free; it stays in the ledger under its own id: the certificate names it, and no look takes it for the new one. */
function setAside(ledger: Ledger, key: string): void {
  const { id, detail } = ledger.entry(`instance/${key}`) ?? {};
  if (!id) return;
  if (!ledger.entry(`instance/${id}`)) ledger.made(`instance/${id}`, id, detail);
  ledger.gone(`instance/${key}`);
}

/** Names of the Nodes of machines that were set aside, but for those that a machine of now has been given again. */
export function endedNodes({ instances }: ClusterPlan, ledger: Ledger): string[] {
  const nameOf = (key: string) => ledger.entry(key)?.detail?.["privateDnsName"] ?? "";
  const kept = instances.map(({ key }) => `instance/${key}`).filter((key) => ledger.id(key)).map(nameOf);
  const aside = ledger.ofKind("instance").filter(([key, { id, detail }]) => key === `instance/${id}` && detail?.["role"] === "node");
  return [...new Set(aside.map(([key]) => nameOf(key)))].filter((name) => name && !kept.includes(name));
}

/**
 * Ends the machine `id` of a worker and frees its place for another, the places of workers that EC2 shows no more, and the probe client's.
 * What will outlive it is in the ledger before. Twice is once: another machine that has the place by then is left alone.
 * @throws NodeFailed when a control plane has no machine, AwsRefused when this one is protected
 */
export async function endWorker(ec2: EC2Client, plan: ClusterPlan, target: DeleteTarget, { key, id }: { key: string; id?: string }): Promise<void> {
  const { ref, deployment, ledger } = target;
  const seen = await instancesWith(ec2, ownTags(ref.uid, deployment), living);
  const lost = plan.instances.filter((instance) => !seen.some(({ InstanceId }) => InstanceId === ledger.id(`instance/${instance.key}`)));
  const controlPlane = lost.find(({ role }) => role === "control-plane");
  if (controlPlane) throw controlPlaneLost(controlPlane.key, ledger.id(`instance/${controlPlane.key}`));
  const ending = seen.filter(({ InstanceId }) => InstanceId === id);
  await settleAll([noteVolumes(ec2, ending, target), noteAddresses(ec2, ending, target)]);
  // The last proof's client was ended when it was over: nothing waits for EC2 to show it.
  for (const gone of [...lost, plan.probeClient]) setAside(ledger, gone.key);
  const attempt = nextAttempt(plan.instances.find((one) => one.key === key)!, ledger.entry(`instance/${key}`));
  await ledger.intend({ key: `instance/${key}`, token: clientToken(plan.uid, key, attempt) });
  const protection = ending.length > 0 && (await terminate(ec2, ending));
  if (protection) throw new AwsRefused(`${key} (${id}) cannot be ended: ${protection}`, { nextStep: "take its termination protection off" });
  if (id && ledger.id(`instance/${key}`) === id) setAside(ledger, key);
}

const controlPlaneLost = (node: string, id: string | undefined): NodeFailed =>
  new NodeFailed(`${node} (${id}) has no machine any more: without it no new worker is let in`, {
    fault: { node, nodeStage: "registered", reason: "InstanceEnded" },
    nextStep: "a control plane cannot be replaced: delete the cluster and send its manifest again",
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
