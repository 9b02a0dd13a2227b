import {
  CreateTagsCommand,
  CreateVpcCommand,
  DeleteVpcCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { bucketStanding, findForeignCluster } from "../../shared/resources/foreign-cluster";
import { findImages } from "../../shared/resources/images";
import { focal } from "../unit/plan/sample-request";
import { focalImage, record } from "./sample-cluster";

jest.setTimeout(60_000);
const [ec2, s3, ssm] = [new EC2Client(), new S3Client(), new SSMClient()];
const calls = record(ec2);
const owners = ["099720109477"];
const options = { owners, substitute: false };
let imageId = "";

beforeAll(async () => {
  imageId = await focalImage(ec2);
  calls.length = 0;
});

test("an image is found by owner and name, by id and by parameter, each looked for once", async () => {
  await ssm.send(new PutParameterCommand({ Name: "/test/focal", Value: imageId, Type: "String", Overwrite: true }));
  const references = [focal, focal, focal.replace("099720109477/", "ubuntu/"), imageId, "ssm:/test/focal"];
  const { images, problems, warnings } = await findImages({ ec2, ssm }, references, options);
  expect([problems, warnings]).toEqual([[], []]);
  expect(images).toEqual(Object.fromEntries([...new Set(references)].map((one) => [one, { imageId, rootDevice: "/dev/sda1" }])));
  expect(calls).toEqual(Array(4).fill("DescribeImages"));
});

const gone = focal.replace("20210119.1", "20210201");
test("a missing image is a problem that names the nearest of its family", async () => {
  const { images, problems } = await findImages({ ec2 }, [gone], options);
  expect(images).toEqual({});
  expect(problems).toEqual([
    { path: gone, message: `there is no image of that name in this region; the nearest is ${focal} (?substituteImage=true takes it)` },
  ]);
});

test("with substitute the nearest is taken, and said so; a serial of later years has another nearest", async () => {
  const late = focal.replace("20210119.1", "20240101");
  const { images, problems, warnings } = await findImages({ ec2 }, [gone, late], { owners, substitute: true });
  expect(problems).toEqual([]);
  expect(images[gone]!.imageId).toBe(imageId);
  expect(images[late]!.imageId).not.toBe(imageId);
  expect(warnings).toContainEqual({ path: gone, message: `there is no image of that name in this region: ${focal} is taken` });
});

test("a family that moved to another folder is found there", async () => {
  const moved = "099720109477/ubuntu/images/hvm-ssd/ubuntu-noble-24.04-amd64-server-20260701";
  const { problems } = await findImages({ ec2 }, [moved], options);
  expect(problems[0]!.message).toContain("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-");
});

test("every other mistake is named: owner, form, id, parameter, family", async () => {
  const wrong = ["123456789012/mine", "focal", "ami-00000000000000000", "ssm:/test/none", "099720109477/no-such-20210101"];
  const { images, problems } = await findImages({ ec2, ssm }, wrong, options);
  const message = Object.fromEntries(problems.map(({ path, message }) => [path, message]));
  expect(images).toEqual({});
  expect(message["123456789012/mine"]).toContain("allowed owners: 099720109477");
  expect(message["focal"]).toContain("must be owner/name");
  expect(message["ami-00000000000000000"]).toContain("there is no image");
  expect(message["ssm:/test/none"]).toContain("there is no SSM parameter /test/none");
  expect(message["099720109477/no-such-20210101"]).toContain("nor another of its family");
});

test("an image of an owner that is not allowed is refused by id too", async () => {
  const { problems } = await findImages({ ec2 }, [imageId], { ...options, owners: ["123456789012"] });
  expect(problems).toEqual([{ path: imageId, message: `${imageId} is of 099720109477; allowed owners: 123456789012` }]);
});

describe("a cluster that is not ours", () => {
  const accountId = "000000000000";
  const query = (name: string, bucket = "no-such-bucket-of-anybody") => ({ name, bucket, accountId, deployment: "dev" });

  test("is found by its VPC's tag, unless this deployment made it", async () => {
    const name = "kops.k8s.local";
    expect(await findForeignCluster(ec2, s3, query(name))).toBeUndefined();
    const VpcId = (await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).Vpc!.VpcId!;
    await ec2.send(new CreateTagsCommand({ Resources: [VpcId], Tags: [{ Key: `kubernetes.io/cluster/${name}`, Value: "owned" }] }));
    expect(await findForeignCluster(ec2, s3, query(name))).toContain(`the vpc ${VpcId} is tagged kubernetes.io/cluster/${name}=owned`);
    expect(await findForeignCluster(ec2, s3, query("other.k8s.local"))).toBeUndefined();
    await ec2.send(new CreateTagsCommand({ Resources: [VpcId], Tags: [{ Key: "clowder:deployment", Value: "dev" }] }));
    calls.length = 0;
    expect(await findForeignCluster(ec2, s3, query(name))).toBeUndefined();
    expect(calls).toEqual(["DescribeTags", "DescribeTags"]);
    await ec2.send(new DeleteVpcCommand({ VpcId }));
  });

  test("is found by an instance that lives, not by one that has ended", async () => {
    const name = "machines.k8s.local";
    const tags = [{ ResourceType: "instance" as const, Tags: [{ Key: "KubernetesCluster", Value: name }] }];
    const { Instances } = await ec2.send(new RunInstancesCommand({ ImageId: imageId, MinCount: 1, MaxCount: 1, TagSpecifications: tags }));
    const InstanceIds = [Instances![0]!.InstanceId!];
    expect(await findForeignCluster(ec2, s3, query(name))).toContain(`the instance ${InstanceIds[0]} is tagged KubernetesCluster=${name}`);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(await findForeignCluster(ec2, s3, query(name))).toBeUndefined();
  });

  test("is found by its state in the bucket, unless ours wrote it", async () => {
    const [Bucket, name] = [`foreign-${process.pid}`, "stored.k8s.local"];
    expect(await bucketStanding(s3, Bucket, accountId)).toBe("free");
    await s3.send(new CreateBucketCommand({ Bucket }));
    expect(await bucketStanding(s3, Bucket, accountId)).toBe("ours");
    expect(await findForeignCluster(ec2, s3, query(name, Bucket))).toBeUndefined();
    await s3.send(new PutObjectCommand({ Bucket, Key: `${name}/config`, Body: "kind: Cluster" }));
    expect(await findForeignCluster(ec2, s3, query(name, Bucket))).toContain(`s3://${Bucket}/${name}/config`);
    await s3.send(new PutObjectCommand({ Bucket, Key: `${name}/config`, Body: "kind: Cluster", Metadata: { "clowder-uid": "t1" } }));
    expect(await findForeignCluster(ec2, s3, query(name, Bucket))).toBeUndefined();
  });
});
