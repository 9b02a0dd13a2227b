import { DeleteVolumeCommand, DescribeVolumesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { S3Client } from "@aws-sdk/client-s3";
import { inventory } from "../../local/emulators/inventory";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { notSeenGone } from "../../shared/registry/certificate";
import { memoryLedger } from "../memory-ledger";
import { deleteElb, ensureElb } from "../../shared/resources/elb";
import { deleteInstances, ensureInstances } from "../../shared/resources/instances";
import { deleteNetwork, ensureNetwork } from "../../shared/resources/network";
import { deleteVolumes } from "../../shared/resources/volumes";
import { deleteVpcLoadBalancers } from "../../shared/resources/vpc-load-balancers";
import { type Place, crowd, neighbours, ofKops, volume } from "../../local/crowd";
import { focalImage, makeKeyAndProfiles, planOf, record, targetOf, untilGone } from "./sample-cluster";

jest.setTimeout(120_000);
const ec2 = new EC2Client();
const clients = { ec2, classic: new ElasticLoadBalancingClient(), network: new ElasticLoadBalancingV2Client() };
const calls = record(ec2, record(clients.classic, record(clients.network)));
const everything = () => inventory({ endpoint: process.env["AWS_ENDPOINT_URL"]! });

let round = 0;
/** Each time anew: the ledger knows of the machines of before, whose ClientTokens are spent. */
async function make(plan: ClusterPlan) {
  const spent = { kind: "instance", state: "gone" as const, token: `before-${(round += 10)}`, epoch: 1, at: plan.createdAt };
  const ledger = memoryLedger(Object.fromEntries([...plan.instances, plan.probeClient].map(({ key }) => [`instance/${key}`, { ...spent }])));
  await ensureNetwork(ec2, plan, ledger);
  await ensureInstances(ec2, plan, ledger, () => "#!/bin/sh\n");
  await ensureElb(clients, plan, ledger);
  return ledger;
}
const placeIn = ({ name, uid }: ClusterPlan, ledger: ReturnType<typeof memoryLedger>): Place => ({
  ...{ name, uid, vpcId: ledger.id("vpc/main")!, subnetId: ledger.id("subnet/us-east-1a")! },
  ...{ nodeId: ledger.id("instance/nodes-0")!, nodeGroupId: ledger.id("security-group/node")! },
});

/** As the delete machine's states come. */
async function takeDown(plan: ClusterPlan, ledger = memoryLedger()): Promise<void> {
  const target = { ...targetOf(plan, ledger), createdAt: plan.createdAt };
  calls.length = 0;
  await untilGone(() => deleteElb(clients, target));
  await untilGone(() => deleteInstances(ec2, target));
  await untilGone(() => deleteVpcLoadBalancers(clients, target));
  await untilGone(() => deleteVolumes(ec2, target));
  await untilGone(() => deleteNetwork(ec2, target));
}

let before: string[];
let ours: ClusterPlan;
beforeAll(async () => {
  const image = await focalImage(ec2);
  const second = planOf({}, image);
  ours = planOf({}, image);
  await Promise.all([second, ours].map((plan) => makeKeyAndProfiles(ec2, plan)));
  await crowd(clients, placeIn(second, await make(second)));
  await neighbours(clients, new S3Client(), ours.name, image);
  before = await everything();
});

test("what controllers and users made in our VPC is gone after the delete, and written down; the neighbours are as they were", async () => {
  const ledger = await make(ours);
  const made = await crowd(clients, placeIn(ours, ledger));
  await takeDown(ours, ledger);
  expect(await everything()).toEqual(before);
  expect(notSeenGone(ledger.entries)).toEqual([]);
  const named = Object.values(ledger.entries).map(({ kind }) => kind);
  for (const [kind, count] of Object.entries(made)) expect([kind, named.filter((one) => one === kind).length]).toEqual([kind, count]);
});

test("the same without a ledger, as for an orphan: the VPC is found by its tags, the volume by its attachment", async () => {
  const made = await make(ours);
  await crowd(clients, placeIn(ours, made));
  const ledger = memoryLedger();
  await takeDown(ours, ledger);
  expect(await everything()).toEqual(before);
  expect(notSeenGone(ledger.entries)).toEqual([]);
});

test("a volume of the user's own on our machine is let go of and stays", async () => {
  const ledger = await make(ours);
  const VolumeId = await volume(ec2, {}, ledger.id("instance/nodes-0")!);
  await takeDown(ours, ledger);
  expect(await everything()).toEqual([...before, `volume ${VolumeId}`].sort());
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
});

test("a volume that only has the cluster's name stays, blocks nothing, and keeps the certificate back while it is there", async () => {
  const ledger = await make(ours);
  const VolumeId = await volume(ec2, ofKops(ours.name));
  await takeDown(ours, ledger);
  expect((await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes).toHaveLength(1);
  const [named, ...others] = notSeenGone(ledger.entries);
  expect([named, others]).toEqual([expect.stringContaining(`suspected-volume/${VolumeId} (only tagged kubernetes.io/cluster/`), []]);
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
  expect(await deleteVolumes(ec2, targetOf(ours, ledger))).toEqual([]);
  expect(notSeenGone(ledger.entries)).toEqual([]);
  expect(await everything()).toEqual(before);
});

test("a plain delete looks around with five calls beyond its own things, and with three the second time", async () => {
  const ledger = await make(ours);
  const wide = /^Describe(LoadBalancers|TargetGroups|Vpcs|Volumes|Addresses|Nat|VpcE|VpcP|NetworkA|NetworkI)/;
  const around = () => calls.filter((call) => wide.test(call)).sort();
  await takeDown(ours, ledger);
  const own = ["DescribeLoadBalancers", "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeVpcs"];
  const inVpc = ["DescribeLoadBalancers", "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeNetworkInterfaces"];
  const volumes = ["DescribeVolumes", "DescribeVolumes"];
  expect(around()).toEqual([...own, ...inVpc, ...volumes].sort());
  await takeDown(ours, ledger);
  expect(around()).toEqual([...own, "DescribeVpcs", ...volumes].sort());
});
