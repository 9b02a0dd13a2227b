import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { type PassThrough, startPassThrough } from "../../local/data-plane/pass-through";
import { replayed } from "../../local/data-plane/replay";
import { rootCredentials } from "../../local/emulators/emulators";

const Bucket = "pass-through-test";
const own = "clowder/a1b2c3d4/evidence/AROAEXAMPLE:i-1/latest.json";
const seen = readFileSync(join(__dirname, "../unit/local/recorded/stand-in-evidence.json"), "utf8");
const admin = new S3Client({});
let through: PassThrough;
let node: S3Client;
let secret: string | undefined;
const said: string[] = [];

beforeAll(async () => {
  await admin.send(new CreateBucketCommand({ Bucket }));
  const iam = new IAMClient({});
  const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } } };
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: "pass-through-node", AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const may = { Effect: "Allow", Action: ["s3:PutObject", "s3:GetObject"], Resource: [`arn:aws:s3:::${Bucket}/${own}`, `arn:aws:s3:::${Bucket}/beacons/*`] };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: may });
  await iam.send(new PutRolePolicyCommand({ RoleName: "pass-through-node", PolicyName: "own", PolicyDocument }));
  const sts = new STSClient({ credentials: rootCredentials });
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: Role!.Arn!, RoleSessionName: "i-1" }));
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = Credentials!;
  secret = secretAccessKey;
  through = await startPassThrough({
    endpoint: process.env["AWS_ENDPOINT_URL"]!,
    secretOf: (id) => (id === accessKeyId ? secret : undefined),
    replay: replayed,
    say: (line) => said.push(line),
  });
  const credentials = { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, sessionToken: sessionToken! };
  node = new S3Client({ endpoint: `http://127.0.0.1:${through.port}`, credentials, maxAttempts: 1 });
});
afterEach(() => said.splice(0));
afterAll(() => through.stop());

const put = (Key: string, Body: string) => node.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: "application/json" }));
const get = async (client: S3Client, Key: string) => (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();

test("evidence arrives replayed, written with the node's own permissions", async () => {
  await put(own, seen);
  const written = JSON.parse(await get(admin, own));
  expect(written).toEqual(JSON.parse(JSON.stringify(replayed(JSON.parse(seen)))));
  expect(written.collectedBy).toMatch(/^simulated: /);
  expect(said).toEqual(["evidence of clowder collector on n1 replayed"]);
});

test("what is no evidence passes as it is, in both directions", async () => {
  await put("beacons/01-started.json", '{"stage":"started"}');
  expect(await get(admin, "beacons/01-started.json")).toBe('{"stage":"started"}');
  expect(await get(node, "beacons/01-started.json")).toBe('{"stage":"started"}');
});

test("a node may not write another's evidence through it", async () => {
  await expect(put(own.replace("i-1", "i-2"), seen)).rejects.toMatchObject({ name: "AccessDenied" });
});

test("evidence that cannot be read is not passed on", async () => {
  await put(own, seen);
  await expect(put(own, '{"schema":"another"}')).rejects.toMatchObject({ $metadata: { httpStatusCode: 502 } });
  expect(JSON.parse(await get(admin, own)).collectedBy).toMatch(/^simulated: /);
});

test("without the node's secret, evidence is not passed on as if it were replayed", async () => {
  const kept = secret;
  secret = undefined;
  await expect(put(own, seen)).rejects.toMatchObject({ $metadata: { httpStatusCode: 502 } });
  secret = "another";
  await expect(put(own, seen)).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
  secret = kept;
});
