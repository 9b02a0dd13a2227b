import type { EC2Client } from "@aws-sdk/client-ec2";
import {
  DeleteLoadBalancerCommand as DeleteClassicCommand,
  DescribeTagsCommand as DescribeClassicTagsCommand,
  type ElasticLoadBalancingClient,
  paginateDescribeLoadBalancers as paginateClassic,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeTagsCommand,
  type ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
  paginateDescribeTargetGroups,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { settleAll, whileSettling } from "../aws/settle";
import { tagOf } from "../aws/tags";
import { TAG_UID } from "../plan/names";
import type { Blocker, DeleteTarget } from "./blocker";
import { claimOf } from "./claim";
import type { ElbClients } from "./elb";
import { ownVpcIds } from "./vpc";
import { markGone, remove, witness } from "./wave";

/** One thing in our VPC, with the call that deletes it. `id` is what blockers and ledger name it by. */
interface Found {
  kind: "vpc-load-balancer" | "vpc-target-group";
  id: string;
  tags: Tags;
  destroy: () => Promise<unknown>;
}
type Tags = { Key: string | undefined; Value?: string | undefined }[];

/**
 * Takes the load balancers and target groups that Services, Ingresses and people made in our VPC, of every kind, whatever their tags,
 * shared ones and other clusters' apart. Runs once the machines have ended: a controller that lives would make them anew.
 */
export async function deleteVpcLoadBalancers(clients: ElbClients & { ec2: EC2Client }, target: DeleteTarget): Promise<Blocker[]> {
  const vpcIds = await ownVpcIds(clients.ec2, target);
  const { classic: elb, network: elbv2 } = clients;
  const look = () => Promise.all([classicIn(elb, vpcIds), balancersIn(elbv2, vpcIds), groupsIn(elbv2, vpcIds)]);
  const [classic, balancers, groups] = vpcIds.length ? await whileSettling(look) : [[], [], []];
  // A listener holds its target group: load balancers go first.
  const blockers = [...(await takeAll([...classic, ...balancers], target)), ...(await takeAll(groups, target))];
  markGone(target.ledger, ["vpc-load-balancer", "vpc-target-group"], blockers);
  return blockers;
}

async function takeAll(found: Found[], { ref, ledger }: DeleteTarget): Promise<Blocker[]> {
  const left = found.map(async ({ kind, id, tags, destroy }) => {
    const resource = `${kind} ${id}`;
    const claim = claimOf(tags, ref);
    if (claim) return [{ resource, reason: claim }];
    if (tagOf(tags, TAG_UID) !== ref.uid) witness(ledger, kind, id);
    return remove(resource, destroy);
  });
  return (await settleAll(left)).flat();
}

/** DescribeTags of either API takes 20 names. */
const TAG_LIMIT = 20;
const inGroups = <Thing>(things: Thing[]): Thing[][] =>
  Array.from({ length: Math.ceil(things.length / TAG_LIMIT) }, (_, at) => things.slice(at * TAG_LIMIT, (at + 1) * TAG_LIMIT));

async function classicIn(elb: ElasticLoadBalancingClient, vpcIds: string[]): Promise<Found[]> {
  const names: string[] = [];
  for await (const { LoadBalancerDescriptions = [] } of paginateClassic({ client: elb }, {}))
    for (const { VPCId = "", LoadBalancerName = "" } of LoadBalancerDescriptions) if (vpcIds.includes(VPCId)) names.push(LoadBalancerName);
  const pages = inGroups(names).map((LoadBalancerNames) => elb.send(new DescribeClassicTagsCommand({ LoadBalancerNames })));
  const tags = (await settleAll(pages)).flatMap(({ TagDescriptions = [] }) => TagDescriptions);
  return names.map((LoadBalancerName) => ({
    kind: "vpc-load-balancer",
    id: LoadBalancerName,
    tags: tags.find((one) => one.LoadBalancerName === LoadBalancerName)?.Tags ?? [],
    destroy: () => elb.send(new DeleteClassicCommand({ LoadBalancerName })),
  }));
}

async function balancersIn(elb: ElasticLoadBalancingV2Client, vpcIds: string[]): Promise<Found[]> {
  const arns: string[] = [];
  for await (const { LoadBalancers = [] } of paginateDescribeLoadBalancers({ client: elb }, {}))
    for (const { VpcId = "", LoadBalancerArn = "" } of LoadBalancers) if (vpcIds.includes(VpcId)) arns.push(LoadBalancerArn);
  const tagsOf = await tagsByArn(elb, arns);
  return arns.map((LoadBalancerArn) => ({
    kind: "vpc-load-balancer",
    id: LoadBalancerArn,
    tags: tagsOf(LoadBalancerArn),
    destroy: () => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn })),
  }));
}

async function groupsIn(elb: ElasticLoadBalancingV2Client, vpcIds: string[]): Promise<Found[]> {
  const arns: string[] = [];
  for await (const { TargetGroups = [] } of paginateDescribeTargetGroups({ client: elb }, {}))
    for (const { VpcId = "", TargetGroupArn = "" } of TargetGroups) if (vpcIds.includes(VpcId)) arns.push(TargetGroupArn);
  const tagsOf = await tagsByArn(elb, arns);
  return arns.map((TargetGroupArn) => ({
    kind: "vpc-target-group",
    id: TargetGroupArn,
    tags: tagsOf(TargetGroupArn),
    destroy: () => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn })),
  }));
}

async function tagsByArn(elb: ElasticLoadBalancingV2Client, arns: string[]): Promise<(arn: string) => Tags> {
  const pages = inGroups(arns).map((ResourceArns) => elb.send(new DescribeTagsCommand({ ResourceArns })));
  const described = (await settleAll(pages)).flatMap(({ TagDescriptions = [] }) => TagDescriptions);
  return (arn) => described.find(({ ResourceArn }) => ResourceArn === arn)?.Tags ?? [];
}
