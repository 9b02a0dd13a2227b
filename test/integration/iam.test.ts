import {
  AttachRolePolicyCommand,
  CreateInstanceProfileCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { Ambiguous } from "../../shared/errors";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import type { Ledger } from "../../shared/registry/ledger";
import { memoryLedger } from "../memory-ledger";
import { deleteIam, ensureIam } from "../../shared/resources/iam";
import { samplePlan, targetOf } from "../unit/resources/sample-plan";

const iam = new IAMClient({ region: "us-east-1" });
afterAll(() => iam.destroy());

const somePolicy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] });
let count = 0;
const freshPlan = (): ClusterPlan => samplePlan({ uid: `i${process.pid % 1000}${Date.now() % 10000}${count++}` });
const roleNames = (plan: ClusterPlan) => plan.iam.roles.map(({ name }) => name);
const roleOf = async (RoleName: string) => (await iam.send(new GetRoleCommand({ RoleName }))).Role;
const profileOf = async (InstanceProfileName: string) =>
  (await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile;
const policyOf = async (RoleName: string, PolicyName: string) =>
  JSON.parse(decodeURIComponent((await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).PolicyDocument!));
async function made(plan = freshPlan(), ledger: Ledger = memoryLedger()) {
  await ensureIam(iam, plan, ledger);
  return { plan, ledger };
}

test("two roles are made with path, trust, tags and policies, each in a profile of its name", async () => {
  const { plan, ledger } = await made();
  for (const role of plan.iam.roles) {
    const found = await roleOf(role.name);
    expect(found?.Path).toBe("/clowder/test/");
    expect(found?.Tags).toEqual(expect.arrayContaining([{ Key: "clowder:uid", Value: plan.uid }]));
    expect(JSON.parse(decodeURIComponent(found!.AssumeRolePolicyDocument!))).toEqual(role.trustPolicy);
    for (const [name, policy] of Object.entries(role.policies)) expect(await policyOf(role.name, name)).toEqual(policy);
    expect((await profileOf(role.name))?.Roles?.map(({ RoleName }) => RoleName)).toEqual([role.name]);
    expect(ledger.entry(`role/${role.key}`)).toMatchObject({ state: "made", id: role.name, detail: { roleId: found?.RoleId } });
    expect(ledger.id(`instance-profile/${role.key}`)).toBe(role.name);
  }
});

test("the permissions boundary of the plan is on the role", async () => {
  const { Policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName: `boundary-${process.pid}-${Date.now()}`, PolicyDocument: somePolicy }),
  );
  const plan = freshPlan();
  plan.iam.boundary = Policy!.Arn!;
  await made(plan);
  for (const name of roleNames(plan)) expect((await roleOf(name))?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(Policy!.Arn);
});

test("the second run changes nothing and keeps the ids", async () => {
  const { plan, ledger } = await made();
  const before = await Promise.all(roleNames(plan).map(roleOf));
  const again = await made(plan);
  expect(await Promise.all(roleNames(plan).map(roleOf))).toEqual(before);
  expect(again.ledger.entry("role/node")?.detail).toEqual(ledger.entry("role/node")?.detail);
});

test("a policy and a trust that somebody changed are mended", async () => {
  const { plan } = await made();
  const [controlPlane] = plan.iam.roles;
  const Statement = [{ Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" }];
  const changed = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: controlPlane!.name, PolicyDocument: changed }));
  await iam.send(new PutRolePolicyCommand({ RoleName: controlPlane!.name, PolicyName: "node", PolicyDocument: somePolicy }));
  await made(plan);
  expect(JSON.parse(decodeURIComponent((await roleOf(controlPlane!.name))!.AssumeRolePolicyDocument!))).toEqual(controlPlane!.trustPolicy);
  expect(await policyOf(controlPlane!.name, "node")).toEqual(controlPlane!.policies["node"]);
});

test("what a run that was cut off left half-made is completed", async () => {
  const plan = freshPlan();
  const Tags = Object.entries(plan.tags).map(([Key, Value]) => ({ Key, Value }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: roleNames(plan)[1]!, Path: plan.iam.path, Tags }));
  await made(plan);
  expect((await profileOf(roleNames(plan)[1]!))?.Roles?.map(({ RoleName }) => RoleName)).toEqual([roleNames(plan)[1]]);
});

test("a role of that name which is not ours is neither changed nor deleted", async () => {
  const plan = freshPlan();
  const RoleName = roleNames(plan)[1]!;
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(plan.iam.roles[1]!.trustPolicy) }));
  const before = await roleOf(RoleName);
  await expect(ensureIam(iam, plan, memoryLedger())).rejects.toThrow(Ambiguous);
  expect(await deleteIam(iam, targetOf(plan))).toEqual([]);
  expect(await roleOf(RoleName)).toEqual(before);
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual([]);
});

test("after revoke-bootstrap the bootstrap policy is not granted again", async () => {
  const { plan, ledger } = await made();
  ledger.made("role/control-plane", roleNames(plan)[0]!, { ...ledger.entry("role/control-plane")?.detail, bootstrap: "revoked" });
  await deleteIam(iam, targetOf(plan));
  await made(plan, ledger);
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName: roleNames(plan)[0]! }))).PolicyNames).toEqual(["node"]);
});

test("a delete removes roles, profiles and whatever policy was attached, and twice is once", async () => {
  const { plan, ledger } = await made();
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: `extra-${plan.uid}`, PolicyDocument: somePolicy }));
  await iam.send(new AttachRolePolicyCommand({ RoleName: roleNames(plan)[0]!, PolicyArn: Policy!.Arn! }));
  expect(await deleteIam(iam, targetOf(plan, ledger))).toEqual([]);
  for (const name of roleNames(plan)) {
    await expect(roleOf(name)).rejects.toThrow();
    await expect(profileOf(name)).rejects.toThrow();
  }
  expect([...ledger.ofKind("role"), ...ledger.ofKind("instance-profile")]).toEqual([]);
  expect(await deleteIam(iam, targetOf(plan, ledger))).toEqual([]);
});
