import {
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { memoryLedger } from "../../memory-ledger";
import { deleteInstances, ensureInstances } from "../../../shared/resources/instances";
import { controlPlaneOf, groupOf, manifestOf, requestOf, threeZones } from "../plan/sample-request";

const zones = threeZones.map(({ name }) => name);
const plan = planCluster(
  manifestOf({
    subnets: threeZones,
    instanceGroups: [controlPlaneOf(), groupOf({ subnets: zones, rootVolume: { sizeGiB: 50, type: "gp3", iops: 4000 } })],
  }),
  requestOf(),
);
const ec2 = mockClient(EC2Client);
const client = new EC2Client({ region: "us-east-1" });
const aws = (name: string, message = "why") => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const userDataOf = ({ key }: { key: string }) => `#!/bin/sh\n# ${key}\n`;
const nodeOf = ({ input }: { input: RunInstancesCommand["input"] }) =>
  input.TagSpecifications![0]!.Tags!.find(({ Key }) => Key === "clowder:node")!.Value!;
const runs = (node = "nodes-0") =>
  ec2
    .commandCalls(RunInstancesCommand)
    .filter(({ args }) => nodeOf(args[0]) === node)
    .map(({ args }) => args[0].input);
const networkLedger = () => {
  const ledger = memoryLedger();
  for (const zone of zones) ledger.made(`subnet/${zone}`, `subnet-${zone.slice(-1)}`);
  for (const { key } of plan.network.securityGroups) ledger.made(`security-group/${key}`, `sg-${key}`);
  return ledger;
};
const ensure = (ledger = networkLedger()) => ensureInstances(client, plan, ledger, userDataOf);
const started = (input: RunInstancesCommand["input"]) => ({
  Instances: [
    {
      InstanceId: `i-${nodeOf({ input })}`,
      PrivateDnsName: "ip-1.ec2.internal",
      PrivateIpAddress: "172.20.32.9",
      State: { Name: "pending" },
    },
  ],
});
/** Answers the worker's launches by turn, all others well. */
const answerWorker = (...answers: (Error | object)[]) =>
  ec2.on(RunInstancesCommand).callsFake((input: RunInstancesCommand["input"]) => {
    const answer = nodeOf({ input }) === "nodes-0" ? answers.shift() : undefined;
    if (answer instanceof Error) throw answer;
    return answer ?? started(input);
  });

beforeEach(() => {
  ec2.reset();
  ec2.onAnyCommand().resolves({ $metadata: {} });
  answerWorker();
});

test("a request asks for everything that the plan says", async () => {
  await ensure();
  const [input] = runs();
  expect(input).toMatchObject({
    MinCount: 1,
    MaxCount: 1,
    IamInstanceProfile: { Name: plan.instances[1]!.profile },
    MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, HttpEndpoint: "enabled", InstanceMetadataTags: "disabled" },
    BlockDeviceMappings: [{ DeviceName: "/dev/sda1", Ebs: { Encrypted: true, VolumeSize: 50, VolumeType: "gp3", Iops: 4000 } }],
    NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: "subnet-a", Groups: ["sg-node"], AssociatePublicIpAddress: true }],
    UserData: Buffer.from(userDataOf({ key: "nodes-0" })).toString("base64"),
  });
  expect(input!.NetworkInterfaces![0]!.PrivateIpAddress).toBeUndefined();
  expect(input!.TagSpecifications!.map(({ ResourceType }) => ResourceType)).toEqual(["instance", "volume", "network-interface"]);
  expect(input!.ClientToken).toMatch(/^[\x21-\x7e]{1,64}$/);
});

test("machines with planned addresses start before EC2 chooses addresses for the others", async () => {
  await ensure();
  expect(ec2.commandCalls(RunInstancesCommand).map(({ args }) => nodeOf(args[0]))).toEqual([
    "master-us-east-1a-0",
    "probe-client-0",
    "nodes-0",
  ]);
  expect(runs("master-us-east-1a-0")[0]!.NetworkInterfaces![0]!.PrivateIpAddress).toBe(plan.instances[0]!.privateAddress);
});

test("without capacity a worker goes to its next subnet with a token of its own", async () => {
  answerWorker(aws("InsufficientInstanceCapacity"), aws("InsufficientFreeAddressesInSubnet"));
  const ledger = networkLedger();
  await ensure(ledger);
  expect(runs().map(({ NetworkInterfaces }) => NetworkInterfaces![0]!.SubnetId)).toEqual(["subnet-a", "subnet-b", "subnet-c"]);
  expect(new Set(runs().map(({ ClientToken }) => ClientToken)).size).toBe(3);
  expect(ledger.id("instance/nodes-0")).toBe("i-nodes-0");
});

test("without capacity anywhere it is CapacityMissing, the next try begins with the same token, and the others are known", async () => {
  answerWorker(...zones.map(() => aws("InsufficientInstanceCapacity")));
  const ledger = networkLedger();
  await expect(ensure(ledger)).rejects.toMatchObject({ name: "CapacityMissing" });
  expect(ledger.id("instance/probe-client-0")).toBe("i-probe-client-0");
  ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [
      {
        Instances: ["master-us-east-1a-0", "probe-client-0"].map((Value) => ({
          InstanceId: `i-${Value}`,
          Tags: [{ Key: "clowder:node", Value }],
        })),
      },
    ],
  });
  await ensure(ledger);
  expect(runs()[3]!.ClientToken).toBe(runs()[0]!.ClientToken);
});

test("a control plane has no other subnet", async () => {
  ec2.on(RunInstancesCommand).rejects(aws("InsufficientInstanceCapacity"));
  await expect(ensure()).rejects.toMatchObject({ name: "CapacityMissing" });
  expect(runs("master-us-east-1a-0")).toHaveLength(1);
});

test.each([
  [
    aws("InvalidParameterValue", "Value (nodes.demo) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"),
    "TryAgain",
  ],
  [aws("InvalidKeyPair.NotFound"), "TryAgain"],
  [aws("InvalidGroup.NotFound"), "TryAgain"],
  [aws("InvalidIPAddress.InUse"), "TryAgain"],
  [aws("IdempotentParameterMismatch"), "TryAgain"],
  [aws("InvalidAMIID.NotFound"), "ImageNotFound"],
  [aws("InvalidParameterValue", "Invalid value for parameter ebs.volumeType"), "InvalidParameterValue"],
  [aws("UnauthorizedOperation"), "UnauthorizedOperation"],
])("%p becomes %s", async (refusal, name) => {
  answerWorker(refusal);
  await expect(ensure()).rejects.toMatchObject({ name });
});

test("an instance that is not found right after its create is tried again, and known", async () => {
  ec2.on(ModifyInstanceAttributeCommand).rejects(aws("InvalidInstanceID.NotFound"));
  const ledger = networkLedger();
  await expect(ensure(ledger)).rejects.toMatchObject({ name: "TryAgain" });
  expect(ledger.id("instance/nodes-0")).toBe("i-nodes-0");
});

test("a lost reply is found by the same token: RunInstances is idempotent", async () => {
  const ledger = networkLedger();
  answerWorker(aws("TimeoutError"));
  await expect(ensure(ledger)).rejects.toMatchObject({ name: "TimeoutError" });
  for (const key of ["instance/master-us-east-1a-0", "instance/probe-client-0"]) ledger.entries[key]!.at = "2026-11-23T10:00:00Z";
  await ensure(ledger);
  expect(runs()[1]!.ClientToken).toBe(runs()[0]!.ClientToken);
});

test("a token whose instance has ended is not used again", async () => {
  const ended = { InstanceId: "i-old", State: { Name: "terminated" }, StateReason: { Message: "Client.InternalError" } };
  answerWorker({ Instances: [ended] });
  const ledger = networkLedger();
  await expect(ensure(ledger)).rejects.toMatchObject({ name: "TryAgain", message: expect.stringContaining("Client.InternalError") });
  for (const entry of Object.values(ledger.entries)) entry.at = "2026-11-23T10:00:00Z";
  await ensure(ledger);
  const tokens = runs().map(({ ClientToken }) => ClientToken);
  expect(tokens).toHaveLength(2);
  expect(tokens[1]).not.toBe(tokens[0]);
});

describe("delete", () => {
  const target = (ledger = memoryLedger()) => ({
    ref: { name: plan.name, uid: plan.uid, region: plan.region, epoch: 2 },
    accountId: plan.accountId,
    deployment: plan.deployment,
    ledger,
  });
  const there = (...Names: string[]) =>
    ec2
      .on(DescribeInstancesCommand)
      .resolves({ Reservations: [{ Instances: Names.map((Name) => ({ InstanceId: `i-${Name}`, State: { Name: Name as "running" } })) }] });

  test("what is shutting down is not ended again and blocks until it is gone", async () => {
    there("running", "shutting-down");
    expect((await deleteInstances(client, target())).map(({ resource }) => resource)).toEqual([
      "instance i-running",
      "instance i-shutting-down",
    ]);
    expect(ec2.commandCalls(TerminateInstancesCommand)[0]!.args[0].input.InstanceIds).toEqual(["i-running"]);
    expect(ec2.commandCalls(DescribeVolumesCommand)).toHaveLength(0);
  });

  test("one that a look did not show and the next does is known to the ledger again, and gone only when it is", async () => {
    const ledger = networkLedger();
    await ledger.intend({ key: "instance/nodes-0", token: "t" });
    there();
    await deleteInstances(client, target(ledger));
    expect(ledger.entry("instance/nodes-0")?.state).toBe("gone");

    there("running");
    await deleteInstances(client, target(ledger));
    expect(ledger.entry("instance/i-running")?.state).toBe("made");
    there();
    await deleteInstances(client, target(ledger));
    expect(ledger.entry("instance/i-running")?.state).toBe("gone");
  });

  test("termination protection is named", async () => {
    there("running");
    ec2.on(TerminateInstancesCommand).rejects(aws("OperationNotPermitted", "Modify its 'disableApiTermination' instance attribute"));
    expect(await deleteInstances(client, target())).toEqual([
      { resource: "instance i-running", reason: "Modify its 'disableApiTermination' instance attribute" },
    ]);
  });
});
