import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DescribeImagesCommand,
  DescribeSubnetsCommand,
  EC2Client,
  GetConsoleOutputCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand, DeleteLoadBalancerCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateLoadBalancerCommand as CreateNetworkCommand,
  DeleteLoadBalancerCommand as DeleteNetworkCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import { CreateFunctionCommand, DeleteFunctionCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DeleteScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
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
      let fed = 0;
      exports.handler = async (event) => {
        if (event.fail) throw new OutOfCatnip("the jar is empty");
        if (event.end) process.kill(process.pid, "SIGKILL");
        return event.count ? ++fed : "fed";
      };`;
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

  test("an environment outlives an error", async () => {
    const before = (await invoke({ count: true })).said as number;
    await invoke({ fail: true });
    expect((await invoke({ count: true })).said).toBe(before + 1);
  });

  test("a process that ends is Runtime.ExitError, and the next call starts another", async () => {
    const { error, said } = await invoke({ end: true });
    expect(error).toBeDefined();
    expect(said).toMatchObject({ errorType: "Runtime.ExitError", errorMessage: expect.stringContaining("Runtime exited with error") });
    expect((await invoke({ count: true })).said).toBe(1);
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

  test("every resource of a call is authorised: a subnet of somebody else's keeps an instance from being made in it", async () => {
    const tag = [{ Key: "clowder:deployment", Value: "here" }];
    const ours = { StringEquals: { "aws:ResourceTag/clowder:deployment": "here" } };
    const { credentials } = await as("instances", [
      { Effect: "Allow", Action: "ec2:RunInstances", Resource: ["instance", "volume", "network-interface", "security-group"].map((kind) => `arn:aws:ec2:*:*:${kind}/*`) },
      { Effect: "Allow", Action: "ec2:RunInstances", Resource: "arn:aws:ec2:*::image/*" },
      { Effect: "Allow", Action: "ec2:RunInstances", Resource: "arn:aws:ec2:*:*:subnet/*", Condition: ours },
    ]);
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand());
    const SubnetId = Subnets![0]!.SubnetId!;
    const launch = () =>
      new EC2Client({ credentials }).send(new RunInstancesCommand({ ImageId: "ami-02fe94dee086c0c37", InstanceType: "t3.medium", MinCount: 1, MaxCount: 1, SubnetId }));

    await expect(launch()).rejects.toMatchObject({ name: "UnauthorizedOperation", message: expect.stringContaining(`subnet/${SubnetId}`) });
    await ec2.send(new CreateTagsCommand({ Resources: [SubnetId], Tags: tag }));
    const { Instances } = await launch();
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
    await ec2.send(new DeleteTagsCommand({ Resources: [SubnetId], Tags: tag }));
  });

  test("who boots an instance with a role must be allowed to pass it", async () => {
    const InstanceProfileName = `mends-pass-${process.pid}`;
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: role }));
    const IamInstanceProfile = { Name: InstanceProfileName };
    const launch = async (...more: object[]) => {
      const { credentials } = await as("passes", [{ Effect: "Allow", Action: "ec2:RunInstances", Resource: "*" }, ...more]);
      const machine = { ImageId: "ami-02fe94dee086c0c37", InstanceType: "t3.medium" as const, MinCount: 1, MaxCount: 1, IamInstanceProfile };
      return new EC2Client({ credentials }).send(new RunInstancesCommand(machine));
    };
    const passing = (service: string) => ({ Effect: "Allow", Action: "iam:PassRole", Resource: "*", Condition: { StringEquals: { "iam:PassedToService": service } } });

    await expect(launch()).rejects.toMatchObject({ name: "UnauthorizedOperation", message: expect.stringContaining("iam:PassRole") });
    await expect(launch(passing("lambda.amazonaws.com"))).rejects.toMatchObject({ name: "UnauthorizedOperation" });
    const { Instances } = await launch(passing("ec2.amazonaws.com"));
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
    await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName: role }));
    await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
  });

  test("an instance profile made in IAM boots an instance whose console says what it is, and a deleted one does not", async () => {
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
    const InstanceId = Instances![0]!.InstanceId!;
    const { Output } = await ec2.send(new GetConsoleOutputCommand({ InstanceId }));
    expect(Buffer.from(Output!, "base64").toString()).toMatch(/simulated/);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
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

describe("names in ARNs", () => {
  test("a role has its path: a policy for a path opens the roles below it and no others", async () => {
    const under = `arn:aws:iam::000000000000:role/clowder/mends/*`;
    const { credentials } = await as("paths", { Effect: "Allow", Action: ["iam:CreateRole", "iam:GetRole", "iam:DeleteRole"], Resource: under });
    const limited = new IAMClient({ credentials });
    const RoleName = `mends-path-${process.pid}`;
    const AssumeRolePolicyDocument = JSON.stringify(trust);
    await limited.send(new CreateRoleCommand({ RoleName, Path: "/clowder/mends/", AssumeRolePolicyDocument }));
    await expect(limited.send(new GetRoleCommand({ RoleName }))).resolves.toBeDefined();
    await limited.send(new DeleteRoleCommand({ RoleName }));
    await expect(limited.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }))).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(limited.send(new GetRoleCommand({ RoleName: role }))).rejects.toMatchObject({ name: "AccessDenied" });
  });

  test("a schedule has its group", async () => {
    const { credentials } = await as("clock", { Effect: "Allow", Action: "scheduler:DeleteSchedule", Resource: "arn:aws:scheduler:*:*:schedule/ours/*" });
    const limited = new SchedulerClient({ credentials });
    const Name = `mends-${process.pid}`;
    await expect(limited.send(new DeleteScheduleCommand({ Name, GroupName: "ours" }))).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(limited.send(new DeleteScheduleCommand({ Name, GroupName: "theirs" }))).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  test("a Classic load balancer has its name, a Network one its kind", async () => {
    const own = { Effect: "Allow", Action: ["elasticloadbalancing:*"], Resource: ["loadbalancer/api-*", "loadbalancer/net/api-*"].map((name) => `arn:aws:elasticloadbalancing:*:*:${name}`) };
    const { credentials } = await as("balancers", own);
    const classic = new ElasticLoadBalancingClient({ credentials });
    await expect(classic.send(new DeleteLoadBalancerCommand({ LoadBalancerName: "api-mends" }))).resolves.toBeDefined();
    await expect(classic.send(new DeleteLoadBalancerCommand({ LoadBalancerName: "other" }))).rejects.toMatchObject({ name: "AccessDenied" });

    const network = new ElasticLoadBalancingV2Client({ credentials });
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand());
    const made = await network.send(new CreateNetworkCommand({ Name: `api-${process.pid}`, Type: "network", Subnets: [Subnets![0]!.SubnetId!] }));
    const LoadBalancerArn = made.LoadBalancers![0]!.LoadBalancerArn!;
    expect(LoadBalancerArn).toContain(`:loadbalancer/net/api-${process.pid}/`);
    await expect(network.send(new DeleteNetworkCommand({ LoadBalancerArn }))).resolves.toBeDefined();
  });
});

test("an emulator whose source is another one is not mended but refused, with the name of what changed", () => {
  const program = "from mends.source import take; from ministack import app; take(app, 'main', 'another')";
  const cwd = resolve(__dirname, "../../local/emulators");
  const { status, stderr } = spawnSync(join(venv("local/requirements.txt", "venv"), "python"), ["-c", program], { cwd, encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/ministack 1\.5\.33: ministack\.app\.main is not what local\/emulators\/mends expects/);
});
