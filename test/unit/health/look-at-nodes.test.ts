import { DescribeInstancesCommand, EC2Client, GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { lookAtNodes } from "../../../shared/health/look-at-nodes";
import { bodyOf, ids, ledgerToLookAt, made, planToLookAt } from "./cluster";

const s3 = mockClient(S3Client);
const ec2 = mockClient(EC2Client);
const clients = { s3: new S3Client({}), ec2: new EC2Client({}) };
const after = (seconds: number) => new Date(made.getTime() + seconds * 1000);
const look = (seconds: number) => lookAtNodes(clients, planToLookAt(), ledgerToLookAt(), { deadline: after(600), now: after(seconds) });
const key = (id: string, beacon: string) => `clowder/a1b2c3d4/beacons/AROA1:${id}/${beacon}.json`;
const told = (...keys: string[]) =>
  s3.on(ListObjectsV2Command).resolves({ Contents: keys.map((Key) => ({ Key, LastModified: after(30) })) });
const all = [key(ids["master-0"], "06-registered"), key(ids["nodes-0"], "04-registered"), key(ids["probe-client-0"], "01-listening")];

beforeEach(() => {
  s3.reset();
  ec2.reset();
  ec2
    .on(DescribeInstancesCommand)
    .resolves({ Reservations: [{ Instances: [{ InstanceId: ids["nodes-0"], State: { Name: "running" } }] }] });
});

test("all registered and the client listening is joined, and EC2 is not asked", async () => {
  told(...all);
  expect(await look(120)).toEqual({
    joined: true,
    nodes: { "master-0": "registered", "nodes-0": "registered", "probe-client-0": "listening" },
  });
  expect(ec2.calls()).toHaveLength(0);
});

test("beacons on a second page count, and another owner's bucket is refused", async () => {
  s3.on(ListObjectsV2Command)
    .resolvesOnce({ Contents: all.slice(0, 1).map((Key) => ({ Key })), IsTruncated: true, NextContinuationToken: "2" })
    .resolves({ Contents: all.slice(1).map((Key) => ({ Key })) });
  expect((await look(40)).joined).toBe(true);
  expect(s3.commandCalls(ListObjectsV2Command)[0]!.args[0].input).toMatchObject({
    Prefix: "clowder/a1b2c3d4/beacons/",
    ExpectedBucketOwner: "123456789012",
  });
});

test("each machine's last stage is told, also of one that said nothing", async () => {
  told(key(ids["master-0"], "00-started"), key(ids["master-0"], "01-material"), key("i-stranger", "04-registered"));
  expect(await look(40)).toEqual({ joined: false, nodes: { "master-0": "material", "nodes-0": "launched", "probe-client-0": "launched" } });
});

test("a failed beacon ends it at once with the node, stage, reason and log, secrets removed", async () => {
  told(key(ids["master-0"], "06-registered"), key(ids["nodes-0"], "00-started"), key(ids["nodes-0"], "99-failed"));
  const beacon = {
    stage: "artifacts",
    reason: "ChecksumMismatch",
    message: "kubelet differs",
    logTail: ["one", "--token abcdef.0123456789abcdef"],
    at: "",
  };
  s3.on(GetObjectCommand).resolves({ Body: bodyOf(JSON.stringify(beacon)) });
  await expect(look(40)).rejects.toMatchObject({
    name: "NodeFailed",
    message: "nodes-0 (i-0bb) failed at artifacts: ChecksumMismatch: kubelet differs",
    fault: { node: "nodes-0", nodeStage: "artifacts", reason: "ChecksumMismatch" },
    nextStep: expect.stringMatching(/URL serves/),
    logTail: ["one", "--token [token removed]"],
  });
});

test("a failed beacon that cannot be read still names the node", async () => {
  told(key(ids["nodes-0"], "02-artifacts"), key(ids["nodes-0"], "99-failed"));
  s3.on(GetObjectCommand).resolves({ Body: bodyOf("{") });
  await expect(look(40)).rejects.toMatchObject({
    name: "NodeFailed",
    message: expect.stringMatching(/^nodes-0 \(i-0bb\) failed after artifacts/),
  });
});

test("past the deadline it names every machine that is missing, and keeps the console of the first", async () => {
  told(...all.slice(0, 1), key(ids["nodes-0"], "03-runtime"));
  ec2
    .on(GetConsoleOutputCommand)
    .resolves({ Output: Buffer.from("boot\nkubeadm join --token abcdef.0123456789abcdef\n").toString("base64") });
  await expect(look(600)).rejects.toMatchObject({
    name: "NodesNotJoined",
    message: expect.stringMatching(
      /2 of the machines.*nodes-0 \(i-0bb\) last told "runtime", probe-client-0 \(i-0cc\) last told "launched"/,
    ),
    fault: { node: "nodes-0", nodeStage: "registered", reason: "NotJoinedInTime" },
    logTail: ["boot", "kubeadm join --token [token removed]"],
  });
});

const printed = (...lines: string[]) => ec2.on(GetConsoleOutputCommand).resolves({ Output: Buffer.from(lines.join("\n")).toString("base64") });

test("a node that has no way to the bucket is found by what it printed, not at the deadline", async () => {
  told(all[0]!, all[2]!);
  const failed = "clowder: node nodes-0 failed at stage started: RoleNotValid: no credentials or no way to STS";
  printed("boot", failed, ...Array.from({ length: 60 }, (_, line) => `cloud-init ${line}`));
  await expect(look(150)).rejects.toMatchObject({
    name: "NodeFailed",
    blame: "transient",
    message: "nodes-0 (i-0bb) failed at started: RoleNotValid: no credentials or no way to STS",
    fault: { node: "nodes-0", nodeStage: "started", reason: "RoleNotValid" },
  });
});

test.each([
  ["before its first stage", [all[0]!, all[2]!], 420, "started"],
  ["in a stage of its script", [all[0]!, all[2]!, key(ids["nodes-0"], "01-started")], 30 + 180, "material"],
])("a node that is silent %s is given up within 60 s of that stage's limit", async (_name, keys, limit, nodeStage) => {
  told(...keys);
  printed("boot", "login:");
  await expect(look(limit + 29)).resolves.toMatchObject({ joined: false });
  await expect(look(limit + 31)).rejects.toMatchObject({
    name: "NodeFailed",
    fault: { node: "nodes-0", nodeStage, reason: "NodeSilent" },
    logTail: ["boot", "login:"],
  });
});

test("a worker may wait for its control plane as long as its last stage may", async () => {
  told(all[2]!, key(ids["master-0"], "04-runtime"), key(ids["nodes-0"], "04-runtime"));
  printed("waiting");
  await expect(look(30 + 420 + 29)).resolves.toMatchObject({ joined: false });
  await expect(look(30 + 420 + 31)).rejects.toMatchObject({ fault: { node: "master-0", nodeStage: "control-plane-up" } });
});

test.each([
  ["empty", {}, /console of nodes-0: empty$/],
  ["refused", new Error("no"), /console of nodes-0: refused/],
])("a console that is %s is said to be", async (_name, answer, message) => {
  told(all[0]!, all[2]!);
  if (answer instanceof Error) ec2.on(GetConsoleOutputCommand).rejects(answer);
  else ec2.on(GetConsoleOutputCommand).resolves(answer);
  await expect(look(600)).rejects.toMatchObject({ message: expect.stringMatching(message) });
});

test("an instance without Nitro has its console read without Latest", async () => {
  told(all[0]!, all[2]!);
  ec2.on(GetConsoleOutputCommand, { Latest: true }).rejects(Object.assign(new Error(), { name: "UnsupportedOperation" }));
  ec2.on(GetConsoleOutputCommand, { Latest: false }).resolves({ Output: Buffer.from("old").toString("base64") });
  await expect(look(600)).rejects.toMatchObject({ logTail: ["old"] });
});

test("EC2 is asked about a machine only after a minute of silence, and its reason for ending it is told", async () => {
  told(...all.slice(0, 1), all[2]!);
  ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [
      {
        Instances: [
          {
            InstanceId: ids["nodes-0"],
            State: { Name: "terminated" },
            StateReason: { Code: "Server.InternalError", Message: "client error on launch" },
          },
        ],
      },
    ],
  });
  await expect(look(59)).resolves.toMatchObject({ joined: false });
  expect(ec2.calls()).toHaveLength(0);
  await expect(look(60)).rejects.toMatchObject({
    name: "NodeFailed",
    fault: { node: "nodes-0", nodeStage: "started", reason: "InstanceEnded" },
    message: "nodes-0 (i-0bb) is terminated by EC2: Server.InternalError: client error on launch",
  });
});

test("a beacon within the last minute is not silence", async () => {
  told(key(ids["nodes-0"], "03-runtime"), all[0]!, all[2]!);
  await look(89);
  expect(ec2.calls()).toHaveLength(0);
  await look(90);
  expect(ec2.commandCalls(DescribeInstancesCommand)[0]!.args[0].input.Filters).toEqual([{ Name: "instance-id", Values: [ids["nodes-0"]] }]);
});

test("at the deadline EC2 is asked even about a machine that spoke a moment ago", async () => {
  s3.on(ListObjectsV2Command).resolves({ Contents: [...all.slice(0, 1), all[2]!].map((Key) => ({ Key, LastModified: after(590) })) });
  const ended = { InstanceId: ids["nodes-0"], State: { Name: "terminated" as const } };
  ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [ended] }] });
  const ledger = ledgerToLookAt();
  ledger.entry("instance/nodes-0")!.at = after(590).toISOString();
  const times = { deadline: after(600), now: after(600) };
  await expect(lookAtNodes(clients, planToLookAt(), ledger, times)).rejects.toMatchObject({ name: "NodeFailed" });
});
