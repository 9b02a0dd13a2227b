import { DescribeInstancesCommand, DescribeTagsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { HeadBucketCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { bucketStanding, findForeignCluster } from "../../../shared/resources/foreign-cluster";

const [ec2, s3] = [mockClient(EC2Client), mockClient(S3Client)];
const clients = [new EC2Client({ region: "us-east-1" }), new S3Client({ region: "us-east-1" })] as const;
const head = (httpStatusCode: number) => Object.assign(new Error("UnknownError"), { name: "UnknownError", $metadata: { httpStatusCode } });
const query = { name: "demo.k8s.local", bucket: "state", accountId: "111122223333", deployment: "dev" };

beforeEach(() => {
  for (const mock of [ec2, s3]) mock.reset();
  ec2.on(DescribeTagsCommand).resolves({ Tags: [] });
  s3.on(HeadObjectCommand).rejects(head(404));
});

test.each([301, 403, 404])("HTTP %i of the state says nothing about a cluster", async (status) => {
  s3.on(HeadObjectCommand).rejects(head(status));
  expect(await findForeignCluster(...clients, query)).toBeUndefined();
  expect(s3.commandCalls(HeadObjectCommand)[0]!.args[0].input).toEqual({
    Bucket: "state",
    Key: "demo.k8s.local/config",
    ExpectedBucketOwner: "111122223333",
  });
});

test("an S3 that is out of order is not taken for an absent cluster", async () => {
  s3.on(HeadObjectCommand).rejects(head(503));
  await expect(findForeignCluster(...clients, query)).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
});

test("KubernetesCluster of another name with the value owned is no mark", async () => {
  ec2.on(DescribeTagsCommand).resolves({ Tags: [{ Key: "KubernetesCluster", Value: "owned", ResourceId: "vpc-1", ResourceType: "vpc" }] });
  expect(await findForeignCluster(...clients, query)).toBeUndefined();
  expect(ec2.commandCalls(DescribeTagsCommand)).toHaveLength(1);
});

test("a shared VPC is a mark too, and no instance is asked for then", async () => {
  const mark = { Key: "kubernetes.io/cluster/demo.k8s.local", Value: "shared", ResourceId: "vpc-1", ResourceType: "vpc" as const };
  ec2
    .on(DescribeTagsCommand)
    .resolvesOnce({ Tags: [{ ...mark, ResourceId: "i-1", ResourceType: "instance" }, mark] })
    .resolves({ Tags: [] });
  expect(await findForeignCluster(...clients, query)).toContain("the vpc vpc-1 is tagged kubernetes.io/cluster/demo.k8s.local=shared");
  expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(0);
});

test.each([
  [404, "free"],
  [403, "foreign"],
  [301, "foreign"],
])("a bucket that answers %i is %s", async (status, standing) => {
  s3.on(HeadBucketCommand).rejects(head(status));
  expect(await bucketStanding(clients[1], "state", "111122223333")).toBe(standing);
});
