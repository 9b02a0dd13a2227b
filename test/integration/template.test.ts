import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageLocally } from "../../local/deploy";
import { lintTool } from "../../local/python";

const root = join(__dirname, "..", "..");
interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}
interface Resource {
  Type: string;
  Properties: Record<string, unknown> & { Policies?: { PolicyDocument: { Statement: Statement[] } }[]; DefinitionString?: unknown };
}
let path: string;
let resources: [string, Resource][];
const ofType = (type: string) => resources.filter(([, { Type }]) => Type === type);
const statementsOf = ({ Properties }: Resource) => (Properties.Policies ?? []).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

beforeAll(async () => {
  path = join(await packageLocally(), "cloudformation-template-update-stack.json");
  const template = JSON.parse(readFileSync(path, "utf8")) as { Resources: Record<string, Resource> };
  resources = Object.entries(template.Resources);
}, 180_000);

test("cfn-lint finds nothing but the exceptions that .cfnlintrc.yaml reasons", () => {
  execFileSync(lintTool("cfn-lint"), ["--config-file", join(root, ".cfnlintrc.yaml"), path], { cwd: root, encoding: "utf8" });
}, 300_000);

test("checkov finds nothing but the exceptions that .checkov.yaml reasons", () => {
  const printed = execFileSync(lintTool("checkov"), ["--config-file", join(root, ".checkov.yaml"), "-f", path], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  expect(printed).not.toMatch(/FAILED/);
}, 300_000);

test("every function has a role of its own", () => {
  const roles = ofType("AWS::Lambda::Function").map(([, { Properties }]) => JSON.stringify(Properties["Role"]));
  expect(roles.length).toBeGreaterThan(25);
  expect(new Set(roles).size).toBe(roles.length);
});

test("no role may do everything: no action is a wildcard", () => {
  const actions = ofType("AWS::IAM::Role").flatMap(([, role]) => statementsOf(role).flatMap(({ Action }) => listOf(Action)));
  expect(actions.length).toBeGreaterThan(100);
  expect(actions.filter((action) => action.includes("*"))).toEqual([]);
});

test("a role is passed only to the service that needs it, and only a named one", () => {
  const passes = ofType("AWS::IAM::Role").flatMap(([name, role]) =>
    statementsOf(role)
      .filter(({ Action }) => listOf(Action).includes("iam:PassRole"))
      .map((statement) => ({ name, statement })),
  );
  expect(passes.map(({ name }) => name).sort()).toEqual(
    ["CreateIam", "CreateInstances", "ExpireCluster", "PatchCluster", "ScheduleTeardown"].map((name) => `${name}IamRoleLambdaExecution`),
  );
  for (const { statement } of passes) {
    expect(JSON.stringify(statement.Resource)).not.toMatch(/^"\*"$/);
    expect(Object.values(statement.Condition?.["StringEquals"] ?? {})).toHaveLength(1);
  }
});

test("a state machine's role may invoke the functions of its states and nothing else but write logs", () => {
  for (const [name, machine] of ofType("AWS::StepFunctions::StateMachine")) {
    const called = new Set(JSON.stringify(machine.Properties.DefinitionString).match(/\w+LambdaFunction/g));
    const role = resources.find(([id]) => id === `${name.replace(/StepFunctionsStateMachine.*/, "")}Role`) ?? roleOf(machine);
    const invoked = statementsOf(role[1]).filter(({ Action }) => listOf(Action).includes("lambda:InvokeFunction"));
    const named = new Set(JSON.stringify(invoked.map(({ Resource }) => Resource)).match(/\w+LambdaFunction/g));
    expect([name, [...named].sort()]).toEqual([name, [...called].sort()]);
    const others = statementsOf(role[1]).flatMap(({ Action }) => listOf(Action)).filter((action) => action !== "lambda:InvokeFunction");
    expect(others.filter((action) => !action.startsWith("logs:"))).toEqual([]);
  }
});

function roleOf(machine: Resource): [string, Resource] {
  const id = /"Fn::GetAtt":\["(\w+)","Arn"\]/.exec(JSON.stringify(machine.Properties["RoleArn"]))?.[1];
  return resources.find(([name]) => name === id)!;
}

test("every route asks for SigV4", () => {
  const routes = ofType("AWS::ApiGatewayV2::Route");
  expect(routes.length).toBeGreaterThan(7);
  for (const [name, { Properties }] of routes) expect([name, Properties["AuthorizationType"]]).toEqual([name, "AWS_IAM"]);
});
