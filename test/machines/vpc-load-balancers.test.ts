import { AuthorizeSecurityGroupIngressCommand, DeleteRouteCommand, DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import {
  ConfigureHealthCheckCommand,
  CreateLoadBalancerCommand,
  DeregisterInstancesFromLoadBalancerCommand,
  ElasticLoadBalancingClient,
  RegisterInstancesWithLoadBalancerCommand,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand as CreateV2Command,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { region, rootCredentials } from "../../local/emulators/emulators";
import { personAddress } from "../../local/vpc/outside";
import { ask, AWS_ADDRESS, serve, startWorld, until, type World } from "./world";

let world: World;
let elb: ElasticLoadBalancingClient;
let dnsName: string;
let nodes: string;
let front: string;
const ids: string[] = [];
const LoadBalancerName = "api";

const outside = async (name: string, port: number) => (await world.machines.outside(ask(name, port))).stdout.trim();
const publicAddressOf = async (id: string) =>
  (await world.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations![0]!.Instances![0]!.PublicIpAddress!;
const healthOf = (id: string) => world.health.findLast(({ target }) => target === id)?.healthy;

beforeAll(async () => {
  world = await startWorld("vpc-balancers");
  const client = { endpoint: world.emulators.endpoint, region, credentials: rootCredentials };
  elb = new ElasticLoadBalancingClient(client);
  [nodes, front] = [await world.group("nodes"), await world.group("front")];
  ids.push(await world.run("172.20.32.10", [nodes], { public: true }), await world.run("172.20.32.11", [nodes]));
  const Listeners = [{ Protocol: "TCP", LoadBalancerPort: 443, InstanceProtocol: "TCP", InstancePort: 6443 }];
  const made = await elb.send(new CreateLoadBalancerCommand({ LoadBalancerName, Listeners, Subnets: [world.subnetId], SecurityGroups: [front] }));
  dnsName = made.DNSName!;
  const HealthCheck = { Target: "TCP:6443", Interval: 10, Timeout: 2, HealthyThreshold: 2, UnhealthyThreshold: 2 };
  await elb.send(new ConfigureHealthCheckCommand({ LoadBalancerName, HealthCheck }));
  await elb.send(new RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName, Instances: ids.map((InstanceId) => ({ InstanceId })) }));
  await world.machines.look();
});
afterAll(() => world.stop());

const allow = async (GroupId: string, permission: object) => {
  await world.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [{ IpProtocol: "tcp", ...permission }] }));
  await world.machines.look();
};

test("a balancer's own security group decides who reaches it, and a machine's decides what the balancer reaches", async () => {
  await world.keep(ids[0]!, ...serve(6443, "first"));
  expect(await outside(dnsName, 443)).toBe("timed out");
  await allow(front, { FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: `${personAddress}/32` }] });
  await until(() => healthOf(ids[0]!) === false);
  expect(await outside(dnsName, 443)).toBe("closed");
  await allow(nodes, { FromPort: 6443, ToPort: 6443, UserIdGroupPairs: [{ GroupId: front }] });
  await until(() => healthOf(ids[0]!) === true);
  expect(await outside(dnsName, 443)).toMatch(/^first sees 172\.20\.(?!32\.1[01]$)/);
});

test("only targets that pass the health check are reached", async () => {
  expect(healthOf(ids[1]!)).toBe(false);
  const answers = await Promise.all([1, 2, 3, 4].map(() => outside(dnsName, 443)));
  expect(new Set(answers.map((answer) => answer.split(" ")[0]))).toEqual(new Set(["first"]));
  await world.keep(ids[1]!, ...serve(6443, "second"));
  await until(() => healthOf(ids[1]!) === true);
  const both = await Promise.all([1, 2, 3, 4].map(() => outside(dnsName, 443)));
  expect(new Set(both.map((answer) => answer.split(" ")[0]))).toEqual(new Set(["first", "second"]));
});

test("a target that is no longer registered is no longer reached", async () => {
  await elb.send(new DeregisterInstancesFromLoadBalancerCommand({ LoadBalancerName, Instances: [{ InstanceId: ids[0] }] }));
  await world.machines.look();
  for (let n = 0; n < 3; n++) expect(await outside(dnsName, 443)).toMatch(/^second /);
});

test("a Network load balancer listens inside and outside, and its targets see its own address", async () => {
  const network = new ElasticLoadBalancingV2Client({ endpoint: world.emulators.endpoint, region, credentials: rootCredentials });
  const { LoadBalancers } = await network.send(new CreateV2Command({ Name: "net", Type: "network", Subnets: [world.subnetId] }));
  const { TargetGroups } = await network.send(
    new CreateTargetGroupCommand({ Name: "net", Protocol: "TCP", Port: 6443, VpcId: world.vpcId, TargetType: "instance", HealthyThresholdCount: 2 }),
  );
  const TargetGroupArn = TargetGroups![0]!.TargetGroupArn!;
  const { LoadBalancerArn, DNSName } = LoadBalancers![0]!;
  await network.send(new CreateListenerCommand({ LoadBalancerArn, Protocol: "TCP", Port: 443, DefaultActions: [{ Type: "forward", TargetGroupArn }] }));
  await network.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: ids[1]!, Port: 6443 }] }));
  await allow(nodes, { FromPort: 6443, ToPort: 6443, IpRanges: [{ CidrIp: "172.20.0.0/16" }] });
  await until(() => world.health.findLast(({ balancer }) => balancer === "net")?.healthy === true);
  expect(await outside(DNSName!, 443)).toMatch(/^second sees 172\.20\.(?!32\.1[01]$)/);
});

describe("the ways out", () => {
  const aws = (id: string) => world.inside(id, "sh", "-c", `curl -s -m 2 -o /dev/null -w '%{http_code}' http://${AWS_ADDRESS}/_ministack/ready || true`);

  test("a machine with a public address reaches the AWS endpoint, one without does not", () => {
    expect([aws(ids[0]!), aws(ids[1]!)]).toEqual(["200", "000"]);
  });

  test("a machine reaches a balancer by its public name, and is seen there by its own public address", async () => {
    const publicAddress = await publicAddressOf(ids[0]!);
    const balancer = (await world.machines.outside(["getent", "hosts", dnsName])).stdout.split(" ")[0]!;
    expect(world.inside(ids[0]!, ...ask(balancer, 443))).toBe("timed out");
    await allow(front, { FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: `${publicAddress}/32` }] });
    expect(world.inside(ids[0]!, ...ask(balancer, 443))).toMatch(/^second sees /);
  });

  test("nothing else of the world answers", () => {
    expect(world.inside(ids[0]!, ...ask("8.8.8.8", 53))).toMatch(/Network is unreachable|timed out/);
    expect(world.inside(ids[0]!, ...ask("127.0.0.1", Number(new URL(world.emulators.endpoint).port)))).toBe("Connection refused");
  });

  test("a person outside reaches a public address as far as the security group lets them", async () => {
    const publicAddress = await publicAddressOf(ids[0]!);
    expect(await outside(publicAddress, 6443)).toBe("timed out");
    await allow(nodes, { FromPort: 6443, ToPort: 6443, IpRanges: [{ CidrIp: "192.0.2.0/24" }] });
    expect(await outside(publicAddress, 6443)).toBe(`first sees ${personAddress}`);
  });

  test("without a route to the internet gateway there is no way out", async () => {
    await world.ec2.send(new DeleteRouteCommand({ RouteTableId: world.routeTableId, DestinationCidrBlock: "0.0.0.0/0" }));
    await world.machines.look();
    expect(aws(ids[0]!)).toBe("000");
  });
});
