import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stepPermissions, stepRoleName } from "../../../shared/plan/step-permissions";

const text = readFileSync(join(__dirname, "../../../functions/steps/functions.yml"), "utf8");
const deployment = { partition: "aws-cn", region: "cn-north-1", accountId: "111122223333", id: "dev" };
const asked = stepPermissions(text, deployment);
const pairs = asked.flatMap(({ step, actions }) => actions.map((action) => `${step} ${action}`));

test("what the deployed statements let the steps change is asked for, looks are not", () => {
  for (const pair of ["createInstances ec2:RunInstances", "createInstances iam:PassRole", "createNetwork ec2:CreateVpc", "createBucket s3:CreateBucket"])
    expect(pairs).toContain(pair);
  expect(pairs.filter((pair) => /:(Describe|Get|List|Head)/.test(pair))).toEqual([]);
});

test("what a delete needs is asked for before anything is made", () => {
  for (const pair of ["deleteInstances ec2:TerminateInstances", "deleteNetwork ec2:DeleteVpc", "deleteIam iam:DeleteRole", "deleteBucket s3:DeleteBucket"])
    expect(pairs).toContain(pair);
});

test("resources and conditions are those of this deployment, none of them a variable", () => {
  const launch = asked.find(({ step, actions, context }) => step === "createInstances" && actions.includes("ec2:RunInstances") && context["aws:RequestTag/clowder:deployment"]);
  expect(launch).toEqual({
    step: "createInstances",
    actions: ["ec2:RunInstances"],
    resources: ["instance", "volume", "network-interface"].map((kind) => `arn:aws-cn:ec2:cn-north-1:111122223333:${kind}/*`),
    context: { "aws:RequestTag/clowder:deployment": "dev" },
  });
  expect(JSON.stringify(asked)).not.toContain("${");
});

test("of a condition with several values the first is asked for", () => {
  const yml = `
    one:
      iamRoleStatements:
        - \${self:custom.statements.record}
        - { Effect: Allow, Action: ec2:CreateTags, Resource: "*", Condition: { StringEquals: { ec2:CreateAction: [CreateVpc, CreateSubnet] } } }
        - { Effect: Allow, Action: kms:Sign, Resource: !GetAtt CertificateKey.Arn }`;
  expect(stepPermissions(yml, deployment)).toEqual([{ step: "one", actions: ["ec2:CreateTags"], resources: ["*"], context: { "ec2:CreateAction": "CreateVpc" } }]);
});

test("a role's name is whole up to 64 characters, and goes without its last part beyond", () => {
  expect(stepRoleName("clowder-prod-", "createInstances", "us-east-1")).toBe("clowder-prod-createInstances-us-east-1-lambdaRole");
  expect(stepRoleName("clowder-a-longer-stage-", "deleteLoadBalancers", "ap-southeast-1")).toBe("clowder-a-longer-stage-deleteLoadBalancers-ap-southeast-1");
});
