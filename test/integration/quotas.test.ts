import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { mockClient } from "aws-sdk-client-mock";
import { findRoom } from "../../shared/resources/quotas";
import { controlPlaneOf, groupOf, manifestOf } from "../unit/plan/sample-request";
import { focalImage, record } from "./sample-cluster";

jest.setTimeout(60_000);
const ec2 = new EC2Client();
const clients = {
  ec2,
  quotas: new ServiceQuotasClient(),
  classic: new ElasticLoadBalancingClient(),
  network: new ElasticLoadBalancingV2Client(),
};
const calls = record(ec2);
/** The emulators' first answers take long; what is too slow is tried in the unit tests. */
const patient = () => AbortSignal.timeout(50_000);
const network = { class: "Network", type: "Public", idleTimeoutSeconds: 300 } as const;

/** The emulators know no quotas of these kinds. */
const withQuota = async <T>(Value: number, look: () => Promise<T>): Promise<T> => {
  const quotas = mockClient(ServiceQuotasClient);
  quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value } });
  return look().finally(() => quotas.restore());
};

test("an account with room for the seed has no problem, for either class of load balancer", async () => {
  const found = await withQuota(1000, () => findRoom(clients, manifestOf(), "t3.micro", patient()));
  expect(found).toEqual({ problems: [], warnings: [] });
  expect(calls.toSorted()).toEqual(["DescribeInstanceTypeOfferings", "DescribeInstanceTypes", "DescribeInstances", "DescribeVpcs"]);
  expect(await withQuota(1000, () => findRoom(clients, manifestOf({ loadBalancer: network }), "t3.micro", patient()))).toEqual(found);
});

test("machines that run are counted by their vCPUs, and an account without room is told of all at once", async () => {
  const run = { ImageId: await focalImage(ec2), InstanceType: "c5.4xlarge", MinCount: 2, MaxCount: 2 } as const;
  const { Instances = [] } = await ec2.send(new RunInstancesCommand(run));
  const { problems } = await withQuota(0, () => findRoom(clients, manifestOf(), "t3.micro", patient()));
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: Instances.map(({ InstanceId }) => InstanceId!) }));
  const paths = ["InstanceGroup/master-us-east-1a.spec.machineType", "spec.networkCIDR", "spec.api.loadBalancer.class"];
  expect(problems.map(({ path }) => path)).toEqual(paths);
  const [, used] = /asked: 6 vCPUs .* used: (\d+), quota: 0/.exec(problems[0]!.message)!;
  expect(Number(used)).toBeGreaterThanOrEqual(32);
});

test("a type that the zone does not offer is told with the zones that do", async () => {
  const subnets = [{ name: "us-east-1e", zone: "us-east-1e", cidr: "172.20.32.0/19" }];
  const [controlPlane, nodes] = [controlPlaneOf({ subnets: ["us-east-1e"] }), groupOf({ subnets: ["us-east-1e"], machineType: "t9.none" })];
  const manifest = manifestOf({ subnets, instanceGroups: [controlPlane, nodes] });
  const { problems } = await withQuota(1000, () => findRoom(clients, manifest, "m4.large", patient()));
  expect(problems).toEqual([
    {
      path: "InstanceGroup/master-us-east-1a.spec.machineType",
      message: expect.stringMatching(/^t3.medium is not offered in us-east-1e, but is in us-east-1a, us-east-1b/),
    },
    { path: "InstanceGroup/nodes.spec.machineType", message: "t9.none is not offered in us-east-1" },
  ]);
});

test("where Service Quotas cannot be asked, one warning says so and nothing is refused", async () => {
  const { problems, warnings } = await findRoom(clients, manifestOf(), "t3.micro", patient());
  expect(problems).toEqual([]);
  expect(warnings).toEqual([
    { path: "", message: expect.stringMatching(/^could not be checked: the VPC quota, the load balancer quota, the vCPU quota \(/) },
  ]);
});
