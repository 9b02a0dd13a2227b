import {
  CreateLoadBalancerCommand as CreateClassicCommand,
  DescribeLoadBalancersCommand as DescribeClassicCommand,
  DescribeTagsCommand as DescribeClassicTagsCommand,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { mockClient } from "aws-sdk-client-mock";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { memoryLedger } from "../../memory-ledger";
import { deleteElb, ensureElb } from "../../../shared/resources/elb";
import { manifestOf, requestOf } from "../plan/sample-request";

const planOf = (type: "Classic" | "Network") =>
  planCluster(manifestOf({ loadBalancer: { class: type, type: "Public", idleTimeoutSeconds: 300 } }), requestOf());
const [classic, network] = [mockClient(ElasticLoadBalancingClient), mockClient(ElasticLoadBalancingV2Client)];
const clients = {
  classic: new ElasticLoadBalancingClient({ region: "us-east-1" }),
  network: new ElasticLoadBalancingV2Client({ region: "us-east-1" }),
};
const aws = (name: string, message = "why") => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const [balancer, group] = [
  "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/api-x/1",
  "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/tcp-x/1",
];
const ledgerOf = (plan: ReturnType<typeof planOf>) => {
  const ledger = memoryLedger();
  ledger.made("vpc/main", "vpc-1");
  ledger.made("subnet/us-east-1a", "subnet-a");
  for (const { key } of plan.network.securityGroups) ledger.made(`security-group/${key}`, `sg-${key}`);
  for (const { key } of plan.instances) ledger.made(`instance/${key}`, `i-${key}`);
  return ledger;
};
const targetOf = (plan: ReturnType<typeof planOf>, ledger = memoryLedger()) => ({
  ref: { name: plan.name, uid: plan.uid, region: plan.region, epoch: 2 },
  accountId: plan.accountId,
  deployment: plan.deployment,
  ledger,
});

beforeEach(() => {
  for (const mock of [classic, network]) mock.reset();
  classic.onAnyCommand().resolves({ $metadata: {} });
  network.onAnyCommand().resolves({ $metadata: {} });
  classic.on(DescribeClassicCommand).rejects(aws("AccessPointNotFoundException"));
  classic.on(DescribeClassicTagsCommand).rejects(aws("AccessPointNotFoundException"));
  network.on(DescribeLoadBalancersCommand).rejects(aws("LoadBalancerNotFoundException"));
  network.on(DescribeTargetGroupsCommand).rejects(aws("TargetGroupNotFoundException"));
  network.on(CreateLoadBalancerCommand).resolves({ LoadBalancers: [{ LoadBalancerArn: balancer, DNSName: "api.elb" }] });
  network.on(CreateTargetGroupCommand).resolves({ TargetGroups: [{ TargetGroupArn: group }] });
});

test("control planes that are still pending are tried again, with load balancer and target group known", async () => {
  network.on(RegisterTargetsCommand).rejects(aws("InvalidTargetException", "not in a running state"));
  const plan = planOf("Network");
  const ledger = ledgerOf(plan);
  await expect(ensureElb(clients, plan, ledger)).rejects.toMatchObject({ name: "TryAgain" });
  expect(ledger.entry("load-balancer/api")).toMatchObject({ id: balancer, detail: { dnsName: "api.elb" } });
  expect(ledger.id("target-group/api")).toBe(group);
});

test.each([
  ["Classic", CreateClassicCommand, classic, "DuplicateAccessPointNameException"],
  ["Network", CreateLoadBalancerCommand, network, "DuplicateLoadBalancerNameException"],
] as const)("a %s load balancer made by a call whose reply was lost is looked for again", async (type, command, mock, code) => {
  (mock as typeof classic).on(command as typeof CreateClassicCommand).rejects(aws(code));
  const plan = planOf(type);
  const ledger = ledgerOf(plan);
  await expect(ensureElb(clients, plan, ledger)).rejects.toMatchObject({ name: "TryAgain" });
  expect(ledger.entry("load-balancer/api")?.state).toBe("intended");
});

test("the quota passes as AWS says it", async () => {
  classic.on(CreateClassicCommand).rejects(aws("TooManyAccessPointsException"));
  const plan = planOf("Classic");
  await expect(ensureElb(clients, plan, ledgerOf(plan))).rejects.toMatchObject({ name: "TooManyAccessPointsException" });
});

describe("delete", () => {
  const plan = planOf("Network");
  beforeEach(() => {
    network.on(DescribeLoadBalancersCommand).resolves({ LoadBalancers: [{ LoadBalancerArn: balancer }] });
    network.on(DescribeTargetGroupsCommand).resolves({ TargetGroups: [{ TargetGroupArn: group }] });
    const Tags = [{ Key: "clowder:uid", Value: plan.uid }];
    network.on(DescribeTagsCommand).resolves({ TagDescriptions: [balancer, group].map((ResourceArn) => ({ ResourceArn, Tags })) });
  });

  test("the target group is tried after its load balancer, and blocks while that lets go", async () => {
    network.on(DeleteTargetGroupCommand).rejects(aws("ResourceInUseException", "is currently in use by a listener"));
    const ledger = ledgerOf(plan);
    ledger.made("load-balancer/api", balancer);
    ledger.made("target-group/api", group);
    expect(await deleteElb(clients, targetOf(plan, ledger))).toEqual([
      { resource: `target-group ${group}`, reason: "ResourceInUseException: is currently in use by a listener" },
    ]);
    expect(network.commandCalls(DeleteLoadBalancerCommand)[0]!.calledBefore(network.commandCalls(DeleteTargetGroupCommand)[0]!)).toBe(true);
    expect([ledger.id("load-balancer/api"), ledger.id("target-group/api")]).toEqual([undefined, group]);
  });

  test("deletion protection is named", async () => {
    network.on(DeleteLoadBalancerCommand).rejects(aws("OperationNotPermittedException", "deletion protection is enabled"));
    expect(await deleteElb(clients, targetOf(plan))).toEqual([
      { resource: `load-balancer ${balancer}`, reason: "OperationNotPermittedException: deletion protection is enabled" },
    ]);
  });

  test("a throttled look is thrown", async () => {
    network.on(DescribeLoadBalancersCommand).rejects(aws("Throttling"));
    await expect(deleteElb(clients, targetOf(plan))).rejects.toMatchObject({ name: "Throttling" });
  });
});
