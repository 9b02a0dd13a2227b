import { randomBytes } from "node:crypto";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateStateMachineCommand, DeleteStateMachineCommand, DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import { sweep } from "../../functions/events/sweep";
import { planCluster } from "../../shared/plan/plan-cluster";
import { readPlan, refOf } from "../../shared/registry/clusters";
import { openLedger } from "../../shared/registry/open-ledger";
import { writeRecord } from "../../shared/registry/registry";
import { memoryLedger } from "../memory-ledger";
import { targetOf } from "../../shared/resources/blocker";
import { deleteIam, ensureIam } from "../../shared/resources/iam";
import { deleteNetwork, ensureNetwork } from "../../shared/resources/network";
import { environment as settings } from "../unit/api/samples";
import { focal, manifestOf, requestOf } from "../unit/plan/sample-request";
import { untilGone } from "./sample-cluster";

jest.setTimeout(60_000);
const clients = { db: new DynamoDBClient(), sfn: new SFNClient(), ec2: new EC2Client(), iam: new IAMClient() };
const run = randomBytes(4).toString("hex");
const table = `sweep-test-${run}`;
const deployment = { ...settings.deployment, id: `s${run}`, accountId: "000000000000" };
const registry = { db: clients.db, table };
let deleteMachineArn = "";

beforeAll(async () => {
  const [name, item] = ["name", "item"];
  await clients.db.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [name, item].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: [{ AttributeName: name, KeyType: "HASH" }, { AttributeName: item, KeyType: "RANGE" }],
    }),
  );
  const definition = JSON.stringify({ StartAt: "Begin", States: { Begin: { Type: "Succeed" } } });
  const trust = { Statement: [{ Effect: "Allow", Principal: { Service: "states.amazonaws.com" }, Action: "sts:AssumeRole" }] };
  const { Role } = await clients.iam.send(new CreateRoleCommand({ RoleName: table, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const roleArn = Role!.Arn;
  ({ stateMachineArn: deleteMachineArn = "" } = await clients.sfn.send(new CreateStateMachineCommand({ name: `sweep-test-${run}`, definition, roleArn })));
  jest.spyOn(console, "warn").mockImplementation();
});
afterAll(() =>
  Promise.all([
    clients.db.send(new DeleteTableCommand({ TableName: table })),
    clients.sfn.send(new DeleteStateMachineCommand({ stateMachineArn: deleteMachineArn })),
    clients.iam.send(new DeleteRoleCommand({ RoleName: table })),
  ]),
);

const planOf = (uid: string, id = deployment.id) =>
  planCluster(manifestOf(), requestOf({ uid, deployment: { ...deployment, id }, images: { [focal]: { imageId: "ami-1", rootDevice: "/dev/sda1" } } }));

test("what a cluster without a record left is reported, then deleted whole; another deployment's is not even seen", async () => {
  const environment = { ...settings, table, deployment, deleteMachineArn, orphanGraceSeconds: 1800 };
  const lost = planOf(`l${run}1`);
  const neighbour = planOf(`n${run}1`, `o${run}`);
  for (const plan of [lost, neighbour]) await Promise.all([ensureNetwork(clients.ec2, plan, memoryLedger()), ensureIam(clients.iam, plan, memoryLedger())]);
  const now = new Date();

  const [seen, ...others] = await sweep(clients, environment, now);
  expect(others).toEqual([]);
  expect(seen).toMatchObject({ found: "orphan", name: lost.name, uid: lost.uid });
  const kinds = new Set(seen!.resources!.map((resource) => resource.split(" ")[0]));
  expect([...kinds].sort()).toEqual(["instance-profile", "internet-gateway", "role", "route-table", "security-group", "subnet", "vpc"]);

  expect(await sweep(clients, environment, new Date(now.getTime() + 3600_000))).toMatchObject([{ found: "orphan-due" }]);
  const planned = await readPlan(registry, lost.name, lost.uid);
  expect(planned.record).toMatchObject({ status: "Deleting", owner: lost.tags["owner"] });
  const execution = await clients.sfn.send(new DescribeExecutionCommand({ executionArn: planned.record.deleteExecution! }));
  expect(JSON.parse(execution.input!)).toEqual({ cluster: refOf(planned.record), waits: deployment.waits });

  const target = targetOf({ ...planned, ref: refOf(planned.record), ledger: openLedger(registry, refOf(planned.record), {}) });
  await untilGone(() => deleteNetwork(clients.ec2, target));
  await untilGone(() => deleteIam(clients.iam, target));
  await writeRecord(registry, refOf(planned.record), { set: { status: "Deleted", deletedAt: now.toISOString() } }, "uid");
  // moto keeps the tags of what was deleted in EC2; AWS does not.
  const after = await sweep(clients, environment, new Date(now.getTime() + 3 * 3600_000));
  expect(after.flatMap(({ resources = [] }) => resources).filter((resource) => /^(role|instance-profile) /.test(resource))).toEqual([]);

  const beside = { ...environment, deployment: { ...deployment, id: neighbour.deployment } };
  const [left] = await sweep(clients, beside, now);
  expect(left!.resources).toHaveLength(seen!.resources!.length);
  const target2 = { ref: { name: neighbour.name, uid: neighbour.uid, region: neighbour.region, epoch: 2 }, accountId: "", deployment: neighbour.deployment, ledger: memoryLedger() };
  await untilGone(() => deleteNetwork(clients.ec2, target2));
  await untilGone(() => deleteIam(clients.iam, target2));
});
