import { DescribeTagsCommand, type EC2Client, paginateDescribeInstances, paginateDescribeTags } from "@aws-sdk/client-ec2";
import {
  type IAMClient,
  ListInstanceProfileTagsCommand,
  ListRoleTagsCommand,
  type Tag,
  paginateListInstanceProfiles,
  paginateListRoles,
} from "@aws-sdk/client-iam";
import { tagOf, withTags } from "../aws/tags";
import { isNotFound } from "../aws/translate";
import { TAG_DEPLOYMENT, TAG_REGION, TAG_UID, isUid, rolePath } from "../plan/names";
import type { Orphan } from "../registry/orphans";
import { isDnsName } from "../spec/dns-name";

interface Clients {
  ec2: EC2Client;
  iam: IAMClient;
}
/** `instance i-0123` as kind and id. */
interface Resource {
  kind: string;
  id: string;
}

export interface DeploymentLook {
  /** uids that have an instance that is not ended. */
  alive: Set<string>;
  /** By uid: what EC2 keeps under this deployment's tags and IAM under its path. Ended instances are not among it. */
  resources: Map<string, Resource[]>;
}

/** One look at everything of a deployment, in pages of what is tagged as ours: others' resources cost nothing. */
export async function lookAtDeployment({ ec2, iam }: Clients, deployment: string): Promise<DeploymentLook> {
  const [instances, tagged, inIam] = await Promise.all([livingInstances(ec2, deployment), taggedInEc2(ec2, deployment), underPath(iam, deployment)]);
  const shown = [...tagged.filter(({ kind, id }) => kind !== "instance" || instances.has(id)), ...inIam];
  const resources = new Map<string, Resource[]>();
  for (const { uid, kind, id } of shown) if (isUid(uid)) resources.set(uid, [...(resources.get(uid) ?? []), { kind, id }]);
  return { alive: new Set(instances.values()), resources };
}

/** uid by instance id. */
async function livingInstances(ec2: EC2Client, deployment: string): Promise<Map<string, string>> {
  const Filters = [
    { Name: "tag-key", Values: [TAG_UID] },
    ...withTags({ [TAG_DEPLOYMENT]: deployment }),
    { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
  ];
  const found = new Map<string, string>();
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2, pageSize: 1000 }, { Filters }))
    for (const { InstanceId, Tags } of Reservations.flatMap(({ Instances = [] }) => Instances)) found.set(InstanceId!, tagOf(Tags, TAG_UID)!);
  return found;
}

/** DescribeTags answers one tag of one resource a row, and its filters look at rows: both tags are asked for and joined here. */
async function taggedInEc2(ec2: EC2Client, deployment: string): Promise<(Resource & { uid: string })[]> {
  const uids = new Map<string, Resource & { uid: string }>();
  const ours = new Set<string>();
  const Filters = [{ Name: "key", Values: [TAG_UID, TAG_DEPLOYMENT] }];
  for await (const { Tags = [] } of paginateDescribeTags({ client: ec2, pageSize: 1000 }, { Filters }))
    for (const { ResourceId: id = "", ResourceType: kind = "resource", Key, Value: uid = "" } of Tags)
      if (Key === TAG_UID) uids.set(id, { kind, id, uid });
      else if (uid === deployment) ours.add(id);
  return [...uids.values()].filter(({ id }) => ours.has(id));
}

/** Roles and instance profiles have the uid at the end of their names. */
async function underPath(iam: IAMClient, deployment: string): Promise<(Resource & { uid: string })[]> {
  const at = { PathPrefix: rolePath(deployment) };
  const found: Resource[] = [];
  for await (const { Roles = [] } of paginateListRoles({ client: iam }, at)) found.push(...Roles.map(({ RoleName }) => ({ kind: "role", id: RoleName! })));
  for await (const { InstanceProfiles = [] } of paginateListInstanceProfiles({ client: iam }, at))
    found.push(...InstanceProfiles.map(({ InstanceProfileName }) => ({ kind: "instance-profile", id: InstanceProfileName! })));
  return found.map((resource) => ({ ...resource, uid: resource.id.slice(resource.id.lastIndexOf("-") + 1) }));
}

/** EC2 takes 200 values in a filter. */
const FILTER_LIMIT = 200;

/** undefined when all of it is another region's, or gone by now. */
export async function describeOrphan(
  { ec2, iam }: Clients,
  { id: deployment, region }: { id: string; region: string },
  { uid, resources }: { uid: string; resources: Resource[] },
): Promise<Orphan | undefined> {
  const inEc2 = resources.filter(({ kind }) => !isOfIam(kind));
  const own = { [TAG_UID]: uid, [TAG_DEPLOYMENT]: deployment, [TAG_REGION]: region };
  const named = resources.filter(({ kind }) => isOfIam(kind)).map(async (resource) => ({ resource, tags: await iamTags(iam, resource) }));
  const inIam = (await Promise.all(named)).filter(({ tags }) => Object.entries(own).every(([key, value]) => tagOf(tags, key) === value));
  const tags = [...(await ec2Tags(ec2, inEc2)), ...inIam.flatMap((found) => found.tags)];
  const shown = [...inEc2, ...inIam.map(({ resource }) => resource)].map(({ kind, id }) => `${kind} ${id}`);
  const name = valuesOf(tags, "KubernetesCluster").find(isDnsName);
  const [owner] = valuesOf(tags, "owner");
  return shown.length ? { uid, resources: shown.sort(), ...(name && { name }), ...(owner && { owner }) } : undefined;
}

const isOfIam = (kind: string): boolean => kind === "role" || kind === "instance-profile";
const valuesOf = (tags: Partial<Tag>[], key: string): string[] => tags.flatMap(({ Key, Value }) => (Key === key && Value ? [Value] : [])).sort();

async function ec2Tags(ec2: EC2Client, resources: Resource[]): Promise<Partial<Tag>[]> {
  if (resources.length === 0) return [];
  const Values = resources.slice(0, FILTER_LIMIT).map(({ id }) => id);
  const Filters = [{ Name: "resource-id", Values }, { Name: "key", Values: ["KubernetesCluster", "owner"] }];
  return (await ec2.send(new DescribeTagsCommand({ Filters }))).Tags ?? [];
}

async function iamTags(iam: IAMClient, { kind, id }: Resource): Promise<Tag[]> {
  const list = () =>
    kind === "role" ? iam.send(new ListRoleTagsCommand({ RoleName: id })) : iam.send(new ListInstanceProfileTagsCommand({ InstanceProfileName: id }));
  try {
    return (await list()).Tags ?? [];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
