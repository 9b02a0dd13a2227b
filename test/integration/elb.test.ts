import {
  AddTagsCommand,
  ConfigureHealthCheckCommand,
  DeregisterInstancesFromLoadBalancerCommand,
  DescribeInstanceHealthCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  ElasticLoadBalancingClient,
  RemoveTagsCommand,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateTargetGroupCommand,
  DeleteListenerCommand,
  DeregisterTargetsCommand,
  DescribeListenersCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { EC2Client } from "@aws-sdk/client-ec2";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { targetGroupName } from "../../shared/plan/names";
import { memoryLedger } from "../memory-ledger";
import { deleteElb, ensureElb } from "../../shared/resources/elb";
import { deleteInstances, ensureInstances } from "../../shared/resources/instances";
import { deleteNetwork, ensureNetwork } from "../../shared/resources/network";
import type { Manifest } from "../../shared/spec/manifest";
import { controlPlaneOf, groupOf, threeZones } from "../unit/plan/sample-request";
import { changing, focalImage, makeKeyAndProfiles, planOf, record, targetOf, untilGone } from "./sample-cluster";

jest.setTimeout(60_000);
const ec2 = new EC2Client();
const [classic, network] = [new ElasticLoadBalancingClient(), new ElasticLoadBalancingV2Client()];
const clients = { classic, network };
const calls = record(classic, record(network));
const clusters: ClusterPlan[] = [];

/** A cluster up to where its load balancer is made. */
async function ready(loadBalancer: Partial<Manifest["loadBalancer"]>, change: Partial<Manifest> = {}) {
  const plan = planOf(
    { loadBalancer: { class: "Classic", type: "Public", idleTimeoutSeconds: 300, ...loadBalancer }, ...change },
    await focalImage(ec2),
  );
  const ledger = memoryLedger();
  clusters.push(plan);
  await Promise.all([ensureNetwork(ec2, plan, ledger), makeKeyAndProfiles(ec2, plan)]);
  await ensureInstances(ec2, plan, ledger, () => "#!/bin/sh\n");
  calls.length = 0;
  return { plan, ledger };
}
async function made(...wanted: Parameters<typeof ready>) {
  const cluster = await ready(...wanted);
  await ensureElb(clients, cluster.plan, cluster.ledger);
  calls.length = 0;
  return cluster;
}
const classicOf = async ({ elb: { name } }: ClusterPlan) =>
  (await classic.send(new DescribeLoadBalancersCommand({ LoadBalancerNames: [name] }))).LoadBalancerDescriptions![0]!;

afterAll(async () => {
  for (const plan of clusters) {
    await untilGone(() => deleteElb(clients, targetOf(plan)));
    await untilGone(() => deleteInstances(ec2, targetOf(plan)));
    await untilGone(() => deleteNetwork(ec2, targetOf(plan)));
  }
});

test("a Classic load balancer is made as planned, with its control plane registered, in six calls", async () => {
  const { plan, ledger } = await ready({});
  await ensureElb(clients, plan, ledger);
  expect(calls.sort()).toEqual([
    "ConfigureHealthCheck",
    "CreateLoadBalancer",
    "DescribeLoadBalancers",
    "DescribeTags",
    "ModifyLoadBalancerAttributes",
    "RegisterInstancesWithLoadBalancer",
  ]);
  const found = await classicOf(plan);
  expect(found).toMatchObject({
    Scheme: "internet-facing",
    Subnets: [ledger.id("subnet/us-east-1a")],
    SecurityGroups: [ledger.id("security-group/api-elb")],
    Instances: [{ InstanceId: ledger.id("instance/master-us-east-1a-0") }],
    HealthCheck: { Target: "SSL:6443" },
  });
  expect(found.ListenerDescriptions![0]!.Listener).toMatchObject({ LoadBalancerPort: 443, InstancePort: 6443, Protocol: "TCP" });
  const name = { LoadBalancerName: plan.elb.name };
  const { LoadBalancerAttributes } = await classic.send(new DescribeLoadBalancerAttributesCommand(name));
  expect(LoadBalancerAttributes).toMatchObject({
    ConnectionSettings: { IdleTimeout: 300 },
    ConnectionDraining: { Enabled: true, Timeout: 300 },
  });
  expect(ledger.entry("load-balancer/api")).toMatchObject({ id: plan.elb.name, detail: { dnsName: found.DNSName } });
});

test("an internal one is internal", async () => {
  const { plan } = await made({ type: "Internal" });
  expect((await classicOf(plan)).Scheme).toBe("internal");
});

test("a second run changes nothing, of either class, with its ledger and without", async () => {
  for (const wanted of ["Classic", "Network"] as const) {
    const { plan, ledger } = await made({ class: wanted });
    await ensureElb(clients, plan, ledger);
    delete ledger.entries["load-balancer/api"];
    delete ledger.entries["target-group/api"];
    await ensureElb(clients, plan, ledger);
    expect([wanted, changing(calls)]).toEqual([wanted, []]);
    expect(ledger.entry("load-balancer/api")?.detail?.["dnsName"]).toContain(plan.uid);
  }
});

test("a Classic one is repaired: registration and health check", async () => {
  const { plan, ledger } = await made({});
  const LoadBalancerName = plan.elb.name;
  const Instances = [{ InstanceId: ledger.id("instance/master-us-east-1a-0")! }];
  await classic.send(new DeregisterInstancesFromLoadBalancerCommand({ LoadBalancerName, Instances }));
  const HealthCheck = { Target: "TCP:22", Interval: 10, Timeout: 5, HealthyThreshold: 2, UnhealthyThreshold: 2 };
  await classic.send(new ConfigureHealthCheckCommand({ LoadBalancerName, HealthCheck }));
  calls.length = 0;
  await ensureElb(clients, plan, ledger);
  expect(changing(calls).sort()).toEqual(["ConfigureHealthCheck", "RegisterInstancesWithLoadBalancer"]);
  const { InstanceStates } = await classic.send(new DescribeInstanceHealthCommand({ LoadBalancerName }));
  expect(InstanceStates!.map(({ InstanceId }) => InstanceId)).toEqual(Instances.map(({ InstanceId }) => InstanceId));
});

test("a Network load balancer is made with three control planes behind it, and repaired", async () => {
  const groups = threeZones.map(({ name }) => controlPlaneOf({ name: `master-${name}`, subnets: [name] }));
  const { plan, ledger } = await ready({ class: "Network" }, { subnets: threeZones, instanceGroups: [...groups, groupOf()] });
  await ensureElb(clients, plan, ledger);
  expect(changing(calls).sort()).toEqual([
    "CreateListener",
    "CreateLoadBalancer",
    "CreateTargetGroup",
    "ModifyTargetGroupAttributes",
    "RegisterTargets",
  ]);
  expect(calls.length).toBeLessThanOrEqual(8);
  const TargetGroupArn = ledger.id("target-group/api")!;
  const targets = async () =>
    (await network.send(new DescribeTargetHealthCommand({ TargetGroupArn })))
      .TargetHealthDescriptions!.map(({ Target }) => Target!.Id)
      .sort();
  const planes = groups.map(({ name }) => ledger.id(`instance/${name}-0`)!).sort();
  expect(await targets()).toEqual(planes);
  const { Listeners } = await network.send(new DescribeListenersCommand({ LoadBalancerArn: ledger.id("load-balancer/api") }));
  expect(Listeners).toEqual([expect.objectContaining({ Port: 443, Protocol: "TCP" })]);
  await network.send(new DeleteListenerCommand({ ListenerArn: Listeners![0]!.ListenerArn }));
  await network.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: planes[0]! }] }));
  const Attributes = [{ Key: "deregistration_delay.timeout_seconds", Value: "299" }];
  await network.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes }));
  calls.length = 0;
  await ensureElb(clients, plan, ledger);
  expect(changing(calls).sort()).toEqual(["CreateListener", "ModifyTargetGroupAttributes", "RegisterTargets"]);
  expect(await targets()).toEqual(expect.arrayContaining(planes));
});

test("one of that name without our uid is neither adopted nor deleted", async () => {
  const { plan, ledger } = await made({});
  const LoadBalancerNames = [plan.elb.name];
  await classic.send(new RemoveTagsCommand({ LoadBalancerNames, Tags: [{ Key: "clowder:uid" }] }));
  await expect(ensureElb(clients, plan, ledger)).rejects.toMatchObject({
    name: "Ambiguous",
    message: expect.stringContaining(plan.elb.name),
  });
  expect(await deleteElb(clients, targetOf(plan))).toEqual([]);
  expect(await classicOf(plan)).toMatchObject({ LoadBalancerName: plan.elb.name });
  await classic.send(new AddTagsCommand({ LoadBalancerNames, Tags: [{ Key: "clowder:uid", Value: plan.uid }] }));
});

test("delete from name and uid alone takes either class and its target group, twice as once", async () => {
  for (const wanted of ["Classic", "Network"] as const) {
    const { plan, ledger } = await made({ class: wanted });
    expect(await untilGone(() => deleteElb(clients, targetOf(plan)))).toEqual([]);
    calls.length = 0;
    expect(await deleteElb(clients, targetOf(plan, ledger))).toEqual([]);
    expect(changing(calls)).toEqual([]);
    expect([ledger.id("load-balancer/api"), ledger.id("target-group/api")]).toEqual([undefined, undefined]);
    expect(await untilGone(() => deleteElb(clients, targetOf(plan, ledger)))).toEqual([]);
  }
});

test("a half-made one, the target group alone, is finished by a create and taken by a delete", async () => {
  const { plan, ledger } = await ready({ class: "Network" });
  const Name = targetGroupName(plan.name, plan.uid);
  const Tags = [{ Key: "clowder:uid", Value: plan.uid }];
  await network.send(new CreateTargetGroupCommand({ Name, Protocol: "TCP", Port: 6443, VpcId: ledger.id("vpc/main"), Tags }));
  calls.length = 0;
  await ensureElb(clients, plan, ledger);
  expect(changing(calls)).not.toContain("CreateTargetGroup");
  expect(ledger.id("target-group/api")).toContain(Name);
  await untilGone(() => deleteElb(clients, targetOf(plan)));
  await expect(network.send(new DescribeTargetGroupsCommand({ Names: [Name] }))).rejects.toMatchObject({
    name: expect.stringContaining("NotFound"),
  });
});

test("a cluster of another uid keeps its load balancer", async () => {
  const [one, other] = [await made({}), await made({})];
  await untilGone(() => deleteElb(clients, targetOf(one.plan)));
  expect(await classicOf(other.plan)).toMatchObject({ LoadBalancerName: other.plan.elb.name });
});
