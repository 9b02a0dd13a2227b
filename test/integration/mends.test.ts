import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeImagesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand, DeleteLoadBalancerCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateFunctionCommand, DeleteFunctionCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { venv } from "../../local/python";

const iam = new IAMClient();
const ec2 = new EC2Client();
const s3 = new S3Client();
const role = `mends-${process.pid}`;
const bucket = `mends-${process.pid}`;
const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" } };

async function as(sessionName: string, statement: object | object[]) {
  await iam.send(
    new PutRolePolicyCommand({ RoleName: role, PolicyName: "mend", PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: statement }) }),
  );
  const { Credentials: own, AssumedRoleUser } = await new STSClient().send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::000000000000:role/${role}`, RoleSessionName: sessionName }),
  );
  const credentials = { accessKeyId: own!.AccessKeyId!, secretAccessKey: own!.SecretAccessKey!, sessionToken: own!.SessionToken! };
  return { credentials, userid: AssumedRoleUser!.AssumedRoleId! };
}

beforeAll(async () => {
  await iam.send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  await iam.send(new DeleteRolePolicyCommand({ RoleName: role, PolicyName: "mend" }));
  await iam.send(new DeleteRoleCommand({ RoleName: role }));
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
});

describe("error names", () => {
  const lambda = new LambdaClient();
  const name = `mends-${process.pid}`;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "mends-"));
    const source = `class OutOfCatnip extends Error { name = "OutOfCatnip" }
      exports.handler = async (event) => { if (event.fail) throw new OutOfCatnip("the jar is empty"); return "fed"; };`;
    writeFileSync(join(folder, "index.js"), source);
    execFileSync(join(venv("local/requirements.txt", "venv"), "python"), ["-m", "zipfile", "-c", "code.zip", "index.js"], { cwd: folder });
    const ZipFile = readFileSync(join(folder, "code.zip"));
    rmSync(folder, { recursive: true });
    const Role = `arn:aws:iam::000000000000:role/${role}`;
    await lambda.send(new CreateFunctionCommand({ FunctionName: name, Runtime: "nodejs24.x", Handler: "index.handler", Role, Code: { ZipFile } }));
  });
  afterAll(() => lambda.send(new DeleteFunctionCommand({ FunctionName: name })));

  const invoke = async (event: object) => {
    const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }));
    return { error: FunctionError, said: JSON.parse(Buffer.from(Payload!).toString()) };
  };

  test("a thrown error reports its own name and message", async () => {
    const { error, said } = await invoke({ fail: true });
    expect(error).toBeDefined();
    expect(said).toMatchObject({ errorType: "OutOfCatnip", errorMessage: "the jar is empty" });
  });

  test("an answer passes unchanged", async () => {
    expect(await invoke({})).toEqual({ error: undefined, said: "fed" });
  });
});

describe("policy variables and transport", () => {
  const own = { Effect: "Allow", Action: "s3:PutObject", Resource: `arn:aws:s3:::${bucket}/beacons/\${aws:userid}/*` };

  test("${aws:userid} opens the caller's own folder and no other", async () => {
    const { credentials, userid } = await as("i-0abc", own);
    const node = new S3Client({ credentials });
    await node.send(new PutObjectCommand({ Bucket: bucket, Key: `beacons/${userid}/01.json`, Body: "{}" }));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: `beacons/${userid}/01.json` }));
    expect(userid).toMatch(/^AROA\w+:i-0abc$/);
    const foreign = node.send(new PutObjectCommand({ Bucket: bucket, Key: `beacons/${userid}x/01.json`, Body: "{}" }));
    await expect(foreign).rejects.toMatchObject({ name: "AccessDenied" });
  });

  test("a bucket policy that refuses plain HTTP lets the loopback pass", async () => {
    const tls = {
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
    await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: "2012-10-17", Statement: [tls] }) }));
    const { credentials, userid } = await as("i-0abc", own);
    const Key = `beacons/${userid}/02.json`;
    await expect(new S3Client({ credentials }).send(new PutObjectCommand({ Bucket: bucket, Key, Body: "{}" }))).resolves.toBeDefined();
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  });
});

describe("EC2 and ELB from moto, behind MiniStack's permissions", () => {
  const zone = { AvailabilityZone: "us-east-1a", Size: 1 };
  const tagged = (value: string) => ({ TagSpecifications: [{ ResourceType: "volume" as const, Tags: [{ Key: "clowder:deployment", Value: value }] }] });

  test("the images of the two cases are there, by owner and name", async () => {
    const names = ["ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20210119.1", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260801"];
    const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ["099720109477"], Filters: [{ Name: "name", Values: names }] }));
    expect(Images!.map(({ Name }) => Name).sort()).toEqual([...names].sort());
  });

  test("a call that no policy grants is refused before moto sees it", async () => {
    const { credentials } = await as("denied", { Effect: "Allow", Action: "ec2:DescribeVolumes", Resource: "*" });
    const refused = new EC2Client({ credentials }).send(new CreateVolumeCommand(zone));
    await expect(refused).rejects.toMatchObject({ name: "UnauthorizedOperation" });
  });

  test("aws:RequestTag lets only the right tag in, aws:ResourceTag only what carries it out", async () => {
    const { credentials } = await as("tags", [
      { Effect: "Allow", Action: "ec2:CreateVolume", Resource: "*", Condition: { StringEquals: { "aws:RequestTag/clowder:deployment": "here" } } },
      { Effect: "Allow", Action: "ec2:CreateTags", Resource: "*", Condition: { StringEquals: { "ec2:CreateAction": "CreateVolume" } } },
      { Effect: "Allow", Action: "ec2:DeleteVolume", Resource: "*", Condition: { StringEquals: { "aws:ResourceTag/clowder:deployment": "here" } } },
    ]);
    const limited = new EC2Client({ credentials });
    const mine = await limited.send(new CreateVolumeCommand({ ...zone, ...tagged("here") }));
    const theirs = await ec2.send(new CreateVolumeCommand({ ...zone, ...tagged("there") }));

    await expect(limited.send(new CreateVolumeCommand({ ...zone, ...tagged("there") }))).rejects.toMatchObject({ name: "UnauthorizedOperation" });
    await expect(limited.send(new CreateVolumeCommand(zone))).rejects.toMatchObject({ name: "UnauthorizedOperation" });
    await expect(limited.send(new DeleteVolumeCommand({ VolumeId: theirs.VolumeId }))).rejects.toMatchObject({ name: "UnauthorizedOperation" });
    await expect(limited.send(new DeleteVolumeCommand({ VolumeId: mine.VolumeId }))).resolves.toBeDefined();
    await ec2.send(new CreateTagsCommand({ Resources: [theirs.VolumeId!], Tags: [{ Key: "clowder:deployment", Value: "here" }] }));
    await expect(limited.send(new DeleteVolumeCommand({ VolumeId: theirs.VolumeId }))).resolves.toBeDefined();
  });

  test("an instance profile made in IAM boots an instance, and a deleted one does not", async () => {
    const InstanceProfileName = `mends-${process.pid}`;
    const launch = () =>
      ec2.send(
        new RunInstancesCommand({
          ImageId: "ami-02fe94dee086c0c37",
          InstanceType: "t3.medium",
          MinCount: 1,
          MaxCount: 1,
          IamInstanceProfile: { Name: InstanceProfileName },
        }),
      );
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName, Path: "/clowder/mends/" }));
    const { Instances } = await launch();
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
    await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
    await expect(launch()).rejects.toMatchObject({ name: "NoSuchEntity" });
  });

  test("a Classic load balancer can be made and deleted", async () => {
    const elb = new ElasticLoadBalancingClient();
    const LoadBalancerName = `mends-${process.pid}`;
    const Listeners = [{ Protocol: "TCP", LoadBalancerPort: 443, InstancePort: 6443 }];
    const made = await elb.send(new CreateLoadBalancerCommand({ LoadBalancerName, Listeners, AvailabilityZones: ["us-east-1a"] }));
    await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerName }));
    expect(made.DNSName).toContain(LoadBalancerName);
  });
});

test("an emulator whose source is another one is not mended but refused, with the name of what changed", () => {
  const program = "from mends.source import take; from ministack import app; take(app, 'main', 'another')";
  const cwd = resolve(__dirname, "../../local/emulators");
  const { status, stderr } = spawnSync(join(venv("local/requirements.txt", "venv"), "python"), ["-c", program], { cwd, encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/ministack 1\.5\.33: ministack\.app\.main is not what local\/emulators\/mends expects/);
});
