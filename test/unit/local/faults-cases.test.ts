import { type Call, appliesTo, casesOf, thinned } from "../../../local/faults/cases";
import { callsOf, everyRun } from "../../../local/faults/calls";
import { casesIn, livesOf } from "../../../local/faults/lives";

const call = (text: string): Call => {
  const [phase, name, action, n] = text.split(" ");
  return { phase: phase as Call["phase"], function: name!, action: action!, n: Number(n) };
};
const ids = (...calls: string[]) => casesOf(calls.map(call)).map(({ id }) => id);
const kindsOf = (action: string) => casesOf([call(`create f ${action} 1`)]).map(({ kind }) => kind).sort();

describe("which faults a call can have", () => {
  test("a change has all seven, where AWS is eventually consistent", () => {
    expect(kindsOf("ec2:CreateVpc")).toEqual(["killed", "killed-unseen", "refused", "replies-lost", "reply-lost", "throttled", "unseen"]);
  });

  test("a read is never unseen, and losing its reply once is nothing that the SDK does not mend", () => {
    for (const action of ["ec2:DescribeVpcs", "iam:GetRole", "s3:ListBucket", "dynamodb:Query", "iam:SimulatePrincipalPolicy"]) expect(kindsOf(action)).toEqual(["killed", "refused", "replies-lost", "throttled"]);
  });

  test.each([
    ["dynamodb:UpdateItem", false],
    ["s3:PutObject", false],
    ["s3:DeleteObject", false],
    ["kms:Sign", false],
    ["s3:CreateBucket", true],
    ["s3:PutBucketTagging", true],
    ["s3:PutEncryptionConfiguration", true],
    ["s3:DeleteBucket", true],
    ["iam:PutRolePolicy", true],
    ["elasticloadbalancing:RegisterInstancesWithLoadBalancer", true],
    ["scheduler:CreateSchedule", true],
    ["states:StartExecution", true],
    ["states:StopExecution", false],
  ])("AWS may hide what %s did: %s", (action, expected) => {
    expect([appliesTo("unseen", { action }), appliesTo("killed-unseen", { action })]).toEqual([expected, expected]);
  });
});

describe("the order of cases", () => {
  test("the first of each action comes before the second of any, changes before reads of one kind", () => {
    const order = ids("create f ec2:DescribeVpcs 1", "create f ec2:CreateSubnet 1", "create f ec2:CreateSubnet 2");
    expect(order[0]).toBe("create/f/ec2:CreateSubnet#1/replies-lost");
    const last = order.findLastIndex((id) => id.includes("#1/"));
    expect(order.findIndex((id) => id.includes("#2/"))).toBeGreaterThan(last);
  });

  test("ids are unique", () => {
    const all = ids("create f ec2:CreateSubnet 1", "delete f ec2:CreateSubnet 1", "create g ec2:CreateSubnet 1", "create f ec2:CreateSubnet 2");
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("a thinned set", () => {
  const all = casesOf(Array.from({ length: 20 }, (_, at) => call(`create f${at} ec2:CreateVpc 1`)));

  test("follows from its seed", () => {
    expect(thinned(all, 8, 42)).toEqual(thinned(all, 8, 42));
    expect(thinned(all, 8, 42)).not.toEqual(thinned(all, 8, 43));
  });

  test("has each case once at most, and any of them", () => {
    const drawn = Array.from({ length: 300 }, (_, seed) => thinned(all, 3, seed)).flat().map(({ id }) => id);
    expect(new Set(drawn).size).toBe(all.length);
    expect(new Set(thinned(all, 500, 1).map(({ id }) => id)).size).toBe(all.length);
  });
});

describe("which calls are broken", () => {
  const logged = (...names: string[]) => names.map((function_) => ({ case: "", function: function_, action: "dynamodb:GetItem", n: 1 }));

  test("not those of who only looks on", () => {
    expect(callsOf("create", logged("createBucket", "getCluster", "sweep")).map(({ function: name }) => name)).toEqual(["createBucket"]);
  });

  test("of a loop, as many looks as every run made", () => {
    const looks = (count: number) => Array.from({ length: count }, (_, at) => call(`create awaitNodes s3:ListBucket ${at + 1}`));
    expect(everyRun(looks(9), looks(2), looks(4))).toEqual(looks(2));
  });

  test("what only a cold start calls is kept, and known as such", () => {
    const secret = call("create notify ssm:GetParameter 1");
    expect(everyRun([secret], [], [])).toEqual([{ ...secret, cold: true }]);
  });
});

describe("clusters", () => {
  const up = casesOf([call("create f ec2:CreateVpc 1")]);
  const down = casesOf([call("delete g ec2:DeleteVpc 1")]);

  test("one serves a case of a create that ends ready and a case of a delete", () => {
    const lives = livesOf([...up, ...down]);
    expect(lives.flatMap(casesIn).map(({ id }) => id).sort()).toEqual([...up, ...down].map(({ id }) => id).sort());
    expect(lives.filter((life) => life.up && life.down)).toHaveLength(6);
    expect(lives).toHaveLength(8);
  });

  test("a create that is refused something, or whose node fails, has one of its own", () => {
    const failing = casesOf([call("failing recordFailed dynamodb:UpdateItem 1")]);
    for (const life of livesOf([...down, ...up, ...failing])) if (life.up?.kind === "refused" || life.up?.phase === "failing") expect(life.down).toBeUndefined();
  });
});
