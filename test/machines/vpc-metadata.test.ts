import { CreateInstanceProfileCommand, AddRoleToInstanceProfileCommand, CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { region, rootCredentials } from "../../local/emulators/emulators";
import { startWorld, until, type World } from "./world";

const IMDS = "http://169.254.169.254/latest";
const userData = `#!/bin/bash\n# ${"ü".repeat(200)}\necho 'it boots'\n`;

let world: World;
let node: string;
let other: string;

/** Body and status, a line each; the status is 000 when nothing answers. */
const curl = (id: string, ...args: string[]) => {
  const lines = world.inside(id, "sh", "-c", 'curl -s -m 2 -w "\\n%{http_code}" "$@" || true', "sh", ...args).split("\n");
  return { status: lines.at(-1), body: lines.slice(0, -1).join("\n") };
};
const token = (id: string, seconds = "60") => curl(id, "-X", "PUT", "-H", `X-aws-ec2-metadata-token-ttl-seconds: ${seconds}`, `${IMDS}/api/token`);
const get = (id: string, path: string, secret = token(id).body) => curl(id, "-H", `X-aws-ec2-metadata-token: ${secret}`, `${IMDS}/${path}`);

beforeAll(async () => {
  world = await startWorld("vpc-metadata");
  const iam = new IAMClient({ endpoint: world.emulators.endpoint, region, credentials: rootCredentials });
  const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" } };
  await iam.send(new CreateRoleCommand({ RoleName: "nodes", AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "nodes-profile" }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "nodes-profile", RoleName: "nodes" }));
  const groups = [await world.group("nodes")];
  node = await world.run("172.20.32.10", groups, {
    UserData: Buffer.from(userData).toString("base64"),
    IamInstanceProfile: { Name: "nodes-profile" },
    MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
  });
  other = await world.run("172.20.32.11", groups, { MetadataOptions: { HttpTokens: "optional", HttpPutResponseHopLimit: 2 } });
});
afterAll(() => world.stop());

describe("version 2 of the metadata service", () => {
  test("nothing is told without a token, with another machine's, or with one that has run out", async () => {
    expect(curl(node, `${IMDS}/meta-data/instance-id`).status).toBe("401");
    expect(get(node, "meta-data/instance-id", token(other).body).status).toBe("401");
    const short = token(node, "1").body;
    expect(get(node, "meta-data/instance-id", short)).toEqual({ status: "200", body: node });
    await until(() => get(node, "meta-data/instance-id", short).status === "401");
  });

  test.each([
    ["a lifetime of nothing", ["-H", "X-aws-ec2-metadata-token-ttl-seconds: 0"], "400"],
    ["no lifetime", [], "400"],
    ["more than six hours", ["-H", "X-aws-ec2-metadata-token-ttl-seconds: 21601"], "400"],
    ["a forwarded request", ["-H", "X-aws-ec2-metadata-token-ttl-seconds: 60", "-H", "X-Forwarded-For: 10.0.0.1"], "403"],
  ])("%s gets no token", (_, headers, status) => {
    expect(curl(node, "-X", "PUT", ...headers, `${IMDS}/api/token`).status).toBe(status);
  });

  test("a machine that may do without tokens does", () => {
    expect(curl(other, `${IMDS}/meta-data/local-ipv4`)).toEqual({ status: "200", body: "172.20.32.11" });
  });
});

test("a token does not reach a pod one hop further where the hop limit is 1, and does where it is 2", () => {
  const put = ["curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60", `${IMDS}/api/token`];
  const ofPod = (id: string) => world.insidePod(id, "sh", "-c", '"$@" || true', "sh", ...put);
  expect([ofPod(node), ofPod(other)]).toEqual(["000", "200"]);
});

test("user data comes as it was given, and a machine without any has none", () => {
  expect(get(node, "user-data").body).toBe(userData);
  expect(get(other, "user-data").status).toBe("404");
});

test("the tree is one that a program can walk by itself, in every version", () => {
  const walk = (folder: string): string[] =>
    get(node, folder).body.split("\n").flatMap((name) => (name.endsWith("/") ? walk(folder + name) : [folder + name]));
  const leaves = walk("meta-data/");
  expect(leaves).toEqual(expect.arrayContaining(["meta-data/instance-id", "meta-data/placement/availability-zone", "meta-data/iam/security-credentials/nodes"]));
  for (const leaf of leaves) expect([leaf, get(node, leaf).status]).toEqual([leaf, "200"]);
  const mac = get(node, "meta-data/mac").body;
  expect(world.inside(node, "ip", "link", "show", "dev", "eth0")).toContain(`link/ether ${mac}`);
  expect(get(node, `meta-data/network/interfaces/macs/${mac}/subnet-ipv4-cidr-block`).body).toBe("172.20.32.0/19");
  expect(get(node, "../2021-03-23/meta-data/instance-id").status).toBe("200");
  expect(get(node, "meta-data/no-such-thing").status).toBe("404");
});

test("credentials are the role's own and good at the emulated account", async () => {
  const secret = JSON.parse(get(node, "meta-data/iam/security-credentials/nodes").body);
  expect(secret).toMatchObject({ Code: "Success", Type: "AWS-HMAC", Expiration: expect.stringMatching(/^\d{4}-.*\dZ$/) });
  const credentials = { accessKeyId: secret.AccessKeyId, secretAccessKey: secret.SecretAccessKey, sessionToken: secret.Token };
  const sts = new STSClient({ endpoint: world.emulators.endpoint, region, credentials });
  expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toMatch(new RegExp(`assumed-role/nodes/${node}$`));
});

test("credentials are others before they run out", async () => {
  const read = () => JSON.parse(get(node, "meta-data/iam/security-credentials/nodes").body) as { AccessKeyId: string; Expiration: string };
  const before = read();
  await world.machines.look();
  expect(read()).toEqual(before);
  const clock = jest.spyOn(Date, "now").mockReturnValue(Date.parse(before.Expiration) - 10 * 60_000);
  try {
    await world.machines.look();
  } finally {
    clock.mockRestore();
  }
  expect(read().AccessKeyId).not.toBe(before.AccessKeyId);
});
