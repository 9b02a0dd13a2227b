import { type EvaluationResult, IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { mockClient } from "aws-sdk-client-mock";
import type { StepPermission } from "../../../shared/plan/step-permissions";
import { type StepRoles, findRefusals } from "../../../shared/resources/step-roles";

const mock = mockClient(IAMClient);
const deployment = { partition: "aws", accountId: "111122223333", region: "us-east-1" };
const launch: StepPermission = { step: "createInstances", actions: ["ec2:RunInstances", "ec2:CreateTags"], resources: ["instance/*", "volume/*"], context: { key: "value" } };
const remove: StepPermission = { step: "deleteNetwork", actions: ["ec2:DeleteVpc"], resources: ["vpc/*"], context: {} };
const rolesOf = (change: Partial<StepRoles> = {}): StepRoles => ({
  ...{ iam: new IAMClient({ region: "us-east-1" }), prefix: "clowder-dev-", permissions: [launch, remove], memory: { goodUntil: 0 } },
  ...change,
});
const result = (EvalActionName: string, EvalDecision: EvaluationResult["EvalDecision"], more: Partial<EvaluationResult> = {}): EvaluationResult => ({
  EvalActionName,
  EvalDecision,
  ...more,
});
const roleOf = (step: string) => `arn:aws:iam::111122223333:role/clowder-dev-${step}-us-east-1-lambdaRole`;
const answer = (step: string, ...EvaluationResults: EvaluationResult[]) =>
  mock.on(SimulatePrincipalPolicyCommand, { PolicySourceArn: roleOf(step) }).resolves({ EvaluationResults });

beforeEach(() => {
  mock.reset();
  answer("createInstances", result("ec2:RunInstances", "allowed"), result("ec2:CreateTags", "allowed"));
  answer("deleteNetwork", result("ec2:DeleteVpc", "allowed"));
});

test("each step's role is asked with the resources and the condition keys of its own statement", async () => {
  expect(await findRefusals(rolesOf(), deployment)).toEqual({ problems: [], warnings: [] });
  const [asked] = mock.commandCalls(SimulatePrincipalPolicyCommand, { PolicySourceArn: roleOf("createInstances") });
  expect(asked!.args[0].input).toMatchObject({
    ActionNames: ["ec2:RunInstances", "ec2:CreateTags"],
    ResourceArns: ["instance/*", "volume/*"],
    ContextEntries: expect.arrayContaining([
      { ContextKeyName: "key", ContextKeyType: "string", ContextKeyValues: ["value"] },
      { ContextKeyName: "aws:RequestedRegion", ContextKeyType: "string", ContextKeyValues: ["us-east-1"] },
    ]),
  });
});

test.each<[string, Partial<EvaluationResult>, string]>([
  ["implicitDeny", {}, "no policy allows it"],
  ["explicitDeny", {}, "a policy denies it"],
  ["implicitDeny", { OrganizationsDecisionDetail: { AllowedByOrganizations: false } }, "the organisation's service control policies do not allow it"],
  ["implicitDeny", { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false } }, "the role's permissions boundary does not allow it"],
])("%s with %j is named with step and action, all steps at once", async (decision, detail, reason) => {
  answer("createInstances", result("ec2:RunInstances", decision as "explicitDeny", detail), result("ec2:CreateTags", "allowed"));
  answer("deleteNetwork", result("ec2:DeleteVpc", "explicitDeny"));
  const { problems } = await findRefusals(rolesOf(), deployment);
  expect(problems).toEqual([
    { path: "step createInstances", message: `ec2:RunInstances: ${reason}` },
    { path: "step deleteNetwork", message: "ec2:DeleteVpc: a policy denies it" },
  ]);
});

test("an action that one kind of resource is allowed for is allowed, unless a Deny meets another", async () => {
  const [allowed, none] = [result("ec2:RunInstances", "allowed"), result("ec2:RunInstances", "implicitDeny")];
  answer("createInstances", allowed, none);
  expect((await findRefusals(rolesOf(), deployment)).problems).toEqual([]);
  answer("createInstances", allowed, result("ec2:RunInstances", "explicitDeny"));
  expect((await findRefusals(rolesOf(), deployment)).problems).toHaveLength(1);
});

test("a good answer is kept for fifteen minutes, a bad one is asked for again", async () => {
  const roles = rolesOf();
  answer("deleteNetwork", result("ec2:DeleteVpc", "explicitDeny"));
  await findRefusals(roles, deployment);
  answer("deleteNetwork", result("ec2:DeleteVpc", "allowed"));
  await findRefusals(roles, deployment);
  const calls = mock.calls().length;
  expect(calls).toBe(4);
  await findRefusals(roles, deployment);
  expect(mock.calls()).toHaveLength(calls);
  roles.memory.goodUntil = Date.now() - 1;
  await findRefusals(roles, deployment);
  expect(mock.calls()).toHaveLength(calls + 2);
});

test("actions that IAM does not take together are asked for one by one", async () => {
  mock.on(SimulatePrincipalPolicyCommand, { PolicySourceArn: roleOf("createInstances") }).callsFake(({ ActionNames }: { ActionNames: string[] }) => {
    if (ActionNames.length > 1) throw Object.assign(new Error("require different authorization information"), { name: "InvalidInputException" });
    return { EvaluationResults: [result(ActionNames[0]!, "allowed")] };
  });
  expect(await findRefusals(rolesOf(), deployment)).toEqual({ problems: [], warnings: [] });
});

test("IAM that refuses, throttles or takes too long is one warning and no problem, and is not kept", async () => {
  const roles = rolesOf();
  mock.on(SimulatePrincipalPolicyCommand).rejects(Object.assign(new Error("not you"), { name: "AccessDenied" }));
  expect(await findRefusals(roles, deployment)).toEqual({ problems: [], warnings: [{ path: "", message: expect.stringContaining("AccessDenied") }] });
  expect(roles.memory.goodUntil).toBe(0);
});

test("a function that is not told of step roles asks nothing", async () => {
  expect(await findRefusals(rolesOf({ prefix: "" }), deployment)).toEqual({ problems: [], warnings: [] });
  expect(mock.calls()).toHaveLength(0);
});
