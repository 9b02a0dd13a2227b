import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  type Role as IamRole,
  type Tag,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { codeOf, isInUse, isNotFound } from "../aws/translate";
import { Ambiguous, TryAgain } from "../errors";
import type { ClusterPlan, RolePlan } from "../plan/cluster-plan";
import { TAG_REGION, TAG_UID, roleName } from "../plan/names";
import type { Ledger } from "../registry/ledger";
import type { Role } from "../spec/manifest";
import type { Blocker, DeleteTarget } from "./blocker";

const roleKey = (role: Role): string => `role/${role}`;
const profileKey = (role: Role): string => `instance-profile/${role}`;

/**
 * The nodes' roles with their inline policies, and an instance profile of the same name for each. The ledger's detail `roleId`
 * is the first half of a node's `aws:userid`. IAM names are unique: a create that is refused finds what is there.
 * @throws Ambiguous when a role or profile of that name is not this cluster's: it is left alone.
 * @throws TryAgain when IAM does not show yet what it just made.
 */
export async function ensureIam(iam: IAMClient, plan: ClusterPlan, ledger: Ledger): Promise<void> {
  await ledger.intend(
    ...plan.iam.roles.flatMap(({ key, name }) => [
      { key: roleKey(key), token: name },
      { key: profileKey(key), token: name },
    ]),
  );
  await Promise.all(plan.iam.roles.map((role) => soon(role.name, () => ensureRole(iam, plan, role, ledger))));
}

async function ensureRole(iam: IAMClient, plan: ClusterPlan, role: RolePlan, ledger: Ledger): Promise<void> {
  const key = roleKey(role.key);
  const revoked = ledger.entry(key)?.detail?.["bootstrap"] === "revoked";
  const policies = Object.entries(role.policies).filter(([name]) => !(revoked && name === "bootstrap"));
  const [roleId, held] = await Promise.all([ensureRoleAlone(iam, plan, role, policies), ensureProfileAlone(iam, plan, role)]);
  ledger.made(key, role.name, { ...ledger.entry(key)?.detail, roleId });
  if (held === undefined) await addRole(iam, role.name);
  else if (held !== role.name) throw new Ambiguous(`The instance profile ${role.name} holds another role: ${held}.`);
  ledger.made(profileKey(role.key), role.name);
}

/** Answers the role's id. */
async function ensureRoleAlone(iam: IAMClient, plan: ClusterPlan, role: RolePlan, policies: [string, object][]): Promise<string> {
  const made = await unlessThere(
    iam.send(
      new CreateRoleCommand({
        RoleName: role.name,
        Path: plan.iam.path,
        Description: `Nodes of ${plan.name} (${plan.uid})`,
        AssumeRolePolicyDocument: JSON.stringify(role.trustPolicy),
        ...(plan.iam.boundary && { PermissionsBoundary: plan.iam.boundary }),
        Tags: tagList(plan, role),
      }),
    ),
  );
  const found = made?.Role ?? (await repairRole(iam, plan, role));
  await Promise.all(policies.map(([name, policy]) => ensurePolicy(iam, role.name, name, policy, !made)));
  return found?.RoleId ?? "";
}

async function repairRole(iam: IAMClient, plan: ClusterPlan, role: RolePlan): Promise<IamRole | undefined> {
  const { Role: found } = await iam.send(new GetRoleCommand({ RoleName: role.name }));
  if (!isOf(plan.uid, found?.Tags)) throw new Ambiguous(`A role ${role.name} exists that is not this cluster's; it is left alone.`);
  if (!same(found?.AssumeRolePolicyDocument, role.trustPolicy))
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: role.name, PolicyDocument: JSON.stringify(role.trustPolicy) }));
  if (plan.iam.boundary && found?.PermissionsBoundary?.PermissionsBoundaryArn !== plan.iam.boundary)
    await iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: role.name, PermissionsBoundary: plan.iam.boundary }));
  return found;
}

async function ensurePolicy(iam: IAMClient, RoleName: string, PolicyName: string, policy: object, mayBeThere: boolean): Promise<void> {
  const there = mayBeThere ? await ifThere(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))) : undefined;
  if (!same(there?.PolicyDocument, policy))
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(policy) }));
}

/** Answers the name of the role that the profile holds. */
async function ensureProfileAlone(iam: IAMClient, plan: ClusterPlan, role: RolePlan): Promise<string | undefined> {
  const InstanceProfileName = role.name;
  const made = await unlessThere(
    iam.send(new CreateInstanceProfileCommand({ InstanceProfileName, Path: plan.iam.path, Tags: tagList(plan, role) })),
  );
  if (made) return undefined;
  const { InstanceProfile: found } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
  if (!isOf(plan.uid, found?.Tags))
    throw new Ambiguous(`An instance profile ${role.name} exists that is not this cluster's; it is left alone.`);
  return found?.Roles?.[0]?.RoleName;
}

/** A profile holds one role: refused for that after it was empty means that our own lost call had arrived. The next look tells. */
async function addRole(iam: IAMClient, name: string): Promise<void> {
  try {
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
  } catch (error) {
    if (/^LimitExceeded/.test(codeOf(error))) throw new TryAgain(`${name} is in its instance profile already, it seems`, { cause: error });
    throw error;
  }
}

/** IAM is eventually consistent: NoSuchEntity for what was just made passes. */
async function soon(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw isNotFound(error) ? new TryAgain(`IAM does not show all of ${name} yet`, { cause: error }) : error;
  }
}

const unlessThere = <Answer>(call: Promise<Answer>): Promise<Answer | undefined> =>
  call.catch((error: unknown) => {
    if (/^EntityAlreadyExists/.test(codeOf(error))) return undefined;
    throw error;
  });
const ifThere = <Answer>(call: Promise<Answer>): Promise<Answer | undefined> =>
  call.catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });

const tagList = (plan: ClusterPlan, { name }: RolePlan): Tag[] =>
  Object.entries({ ...plan.tags, Name: name, [TAG_REGION]: plan.region }).map(([Key, Value]) => ({ Key, Value }));
const isOf = (uid: string, tags: Tag[] = []): boolean => tags.some(({ Key, Value }) => Key === TAG_UID && Value === uid);

/** IAM answers documents URL-encoded (RFC 3986). */
function same(document: string | undefined, planned: object): boolean {
  if (!document) return false;
  return JSON.stringify(JSON.parse(decodeURIComponent(document))) === JSON.stringify(planned);
}

/** One look at a delete: what carries this uid goes; who else holds a role is named. */
export async function deleteIam(iam: IAMClient, { ref, ledger }: DeleteTarget): Promise<Blocker[]> {
  const roles: Role[] = ["control-plane", "node"];
  const found = await Promise.all(
    roles.map(async (role) => {
      const name = roleName(ref.name, ref.uid, role);
      await deleteProfile(iam, name, ref.uid);
      ledger.gone(profileKey(role));
      const blocker = await deleteRole(iam, name, ref.uid);
      if (!blocker) ledger.gone(roleKey(role));
      return blocker;
    }),
  );
  return found.filter((blocker) => blocker !== undefined);
}

async function deleteProfile(iam: IAMClient, name: string, uid: string): Promise<void> {
  const found = (await ifThere(iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }))))?.InstanceProfile;
  if (!isOf(uid, found?.Tags)) return;
  for (const { RoleName } of found?.Roles ?? [])
    await ifThere(iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: name, RoleName })));
  await ifThere(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: name })));
}

async function deleteRole(iam: IAMClient, RoleName: string, uid: string): Promise<Blocker | undefined> {
  const found = (await ifThere(iam.send(new GetRoleCommand({ RoleName }))))?.Role;
  if (!isOf(uid, found?.Tags)) return undefined;
  const [inline, attached] = await Promise.all([
    ifThere(iam.send(new ListRolePoliciesCommand({ RoleName }))),
    ifThere(iam.send(new ListAttachedRolePoliciesCommand({ RoleName }))),
  ]);
  await Promise.all([
    ...(inline?.PolicyNames ?? []).map((PolicyName) => ifThere(iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName })))),
    ...(attached?.AttachedPolicies ?? []).map(({ PolicyArn }) => ifThere(iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn })))),
  ]);
  try {
    await ifThere(iam.send(new DeleteRoleCommand({ RoleName })));
  } catch (error) {
    if (isInUse(error)) return { resource: `role ${RoleName}`, reason: error instanceof Error ? error.message : codeOf(error) };
    throw error;
  }
}
