import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateVpcCommand, DeleteVpcCommand, DescribeKeyPairsCommand, DescribeVpcsCommand, EC2Client, ImportKeyPairCommand, ModifyVpcAttributeCommand } from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { AddRoleToInstanceProfileCommand, CreateInstanceProfileCommand, CreateRoleCommand, GetInstanceProfileCommand, GetRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import { CreateBucketCommand, HeadBucketCommand, ListBucketsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateStateMachineCommand, DescribeExecutionCommand, ListStateMachinesCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { type Emulators, region, rootCredentials, startEmulators } from "../../local/emulators/emulators";
import { type Arm, newArm } from "../../local/faults/arm";
import { type Kind, idOf } from "../../local/faults/cases";
import { codeOf, translate } from "../../shared/aws/translate";
import { makeSshKey } from "../../shared/bootstrap/ssh-key";

jest.setTimeout(60_000);
let broken: Arm;
let emulators: Emulators;
/** Of a Lambda's role: only such calls are broken. */
let client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }; maxAttempts: number };

beforeAll(async () => {
  broken = newArm(0.05);
  emulators = await startEmulators({ name: "fault-answers", faults: broken.files, looks: 0 });
  const admin = { endpoint: emulators.endpoint, region, credentials: emulators.credentials };
  const iam = new IAMClient(admin);
  const RoleName = "clowder-test-tester-us-east-1-lambdaRole";
  const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" } };
  const all = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "all", PolicyDocument: JSON.stringify(all) }));
  const sts = new STSClient({ ...admin, credentials: rootCredentials });
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: Role!.Arn!, RoleSessionName: "clowder-test-tester" }));
  const credentials = { accessKeyId: Credentials!.AccessKeyId!, secretAccessKey: Credentials!.SecretAccessKey!, sessionToken: Credentials!.SessionToken! };
  client = { endpoint: emulators.endpoint, region, credentials, maxAttempts: 1 };
  await new DynamoDBClient(admin).send(
    new CreateTableCommand({ TableName: "shelf", KeySchema: [{ AttributeName: "k", KeyType: "HASH" }], AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }], BillingMode: "PAY_PER_REQUEST" }),
  );
});
afterAll(async () => {
  await emulators?.stop();
  broken?.forget();
});

const arm = (kind: Kind, action: string, n = 1) => {
  const call = { phase: "create" as const, function: "tester", action, n };
  broken.arm({ ...call, kind, id: idOf(call, kind) });
};
const failure = (call: Promise<unknown>) => call.then(() => undefined, (error: unknown) => error);

const calls: [string, string, string, string, () => Promise<unknown>][] = [
  ["ec2:DescribeVpcs", "RequestLimitExceeded", "InternalError", "UnauthorizedOperation", () => new EC2Client(client).send(new DescribeVpcsCommand())],
  ["elasticloadbalancing:DescribeLoadBalancers", "Throttling", "InternalFailure", "AccessDenied", () => new ElasticLoadBalancingClient(client).send(new DescribeLoadBalancersCommand())],
  ["iam:GetRole", "Throttling", "ServiceFailureException", "AccessDenied", () => new IAMClient(client).send(new GetRoleCommand({ RoleName: "clowder-test-tester-us-east-1-lambdaRole" }))],
  ["s3:ListAllMyBuckets", "SlowDown", "InternalError", "AccessDenied", () => new S3Client(client).send(new ListBucketsCommand())],
  ["dynamodb:GetItem", "ProvisionedThroughputExceededException", "InternalServerError", "AccessDeniedException", () => new DynamoDBClient(client).send(new GetItemCommand({ TableName: "shelf", Key: { k: { S: "x" } } }))],
  ["states:ListStateMachines", "ThrottlingException", "InternalFailure", "AccessDeniedException", () => new SFNClient(client).send(new ListStateMachinesCommand())],
  ["kms:ListKeys", "ThrottlingException", "KMSInternalException", "AccessDeniedException", () => new KMSClient(client).send(new ListKeysCommand())],
  ["ssm:GetParameter", "ThrottlingException", "InternalServerError", "AccessDeniedException", () => new SSMClient(client).send(new GetParameterCommand({ Name: "/x" }))],
  ["scheduler:ListSchedules", "ThrottlingException", "InternalServerException", "AccessDeniedException", () => new SchedulerClient(client).send(new ListSchedulesCommand())],
];

test.each(calls)("%s is throttled as %s, fails as %s, is refused as %s, and the product knows what each means", async (action, throttle, fault, refusal, call) => {
  const answers: [Kind, string, string][] = [["throttled", throttle, "TryAgain"], ["reply-lost", fault, "TryAgain"], ["refused", refusal, "PermissionMissing"]];
  for (const [kind, code, meaning] of answers) {
    arm(kind, action);
    const error = await failure(call());
    expect([codeOf(error), translate(error).name]).toEqual([code, meaning]);
  }
});

test("an answer to HEAD has no body to tell a code: its status does", async () => {
  await new S3Client(client).send(new CreateBucketCommand({ Bucket: "headed" }));
  const head = () => new S3Client(client).send(new HeadBucketCommand({ Bucket: "headed" }));
  for (const [kind, meaning] of [["throttled", "TryAgain"], ["refused", "PermissionMissing"]] as const) {
    arm(kind, "s3:ListBucket");
    expect(translate(await failure(head())).name).toBe(meaning);
  }
});

test("only the n-th call is broken, and one that the SDK sends again is the same call", async () => {
  const ec2 = new EC2Client({ ...client, maxAttempts: 2 });
  arm("reply-lost", "ec2:DescribeVpcs", 2);
  const attempts = [];
  for (let at = 0; at < 3; at++) attempts.push((await ec2.send(new DescribeVpcsCommand())).$metadata.attempts);
  expect(attempts).toEqual([1, 2, 1]);
  expect(broken.calls().map(({ n, fault }) => [n, fault])).toEqual([[1, undefined], [2, "reply-lost"], [2, "reply-lost"], [3, undefined]]);
});

test("a lost reply is lost after the work was done", async () => {
  const ec2 = new EC2Client(client);
  const count = async () => (await ec2.send(new DescribeVpcsCommand())).Vpcs!.length;
  const before = await count();
  arm("replies-lost", "ec2:CreateVpc");
  expect(codeOf(await failure(ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }))))).toBe("InternalError");
  expect(await count()).toBe(before + 1);
});

test("a refusal lasts, for this function and action alone", async () => {
  const ec2 = new EC2Client(client);
  arm("refused", "ec2:CreateVpc", 2);
  const make = () => failure(ec2.send(new CreateVpcCommand({ CidrBlock: "10.8.0.0/16" })));
  expect([await make(), codeOf(await make()), codeOf(await make())]).toEqual([undefined, "UnauthorizedOperation", "UnauthorizedOperation"]);
  await expect(ec2.send(new DescribeVpcsCommand())).resolves.toBeDefined();
});

test("what a call made is not in lists and not to be named for four looks, then it is", async () => {
  const ec2 = new EC2Client(client);
  const own = { Filters: [{ Name: "cidr", Values: ["10.7.0.0/16"] }] };
  const listed = async (query = own) => (await ec2.send(new DescribeVpcsCommand(query))).Vpcs!.map(({ CidrBlock }) => CidrBlock);
  arm("unseen", "ec2:CreateVpc");
  expect(await listed()).toEqual([]);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.7.0.0/16" }));
  const naming = () => ec2.send(new ModifyVpcAttributeCommand({ VpcId: Vpc!.VpcId, EnableDnsHostnames: { Value: true } }));
  expect(await listed()).toEqual([]);
  expect(await listed({ Filters: [] })).not.toContain("10.7.0.0/16");
  expect(codeOf(await failure(naming()))).toBe("InvalidVpcID.NotFound");
  expect(await listed()).toEqual([]);
  expect(await listed()).toEqual(["10.7.0.0/16"]);
  expect(broken.calls().filter(({ hidden }) => hidden).map(({ action }) => action)).toEqual(["ec2:DescribeVpcs", "ec2:DescribeVpcs", "ec2:ModifyVpcAttribute", "ec2:DescribeVpcs"]);
  await expect(naming()).resolves.toBeDefined();
});

test("a list that is asked for by a hidden name lacks it, where naming it is refused", async () => {
  const ec2 = new EC2Client(client);
  const { publicKey } = makeSshKey("hidden");
  arm("unseen", "ec2:ImportKeyPair");
  await ec2.send(new ImportKeyPairCommand({ KeyName: "hidden", PublicKeyMaterial: Buffer.from(publicKey) }));
  await expect(ec2.send(new DescribeKeyPairsCommand({ Filters: [{ Name: "key-name", Values: ["hidden"] }] }))).resolves.toMatchObject({ KeyPairs: [] });
  expect(codeOf(await failure(ec2.send(new DescribeKeyPairsCommand({ KeyNames: ["hidden"] }))))).toBe("InvalidKeyPair.NotFound");
});

test("a wait of Step Functions is short, and what is hidden for seconds is to be seen after it as on AWS", async () => {
  const [ec2, sfn] = [new EC2Client(client), new SFNClient(client)];
  const listed = async () => (await ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: "cidr", Values: ["10.4.0.0/16"] }] }))).Vpcs!.length;
  const definition = JSON.stringify({ StartAt: "Settle", States: { Settle: { Type: "Wait", Seconds: 125, End: true } } });
  const { stateMachineArn } = await sfn.send(new CreateStateMachineCommand({ name: "waits", definition, roleArn: "arn:aws:iam::000000000000:role/clowder-test-tester-us-east-1-lambdaRole" }));
  arm("unseen", "ec2:CreateVpc");
  await ec2.send(new CreateVpcCommand({ CidrBlock: "10.4.0.0/16" }));
  expect(await listed()).toBe(0);

  const began = Date.now();
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn }));
  while ((await sfn.send(new DescribeExecutionCommand({ executionArn }))).status === "RUNNING") await new Promise(setImmediate);

  expect(Date.now() - began).toBeLessThan(3000);
  expect(await listed()).toBe(1);
});

test("what a call deleted is still in a list that was read before", async () => {
  const ec2 = new EC2Client(client);
  const listed = async () => (await ec2.send(new DescribeVpcsCommand())).Vpcs!.length;
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.6.0.0/16" }));
  arm("unseen", "ec2:DeleteVpc");
  const before = await listed();
  await ec2.send(new DeleteVpcCommand({ VpcId: Vpc!.VpcId }));
  const after = [];
  for (let look = 0; look < 5; look++) after.push(await listed());
  expect(after).toEqual([before, before, before, before, before - 1]);
});

test("of another service's reads none is stale: what the ledger says is always what was written", async () => {
  const db = new DynamoDBClient(client);
  const read = async () => (await db.send(new GetItemCommand({ TableName: "shelf", Key: { k: { S: "ledger" } } }))).Item;
  arm("unseen", "ec2:CreateVpc");
  expect(await read()).toBeUndefined();
  await new EC2Client(client).send(new CreateVpcCommand({ CidrBlock: "10.5.0.0/16" }));
  await db.send(new PutItemCommand({ TableName: "shelf", Item: { k: { S: "ledger" } } }));
  expect(await read()).toEqual({ k: { S: "ledger" } });
});

test("a role, a profile and a bucket are hidden in their own services' words", async () => {
  const iam = new IAMClient(client);
  const InstanceProfileName = "hidden";
  arm("unseen", "iam:CreateInstanceProfile");
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
  expect(codeOf(await failure(iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))))).toMatch(/^NoSuchEntity/);
  const adding = iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: "clowder-test-tester-us-east-1-lambdaRole" }));
  expect(codeOf(await failure(adding))).toMatch(/^NoSuchEntity/);

  const s3 = new S3Client(client);
  arm("unseen", "s3:CreateBucket");
  await s3.send(new CreateBucketCommand({ Bucket: "hidden" }));
  expect(codeOf(await failure(s3.send(new HeadBucketCommand({ Bucket: "hidden" }))))).toBe("NotFound");
  expect(codeOf(await failure(s3.send(new ListObjectsV2Command({ Bucket: "hidden" }))))).toBe("NoSuchBucket");
});
