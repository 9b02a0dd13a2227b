import {
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeVpcsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand as DescribeClassicCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import {
  DescribeLoadBalancersCommand as DescribeNetworkCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { mockClient } from "aws-sdk-client-mock";
import { findRoom } from "../../../shared/resources/quotas";
import { controlPlaneOf, groupOf, manifestOf } from "../plan/sample-request";

const ec2 = mockClient(EC2Client);
const quotas = mockClient(ServiceQuotasClient);
const classic = mockClient(ElasticLoadBalancingClient);
const network = mockClient(ElasticLoadBalancingV2Client);
const clients = {
  ec2: new EC2Client(),
  quotas: new ServiceQuotasClient(),
  classic: new ElasticLoadBalancingClient(),
  network: new ElasticLoadBalancingV2Client(),
};
const find = (manifest = manifestOf(), patience?: AbortSignal) => findRoom(clients, manifest, "t3.micro", patience);
const awsError = (name: string) => Object.assign(new Error(name), { name });
const limit = (QuotaCode: string, Value: number) => quotas.on(GetServiceQuotaCommand, { QuotaCode }).resolves({ Quota: { Value } });
const machine = (InstanceType: string, more = {}) => ({ Instances: [{ InstanceType, ...more } as never] });
const types = { "t3.medium": 2, "t3.micro": 2, "m5.large": 2, "c5.4xlarge": 16 };

beforeEach(() => {
  for (const client of [ec2, quotas, classic, network]) client.reset();
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeVpcsCommand).resolves({});
  ec2.on(DescribeInstanceTypesCommand).callsFake(({ Filters: [{ Values }] }) => ({
    InstanceTypes: Object.entries(types)
      .filter(([type]) => Values.includes(type))
      .map(([InstanceType, DefaultVCpus]) => ({ InstanceType, VCpuInfo: { DefaultVCpus } })),
  }));
  const InstanceTypeOfferings = (["t3.medium", "t3.micro"] as const).map((InstanceType) => ({ InstanceType, Location: "us-east-1a" }));
  ec2.on(DescribeInstanceTypeOfferingsCommand).resolves({ InstanceTypeOfferings });
  classic.on(DescribeClassicCommand).resolves({});
  network.on(DescribeNetworkCommand).resolves({});
  quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 100 } });
});

test("an account with room has neither problems nor warnings, and what it has is only looked at", async () => {
  expect(await find()).toEqual({ problems: [], warnings: [] });
  const names = [ec2, quotas, classic, network].flatMap((client) => client.calls().map(({ args }) => args[0].constructor.name));
  expect(names.filter((name) => !/^(Describe|Get)/.test(name))).toEqual([]);
  expect(names).toHaveLength(8);
});

test("On-Demand standard machines of every page count as used, by their type's vCPUs", async () => {
  const dedicated = { Placement: { Tenancy: "host" } };
  const first = [machine("m5.large"), machine("c5.4xlarge", { InstanceLifecycle: "spot" })];
  const second = [machine("c5.4xlarge"), machine("g5.xlarge"), machine("m5.large", dedicated)];
  ec2.on(DescribeInstancesCommand).resolves({ Reservations: first, NextToken: "2" });
  ec2.on(DescribeInstancesCommand, { NextToken: "2" }).resolves({ Reservations: second });
  limit("L-1216C47A", 20);
  const { problems } = await find();
  expect(problems).toEqual([
    { path: "InstanceGroup/master-us-east-1a.spec.machineType", message: expect.stringContaining("used: 18, quota: 20") },
  ]);
  expect(ec2.commandCalls(DescribeInstancesCommand)[0]!.args[0].input.Filters).toEqual([
    { Name: "instance-state-name", Values: ["pending", "running"] },
  ]);
});

test("VPCs and Classic load balancers of every page are counted against their quotas", async () => {
  ec2.on(DescribeVpcsCommand).resolves({ Vpcs: [{}, {}, {}], NextToken: "2" });
  ec2.on(DescribeVpcsCommand, { NextToken: "2" }).resolves({ Vpcs: [{}, {}] });
  classic.on(DescribeClassicCommand).resolves({ LoadBalancerDescriptions: [{}], NextMarker: "2" });
  classic.on(DescribeClassicCommand, { Marker: "2" }).resolves({ LoadBalancerDescriptions: [{}] });
  limit("L-F678F1CE", 5);
  limit("L-E9E9831D", 2);
  const { problems } = await find();
  expect(problems).toEqual([
    { path: "spec.networkCIDR", message: expect.stringContaining("used: 5, quota: 5") },
    { path: "spec.api.loadBalancer.class", message: expect.stringContaining("used: 2, quota: 2") },
  ]);
});

test("of the newer load balancers only Network ones count", async () => {
  network.on(DescribeNetworkCommand).resolves({ LoadBalancers: [{ Type: "network" }, { Type: "application" }, { Type: "network" }] });
  limit("L-69A177A2", 2);
  const { problems } = await find(manifestOf({ loadBalancer: { class: "Network", type: "Public", idleTimeoutSeconds: 300 } }));
  expect(problems).toEqual([{ path: "spec.api.loadBalancer.class", message: expect.stringContaining("used: 2, quota: 2") }]);
  expect(classic.calls()).toHaveLength(0);
});

test("an account without a value of its own has AWS's default", async () => {
  quotas.on(GetServiceQuotaCommand, { QuotaCode: "L-F678F1CE" }).rejects(awsError("NoSuchResourceException"));
  quotas.on(GetAWSDefaultServiceQuotaCommand, { ServiceCode: "vpc", QuotaCode: "L-F678F1CE" }).resolves({ Quota: { Value: 0 } });
  const { problems, warnings } = await find();
  expect(problems).toEqual([{ path: "spec.networkCIDR", message: expect.stringContaining("quota: 0") }]);
  expect(warnings).toEqual([]);
});

describe("a look that fails is a warning", () => {
  test("one for all that failed alike; the others are looked at all the same", async () => {
    quotas.on(GetServiceQuotaCommand).rejects(awsError("AccessDeniedException"));
    ec2.on(DescribeInstanceTypeOfferingsCommand).resolves({ InstanceTypeOfferings: [] });
    const { problems, warnings } = await find();
    expect(problems.map(({ message }) => message)).toEqual([
      "t3.medium is not offered in us-east-1",
      "t3.medium is not offered in us-east-1",
      "the probe client's t3.micro is not offered in us-east-1",
    ]);
    const message = "could not be checked: the VPC quota, the load balancer quota, the vCPU quota (AccessDeniedException)";
    expect(warnings).toEqual([{ path: "", message }]);
  });

  test("and one more for each other reason", async () => {
    ec2.on(DescribeInstanceTypeOfferingsCommand).rejects(awsError("UnauthorizedOperation"));
    ec2.on(DescribeVpcsCommand).rejects(awsError("RequestLimitExceeded"));
    quotas.on(GetServiceQuotaCommand, { QuotaCode: "L-E9E9831D" }).resolves({});
    const { problems, warnings } = await find();
    expect(problems).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        "could not be checked: machine types by zone (UnauthorizedOperation)",
        "could not be checked: the VPC quota (RequestLimitExceeded)",
        "could not be checked: the load balancer quota (AwsRefused)",
      ]),
    );
  });

  test("whatever has not answered in time is not waited for", async () => {
    const patience = new AbortController();
    const never = () => new Promise(() => undefined);
    ec2.on(DescribeVpcsCommand).callsFake(never);
    quotas.on(GetServiceQuotaCommand, { QuotaCode: "L-1216C47A" }).callsFake(never);
    limit("L-E9E9831D", 0);
    const finding = find(manifestOf(), patience.signal);
    await new Promise(setImmediate);
    patience.abort(new DOMException("", "TimeoutError"));
    const { problems, warnings } = await finding;
    expect(problems.map(({ path }) => path)).toEqual(["spec.api.loadBalancer.class"]);
    expect(warnings).toEqual([{ path: "", message: "could not be checked: the VPC quota, the vCPU quota (TimeoutError)" }]);
  });

  test("machines whose quota is another are named", async () => {
    const { warnings } = await find(manifestOf({ instanceGroups: [controlPlaneOf(), groupOf({ machineType: "g5.xlarge" })] }));
    expect(warnings).toEqual([{ path: "InstanceGroup/nodes.spec.machineType", message: expect.stringContaining("only that of standard") }]);
  });
});
