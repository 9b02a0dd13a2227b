import {
  DeleteVolumeCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  TerminateInstancesCommand,
  type Volume,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { notSeenGone } from "../../../shared/registry/certificate";
import { deleteInstances } from "../../../shared/resources/instances";
import { deleteVolumes } from "../../../shared/resources/volumes";
import { aws, ownedTag, sharedTag, target, uidTag } from "./delete-target";

const ec2 = mockClient(EC2Client);
const client = new EC2Client({ region: "us-east-1" });
const deleted = () => ec2.commandCalls(DeleteVolumeCommand).map(({ args }) => args[0].input.VolumeId);
/** Found by the cluster's name; what is tagged by uid is asked for beside it. */
const named = (...Volumes: Volume[]) =>
  ec2.on(DescribeVolumesCommand, { Filters: [{ Name: `tag:${ownedTag.Key}`, Values: ["owned"] }] }).resolves({ Volumes });
const pvc = (VolumeId: string, more: Partial<Volume> = {}): Volume => ({ VolumeId, State: "available", Tags: [ownedTag], ...more });
const usedBy = (InstanceId: string): Partial<Volume> => ({ State: "in-use", Attachments: [{ InstanceId, State: "attached" }] });

beforeEach(() => {
  ec2.reset();
  ec2.onAnyCommand().resolves({});
});

describe("before the machines end", () => {
  const machine = (VolumeId: string, DeleteOnTermination: boolean) => {
    const BlockDeviceMappings = [{ Ebs: { VolumeId, DeleteOnTermination } }];
    const Instances = [{ InstanceId: "i-1", State: { Name: "running" as const }, BlockDeviceMappings }];
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances }] });
  };

  test("the volumes that outlive them are written down first", async () => {
    machine("vol-1", false);
    ec2.on(DescribeVolumesCommand).resolves({ Volumes: [pvc("vol-1", usedBy("i-1"))] });
    const to = target();
    let written = false;
    jest.spyOn(to.ledger, "flush").mockImplementation(async () => {
      written = to.ledger.id("volume/vol-1") === "vol-1";
    });
    ec2.on(TerminateInstancesCommand).callsFake(() => {
      expect(written).toBe(true);
      return {};
    });
    await deleteInstances(client, to);
    expect(ec2.commandCalls(TerminateInstancesCommand)).toHaveLength(1);
    expect(to.ledger.entry("volume/vol-1")?.detail).toEqual({ instance: "i-1" });
  });

  test("one that EC2 shows on its machine and not by itself yet keeps them alive: its tags are not known", async () => {
    machine("vol-1", false);
    ec2.on(DescribeVolumesCommand).resolves({ Volumes: [] });
    await expect(deleteInstances(client, target())).rejects.toMatchObject({ name: "TryAgain", message: expect.stringContaining("vol-1") });
    expect(ec2.commandCalls(TerminateInstancesCommand)).toHaveLength(0);
  });

  test("a ledger that cannot be written keeps them alive", async () => {
    machine("vol-1", false);
    ec2.on(DescribeVolumesCommand).resolves({ Volumes: [pvc("vol-1", usedBy("i-1"))] });
    const to = target();
    jest.spyOn(to.ledger, "flush").mockRejectedValue(aws("ProvisionedThroughputExceededException"));
    await expect(deleteInstances(client, to)).rejects.toMatchObject({ name: "ProvisionedThroughputExceededException" });
    expect(ec2.commandCalls(TerminateInstancesCommand)).toHaveLength(0);
  });

  test.each([
    ["without the cluster's tag", []],
    ["that is shared", [sharedTag]],
    ["of another cluster", [ownedTag, { Key: "clowder:uid", Value: "zzzzzzzzzz" }]],
  ])("a volume %s is not", async (_, Tags) => {
    machine("vol-1", false);
    ec2.on(DescribeVolumesCommand).resolves({ Volumes: [pvc("vol-1", { Tags, ...usedBy("i-1") })] });
    const to = target();
    await deleteInstances(client, to);
    expect(to.ledger.ofKind("volume")).toEqual([]);
  });

  test("where all go with their machines no volume and no address is looked at", async () => {
    machine("vol-1", true);
    await deleteInstances(client, target());
    expect(ec2.commandCalls(DescribeVolumesCommand).length + ec2.commandCalls(DescribeAddressesCommand).length).toBe(0);
  });
});

test("a volume goes by our uid, or by name and ledger; one that somebody's machine uses is a blocker that names it", async () => {
  ec2.on(DescribeVolumesCommand).resolves({ Volumes: [{ VolumeId: "vol-uid", State: "available", Tags: [uidTag] }] });
  named(pvc("vol-noted"), pvc("vol-used", usedBy("i-9")), pvc("vol-going", { State: "deleting" }));
  const to = target({ "volume/vol-noted": "vol-noted", "volume/vol-used": "vol-used" });
  expect(await deleteVolumes(client, to)).toEqual([{ resource: "volume vol-used", reason: "in use by instance i-9", byMachine: true }]);
  expect(deleted()).toEqual(["vol-uid", "vol-noted"]);
  expect(notSeenGone(to.ledger.entries)).toEqual(["volume/vol-used"]);
});

test("EC2's own VolumeInUse is a blocker in its words", async () => {
  named(pvc("vol-1"));
  ec2.on(DeleteVolumeCommand).rejects(aws("VolumeInUse", "Volume vol-1 is currently attached to i-9"));
  expect(await deleteVolumes(client, target({ "volume/vol-1": "vol-1" }))).toEqual([
    { resource: "volume vol-1", reason: "VolumeInUse: Volume vol-1 is currently attached to i-9", byMachine: true },
  ]);
});

test("a volume that only has the name is suspected: not deleted, no blocker, and no certificate while it is there", async () => {
  named(pvc("vol-1", { CreateTime: new Date("2026-11-23T12:30:00Z") }));
  const to = target({});
  expect(await deleteVolumes(client, to)).toEqual([]);
  expect(await deleteVolumes(client, to)).toEqual([]);
  expect(deleted()).toEqual([]);
  const [suspected, ...others] = notSeenGone(to.ledger.entries);
  expect(suspected).toContain("suspected-volume/vol-1 (only tagged kubernetes.io/cluster/demo.k8s.local=owned");
  expect(others).toEqual([]);
  named();
  await deleteVolumes(client, to);
  expect(notSeenGone(to.ledger.entries)).toEqual([]);
});

test.each([
  ["was there before the cluster", pvc("vol-1", { CreateTime: new Date("2026-11-23T11:59:00Z") })],
  ["is in use by a machine of somebody else", pvc("vol-1", usedBy("i-9"))],
  ["is another cluster's", pvc("vol-1", { Tags: [ownedTag, { Key: "clowder:uid", Value: "zzzzzzzzzz" }] })],
])("a volume of that name that %s is none of our business", async (_, volume) => {
  named(volume);
  const to = target({});
  expect(await deleteVolumes(client, to)).toEqual([]);
  expect([deleted(), notSeenGone(to.ledger.entries)]).toEqual([[], []]);
});

test("of a cluster whose age nobody knows every volume of the name is suspected", async () => {
  named(pvc("vol-1", { CreateTime: new Date("2020-01-01T00:00:00Z") }));
  const { createdAt: _unknown, ...to } = target({});
  await deleteVolumes(client, to);
  expect(to.ledger.ofKind("suspected-volume")).toHaveLength(1);
});
