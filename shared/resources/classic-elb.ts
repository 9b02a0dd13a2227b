import {
  ConfigureHealthCheckCommand,
  CreateLoadBalancerCommand,
  DeleteLoadBalancerCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  type ElasticLoadBalancingClient,
  type HealthCheck,
  type LoadBalancerAttributes,
  type LoadBalancerDescription,
  ModifyLoadBalancerAttributesCommand,
  RegisterInstancesWithLoadBalancerCommand,
  type Tag,
} from "@aws-sdk/client-elastic-load-balancing";
import { settleAll } from "../aws/settle";
import { asTags, tagOf } from "../aws/tags";
import { isNotFound } from "../aws/translate";
import { Ambiguous } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { TAG_UID, elbName } from "../plan/names";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";
import { idOf, makeAll, remove } from "./wave";

const ledgerKey = "load-balancer/api";

/** CreateLoadBalancer is idempotent by name only for equal parameters, so the name is looked for first. */
export async function ensureClassicElb(elb: ElasticLoadBalancingClient, plan: ClusterPlan, ledger: Ledger): Promise<void> {
  const { name } = plan.elb;
  const seen = await look(elb, name);
  if (seen && tagOf(seen.tags, TAG_UID) !== plan.uid)
    throw new Ambiguous(`A load balancer ${name} exists that is not this cluster's; it is left alone.`);
  if (seen) ledger.made(ledgerKey, name, { dnsName: seen.description.DNSName ?? "" });
  else await makeAll(ledger, [{ key: ledgerKey, token: name, make: () => create(elb, plan, ledger) }]);
  await ensureSettings(elb, plan, ledger, seen?.description);
}

async function look(
  elb: ElasticLoadBalancingClient,
  name: string,
): Promise<{ description: LoadBalancerDescription; tags: Tag[] } | undefined> {
  const LoadBalancerNames = [name];
  const [description, tags] = await Promise.all([
    elb.send(new DescribeLoadBalancersCommand({ LoadBalancerNames })).catch(noneIfNotFound),
    elb.send(new DescribeTagsCommand({ LoadBalancerNames })).catch(noneIfNotFound),
  ]);
  const found = description?.LoadBalancerDescriptions?.[0];
  return found && { description: found, tags: tags?.TagDescriptions?.[0]?.Tags ?? [] };
}
const noneIfNotFound = (error: unknown): undefined => {
  if (!isNotFound(error)) throw error;
};

async function create(elb: ElasticLoadBalancingClient, plan: ClusterPlan, ledger: Ledger) {
  const { name, type, listenerPort, targetPort, subnets, securityGroup, tags } = plan.elb;
  const { DNSName } = await elb.send(
    new CreateLoadBalancerCommand({
      LoadBalancerName: name,
      Listeners: [{ Protocol: "TCP", LoadBalancerPort: listenerPort, InstanceProtocol: "TCP", InstancePort: targetPort }],
      Subnets: subnets.map((key) => idOf(ledger, `subnet/${key}`)),
      ...(securityGroup && { SecurityGroups: [idOf(ledger, `security-group/${securityGroup}`)] }),
      ...(type === "Internal" && { Scheme: "internal" }),
      Tags: asTags({ ...plan.tags, ...tags }),
    }),
  );
  return { id: name, detail: { dnsName: DNSName ?? "" } };
}

/** Values of kOps. SSL: the handshake must succeed, a bare TCP check passes while the API server is still starting. */
const healthCheckOf = ({ targetPort }: ClusterPlan["elb"]): HealthCheck => ({
  Target: `SSL:${targetPort}`,
  Interval: 10,
  Timeout: 5,
  HealthyThreshold: 2,
  UnhealthyThreshold: 2,
});
const attributesOf = ({ idleTimeoutSeconds }: ClusterPlan["elb"]): LoadBalancerAttributes => ({
  CrossZoneLoadBalancing: { Enabled: false },
  ConnectionDraining: { Enabled: true, Timeout: 300 },
  ConnectionSettings: { IdleTimeout: idleTimeoutSeconds },
});

async function ensureSettings(
  elb: ElasticLoadBalancingClient,
  plan: ClusterPlan,
  ledger: Ledger,
  seen: LoadBalancerDescription | undefined,
): Promise<void> {
  const LoadBalancerName = plan.elb.name;
  const HealthCheck = healthCheckOf(plan.elb);
  const wanted = attributesOf(plan.elb);
  const present = seen && (await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerName }))).LoadBalancerAttributes;
  const registered = new Set(seen?.Instances?.map(({ InstanceId }) => InstanceId));
  const Instances = plan.instances
    .filter(({ role }) => role === "control-plane")
    .map(({ key }) => ({ InstanceId: idOf(ledger, `instance/${key}`) }))
    .filter(({ InstanceId }) => !registered.has(InstanceId));
  await settleAll<unknown>([
    ...(agrees(seen?.HealthCheck, HealthCheck) ? [] : [elb.send(new ConfigureHealthCheckCommand({ LoadBalancerName, HealthCheck }))]),
    ...(agrees(present, wanted)
      ? []
      : [elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerName, LoadBalancerAttributes: wanted }))]),
    ...(Instances.length ? [elb.send(new RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName, Instances }))] : []),
  ]);
}

/** Everything that is wanted is there; what AWS tells beyond it does not matter. */
function agrees(present: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return present === wanted;
  return Object.entries(wanted).every(([key, value]) => agrees((present as Record<string, unknown> | undefined)?.[key], value));
}

/** Deleting is at once; its network interfaces follow within minutes and hold the network till then. */
export async function deleteClassicElb(elb: ElasticLoadBalancingClient, { ref }: DeleteTarget): Promise<Blocker[]> {
  const LoadBalancerName = elbName(ref.name, ref.uid);
  const seen = await look(elb, LoadBalancerName);
  if (!seen || tagOf(seen.tags, TAG_UID) !== ref.uid) return [];
  return remove(`load-balancer ${LoadBalancerName}`, () => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerName })));
}
