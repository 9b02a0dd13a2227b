import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { BucketTaken, TryAgain } from "../../../shared/errors";
import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import { memoryLedger } from "../../memory-ledger";
import { deleteBucket, ensureBucket } from "../../../shared/resources/bucket";
import { awsError, samplePlan, targetOf } from "./sample-plan";

const s3 = mockClient(S3Client);
const plan = samplePlan();
const frankfurt: ClusterPlan = { ...plan, region: "eu-central-1" };
const tagged = (tags: Record<string, string>) => ({ TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) });
const ensure = (of: ClusterPlan, ledger = memoryLedger()) => ensureBucket(new S3Client({}), of, ledger);

beforeEach(() => {
  s3.reset();
  s3.resolves({});
  s3.on(HeadBucketCommand).rejects(awsError("NotFound", 404));
  s3.on(GetBucketTaggingCommand).rejects(awsError("NoSuchTagSet", 404));
});

test("a bucket is made in its region; us-east-1 takes no LocationConstraint", async () => {
  await ensure(frankfurt);
  await ensure(plan);
  const created = s3.commandCalls(CreateBucketCommand).map(({ args }) => args[0].input.CreateBucketConfiguration);
  expect(created).toEqual([{ LocationConstraint: "eu-central-1" }, undefined]);
});

test("every call but the create names the owner that is expected", async () => {
  await ensure(frankfurt);
  const inputs = s3.calls().filter(({ args }) => !(args[0] instanceof CreateBucketCommand)).map(({ args }) => args[0].input);
  expect(inputs.length).toBeGreaterThan(4);
  expect(inputs.every((input) => (input as { ExpectedBucketOwner?: string }).ExpectedBucketOwner === plan.accountId)).toBe(true);
});

test("the intent is written before the create", async () => {
  const ledger = memoryLedger();
  s3.on(CreateBucketCommand).callsFake(() => {
    expect(ledger.entry("bucket/clowder-sample")?.state).toBe("intended");
    throw awsError("InternalError", 500);
  });
  await expect(ensure(plan, ledger)).rejects.toThrow("InternalError");
  expect(ledger.entry("bucket/clowder-sample")?.state).toBe("intended");
});

test.each([
  ["301", awsError("PermanentRedirect", 301), /another region/],
  ["403", awsError("Forbidden", 403), /another account/],
])("HEAD's %s says who has the bucket, and nothing is made", async (_, answer, sentence) => {
  s3.on(HeadBucketCommand).rejects(answer);
  const refused = ensure(plan);
  await expect(refused).rejects.toThrow(BucketTaken);
  await expect(refused).rejects.toThrow(sentence);
  expect(s3.calls()).toHaveLength(1);
});

test("a bucket that answers from another region is refused", async () => {
  s3.on(HeadBucketCommand).resolves({ BucketRegion: "eu-west-1" });
  await expect(ensure({ ...plan, bucket: { ...plan.bucket, mayExist: true } })).rejects.toThrow(/eu-west-1/);
});

test("a name that another account takes between look and create leaves no intent behind", async () => {
  s3.on(CreateBucketCommand).rejects(awsError("BucketAlreadyExists", 409));
  const ledger = memoryLedger();
  await expect(ensure(plan, ledger)).rejects.toThrow(BucketTaken);
  expect(ledger.ofKind("bucket")).toEqual([]);
});

describe("when the create's reply was lost", () => {
  beforeEach(() => s3.on(CreateBucketCommand).rejects(awsError("BucketAlreadyOwnedByYou", 409)));

  test("the empty untagged bucket is adopted and tagged", async () => {
    const ledger = memoryLedger();
    await ensure(frankfurt, ledger);
    expect(s3.commandCalls(PutBucketTaggingCommand)).toHaveLength(1);
    expect(ledger.entry("bucket/clowder-sample")?.detail).toEqual({ madeByUs: "true" });
  });

  test.each([
    ["has another's tags", () => s3.on(GetBucketTaggingCommand).resolves(tagged({ team: "payments" }))],
    ["has another uid's tags", () => s3.on(GetBucketTaggingCommand).resolves(tagged({ "clowder:uid": "other" }))],
    ["holds something", () => s3.on(ListObjectVersionsCommand).resolves({ DeleteMarkers: [{ Key: "x", VersionId: "1" }] })],
  ])("a bucket that %s is not", async (_, given) => {
    given();
    await expect(ensure(frankfurt)).rejects.toThrow(BucketTaken);
    expect(s3.commandCalls(PutBucketTaggingCommand)).toHaveLength(0);
  });
});

test("us-east-1's 200 for a bucket that was one's own is not taken for a create", async () => {
  s3.on(CreateBucketCommand).resolves({});
  s3.on(GetBucketTaggingCommand).resolves(tagged({ team: "payments" }));
  await expect(ensure(plan)).rejects.toThrow(BucketTaken);
  expect(s3.commandCalls(PutBucketPolicyCommand)).toHaveLength(0);
});

test("tags that were put later, such as a moved expiry, are kept", async () => {
  s3.on(HeadBucketCommand).resolves({});
  s3.on(GetBucketTaggingCommand).resolves(tagged({ "clowder:uid": plan.uid, "expires-at": "2027-01-01T00:00:00Z" }));
  await ensure(plan);
  const [put] = s3.commandCalls(PutBucketTaggingCommand);
  const tags = Object.fromEntries(put!.args[0].input.Tagging!.TagSet!.map(({ Key, Value }) => [Key, Value]));
  expect(tags).toEqual({ ...plan.tags, "expires-at": "2027-01-01T00:00:00Z" });
});

test.each([
  ["not shown yet", PutBucketVersioningCommand, awsError("NoSuchBucket", 404)],
  ["busy", PutBucketPolicyCommand, awsError("OperationAborted", 409)],
  ["still deleting its namesake", CreateBucketCommand, awsError("OperationAborted", 409)],
])("a bucket that is %s is tried again", async (_, command, error) => {
  s3.on(command as typeof PutBucketPolicyCommand).rejects(error);
  const ledger = memoryLedger();
  await expect(ensure(frankfurt, ledger)).rejects.toThrow(TryAgain);
  expect(ledger.id("bucket/clowder-sample")).toBeUndefined();
});

describe("a delete", () => {
  const entry = { state: "made", token: "t", epoch: 1, at: "" } as const;
  const made = () => memoryLedger({
    "bucket/clowder-sample": { ...entry, kind: "bucket", id: "clowder-sample", detail: { madeByUs: "true" } },
    "pki/control-plane": { ...entry, kind: "pki", id: "x" },
  });
  const look = (ledger = made()) => deleteBucket(new S3Client({}), targetOf(plan, ledger));
  const page = {
    IsTruncated: true,
    NextKeyMarker: "k",
    NextVersionIdMarker: "v",
    Versions: [{ Key: "a", VersionId: "1" }],
    DeleteMarkers: [{ Key: "a", VersionId: "2" }],
  };
  beforeEach(() => {
    s3.on(HeadBucketCommand).resolves({});
    s3.on(GetBucketTaggingCommand).resolves(tagged({ "clowder:deployment": "test" }));
  });

  test("works in pages and says so while versions are left", async () => {
    s3.on(ListObjectVersionsCommand).resolves(page);
    const ledger = made();
    expect(await look(ledger)).toEqual([{ resource: "bucket clowder-sample", reason: "purging: more versions are left" }]);
    const deleted = s3.commandCalls(DeleteObjectsCommand);
    expect(deleted).toHaveLength(5);
    expect(deleted[0]!.args[0].input.Delete?.Objects).toEqual([{ Key: "a", VersionId: "1" }, { Key: "a", VersionId: "2" }]);
    expect(s3.commandCalls(ListObjectVersionsCommand)[1]!.args[0].input).toMatchObject({ KeyMarker: "k", VersionIdMarker: "v" });
    expect(s3.commandCalls(DeleteBucketCommand)).toHaveLength(0);
    expect(ledger.id("bucket/clowder-sample")).toBe("clowder-sample");
  });

  test("names the first version that S3 refuses to delete", async () => {
    s3.on(ListObjectVersionsCommand).resolves({ ...page, IsTruncated: false });
    s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: "a", Code: "AccessDenied" }] });
    expect(await look()).toEqual([{ resource: "bucket clowder-sample", reason: "1 versions refused, the first is a: AccessDenied" }]);
  });

  test("marks the PKI, which goes with the bucket", async () => {
    const ledger = made();
    expect(await look(ledger)).toEqual([]);
    expect([...ledger.ofKind("bucket"), ...ledger.ofKind("pki")]).toEqual([]);
  });

  test("of a bucket that a node still wrote into is not done", async () => {
    s3.on(DeleteBucketCommand).rejects(awsError("BucketNotEmpty", 409));
    expect(await look()).toEqual([{ resource: "bucket clowder-sample", reason: "BucketNotEmpty: something was written meanwhile" }]);
  });

  test("of a bucket that somebody deleted meanwhile is done", async () => {
    s3.on(DeleteBucketCommand).rejects(awsError("NoSuchBucket", 404));
    expect(await look()).toEqual([]);
  });

  test.each([
    ["gone", 404],
    ["somebody's in another region", 301],
  ])("finds a bucket that is %s done", async (_, status) => {
    s3.on(HeadBucketCommand).rejects(awsError("NotFound", status));
    expect(await look()).toEqual([]);
    expect(s3.calls()).toHaveLength(1);
  });

  test("that is shut out is blocked, not done", async () => {
    s3.on(HeadBucketCommand).rejects(awsError("Forbidden", 403));
    expect((await look())[0]?.reason).toContain("403");
  });

  test("never removes a bucket that bears other tags than this deployment's", async () => {
    s3.on(GetBucketTaggingCommand).resolves(tagged({ "clowder:deployment": "another" }));
    expect(await look()).toEqual([]);
    expect(s3.commandCalls(DeleteBucketCommand)).toHaveLength(0);
  });

  test("leaves the bucket while another uid has its prefix there", async () => {
    const CommonPrefixes = [{ Prefix: "clowder/demo1234/" }, { Prefix: "clowder/other/" }];
    s3.on(ListObjectsV2Command, { Prefix: "clowder/" }).resolves({ CommonPrefixes });
    expect(await look()).toEqual([]);
    expect(s3.commandCalls(ListObjectVersionsCommand).map(({ args }) => args[0].input.Prefix).sort()).toEqual([
      "clowder/demo1234/",
      "demo.k8s.local/config",
      "demo.k8s.local/instancegroup/",
    ]);
    expect(s3.commandCalls(DeleteBucketCommand)).toHaveLength(0);
  });

  test("does not ask a delete marker under kOps' keys whose it is: S3 would answer 405", async () => {
    s3.on(GetBucketTaggingCommand).resolves(tagged({ team: "payments" }));
    s3.on(ListObjectVersionsCommand, { Prefix: "demo.k8s.local/config" }).resolves({
      DeleteMarkers: [{ Key: "demo.k8s.local/config", VersionId: "2" }],
      Versions: [{ Key: "demo.k8s.local/config", VersionId: "1" }],
    });
    s3.on(HeadObjectCommand).rejects(awsError("MethodNotAllowed", 405));
    s3.on(HeadObjectCommand, { VersionId: "1" }).resolves({ Metadata: { "clowder-uid": plan.uid } });
    expect(await look()).toEqual([]);
    const deleted = s3.commandCalls(DeleteObjectsCommand).map(({ args }) => args[0].input.Delete?.Objects);
    expect(deleted).toEqual([[{ Key: "demo.k8s.local/config", VersionId: "1" }]]);
  });
});
