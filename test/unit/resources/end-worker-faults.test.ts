import { DescribeInstancesCommand, EC2Client, RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { AwsRefused, EpochPassed, NodeFailed } from "../../../shared/errors";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { endWorker, endedNodes, ensureInstances } from "../../../shared/resources/instances";
import { memoryLedger } from "../../memory-ledger";
import { controlPlaneOf, groupOf, manifestOf, requestOf } from "../plan/sample-request";
import { awsError } from "./sample-plan";

const plan = planCluster(manifestOf({ instanceGroups: [controlPlaneOf(), groupOf({ size: 2 })] }), requestOf());
const ec2 = mockClient(EC2Client);
const client = new EC2Client({ region: "us-east-1" });
const planned = [...plan.instances, plan.probeClient];
const keys = plan.instances.map(({ key }) => key);
const old = "2026-11-23T10:00:00Z";

/** The ledger of a cluster whose machines were all made long ago. */
function made() {
  const ledger = memoryLedger();
  for (const { key } of plan.network.subnets) ledger.made(`subnet/${key}`, `subnet-${key}`);
  for (const { key } of plan.network.securityGroups) ledger.made(`security-group/${key}`, `sg-${key}`);
  for (const { key, role } of planned) ledger.made(`instance/${key}`, `i-${key}`, { role, privateDnsName: `${key}.internal` });
  for (const entry of Object.values(ledger.entries)) entry.at = old;
  return ledger;
}
const there = (...seen: string[]) =>
  ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [{ Instances: seen.map((key) => ({ InstanceId: `i-${key}`, State: { Name: "running" }, Tags: [{ Key: "clowder:node", Value: key }] })) }],
  });
const target = (ledger = made()) => ({
  ref: { name: plan.name, uid: plan.uid, region: plan.region, epoch: 2 },
  accountId: plan.accountId,
  deployment: plan.deployment,
  ledger,
});
const ended = () => ec2.commandCalls(TerminateInstancesCommand).flatMap(({ args }) => args[0].input.InstanceIds);
const end = (ledger = made()) => endWorker(client, plan, target(ledger), { key: "nodes-0", id: "i-nodes-0" });

beforeEach(() => {
  ec2.reset();
  ec2.onAnyCommand().resolves({ $metadata: {} });
  there(...keys);
});

test("a machine is ended when the ledger has an intent for its place, and not once the cluster is being deleted", async () => {
  await end();
  expect(ended()).toEqual(["i-nodes-0"]);
  ec2.resetHistory();
  const fenced = { ...made(), intend: async () => Promise.reject(new EpochPassed("past")) };
  await expect(end(fenced)).rejects.toThrow(EpochPassed);
  expect(ended()).toEqual([]);
});

test("run again after its machine was ended it ends nothing, also when another has the place by then", async () => {
  const ledger = made();
  await end(ledger);
  there("master-us-east-1a-0", "nodes-1", "another");
  ledger.made("instance/nodes-0", "i-another", { role: "node", privateDnsName: "another.internal" });
  ec2.resetHistory();
  await end(ledger);
  expect([ended(), ledger.id("instance/nodes-0")]).toEqual([[], "i-another"]);
});

test("a machine that dies between the call and the ledger's last write is set aside by the next run", async () => {
  const ledger = made();
  there("master-us-east-1a-0", "nodes-1");
  await end(ledger);
  expect([ended(), ledger.id("instance/nodes-0"), ledger.id("instance/i-nodes-0")]).toEqual([[], undefined, "i-nodes-0"]);
});

test("the Nodes that go are those of ended workers, lost ones too, but not of a name that a machine has again", async () => {
  const ledger = made();
  there("master-us-east-1a-0", "nodes-0");
  await end(ledger);
  expect(endedNodes(plan, ledger).sort()).toEqual(["nodes-0.internal", "nodes-1.internal"]);
  ledger.made("instance/nodes-1", "i-new", { role: "node", privateDnsName: "nodes-0.internal" });
  expect(endedNodes(plan, ledger)).toEqual(["nodes-1.internal"]);
});

test("the client of the last proof has no place any more, however lately it was made: the next proof has one of its own", async () => {
  const ledger = made();
  ledger.made("instance/probe-client-0", "i-client", { role: "probe-client", privateDnsName: "client.internal" });
  await end(ledger);
  expect([ledger.id("instance/probe-client-0"), ledger.id("instance/i-client"), endedNodes(plan, ledger)]).toEqual([undefined, "i-client", ["nodes-0.internal"]]);
  ec2.on(RunInstancesCommand).callsFake(({ TagSpecifications }) => ({ Instances: [{ InstanceId: `i-new-${TagSpecifications[0].Tags.find(({ Key }: { Key: string }) => Key === "clowder:node").Value}`, State: { Name: "pending" } }] }));
  there("master-us-east-1a-0", "nodes-1");
  await ensureInstances(client, plan, ledger, () => "");
  expect(ledger.id("instance/probe-client-0")).toBe("i-new-probe-client-0");
});

test("without its control plane no worker is ended: nobody could let a new one in", async () => {
  there("nodes-0", "nodes-1");
  await expect(end()).rejects.toThrow(NodeFailed);
  await expect(end()).rejects.toMatchObject({ fault: { node: "master-us-east-1a-0", reason: "InstanceEnded" } });
  expect(ended()).toEqual([]);
});

test("termination protection ends the replacement and leaves the worker its place", async () => {
  ec2.on(TerminateInstancesCommand).rejects(awsError("OperationNotPermitted", 400));
  const ledger = made();
  await expect(end(ledger)).rejects.toThrow(AwsRefused);
  await expect(end(ledger)).rejects.toMatchObject({ nextStep: expect.stringContaining("termination protection") });
  expect(ledger.id("instance/nodes-0")).toBe("i-nodes-0");
});

test("an ended machine that EC2 still shows as running does not get its place back", async () => {
  const ledger = made();
  await end(ledger);
  there(...keys);
  ec2.resetHistory();
  ec2.on(RunInstancesCommand).resolves({ Instances: [{ InstanceId: "i-new", State: { Name: "pending" } }] });
  await ensureInstances(client, plan, ledger, () => "");
  expect(ledger.id("instance/nodes-0")).toBe("i-new");
  expect(ended()).toEqual(["i-nodes-0"]);
});
