import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { tagSpecification, withTags } from "../../shared/aws/tags";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { memoryLedger } from "../memory-ledger";
import { deleteInstances, deleteProbeClient, endWorker, endedNodes, ensureInstances } from "../../shared/resources/instances";
import { deleteNetwork, ensureNetwork } from "../../shared/resources/network";
import { changing, focalImage, makeKeyAndProfiles, minuteLater, planOf, record, targetOf, untilGone } from "./sample-cluster";

jest.setTimeout(60_000);
const ec2 = new EC2Client();
const calls: string[] = [];
const clusters: ClusterPlan[] = [];
let imageId = "";

beforeAll(async () => {
  imageId = await focalImage(ec2);
  record(ec2, calls);
});
afterAll(async () => {
  for (const plan of clusters) {
    await untilGone(() => deleteInstances(ec2, targetOf(plan)));
    await untilGone(() => deleteNetwork(ec2, targetOf(plan)));
  }
});

/** A cluster up to where its instances are made. */
async function ready() {
  const plan = planOf({}, imageId);
  const ledger = memoryLedger();
  clusters.push(plan);
  await Promise.all([ensureNetwork(ec2, plan, ledger), makeKeyAndProfiles(ec2, plan)]);
  calls.length = 0;
  return { plan, ledger };
}
const make = async () => {
  const cluster = await ready();
  await ensureInstances(ec2, cluster.plan, cluster.ledger, userDataOf);
  minuteLater(cluster.ledger);
  calls.length = 0;
  return cluster;
};
const userDataOf = ({ key }: { key: string }) => `#!/bin/sh\n# ${key}\n`;
const alive = async ({ uid }: ClusterPlan) => {
  const Filters = [...withTags({ "clowder:uid": uid }), { Name: "instance-state-name", Values: ["pending", "running"] }];
  return (await ec2.send(new DescribeInstancesCommand({ Filters }))).Reservations!.flatMap(({ Instances = [] }) => Instances);
};
const twinOf = async (plan: ClusterPlan, SubnetId: string) => {
  const tags = { ...plan.tags, "clowder:node": "nodes-0" };
  const request = { ImageId: imageId, InstanceType: "t3.medium", MinCount: 1, MaxCount: 1 } as const;
  const NetworkInterfaces = [{ DeviceIndex: 0, SubnetId, DeleteOnTermination: true }];
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ...request, NetworkInterfaces, TagSpecifications: [tagSpecification("instance", tags)] }),
  );
  return Instances![0]!.InstanceId!;
};
const keys = ["master-us-east-1a-0", "nodes-0", "probe-client-0"];

test("every planned machine and the probe client start as planned, with six calls and one write of intents", async () => {
  const { plan, ledger } = await ready();
  const intend = jest.spyOn(ledger, "intend");
  await ensureInstances(ec2, plan, ledger, userDataOf);
  expect(calls.sort()).toEqual([
    "DescribeInstances",
    "ModifyInstanceAttribute",
    "ModifyInstanceAttribute",
    "RunInstances",
    "RunInstances",
    "RunInstances",
  ]);
  expect(intend).toHaveBeenCalledTimes(1);
  expect(
    ledger
      .ofKind("instance")
      .map(([key]) => key.slice("instance/".length))
      .sort(),
  ).toEqual(keys);
  for (const planned of [...plan.instances, plan.probeClient]) {
    const found = (await alive(plan)).find(({ InstanceId }) => InstanceId === ledger.id(`instance/${planned.key}`))!;
    expect(found).toMatchObject({
      ImageId: imageId,
      InstanceType: planned.machineType,
      KeyName: plan.keypair.name,
      SourceDestCheck: planned.sourceDestCheck,
      SubnetId: ledger.id("subnet/us-east-1a"),
      NetworkInterfaces: [{ Groups: [{ GroupId: ledger.id(`security-group/${planned.securityGroup}`) }] }],
      MetadataOptions: expect.objectContaining({ HttpTokens: "required", HttpPutResponseHopLimit: 1 }),
      ...(planned.privateAddress && { PrivateIpAddress: planned.privateAddress }),
    });
    expect(found.Tags).toEqual(
      expect.arrayContaining([
        { Key: "clowder:node", Value: planned.key },
        { Key: "Name", Value: planned.name },
      ]),
    );
    expect(ledger.entry(`instance/${planned.key}`)?.detail).toEqual({
      privateDnsName: found.PrivateDnsName,
      privateAddress: found.PrivateIpAddress,
      role: planned.role,
    });
    const { UserData } = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: found.InstanceId, Attribute: "userData" }));
    expect(Buffer.from(UserData!.Value!, "base64").toString()).toBe(userDataOf(planned));
  }
});

test("a second run starts nothing and changes nothing, with its ledger and without", async () => {
  const { plan, ledger } = await make();
  await ensureInstances(ec2, plan, ledger, userDataOf);
  const forgetful = memoryLedger();
  await ensureInstances(ec2, plan, forgetful, userDataOf);
  expect(calls).toEqual(["DescribeInstances", "DescribeInstances"]);
  expect(keys.map((key) => forgetful.id(`instance/${key}`))).toEqual(keys.map((key) => ledger.id(`instance/${key}`)));
});

test("a machine that was ended is started anew with another token; a changed source/destination check is set right", async () => {
  const { plan, ledger } = await make();
  const [worker, master] = [ledger.id("instance/nodes-0")!, ledger.id("instance/master-us-east-1a-0")!];
  const token = ledger.entry("instance/nodes-0")!.token;
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [worker] }));
  await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: master, SourceDestCheck: { Value: true } }));
  calls.length = 0;
  await ensureInstances(ec2, plan, ledger, userDataOf);
  expect(changing(calls)).toEqual(["RunInstances", "ModifyInstanceAttribute", "ModifyInstanceAttribute"]);
  expect(ledger.id("instance/nodes-0")).not.toBe(worker);
  expect(ledger.entry("instance/nodes-0")!.token).not.toBe(token);
  expect((await alive(plan)).map(({ SourceDestCheck }) => SourceDestCheck).sort()).toEqual([false, false, true]);
});

test("a worker's place is freed and given to another machine; the ledger keeps both", async () => {
  const { plan, ledger } = await make();
  const [worker, { token, detail }] = [ledger.id("instance/nodes-0")!, ledger.entry("instance/nodes-0")!];
  await untilGone(() => deleteProbeClient(ec2, targetOf(plan, ledger)));
  calls.length = 0;
  await endWorker(ec2, plan, targetOf(plan, ledger), { key: "nodes-0", id: worker });
  await endWorker(ec2, plan, targetOf(plan, ledger), { key: "nodes-0", id: worker });
  expect(changing(calls)).toEqual(["TerminateInstances"]);
  expect([ledger.id("instance/nodes-0"), endedNodes(plan, ledger)]).toEqual([undefined, [detail!["privateDnsName"]]]);

  await ensureInstances(ec2, plan, ledger, userDataOf);
  const replaced = ledger.id("instance/nodes-0")!;
  expect(replaced).not.toBe(worker);
  expect(ledger.entry("instance/nodes-0")!.token).not.toBe(token);
  expect(ledger.id(`instance/${worker}`)).toBe(worker);
  minuteLater(ledger);
  await endWorker(ec2, plan, targetOf(plan, ledger), { key: "nodes-0", id: worker });
  expect((await alive(plan)).map(({ InstanceId }) => InstanceId)).toContain(replaced);
});

test("of two machines for one plan the ledger's is kept, whichever came first", async () => {
  const { plan, ledger } = await make();
  const twin = await twinOf(plan, ledger.id("subnet/us-east-1a")!);
  calls.length = 0;
  await ensureInstances(ec2, plan, ledger, userDataOf);
  expect(changing(calls)).toEqual(["TerminateInstances"]);
  expect((await alive(plan)).map(({ InstanceId }) => InstanceId)).not.toContain(twin);
  expect(await alive(plan)).toHaveLength(3);
});

test("without a ledger the oldest of two machines is kept", async () => {
  const { plan, ledger } = await make();
  const oldest = ledger.id("instance/nodes-0")!;
  const twin = await twinOf(plan, ledger.id("subnet/us-east-1a")!);
  delete ledger.entries["instance/nodes-0"];
  await ensureInstances(ec2, plan, ledger, userDataOf);
  expect(ledger.id("instance/nodes-0")).toBe(oldest);
  expect((await alive(plan)).map(({ InstanceId }) => InstanceId)).not.toContain(twin);
});

test("the probe client alone can be ended", async () => {
  const { plan, ledger } = await make();
  await untilGone(() => deleteProbeClient(ec2, targetOf(plan, ledger)));
  expect((await alive(plan)).map(({ InstanceId }) => InstanceId).sort()).toEqual(
    [ledger.id("instance/nodes-0"), ledger.id("instance/master-us-east-1a-0")].sort(),
  );
  expect(await deleteProbeClient(ec2, targetOf(plan, ledger))).toEqual([]);
});

test("delete ends all machines, twice as once", async () => {
  const { plan, ledger } = await make();
  const named = await untilGone(() => deleteInstances(ec2, targetOf(plan, ledger)));
  expect(named.slice(0, 3).sort()).toEqual(keys.map((key) => `instance ${ledger.entry(`instance/${key}`)?.id}: shutting-down`).sort());
  expect(ledger.ofKind("instance")).toEqual([]);
  expect(await alive(plan)).toEqual([]);
  calls.length = 0;
  expect(await deleteInstances(ec2, targetOf(plan, ledger))).toEqual([]);
  expect(changing(calls)).toEqual([]);
  expect(await untilGone(() => deleteNetwork(ec2, targetOf(plan, ledger)))).toEqual([]);
});
