import { IAMClient } from "@aws-sdk/client-iam";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { makePki } from "../../../shared/bootstrap/pki";
import { ClusterExists, EpochPassed, TryAgain } from "../../../shared/errors";
import { memoryLedger } from "../../memory-ledger";
import { reopenBootstrap, revokeBootstrap } from "../../../shared/resources/bootstrap-access";
import { ensurePki } from "../../../shared/resources/pki";
import { writeStateStore } from "../../../shared/resources/state-store";
import { awsError, samplePlan } from "./sample-plan";

const s3 = mockClient(S3Client);
const iam = mockClient(IAMClient);
const clients = { s3: new S3Client({}), iam: new IAMClient({}) };
const plan = samplePlan();
const now = new Date("2026-11-23T12:30:00Z");
const body = (content: object) => ({ Body: { transformToString: async () => JSON.stringify(content) } as never });
const puts = () => s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);

beforeEach(() => {
  s3.reset();
  iam.reset();
  s3.resolves({});
  iam.resolves({});
});

test("the PKI is written where nothing is, encrypted, to the expected owner", async () => {
  await ensurePki(clients.s3, plan, memoryLedger());
  expect(puts().map(({ Key }) => Key)).toEqual([plan.pki.controlPlaneObject, plan.pki.joinObject]);
  const expected = { IfNoneMatch: "*", ServerSideEncryption: "AES256", ExpectedBucketOwner: plan.accountId };
  for (const put of puts()) expect(put).toMatchObject(expected);
});

test("a run whose put was refused because another was quicker joins workers with the other's CA", async () => {
  const theirs = await makePki(plan);
  s3.on(PutObjectCommand, { Key: plan.pki.controlPlaneObject }).rejects(awsError("PreconditionFailed", 412));
  s3.on(GetObjectCommand).resolves(body(theirs));
  await ensurePki(clients.s3, plan, memoryLedger());
  expect(JSON.parse(String(puts()[1]!.Body))).toMatchObject({ token: theirs.token, caCertHash: theirs.caCertHash });
});

test.each([
  ["conflicts with", "ConditionalRequestConflict", 409],
  ["loses to", "PreconditionFailed", 412],
])("a put that %s another which is not readable yet is tried again", async (_, code, status) => {
  s3.on(PutObjectCommand).rejects(awsError(code, status));
  s3.on(GetObjectCommand).rejects(awsError("NoSuchKey", 404));
  await expect(ensurePki(clients.s3, plan, memoryLedger())).rejects.toThrow(TryAgain);
});

test("a put that is refused for another reason says so", async () => {
  s3.on(PutObjectCommand).rejects(awsError("AccessDenied", 403));
  await expect(ensurePki(clients.s3, plan, memoryLedger())).rejects.toThrow("AccessDenied");
});

test("after revoke-bootstrap nothing is put back", async () => {
  const ledger = memoryLedger();
  ledger.made("pki/control-plane", plan.pki.controlPlaneObject, { bootstrap: "revoked" });
  await ensurePki(clients.s3, plan, ledger);
  expect(s3.calls()).toHaveLength(0);
});

describe("revoke-bootstrap", () => {
  beforeEach(async () => {
    s3.on(GetObjectCommand).resolves(body(await makePki(plan)));
  });

  test("goes on when the policy is gone already, and keeps the role's id", async () => {
    iam.rejects(awsError("NoSuchEntityException", 404));
    const ledger = memoryLedger();
    ledger.made("role/control-plane", "masters", { roleId: "AROA1" });
    await revokeBootstrap(clients, plan, ledger, now);
    expect(ledger.entry("role/control-plane")?.detail).toEqual({ roleId: "AROA1", bootstrap: "revoked" });
    expect(puts().map(({ Key }) => Key)).toEqual([plan.pki.accessObject]);
  });

  test("is not done while the policy cannot be taken away", async () => {
    iam.rejects(awsError("AccessDenied", 403));
    const ledger = memoryLedger();
    await expect(revokeBootstrap(clients, plan, ledger, now)).rejects.toThrow("AccessDenied");
    expect(ledger.entry("pki/control-plane")).toBeUndefined();
  });

  test("is not done while a version of the join material is left", async () => {
    s3.on(ListObjectVersionsCommand).resolves({ Versions: [{ Key: plan.pki.joinObject, VersionId: "1" }] });
    s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: plan.pki.joinObject, Code: "InternalError" }] });
    await expect(revokeBootstrap(clients, plan, memoryLedger(), now)).rejects.toThrow(TryAgain);
  });
});

describe("a bootstrap that is opened again", () => {
  const open = (ledger = memoryLedger()) => reopenBootstrap(clients.s3, plan, ledger, { now, ended: [] });

  test("is in the ledger before anything is put: a cluster that is being deleted gets no token", async () => {
    const ledger = { ...memoryLedger(), intend: async () => Promise.reject(new EpochPassed("past")) };
    await expect(open(ledger)).rejects.toThrow(EpochPassed);
    expect(s3.calls()).toEqual([]);
  });

  test("is tried again while the PKI cannot be read: no worker joins another cluster", async () => {
    s3.on(GetObjectCommand).rejects(awsError("NoSuchKey", 404));
    await expect(open()).rejects.toThrow(TryAgain);
    expect(puts()).toEqual([]);
  });

  test("tells the control planes before there is anything for a worker to read", async () => {
    s3.on(GetObjectCommand, { Key: plan.pki.controlPlaneObject }).resolves(body(await makePki(plan)));
    s3.on(GetObjectCommand, { Key: plan.pki.joinObject }).rejects(awsError("NoSuchKey", 404));
    await open();
    expect(puts().map(({ Key }) => Key)).toEqual([plan.pki.accessObject, plan.pki.joinObject]);
  });
});

describe("the state store", () => {
  const documents = [{ kind: "Cluster", metadata: { name: "demo.k8s.local" }, spec: {} }];
  const write = () => writeStateStore(clients.s3, plan, documents, []);

  test.each([
    ["kOps", undefined],
    ["another uid", { "clowder-uid": "other" }],
  ])("of a cluster that %s wrote is refused before anything is put", async (_, Metadata) => {
    s3.on(ListObjectsV2Command, { Prefix: "demo.k8s.local/" }).resolves({ Contents: [{ Key: "demo.k8s.local/config", ETag: '"1"' }] });
    s3.on(HeadObjectCommand).resolves({ ...(Metadata && { Metadata }) });
    await expect(write()).rejects.toThrow(ClusterExists);
    expect(puts()).toEqual([]);
  });

  test("is refused with what to do next", async () => {
    s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: "demo.k8s.local/config", ETag: '"1"' }] });
    await expect(write()).rejects.toMatchObject({ status: 409, nextStep: expect.stringContaining("another cluster name") });
  });
});
