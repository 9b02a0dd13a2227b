import { DescribeVpcsCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  DeleteLoadBalancerCommand as DeleteClassicCommand,
  DescribeLoadBalancersCommand as DescribeClassicCommand,
  DescribeTagsCommand as DescribeClassicTagsCommand,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { mockClient } from "aws-sdk-client-mock";
import { deleteVpcLoadBalancers } from "../../../shared/resources/vpc-load-balancers";
import { aws, ownedTag, sharedTag, target } from "./delete-target";

const [ec2, classic, network] = [mockClient(EC2Client), mockClient(ElasticLoadBalancingClient), mockClient(ElasticLoadBalancingV2Client)];
const region = { region: "us-east-1" };
const clients = {
  ec2: new EC2Client(region),
  classic: new ElasticLoadBalancingClient(region),
  network: new ElasticLoadBalancingV2Client(region),
};
const [balancer, group] = ["arn:aws:elb:loadbalancer/net/k8s-web/1", "arn:aws:elb:targetgroup/k8s-web/1"];
const look = (to = target()) => deleteVpcLoadBalancers(clients, to);

beforeEach(() => {
  for (const mock of [ec2, classic, network]) mock.reset();
  ec2.onAnyCommand().resolves({});
  classic.onAnyCommand().resolves({});
  network.onAnyCommand().resolves({});
  classic.on(DescribeClassicCommand).resolves({
    LoadBalancerDescriptions: [
      { LoadBalancerName: "a1b2", VPCId: "vpc-1" },
      { LoadBalancerName: "theirs", VPCId: "vpc-2" },
      { LoadBalancerName: "in-ec2-classic" },
    ],
  });
  network.on(DescribeLoadBalancersCommand).resolves({
    LoadBalancers: [
      { LoadBalancerArn: balancer, VpcId: "vpc-1" },
      { LoadBalancerArn: "theirs", VpcId: "vpc-2" },
    ],
  });
  network.on(DescribeTargetGroupsCommand).resolves({
    TargetGroups: [
      { TargetGroupArn: group, VpcId: "vpc-1" },
      { TargetGroupArn: "theirs", VpcId: "vpc-2" },
      { TargetGroupArn: "of-a-lambda" },
    ],
  });
});

test("everything in our VPC goes, load balancers before their target groups, and the ledger names it; another VPC's stays", async () => {
  const to = target();
  expect(await look(to)).toEqual([]);
  expect(classic.commandCalls(DeleteClassicCommand).map(({ args }) => args[0].input.LoadBalancerName)).toEqual(["a1b2"]);
  expect(network.commandCalls(DeleteLoadBalancerCommand).map(({ args }) => args[0].input.LoadBalancerArn)).toEqual([balancer]);
  expect(network.commandCalls(DeleteTargetGroupCommand).map(({ args }) => args[0].input.TargetGroupArn)).toEqual([group]);
  expect(network.commandCalls(DeleteLoadBalancerCommand)[0]!.calledBefore(network.commandCalls(DeleteTargetGroupCommand)[0]!)).toBe(true);
  const found = Object.entries(to.ledger.entries).filter(([key]) => key.startsWith("vpc-"));
  expect(found.map(([key, { state }]) => [key, state])).toEqual([
    ["vpc-load-balancer/a1b2", "gone"],
    [`vpc-load-balancer/${balancer}`, "gone"],
    [`vpc-target-group/${group}`, "gone"],
  ]);
});

test("what is shared, or another cluster's, stays and is a blocker that names the tag", async () => {
  classic.on(DescribeClassicTagsCommand).resolves({ TagDescriptions: [{ LoadBalancerName: "a1b2", Tags: [sharedTag] }] });
  const Tags = [ownedTag, { Key: "kubernetes.io/cluster/other", Value: "owned" }];
  network.on(DescribeTagsCommand).resolves({ TagDescriptions: [{ ResourceArn: balancer, Tags }] });
  network.on(DeleteTargetGroupCommand).rejects(aws("ResourceInUse", "is in use by a listener"));
  expect(await look()).toEqual([
    { resource: "vpc-load-balancer a1b2", reason: `tagged ${sharedTag.Key}=shared` },
    { resource: `vpc-load-balancer ${balancer}`, reason: "tagged kubernetes.io/cluster/other=owned" },
    { resource: `vpc-target-group ${group}`, reason: "ResourceInUse: is in use by a listener" },
  ]);
  expect(classic.commandCalls(DeleteClassicCommand)).toHaveLength(0);
  expect(network.commandCalls(DeleteLoadBalancerCommand)).toHaveLength(0);
});

test("deletion protection is named, and what it protects is not gone", async () => {
  network.on(DeleteLoadBalancerCommand).rejects(aws("OperationNotPermitted", "deletion protection is enabled"));
  const to = target();
  const reason = "OperationNotPermitted: deletion protection is enabled";
  expect(await look(to)).toEqual([{ resource: `vpc-load-balancer ${balancer}`, reason }]);
  expect(to.ledger.ofKind("vpc-load-balancer").map(([, { id }]) => id)).toEqual([balancer]);
});

test("pages are read to the end, and tags asked for twenty at a time", async () => {
  const named = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => ({ LoadBalancerName: `lb-${from + at}`, VPCId: "vpc-1" }));
  classic.on(DescribeClassicCommand).resolves({ LoadBalancerDescriptions: named(0, 15), NextMarker: "lb-14" });
  classic.on(DescribeClassicCommand, { Marker: "lb-14" }).resolves({ LoadBalancerDescriptions: named(15, 30) });
  expect(await look()).toEqual([]);
  expect(classic.commandCalls(DescribeClassicTagsCommand).map(({ args }) => args[0].input.LoadBalancerNames?.length)).toEqual([20, 10]);
  expect(classic.commandCalls(DeleteClassicCommand)).toHaveLength(30);
});

test("a VPC whose id was never heard is found by its tags", async () => {
  ec2.on(DescribeVpcsCommand).resolves({ Vpcs: [{ VpcId: "vpc-1" }] });
  expect(await look(target({}))).toEqual([]);
  expect(classic.commandCalls(DeleteClassicCommand)).toHaveLength(1);
  expect(ec2.commandCalls(DescribeVpcsCommand)[0]!.args[0].input.Filters).toEqual([
    { Name: "tag:clowder:uid", Values: ["abcdefghij"] },
    { Name: "tag:clowder:deployment", Values: ["test"] },
  ]);
});

test("without a VPC no load balancer is looked at", async () => {
  expect(await look(target({}))).toEqual([]);
  expect(classic.calls().length + network.calls().length).toBe(0);
});

test("one that goes while it is looked at asks for another look", async () => {
  classic.on(DescribeClassicTagsCommand).rejects(aws("LoadBalancerNotFound"));
  await expect(look()).rejects.toMatchObject({ name: "TryAgain" });
});
