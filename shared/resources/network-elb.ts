import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  type LoadBalancer,
  ModifyTargetGroupAttributesCommand,
  RegisterTargetsCommand,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { settleAll } from "../aws/settle";
import { asTags, tagOf } from "../aws/tags";
import { isNotFound } from "../aws/translate";
import { Ambiguous } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { TAG_UID, elbName, targetGroupName } from "../plan/names";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";
import { type Missing, idOf, makeAll, remove } from "./wave";

/** Load balancer and target group side by side, then what joins them. */
export async function ensureNetworkElb(elb: ElasticLoadBalancingV2Client, plan: ClusterPlan, ledger: Ledger): Promise<void> {
  const { name, targetGroup = targetGroupName(plan.name, plan.uid) } = plan.elb;
  const seen = await look(elb, name, targetGroup);
  const foreign = seen.found.find(({ uid }) => uid !== plan.uid);
  if (foreign) throw new Ambiguous(`${foreign.arn} exists under this cluster's name and is not this cluster's; it is left alone.`);
  if (seen.balancer) ledger.made("load-balancer/api", seen.balancer.LoadBalancerArn!, { dnsName: seen.balancer.DNSName ?? "" });
  if (seen.group) ledger.made("target-group/api", seen.group.TargetGroupArn!);
  await makeAll(ledger, [
    ...(seen.balancer ? [] : [missingBalancer(elb, plan, ledger)]),
    ...(seen.group ? [] : [missingTargetGroup(elb, plan, ledger, targetGroup)]),
  ]);
  await settleAll([ensureListener(elb, plan, ledger, seen), ensureTargets(elb, plan, ledger, seen)]);
}

interface Seen {
  balancer?: LoadBalancer | undefined;
  group?: TargetGroup | undefined;
  found: { arn: string; uid: string | undefined }[];
}

async function look(elb: ElasticLoadBalancingV2Client, name: string, groupName: string): Promise<Seen> {
  const [balancers, groups] = await Promise.all([
    elb.send(new DescribeLoadBalancersCommand({ Names: [name] })).catch(noneIfNotFound),
    elb.send(new DescribeTargetGroupsCommand({ Names: [groupName] })).catch(noneIfNotFound),
  ]);
  const [balancer, group] = [balancers?.LoadBalancers?.[0], groups?.TargetGroups?.[0]];
  const ResourceArns = [balancer?.LoadBalancerArn, group?.TargetGroupArn].filter((arn) => arn !== undefined);
  const { TagDescriptions = [] } = ResourceArns.length ? await elb.send(new DescribeTagsCommand({ ResourceArns })) : {};
  const found = TagDescriptions.map(({ ResourceArn, Tags }) => ({ arn: ResourceArn!, uid: tagOf(Tags, TAG_UID) }));
  return { balancer, group, found };
}
const noneIfNotFound = (error: unknown): undefined => {
  if (!isNotFound(error)) throw error;
};

function missingBalancer(elb: ElasticLoadBalancingV2Client, plan: ClusterPlan, ledger: Ledger): Missing {
  const { name, type, subnets, securityGroup, tags } = plan.elb;
  const make = async () => {
    const { LoadBalancers = [] } = await elb.send(
      new CreateLoadBalancerCommand({
        Name: name,
        Type: "network",
        Scheme: type === "Internal" ? "internal" : "internet-facing",
        Subnets: subnets.map((key) => idOf(ledger, `subnet/${key}`)),
        ...(securityGroup && { SecurityGroups: [idOf(ledger, `security-group/${securityGroup}`)] }),
        Tags: asTags({ ...plan.tags, ...tags }),
      }),
    );
    return { id: LoadBalancers[0]!.LoadBalancerArn!, detail: { dnsName: LoadBalancers[0]!.DNSName ?? "" } };
  };
  return { key: "load-balancer/api", token: name, make };
}

/** The health check is TCP: `/readyz` answers 401 where anonymous requests are off. */
function missingTargetGroup(elb: ElasticLoadBalancingV2Client, plan: ClusterPlan, ledger: Ledger, name: string): Missing {
  const make = async () => {
    const { TargetGroups = [] } = await elb.send(
      new CreateTargetGroupCommand({
        Name: name,
        Protocol: "TCP",
        Port: plan.elb.targetPort,
        TargetType: "instance",
        VpcId: idOf(ledger, "vpc/main"),
        HealthCheckProtocol: "TCP",
        HealthCheckIntervalSeconds: 10,
        HealthyThresholdCount: 2,
        UnhealthyThresholdCount: 2,
        Tags: asTags({ ...plan.tags, ...plan.elb.tags, Name: name }),
      }),
    );
    return { id: TargetGroups[0]!.TargetGroupArn! };
  };
  return { key: "target-group/api", token: name, make };
}

async function ensureListener(elb: ElasticLoadBalancingV2Client, plan: ClusterPlan, ledger: Ledger, seen: Seen): Promise<void> {
  const LoadBalancerArn = idOf(ledger, "load-balancer/api");
  const { Listeners = [] } = seen.balancer ? await elb.send(new DescribeListenersCommand({ LoadBalancerArn })) : {};
  if (Listeners.some(({ Port }) => Port === plan.elb.listenerPort)) return;
  await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn,
      Protocol: "TCP",
      Port: plan.elb.listenerPort,
      DefaultActions: [{ Type: "forward", TargetGroupArn: idOf(ledger, "target-group/api") }],
      Tags: asTags({ ...plan.tags, ...plan.elb.tags }),
    }),
  );
}

/** Values of kOps: a control plane that leaves is drained for 30 s, then its connections are closed. */
const drainFor30Seconds = [
  { Key: "deregistration_delay.timeout_seconds", Value: "30" },
  { Key: "deregistration_delay.connection_termination.enabled", Value: "true" },
];

/** ELB takes running instances only, and says InvalidTarget of those that are still pending. */
async function ensureTargets(elb: ElasticLoadBalancingV2Client, plan: ClusterPlan, ledger: Ledger, seen: Seen): Promise<void> {
  const TargetGroupArn = idOf(ledger, "target-group/api");
  const { Attributes = [] } = seen.group ? await elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn })) : {};
  const drains = drainFor30Seconds.every((wanted) => Attributes.some(({ Key, Value }) => Key === wanted.Key && Value === wanted.Value));
  if (!drains) await elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes: drainFor30Seconds }));
  const { TargetHealthDescriptions = [] } = seen.group ? await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn })) : {};
  const registered = new Set(TargetHealthDescriptions.map(({ Target }) => Target?.Id));
  const Targets = plan.instances
    .filter(({ role }) => role === "control-plane")
    .map(({ key }) => ({ Id: idOf(ledger, `instance/${key}`) }))
    .filter(({ Id }) => !registered.has(Id));
  if (Targets.length) await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets }));
}

/** The load balancer first: its listener holds the target group. */
export async function deleteNetworkElb(elb: ElasticLoadBalancingV2Client, { ref }: DeleteTarget): Promise<Blocker[]> {
  const { found } = await look(elb, elbName(ref.name, ref.uid), targetGroupName(ref.name, ref.uid));
  const arns = found.filter(({ uid }) => uid === ref.uid).map(({ arn }) => arn);
  const blockers: Blocker[] = [];
  for (const LoadBalancerArn of arns.filter((arn) => arn.includes(":loadbalancer/")))
    blockers.push(
      ...(await remove(`load-balancer ${LoadBalancerArn}`, () => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn })))),
    );
  for (const TargetGroupArn of arns.filter((arn) => arn.includes(":targetgroup/")))
    blockers.push(...(await remove(`target-group ${TargetGroupArn}`, () => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn })))));
  return blockers;
}
