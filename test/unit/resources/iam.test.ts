import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { mockClient } from "aws-sdk-client-mock";
import { Ambiguous, TryAgain } from "../../../shared/errors";
import { memoryLedger } from "../../memory-ledger";
import { deleteIam, ensureIam } from "../../../shared/resources/iam";
import { awsError, samplePlan, targetOf } from "./sample-plan";

const iam = mockClient(IAMClient);
const plan = samplePlan();
const [controlPlane, node] = plan.iam.roles;
const Tags = [{ Key: "clowder:uid", Value: plan.uid }];
const ensure = (ledger = memoryLedger(), of = plan) => ensureIam(new IAMClient({}), of, ledger);
const common = { Arn: "a", Path: "/", CreateDate: new Date(0), Tags };
const AssumeRolePolicyDocument = encodeURIComponent(JSON.stringify(node!.trustPolicy));
const foundRole = (more: object = {}) => ({ Role: { ...common, RoleName: "r", RoleId: "AROA1", AssumeRolePolicyDocument, ...more } });
const profile = (roles: string[]) => ({
  InstanceProfile: {
    ...common,
    InstanceProfileName: "p",
    InstanceProfileId: "i",
    Roles: roles.map((RoleName) => ({ ...foundRole().Role, RoleName })),
  },
});
const missing = awsError("NoSuchEntityException", 404);
const thereAlready = awsError("EntityAlreadyExistsException", 409);

beforeEach(() => {
  iam.reset();
  iam.resolves({});
  iam.on(CreateRoleCommand).resolves(foundRole());
});

test("a first run makes each thing with one call and looks for nothing", async () => {
  await ensure();
  const names = iam.calls().map(({ args }) => args[0].constructor.name).sort();
  expect(names).toEqual([
    ...Array(2).fill("AddRoleToInstanceProfileCommand"),
    ...Array(2).fill("CreateInstanceProfileCommand"),
    ...Array(2).fill("CreateRoleCommand"),
    ...Array(3).fill("PutRolePolicyCommand"),
  ]);
});

test("all four intents are written before the first create", async () => {
  const ledger = memoryLedger();
  const seen: string[] = [];
  iam.on(CreateRoleCommand).callsFake(() => {
    seen.push(...Object.keys(ledger.entries));
    throw awsError("ServiceFailure", 500);
  });
  await expect(ensure(ledger)).rejects.toThrow("ServiceFailure");
  expect(seen.slice(0, 4).sort()).toEqual(["instance-profile/control-plane", "instance-profile/node", "role/control-plane", "role/node"]);
});

test.each([
  ["a policy", PutRolePolicyCommand],
  ["the profile's role", AddRoleToInstanceProfileCommand],
])("NoSuchEntity right after the create, for %s, is tried again", async (_, command) => {
  iam.on(command as typeof PutRolePolicyCommand).rejects(missing);
  await expect(ensure()).rejects.toThrow(TryAgain);
});

test("creates whose replies were lost are adopted by their tag", async () => {
  iam.on(CreateRoleCommand).rejects(thereAlready);
  iam.on(CreateInstanceProfileCommand).rejects(thereAlready);
  iam.on(GetRoleCommand).resolves(foundRole());
  iam.on(GetInstanceProfileCommand, { InstanceProfileName: node!.name }).resolves(profile([node!.name]));
  iam.on(GetInstanceProfileCommand, { InstanceProfileName: controlPlane!.name }).resolves(profile([]));
  const ledger = memoryLedger();
  await ensure(ledger);
  expect(ledger.entry("role/node")).toMatchObject({ state: "made", detail: { roleId: "AROA1" } });
  expect(iam.commandCalls(AddRoleToInstanceProfileCommand).map(({ args }) => args[0].input.RoleName)).toEqual([controlPlane!.name]);
});

test("a role that EntityAlreadyExists speaks of and GetRole does not show yet is tried again", async () => {
  iam.on(CreateRoleCommand).rejects(thereAlready);
  iam.on(GetRoleCommand).rejects(missing);
  await expect(ensure()).rejects.toThrow(TryAgain);
});

test.each([
  ["another's profile", { ...profile([]), InstanceProfile: { ...profile([]).InstanceProfile, Tags: [] } }],
  ["a profile that holds another role", profile(["another"])],
])("%s is left alone", async (_, found) => {
  iam.on(CreateInstanceProfileCommand).rejects(thereAlready);
  iam.on(GetInstanceProfileCommand).resolves(found);
  await expect(ensure()).rejects.toThrow(Ambiguous);
  expect(iam.commandCalls(AddRoleToInstanceProfileCommand)).toHaveLength(0);
});

test("a profile that is full already, after a lost reply, is looked at again", async () => {
  iam.on(AddRoleToInstanceProfileCommand).rejects(awsError("LimitExceededException", 409));
  await expect(ensure()).rejects.toThrow(TryAgain);
});

test("a boundary that somebody took off is put back", async () => {
  iam.on(CreateRoleCommand).rejects(thereAlready);
  iam.on(GetRoleCommand).resolves(foundRole());
  const boundary = "arn:aws:iam::000000000000:policy/boundary";
  await ensure(memoryLedger(), { ...plan, iam: { ...plan.iam, boundary } });
  const put = iam.commandCalls(PutRolePermissionsBoundaryCommand).map(({ args }) => args[0].input.PermissionsBoundary);
  expect(put).toEqual([boundary, boundary]);
});

describe("a delete", () => {
  const look = (ledger = memoryLedger()) => deleteIam(new IAMClient({}), targetOf(plan, ledger));

  test("names what holds a role and keeps it in the ledger", async () => {
    iam.on(GetRoleCommand).resolves(foundRole());
    const held = Object.assign(awsError("DeleteConflictException", 409), { message: "must remove roles from instance profile first" });
    iam.on(DeleteRoleCommand, { RoleName: node!.name }).rejects(held);
    const ledger = memoryLedger();
    ledger.made("role/node", node!.name);
    ledger.made("role/control-plane", controlPlane!.name);
    expect(await look(ledger)).toEqual([{ resource: `role ${node!.name}`, reason: "must remove roles from instance profile first" }]);
    expect(ledger.ofKind("role").map(([key]) => key)).toEqual(["role/node"]);
  });

  test("never touches a role or profile of those names without the uid", async () => {
    iam.on(GetRoleCommand).resolves(foundRole({ Tags: [{ Key: "clowder:uid", Value: "other" }] }));
    iam.on(GetInstanceProfileCommand).resolves({ InstanceProfile: { ...profile([]).InstanceProfile, Tags: [] } });
    expect(await look()).toEqual([]);
    expect([...iam.commandCalls(DeleteRoleCommand), ...iam.commandCalls(DeleteInstanceProfileCommand)]).toEqual([]);
  });

  test("goes on over what vanished between look and delete", async () => {
    iam.rejects(missing);
    iam.on(GetRoleCommand).resolves(foundRole());
    iam.on(GetInstanceProfileCommand).resolves(profile([node!.name]));
    expect(await look()).toEqual([]);
  });

  test("does not take a refusal for gone", async () => {
    iam.on(GetRoleCommand).rejects(awsError("AccessDenied", 403));
    await expect(look()).rejects.toThrow("AccessDenied");
  });
});
