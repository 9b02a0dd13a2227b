import { isStandard, machineTypes, quotaProblems, type Room, unlookedQuotas } from "../../../shared/plan/quota-problems";
import { controlPlaneOf, groupOf, manifestOf, threeZones } from "./sample-request";

const probe = "t3.micro";
const seed = manifestOf();
const perMachine = { "t3.medium": 2, "t3.micro": 2, "m5.xlarge": 4 };
const everywhere = { "t3.medium": ["us-east-1a", "us-east-1b", "us-east-1c"], "t3.micro": ["us-east-1a", "us-east-1b", "us-east-1c"] };
const roomy: Room = {
  vcpus: { used: 26, limit: 32, perMachine },
  vpcs: { used: 4, limit: 5 },
  loadBalancers: { used: 19, limit: 20 },
  zonesOffering: everywhere,
};
const problemsWith = (change: Partial<Room>, manifest = seed) => quotaProblems(manifest, probe, { ...roomy, ...change });

describe("quotas", () => {
  test("room to the last vCPU, VPC and load balancer is room", () => {
    expect(problemsWith({})).toEqual([]);
  });

  test("one vCPU too few is a problem with the figures: asked by whom, used, quota, and what would do", () => {
    expect(problemsWith({ vcpus: { used: 27, limit: 32, perMachine } })).toEqual([
      {
        path: "InstanceGroup/master-us-east-1a.spec.machineType",
        message:
          "asked: 6 vCPUs (master-us-east-1a 2, nodes 2, probe client 2), used: 27, quota: 32; " +
          "free some, or have the quota ec2/L-1216C47A raised to 33",
      },
    ]);
  });

  test("the group that asks for most vCPUs is the one named, its instances counted", () => {
    const manifest = manifestOf({ instanceGroups: [controlPlaneOf(), groupOf({ machineType: "m5.xlarge", size: 3 })] });
    const zonesOffering = { ...everywhere, "m5.xlarge": ["us-east-1a"] };
    const [problem, ...others] = problemsWith({ vcpus: { used: 17, limit: 32, perMachine }, zonesOffering }, manifest);
    expect(problem).toMatchObject({
      path: "InstanceGroup/nodes.spec.machineType",
      message: expect.stringContaining("asked: 16 vCPUs (nodes 12, master-us-east-1a 2, probe client 2)"),
    });
    expect(others).toEqual([]);
  });

  test("a VPC and a load balancer too many, each by its own quota", () => {
    const full = { vpcs: { used: 5, limit: 5 }, loadBalancers: { used: 20, limit: 20 } };
    expect(problemsWith(full)).toEqual([
      { path: "spec.networkCIDR", message: "asked: 1 VPC, used: 5, quota: 5; free some, or have the quota vpc/L-F678F1CE raised to 6" },
      {
        path: "spec.api.loadBalancer.class",
        message:
          "asked: 1 Classic load balancer, used: 20, quota: 20; free some, or have the quota elasticloadbalancing/L-E9E9831D raised to 21",
      },
    ]);
    const network = manifestOf({ loadBalancer: { class: "Network", type: "Public", idleTimeoutSeconds: 300 } });
    expect(problemsWith(full, network)[1]!.message).toMatch(/1 Network load balancer.*L-69A177A2/);
  });

  test("what could not be looked at is no problem", () => {
    expect(quotaProblems(seed, probe, {})).toEqual([]);
  });
});

describe("the vCPU quota", () => {
  const standard = ["a1.large", "c7gn.large", "d3en.xlarge", "i4i.large", "im4gn.large", "is4gen.large", "m5.large", "r5b.large"];
  const other = ["dl1.24xlarge", "f1.2xlarge", "g5.xlarge", "hpc7g.4xlarge", "inf2.xlarge", "mac2.metal", "p4d.24xlarge", "trn1.2xlarge"];
  test.each([...standard, "t3a.micro", "z1d.large"])("counts %s", (type) => expect(isStandard(type)).toBe(true));
  test.each([...other, "u-6tb1.metal", "x2gd.large"])("does not count %s", (type) => expect(isStandard(type)).toBe(false));

  test("of other machines is not looked at: said, and their vCPUs not added", () => {
    const [gpu, none] = [groupOf({ name: "gpu", machineType: "g5.xlarge" }), groupOf({ name: "none", machineType: "p3.large", size: 0 })];
    const manifest = manifestOf({ instanceGroups: [controlPlaneOf(), gpu, none] });
    const zonesOffering = { ...everywhere, "g5.xlarge": ["us-east-1a"] };
    const vcpus = { used: 28, limit: 32, perMachine: { ...perMachine, "g5.xlarge": 4 } };
    expect(problemsWith({ vcpus, zonesOffering }, manifest)).toEqual([]);
    expect(unlookedQuotas(manifest)).toEqual([
      { path: "InstanceGroup/gpu.spec.machineType", message: expect.stringContaining("g5.xlarge is not checked") },
    ]);
    expect(unlookedQuotas(seed)).toEqual([]);
  });
});

describe("machine types by zone", () => {
  const workers = groupOf({ size: 2, subnets: ["us-east-1b", "us-east-1c", "us-east-1a"] });
  const spread = { instanceGroups: [controlPlaneOf(), workers], subnets: threeZones };

  test("every type is looked for once, the probe client's too", () => {
    expect(machineTypes(seed, probe)).toEqual(["t3.medium", "t3.micro"]);
    expect(machineTypes(seed, "t3.medium")).toEqual(["t3.medium"]);
  });

  test("a zone that gets a machine and does not offer it is named, with those that do", () => {
    const zonesOffering = { "t3.medium": ["us-east-1b", "us-east-1a"], "t3.micro": ["us-east-1a", "us-east-1b"] };
    expect(problemsWith({ zonesOffering, vcpus: undefined }, manifestOf(spread))).toEqual([
      { path: "InstanceGroup/nodes.spec.machineType", message: "t3.medium is not offered in us-east-1c, but is in us-east-1a, us-east-1b" },
    ]);
  });

  test("a zone that gets none may lack it", () => {
    const zonesOffering = { ...everywhere, "t3.medium": ["us-east-1a", "us-east-1b"] };
    const one = { ...spread, instanceGroups: [controlPlaneOf(), groupOf({ size: 1, subnets: ["us-east-1b", "us-east-1c"] })] };
    expect(problemsWith({ zonesOffering }, manifestOf(one))).toEqual([]);
  });

  test("a type that no zone offers is not offered in the region", () => {
    const manifest = manifestOf({ instanceGroups: [controlPlaneOf(), groupOf({ machineType: "t9.huge" })] });
    expect(problemsWith({}, manifest)).toEqual([
      { path: "InstanceGroup/nodes.spec.machineType", message: "t9.huge is not offered in us-east-1" },
    ]);
  });

  test("where the probe client's is missing, the worker's subnets are what can be changed", () => {
    const zonesOffering = { ...everywhere, "t3.micro": ["us-east-1b"] };
    expect(problemsWith({ zonesOffering })).toEqual([
      {
        path: "InstanceGroup/nodes.spec.subnets",
        message: "the probe client's t3.micro is not offered in us-east-1a, but is in us-east-1b",
      },
    ]);
  });
});
