import { type Described, metadataOf } from "../../../local/vpc/metadata";
import { expectGolden } from "../case-folders";
import { sampleAccount } from "./sample-account";

const described = (change: Partial<Described> = {}): Described => {
  const { instances, subnets, vpcs } = sampleAccount();
  return { instance: instances[0]!, subnets, vpc: vpcs[0]!, accountId: "000000000000", region: "us-east-1", userData: "IyEvYmluL3NoCg==", ...change };
};
const credentials = {
  role: "nodes",
  profileArn: "arn:aws:iam::000000000000:instance-profile/clowder/nodes",
  profileId: "AIPA1",
  accessKeyId: "ASIA1",
  secretAccessKey: "secret",
  token: "token",
  taken: new Date("2026-11-25T10:00:00.123Z"),
  expires: new Date("2026-11-25T11:00:00.123Z"),
  userid: "AROA1:i-plane",
};

test("what an instance is told is that of its golden", () => {
  const metadata = metadataOf(described({ credentials, publicKey: "ssh-ed25519 AAAA cluster" }));
  expectGolden("network", "metadata.json", `${JSON.stringify(metadata, null, 2)}\n`);
});

test("nothing is listed that is not there: no credentials, key or public address without one", () => {
  const { tree } = metadataOf(described({ instance: sampleAccount().instances[1]! }));
  const paths = Object.keys(tree);
  expect(paths.filter((path) => /iam|public-keys|public-ipv4|public-hostname/.test(path))).toEqual([]);
  expect(Object.values(tree).every((text) => text.length > 0)).toBe(true);
});

test("the options are the instance's, and those of EC2 where it says nothing", () => {
  const { options } = metadataOf(described({ instance: { ...sampleAccount().instances[0]!, MetadataOptions: undefined } }));
  expect(options).toEqual({ endpoint: "enabled", tokens: "optional", hopLimit: 1 });
  expect(metadataOf(described()).options).toEqual({ endpoint: "enabled", tokens: "required", hopLimit: 1 });
});

test("tags are told only where the instance allows it", () => {
  const instance = { ...sampleAccount().instances[0]!, Tags: [{ Key: "Name", Value: "plane" }] };
  expect(Object.keys(metadataOf(described({ instance })).tree).join()).not.toContain("tags");
  const allowing = { ...instance, MetadataOptions: { ...instance.MetadataOptions, InstanceMetadataTags: "enabled" as const } };
  expect(metadataOf(described({ instance: allowing })).tree["meta-data/tags/instance/Name"]).toBe("plane");
});

test("no user data is none, not an empty one", () => {
  expect(metadataOf(described({ userData: undefined })).userData).toBeNull();
});
