import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand, TransactionCanceledException, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeTagsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { HeadBucketCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { createCluster } from "../../../functions/api/create-cluster";
import { BucketTaken, ClusterExists, ImageNotFound, InvalidManifest, PermissionMissing, TryAgain } from "../../../shared/errors";
import type { ClusterRecord, Status } from "../../../shared/registry/cluster-record";
import { alice, bodyOf, environment, recordOf, requestOf } from "./samples";

const seed = readFileSync(join(__dirname, "../../cases/seed/manifest.yaml"), "utf8");
const [db, ec2, s3, sfn] = [mockClient(DynamoDBClient), mockClient(EC2Client), mockClient(S3Client), mockClient(SFNClient)];
const [quotas, classic] = [mockClient(ServiceQuotasClient), mockClient(ElasticLoadBalancingClient)];
const iam = mockClient(IAMClient);
const clients: Parameters<typeof createCluster>[0] = {
  db: new DynamoDBClient(),
  ec2: new EC2Client(),
  s3: new S3Client(),
  sfn: new SFNClient(),
  iam: new IAMClient(),
  quotas: new ServiceQuotasClient(),
  classic: new ElasticLoadBalancingClient(),
  network: new ElasticLoadBalancingV2Client(),
};
const awsError = (name: string, status: number) => Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
const stored = (record: ClusterRecord) => marshall({ ...record, item: "cluster" }, { removeUndefinedValues: true });
const image = { ImageId: "ami-0123", State: "available", RootDeviceType: "ebs", RootDeviceName: "/dev/sda1", Architecture: "x86_64" } as const;
const offerings = (["t3.medium", "t3.micro"] as const).map((InstanceType) => ({ InstanceType, Location: "us-east-1a" }));
const create = (query: Record<string, string> = {}, body = seed) => createCluster(clients, environment, requestOf({ body, query, path: {} }));

beforeEach(() => {
  for (const client of [db, ec2, s3, sfn, quotas, classic, iam]) client.reset();
  db.on(GetItemCommand).resolves({});
  db.on(TransactWriteItemsCommand).resolves({});
  db.on(UpdateItemCommand).resolves({ Attributes: stored(recordOf()) });
  ec2.on(DescribeImagesCommand).resolves({ Images: [image] });
  ec2.on(DescribeTagsCommand).resolves({ Tags: [] });
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeVpcsCommand).resolves({});
  ec2.on(DescribeInstanceTypesCommand).resolves({ InstanceTypes: [{ InstanceType: "t3.medium", VCpuInfo: { DefaultVCpus: 2 } }] });
  ec2.on(DescribeInstanceTypeOfferingsCommand).resolves({ InstanceTypeOfferings: offerings });
  classic.on(DescribeLoadBalancersCommand).resolves({});
  quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 100 } });
  s3.on(HeadBucketCommand).rejects(awsError("NotFound", 404));
  s3.on(HeadObjectCommand).rejects(awsError("NotFound", 404));
  sfn.on(StartExecutionCommand).resolves({ executionArn: "arn" });
  iam.on(SimulatePrincipalPolicyCommand).resolves({});
});

/** What went into the registry, if anything. */
const recorded = () => {
  const [call] = db.commandCalls(TransactWriteItemsCommand);
  const [record, plan] = (call?.args[0].input.TransactItems ?? []).map(({ Put }) => unmarshall(Put!.Item!));
  return { call, record, plan: plan?.["plan"], documents: plan?.["documents"] };
};
const nothingMade = () => {
  expect(db.commandCalls(TransactWriteItemsCommand)).toHaveLength(0);
  expect(sfn.calls()).toHaveLength(0);
};

describe("POST /clusters", () => {
  test("the seed's manifest is recorded, started and accepted, in this order", async () => {
    const answer = await create();
    const { call, record, plan, documents } = recorded();
    const [start] = sfn.commandCalls(StartExecutionCommand);
    expect(answer).toMatchObject({ status: 202, headers: { location: "/clusters/demo.k8s.local", "retry-after": "10" } });
    expect(bodyOf(answer)).toMatchObject({ name: "demo.k8s.local", uid: record!["uid"], status: "Creating", warnings: plan.warnings });
    expect(call!.calledBefore(start!)).toBe(true);
    expect(record).toMatchObject({ owner: alice.arn, status: "Creating", epoch: 1, generation: 1, ledger: {}, timeline: [], versions: { kubernetes: "1.19.7" } });
    expect(record!["conditions"].map(({ status }: { status: string }) => status)).toEqual(Array(7).fill("Unknown"));
    expect(documents[0]).toMatchObject({ kind: "Cluster" });
  });

  test("the machine is given a reference and its waits, no body and no secret", async () => {
    await create();
    const uid = recorded().record!["uid"];
    const { stateMachineArn, name, input } = sfn.commandCalls(StartExecutionCommand)[0]!.args[0].input;
    expect({ stateMachineArn, name }).toEqual({ stateMachineArn: environment.createMachineArn, name: `${uid}-create-1` });
    expect(JSON.parse(input!)).toEqual({ cluster: { name: "demo.k8s.local", uid, region: "us-east-1", epoch: 1 }, waits: environment.deployment.waits });
    expect(recorded().record!["createExecution"]).toBe(
      `arn:aws:states:us-east-1:111122223333:execution:clowder-dev-create-cluster:${uid}-create-1`,
    );
  });

  test("two clusters have two uids and two nonces", async () => {
    await create();
    const first = recorded().plan;
    db.resetHistory();
    await create();
    const second = recorded().plan;
    expect(first.uid).toMatch(/^[a-z][a-z0-9]{9}$/);
    expect(second.uid).not.toBe(first.uid);
    expect(first.kubernetes.runNonce).toMatch(/^[0-9a-f]{32}$/);
    expect(second.kubernetes.runNonce).not.toBe(first.kubernetes.runNonce);
  });

  test("a dry run answers the plan and writes nothing", async () => {
    const answer = await create({ dryRun: "true" });
    expect(answer.status).toBe(200);
    expect(bodyOf(answer).plan).toMatchObject({ name: "demo.k8s.local", bucket: { name: "calico-kops-demo" }, instances: expect.any(Array) });
    nothingMade();
  });

  test("problems of the query and of the manifest come back together", async () => {
    const refused = create({ ttl: "soon", dryRn: "true" }, seed.replace("bpfExternalServiceMode: DSR", "bpfExternalServiceMode: DRS"));
    await expect(refused).rejects.toBeInstanceOf(InvalidManifest);
    const { problems } = (await refused.catch((error) => error)) as InvalidManifest;
    expect(problems.map(({ path }) => path)).toEqual(["?dryRn", "?ttl", "spec.networking.calico.bpfExternalServiceMode"]);
    nothingMade();
  });
});

describe("what stands in the way", () => {
  test.each<[Status, string]>([
    ["Creating", "DELETE /clusters/demo.k8s.local first"],
    ["Ready", "DELETE /clusters/demo.k8s.local first"],
    ["LeakSuspected", "DELETE /clusters/demo.k8s.local first"],
    ["Deleting", "send this again when"],
  ])("a record of that name that is %s", async (status, nextStep) => {
    db.on(GetItemCommand).resolves({ Item: stored(recordOf({ status })) });
    await expect(create()).rejects.toMatchObject({
      name: "ClusterExists",
      message: expect.stringContaining(status === "Deleting" ? "is being deleted" : status),
      nextStep: expect.stringContaining(nextStep),
      retryAfterSeconds: status === "Deleting" ? 29 : undefined,
    });
    nothingMade();
  });

  test("a deleted cluster's name is free", async () => {
    db.on(GetItemCommand).resolves({ Item: stored(recordOf({ status: "Deleted" })) });
    expect(await create()).toMatchObject({ status: 202 });
  });

  test("a kOps cluster of that name that is not ours", async () => {
    const Tags = [{ Key: "KubernetesCluster", Value: "demo.k8s.local", ResourceId: "vpc-9", ResourceType: "vpc" as const }];
    ec2.on(DescribeTagsCommand).resolvesOnce({ Tags }).resolves({ Tags: [] });
    await expect(create()).rejects.toThrow(ClusterExists);
    nothingMade();
  });

  test("a bucket of another account, with the way round it", async () => {
    s3.on(HeadBucketCommand).rejects(awsError("403", 403));
    const refused = create();
    await expect(refused).rejects.toBeInstanceOf(BucketTaken);
    await expect(refused).rejects.toMatchObject({ status: 409, nextStep: expect.stringContaining("?configBase=") });
    nothingMade();
  });

  test("a bucket of this account, unless the deployment allows it", async () => {
    s3.on(HeadBucketCommand).resolves({});
    await expect(create()).rejects.toThrow("this deployment does not allow it");
    nothingMade();
    const deployment = { ...environment.deployment, allowedBuckets: ["calico-*"] };
    expect(await createCluster(clients, { ...environment, deployment }, requestOf({ body: seed }))).toMatchObject({ status: 202 });
  });

  test("an image that is gone: each group that names it, and the nearest there is", async () => {
    const nearest = { ...image, Name: "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20210201", CreationDate: "2021-02-01T00:00:00Z" };
    ec2.on(DescribeImagesCommand).callsFake(({ Filters }) => ({ Images: Filters[0].Values[0].endsWith("*") ? [nearest] : [] }));
    const refused = create();
    await expect(refused).rejects.toBeInstanceOf(ImageNotFound);
    const { problems, message } = (await refused.catch((error) => error)) as ImageNotFound;
    expect(problems.map(({ path }) => path)).toEqual(["InstanceGroup/master-us-east-1a.spec.image", "InstanceGroup/nodes-us-east-1a.spec.image"]);
    expect(message).toContain("20210201");
    nothingMade();
  });

  test("quotas, zones and images: every problem in one answer, in a dry run too", async () => {
    ec2.on(DescribeImagesCommand).resolves({ Images: [] });
    ec2.on(DescribeInstanceTypeOfferingsCommand).resolves({ InstanceTypeOfferings: [] });
    quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 0 } });
    const refused = create({ dryRun: "true" });
    await expect(refused).rejects.toBeInstanceOf(InvalidManifest);
    const { problems } = (await refused.catch((error) => error)) as InvalidManifest;
    expect(problems.map(({ path }) => path)).toEqual([
      "InstanceGroup/master-us-east-1a.spec.image",
      "InstanceGroup/nodes-us-east-1a.spec.image",
      "InstanceGroup/master-us-east-1a.spec.machineType",
      "InstanceGroup/nodes-us-east-1a.spec.machineType",
      "InstanceGroup/nodes-us-east-1a.spec.subnets",
      "InstanceGroup/master-us-east-1a.spec.machineType",
      "spec.networkCIDR",
      "spec.api.loadBalancer.class",
    ]);
    nothingMade();
  });

  test("a permission that a step lacks, named with the step, before anything is made; beside other problems it is one of them", async () => {
    const told = { ...environment, stepRoles: "clowder-dev-" };
    const denied = { EvaluationResults: [{ EvalActionName: "ec2:RunInstances", EvalDecision: "explicitDeny" as const }] };
    iam.on(SimulatePrincipalPolicyCommand).resolves(denied);
    const refused = createCluster(clients, told, requestOf({ body: seed, path: {} }));
    const problems = [{ path: "step createInstances", message: "ec2:RunInstances: a policy denies it" }];
    await expect(refused).rejects.toMatchObject({ name: "PermissionMissing", problems, nextStep: expect.stringContaining("administrator") });
    nothingMade();
    ec2.on(DescribeInstanceTypeOfferingsCommand).resolves({ InstanceTypeOfferings: [] });
    await expect(createCluster(clients, told, requestOf({ body: seed, path: {} }))).rejects.toMatchObject({
      name: "InvalidManifest",
      problems: expect.arrayContaining(problems),
    });
  });

  test("quotas that cannot be read refuse nothing: the answer warns", async () => {
    quotas.on(GetServiceQuotaCommand).rejects(awsError("AccessDeniedException", 400));
    const answer = await create();
    const message = "could not be checked: the VPC quota, the load balancer quota, the vCPU quota (AccessDeniedException)";
    expect(answer.status).toBe(202);
    expect(bodyOf(answer).warnings).toContainEqual({ path: "", message });
  });

  test("the nearest image is taken if asked to, and warned about", async () => {
    const nearest = { ...image, Name: "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20210201", CreationDate: "2021-02-01T00:00:00Z" };
    ec2.on(DescribeImagesCommand).callsFake(({ Filters }) => ({ Images: Filters[0].Values[0].endsWith("*") ? [nearest] : [] }));
    const { warnings } = bodyOf(await create({ substituteImage: "true" }));
    expect(warnings).toContainEqual({ path: "InstanceGroup/master-us-east-1a.spec.image", message: expect.stringContaining("20210201 is taken") });
  });
});

describe("a start that fails", () => {
  test("closes the record, so that the name is free and nothing can be made", async () => {
    sfn.on(StartExecutionCommand).rejects(awsError("StateMachineDoesNotExist", 400));
    await expect(create()).rejects.toThrow("StateMachineDoesNotExist");
    const { UpdateExpression, ExpressionAttributeNames, ExpressionAttributeValues, ConditionExpression } =
      db.commandCalls(UpdateItemCommand)[0]!.args[0].input;
    expect(Object.values(ExpressionAttributeNames!)).toEqual(expect.arrayContaining(["status", "failure", "epoch"]));
    expect(Object.values(unmarshall(ExpressionAttributeValues!))).toContain("Deleted");
    expect(ConditionExpression).toContain("#uid = :uid");
    expect(UpdateExpression).toContain(" + ");
  });

  test("a start whose first reply was lost has started", async () => {
    sfn.on(StartExecutionCommand).rejects(awsError("ExecutionAlreadyExists", 400));
    expect(await create()).toMatchObject({ status: 202 });
    expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
  });

  test("a start that may have happened closes nothing: the create goes on, or is found dead", async () => {
    sfn.on(StartExecutionCommand).rejects(awsError("InternalFailure", 500));
    await expect(create()).rejects.toThrow(TryAgain);
    expect(db.commandCalls(UpdateItemCommand)).toHaveLength(0);
  });

  test("a start that was throttled has not happened: the name is free", async () => {
    sfn.on(StartExecutionCommand).rejects(awsError("ThrottlingException", 400));
    await expect(create()).rejects.toThrow(TryAgain);
    expect(db.commandCalls(UpdateItemCommand)).toHaveLength(1);
  });

  test("a record that cannot be closed either hides nothing of what went wrong first", async () => {
    const logged = jest.spyOn(console, "error").mockImplementation(() => undefined);
    sfn.on(StartExecutionCommand).rejects(awsError("AccessDeniedException", 400));
    db.on(UpdateItemCommand).rejects(awsError("ThrottlingException", 400));
    await expect(create()).rejects.toThrow(PermissionMissing);
    expect(logged.mock.calls.join()).toContain("ThrottlingException");
    logged.mockRestore();
  });

  test.each(["TransactionConflict", "ThrottlingError"])("a registry that is busy (%s) says nothing about the name", async (Code) => {
    const CancellationReasons = [{ Code: "None" }, { Code }];
    db.on(TransactWriteItemsCommand).rejects(new TransactionCanceledException({ $metadata: {}, message: "no", CancellationReasons }));
    await expect(create()).rejects.toThrow(TryAgain);
  });

  test("two POSTs at the same moment: the registry lets one through, the other starts nothing", async () => {
    db.on(TransactWriteItemsCommand).rejects(awsError("TransactionCanceledException", 400));
    await expect(create()).rejects.toThrow(ClusterExists);
    expect(sfn.calls()).toHaveLength(0);
  });
});
