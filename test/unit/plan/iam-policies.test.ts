import { planCluster } from "../../../shared/plan/plan-cluster";
import type { Role } from "../../../shared/spec/manifest";
import { deployment, manifestOf, requestOf } from "./sample-request";

interface Statement {
  Action: string | string[];
  Resource: string | string[];
  Condition?: { StringEquals: Record<string, string | string[]> };
}
type Context = Record<string, string>;

const plan = planCluster(manifestOf(), requestOf());
const me = "AROAEXAMPLE:i-0me";
const own = "arn:aws:s3:::calico-kops-demo/clowder/a1b2c3d4e5";

const list = (value: string | string[]) => [value].flat();
const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replaceAll("${aws:userid}", me).replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(text);

/** Identity policies with Allow only: one statement that fits is enough. `without` are policies that were taken away. */
function may(role: Role, action: string, resource: string, given: { context?: Context; without?: string[] } = {}): boolean {
  const { context = {}, without = [] } = given;
  const { policies } = plan.iam.roles.find(({ key }) => key === role)!;
  const statements = Object.entries(policies)
    .filter(([name]) => !without.includes(name))
    .flatMap(([, policy]) => (policy as { Statement: Statement[] }).Statement);
  return statements.some(
    ({ Action, Resource, Condition }) =>
      list(Action).some((pattern) => matches(pattern, action)) &&
      list(Resource).some((pattern) => matches(pattern, resource)) &&
      Object.entries(Condition?.StringEquals ?? {}).every(([key, values]) => list(values).includes(context[key] ?? "")),
  );
}

test.each([
  ["node", "s3:GetObject", `${own}/scripts/node.sh`],
  ["node", "s3:GetObject", `${own}/scripts/probe-client.sh`],
  ["node", "s3:GetObject", `${own}/join/node.json`],
  ["node", "s3:PutObject", `${own}/beacons/${me}/01-started.json`],
  ["node", "ec2:DescribeInstances", "*"],
  ["node", "ecr:BatchGetImage", "*"],
  ["control-plane", "s3:GetObject", `${own}/scripts/control-plane.sh`],
  ["control-plane", "s3:GetObject", `${own}/pki/control-plane.json`],
  ["control-plane", "s3:GetObject", `${own}/join/node.json`],
  ["control-plane", "s3:GetObject", `${own}/bootstrap-access.json`],
  ["control-plane", "s3:PutObject", `${own}/beacons/${me}/01-started.json`],
  ["control-plane", "s3:PutObject", `${own}/evidence/${me}/latest.json`],
] as const)("a %s may %s %s", (role, action, resource) => {
  expect(may(role, action, resource)).toBe(true);
});

test.each([
  ["node", "s3:GetObject", `${own}/pki/control-plane.json`],
  ["node", "s3:GetObject", `${own}/scripts/control-plane.sh`],
  ["node", "s3:GetObject", `${own}/ssh/id_ed25519`],
  ["node", "s3:GetObject", `${own}/beacons/${me}/01-started.json`],
  ["node", "s3:GetObject", "arn:aws:s3:::calico-kops-demo/clowder/another/join/node.json"],
  ["node", "s3:PutObject", `${own}/beacons/AROAEXAMPLE:i-0other/01-started.json`],
  ["node", "s3:PutObject", `${own}/evidence/${me}/latest.json`],
  ["node", "s3:PutObject", `${own}/scripts/node.sh`],
  ["node", "s3:ListBucket", "arn:aws:s3:::calico-kops-demo"],
  ["node", "ec2:CreateVolume", "*"],
  ["node", "ec2:ModifyNetworkInterfaceAttribute", "*"],
  ["control-plane", "s3:GetObject", `${own}/ssh/id_ed25519`],
  ["control-plane", "s3:PutObject", `${own}/evidence/AROAEXAMPLE:i-0other/latest.json`],
  ["control-plane", "s3:PutObject", `${own}/bootstrap-access.json`],
  ["control-plane", "s3:PutObject", `${own}/pki/control-plane.json`],
  ["control-plane", "s3:GetObject", "arn:aws:s3:::calico-kops-demo/demo.k8s.local/config"],
  ["control-plane", "s3:ListBucket", "arn:aws:s3:::calico-kops-demo"],
  ["control-plane", "iam:PassRole", "*"],
  ["control-plane", "ec2:RunInstances", "*"],
  ["control-plane", "kms:Decrypt", "*"],
] as const)("a %s may not %s %s", (role, action, resource) => {
  expect(may(role, action, resource)).toBe(false);
});

test("once the bootstrap policy is taken away a control plane reads neither PKI nor join material, and still tells", () => {
  const without = ["bootstrap"];

  expect(may("control-plane", "s3:GetObject", `${own}/pki/control-plane.json`, { without })).toBe(false);
  expect(may("control-plane", "s3:GetObject", `${own}/join/node.json`, { without })).toBe(false);
  expect(may("control-plane", "s3:GetObject", `${own}/bootstrap-access.json`, { without })).toBe(true);
  expect(may("control-plane", "s3:PutObject", `${own}/evidence/${me}/latest.json`, { without })).toBe(true);
});

test.each(["ec2:DeleteVolume", "ec2:AttachVolume", "ec2:AuthorizeSecurityGroupIngress", "elasticloadbalancing:DeleteLoadBalancer"])(
  "the cloud provider's %s ends at the cluster's tag",
  (action) => {
    const at = (cluster: string) =>
      may("control-plane", action, "*", { context: { [`aws:ResourceTag/kubernetes.io/cluster/${cluster}`]: "owned" } });

    expect([at("demo.k8s.local"), at("other.k8s.local"), may("control-plane", action, "*")]).toEqual([true, false, false]);
  },
);

test("a control plane tags only what it makes, in the call that makes it", () => {
  const volume = "arn:aws:ec2:us-east-1:111122223333:volume/vol-1";
  const instance = "arn:aws:ec2:us-east-1:111122223333:instance/i-1";
  const later = { "aws:RequestTag/kubernetes.io/cluster/demo.k8s.local": "owned" };
  const making = { ...later, "ec2:CreateAction": "CreateVolume" };

  expect(may("control-plane", "ec2:CreateTags", volume, { context: making })).toBe(true);
  expect(may("control-plane", "ec2:CreateTags", volume, { context: later })).toBe(false);
  expect(may("control-plane", "ec2:CreateTags", instance, { context: making })).toBe(false);
});

test("ECR is readable only where the manifest says allowContainerRegistry", () => {
  const { iam } = planCluster(manifestOf({ allowContainerRegistry: false }), requestOf());

  expect(JSON.stringify(iam)).not.toContain("ecr:");
});

test("roles carry the deployment's path and boundary", () => {
  const permissionsBoundary = "arn:aws:iam::111122223333:policy/nodes";
  const { iam } = planCluster(manifestOf(), requestOf({ deployment: { ...deployment, permissionsBoundary } }));

  expect(iam).toMatchObject({ path: "/clowder/dev/", boundary: permissionsBoundary });
  expect(iam.roles.map(({ name }) => name)).toEqual(["masters.demo.k8s.local-a1b2c3d4e5", "nodes.demo.k8s.local-a1b2c3d4e5"]);
  expect(plan.iam).not.toHaveProperty("boundary");
});

test("other partitions have their own ARNs and, in China, their own service name", () => {
  const china = planCluster(manifestOf(), requestOf({ deployment: { ...deployment, partition: "aws-cn" } })).iam;
  const gov = planCluster(manifestOf(), requestOf({ deployment: { ...deployment, partition: "aws-us-gov" } })).iam;

  expect(china.roles[0]!.trustPolicy).toMatchObject({ Statement: [{ Principal: { Service: "ec2.amazonaws.com.cn" } }] });
  expect(gov.roles[0]!.trustPolicy).toMatchObject({ Statement: [{ Principal: { Service: "ec2.amazonaws.com" } }] });
  expect(JSON.stringify(china.roles)).not.toContain("arn:aws:");
});

test("a role's inline policies stay under IAM's 10,240 characters for the longest names", () => {
  const cluster = `${"c".repeat(63)}.${"d".repeat(42)}`;
  const { iam } = planCluster(manifestOf({ name: cluster, configBase: { bucket: "b".repeat(63) } }), requestOf());

  for (const { policies } of iam.roles) expect(JSON.stringify(Object.values(policies)).length).toBeLessThan(10_240);
});
