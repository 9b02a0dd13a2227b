import { createHash } from "node:crypto";
import { renderUserData } from "../../../shared/bootstrap/user-data";
import { type World, openWorld, read } from "./instance-world";
import { planOf } from "./sample-plan";

const plan = planOf("seed");
const instance = plan.instances[0]!;
const key = `${plan.bucket.prefix}scripts/control-plane.sh`;
const script = "echo ran as $CLOWDER_NODE_KEY at $CLOWDER_ADDRESS called $CLOWDER_NODE_NAME\n";
const userData = (sha256: string) => renderUserData(plan, instance, { key, sha256 });
const right = createHash("sha256").update(script).digest("hex");

jest.setTimeout(60_000);
let world: World;
beforeEach(async () => {
  world = await openWorld();
  world.objects.set(key, script);
});
afterEach(() => world.close());

test("fits into the 16 KB of user data and starts with names that a machine can read", () => {
  const text = userData(right);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
  expect(Object.fromEntries([...text.matchAll(/^export (CLOWDER_\w+)='([^']*)'$/gm)].map(([, name, value]) => [name, value]))).toEqual({
    CLOWDER_REGION: "us-east-1",
    CLOWDER_ACCOUNT: plan.accountId,
    CLOWDER_BUCKET: "calico-kops-demo",
    CLOWDER_PREFIX: plan.bucket.prefix,
    CLOWDER_UID: plan.uid,
    CLOWDER_NODE_KEY: "master-us-east-1a-0",
    CLOWDER_GROUP: "master-us-east-1a",
    CLOWDER_ROLE: "control-plane",
    CLOWDER_SCRIPT: key,
    CLOWDER_SCRIPT_SHA256: right,
  });
});

test("fetches the script with the role's signature, checks it, says that it started, and runs it", async () => {
  const { code, output } = await world.bash(userData(right));
  expect({ code, output }).toMatchObject({
    code: 0,
    output: expect.stringContaining("ran as master-us-east-1a-0 at 172.20.32.10 called ip-172-20-32-10.ec2.internal"),
  });
  expect(world.beacons()).toEqual({
    "01-started.json": { stage: "started", node: "master-us-east-1a-0", at: expect.stringMatching(/Z$/) },
  });
  expect(read(`${world.folder}/var/log/clowder.log`)).toContain("ran as");
  expect(read(`${world.folder}/etc/clowder/clowder.env`)).toContain("CLOWDER_USERID=AROAEXAMPLE:i-0123456789abcdef0\n");
});

test("keeps trying while the new instance profile is refused", async () => {
  world.refusals = 2;
  const { code } = await world.bash(userData(right));
  expect({ code, left: world.refusals }).toEqual({ code: 0, left: expect.any(Number) });
  expect(Object.keys(world.beacons())).toEqual(["01-started.json"]);
});

test("does not run a script with another checksum, and says so with both", async () => {
  const wrong = "0".repeat(64);
  const { code, output } = await world.bash(userData(wrong));
  expect(code).toBe(1);
  expect(output).not.toContain("ran as");
  expect(world.beacons()["99-failed.json"]).toMatchObject({
    stage: "started",
    reason: "ChecksumMismatch",
    message: `${key} has SHA-256 ${right} and should have ${wrong}`,
  });
});

test("tells a script that the bucket refuses for good", async () => {
  world.objects.delete(key);
  await world.bash(userData(right), { CLOWDER_RETRY_SECONDS: "1" });
  expect(world.beacons()["99-failed.json"]).toMatchObject({
    stage: "started",
    reason: "ScriptRefused",
    message: expect.stringContaining("403 AccessDenied"),
  });
});

test("ends with a line on the console where AWS cannot be reached at all", async () => {
  world.up = false;
  const { code, output } = await world.bash(userData(right), { CLOWDER_RETRY_SECONDS: "1" });
  expect(code).toBe(1);
  expect(output).toContain("clowder: node master-us-east-1a-0 failed at stage started: RoleNotValid");
});
