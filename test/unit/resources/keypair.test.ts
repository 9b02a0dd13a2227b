import { DeleteKeyPairCommand, DescribeKeyPairsCommand, EC2Client, ImportKeyPairCommand } from "@aws-sdk/client-ec2";
import { GetObjectCommand, HeadObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { TryAgain } from "../../../shared/errors";
import { memoryLedger } from "../../memory-ledger";
import { deleteKeypair, ensureKeypair, takePrivateKey } from "../../../shared/resources/keypair";
import { awsError, samplePlan, targetOf } from "./sample-plan";

const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const clients = { ec2: new EC2Client({}), s3: new S3Client({}) };
const plan = samplePlan();
const { name, privateKeyObject } = plan.keypair;
const key = `keypair/${name}`;
const ours = { KeyPairs: [{ KeyName: name, KeyPairId: "key-1", Tags: [{ Key: "clowder:uid", Value: plan.uid }] }] };
const imported = () => Buffer.from(ec2.commandCalls(ImportKeyPairCommand)[0]!.args[0].input.PublicKeyMaterial!).toString();

beforeEach(() => {
  ec2.reset();
  s3.reset();
  ec2.on(DescribeKeyPairsCommand).resolves({ KeyPairs: [] });
  ec2.on(ImportKeyPairCommand).resolves({ KeyPairId: "key-1" });
  s3.resolves({});
});

test("the private half goes nowhere but to its object, encrypted, and only where none is", async () => {
  await ensureKeypair(clients, plan, memoryLedger());
  const [put] = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
  expect(put).toMatchObject({ Key: privateKeyObject, IfNoneMatch: "*", ServerSideEncryption: "AES256" });
  expect(put!.ExpectedBucketOwner).toBe(plan.accountId);
  expect(imported()).toBe(put!.Metadata!["public-key"]);
  expect(JSON.stringify(ec2.calls().map(({ args }) => args[0].input))).not.toContain("PRIVATE");
});

test("a private half that is there already decides the public half", async () => {
  s3.on(PutObjectCommand).rejects(awsError("PreconditionFailed", 412));
  s3.on(HeadObjectCommand).resolves({ Metadata: { "public-key": "ssh-ed25519 AAAA first" } });
  await ensureKeypair(clients, plan, memoryLedger());
  expect(imported()).toBe("ssh-ed25519 AAAA first");
});

test("two runs that write the private half at the same moment are tried again", async () => {
  s3.on(PutObjectCommand).rejects(awsError("ConditionalRequestConflict", 409));
  await expect(ensureKeypair(clients, plan, memoryLedger())).rejects.toThrow(TryAgain);
  expect(ec2.commandCalls(ImportKeyPairCommand)).toHaveLength(0);
});

test("an import whose reply was lost is adopted", async () => {
  ec2.on(DescribeKeyPairsCommand).resolvesOnce({ KeyPairs: [] }).resolves(ours);
  ec2.on(ImportKeyPairCommand).rejects(awsError("InvalidKeyPair.Duplicate"));
  const ledger = memoryLedger();
  await ensureKeypair(clients, plan, ledger);
  expect(ledger.id(key)).toBe("key-1");
});

test("a duplicate that EC2 does not show yet is tried again", async () => {
  ec2.on(ImportKeyPairCommand).rejects(awsError("InvalidKeyPair.Duplicate"));
  const ledger = memoryLedger();
  await expect(ensureKeypair(clients, plan, ledger)).rejects.toThrow(TryAgain);
  expect(ledger.entry(key)?.state).toBe("intended");
});

test("a key that EC2 refuses is said in EC2's words", async () => {
  ec2.on(ImportKeyPairCommand).rejects(awsError("InvalidKey.Format"));
  await expect(ensureKeypair(clients, plan, memoryLedger())).rejects.toThrow("InvalidKey.Format");
});

test("a private half that cannot be taken away is not given", async () => {
  s3.on(GetObjectCommand).resolves({ Body: { transformToString: async () => "secret" } as never });
  s3.on(ListObjectVersionsCommand).rejects(awsError("AccessDenied", 403));
  await expect(takePrivateKey(clients.s3, plan)).rejects.toThrow("AccessDenied");
});

test("a delete finds it by name and tag, without a ledger", async () => {
  ec2.on(DescribeKeyPairsCommand).resolves(ours);
  expect(await deleteKeypair(clients.ec2, targetOf(plan))).toEqual([]);
  expect(ec2.commandCalls(DeleteKeyPairCommand).map(({ args }) => args[0].input)).toEqual([{ KeyName: name }]);
});
