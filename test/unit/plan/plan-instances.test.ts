import { planCluster } from "../../../shared/plan/plan-cluster";
import { controlPlaneOf, groupOf, manifestOf, requestOf, threeZones } from "./sample-request";

const plan = (...args: Parameters<typeof manifestOf>) => planCluster(manifestOf(...args), requestOf());

test("control planes come first, so that no worker gets a planned address before them", () => {
  const { instances } = plan({ instanceGroups: [groupOf({ size: 2 }), controlPlaneOf()] });

  expect(instances.map(({ key, role, privateAddress }) => [key, role, privateAddress])).toEqual([
    ["master-us-east-1a-0", "control-plane", "172.20.32.10"],
    ["nodes-0", "node", undefined],
    ["nodes-1", "node", undefined],
  ]);
});

test("a group's instances go round its subnets; workers may move to the others, control planes may not", () => {
  const subnets = threeZones.map(({ name }) => name);
  const instanceGroups = [controlPlaneOf({ size: 3, subnets }), groupOf({ size: 4, subnets })];
  const { instances } = plan({ subnets: threeZones, instanceGroups });

  expect(instances.map(({ subnet }) => subnet)).toEqual([...subnets, ...subnets, "us-east-1a"]);
  expect(instances.slice(0, 3).flatMap(({ otherSubnets }) => otherSubnets)).toEqual([]);
  expect(instances[4]!.otherSubnets).toEqual(["us-east-1a", "us-east-1c"]);
});

test("machines have kOps' names and tags, and labels of the cluster and the group", () => {
  const { instances } = plan({
    cloudLabels: { team: "blue", tier: "all" },
    instanceGroups: [controlPlaneOf(), groupOf({ cloudLabels: { tier: "workers", "k8s.io/role/node": "0", "clowder:uid": "forged" } })],
  });
  const [controlPlane, worker] = instances.map(({ tags }) => tags);

  expect(controlPlane).toMatchObject({
    Name: "master-us-east-1a.masters.demo.k8s.local",
    "k8s.io/role/control-plane": "1",
    "k8s.io/role/master": "1",
    "kops.k8s.io/instancegroup": "master-us-east-1a",
    tier: "all",
  });
  expect(worker).toMatchObject({
    Name: "nodes.demo.k8s.local",
    "k8s.io/role/node": "1",
    "kops.k8s.io/instancegroup": "nodes",
    "clowder:uid": "a1b2c3d4e5",
    team: "blue",
    tier: "workers",
  });
  expect(worker).not.toHaveProperty("k8s.io/role/master");
});

test("nodes get their role and group as labels, and the group's own", () => {
  const workers = groupOf({ nodeLabels: { disk: "fast" }, taints: [{ key: "gpu", effect: "NoSchedule" }] });

  const { instances } = plan({ instanceGroups: [controlPlaneOf(), workers] });

  expect(instances[0]!.nodeLabels).toEqual({
    "kops.k8s.io/instancegroup": "master-us-east-1a",
    "node-role.kubernetes.io/control-plane": "",
  });
  expect(instances[1]!.nodeLabels).toEqual({ "kops.k8s.io/instancegroup": "nodes", "node-role.kubernetes.io/node": "", disk: "fast" });
  expect(instances[1]!.taints).toEqual([{ key: "gpu", effect: "NoSchedule" }]);
});

test.each([
  ["Disable", false],
  ["Enable", true],
  ["DoNothing", true],
] as const)("awsSrcDstCheck %s leaves EC2's check on the nodes %s", (awsSrcDstCheck, sourceDestCheck) => {
  const { instances } = plan({ calico: { ...manifestOf().calico, awsSrcDstCheck } });

  expect(instances.map((instance) => instance.sourceDestCheck)).toEqual([sourceDestCheck, sourceDestCheck]);
});

test("the probe client stands beside the first worker that is made, outside Calico's tags and groups", () => {
  const { probeClient, instances } = plan({
    subnets: threeZones,
    instanceGroups: [
      controlPlaneOf(),
      groupOf({ name: "empty", size: 0 }),
      groupOf({ subnets: ["us-east-1b"], cloudLabels: { tier: "workers" } }),
    ],
  });

  expect(probeClient).toMatchObject({
    key: "probe-client-0",
    role: "probe-client",
    subnet: "us-east-1b",
    privateAddress: "172.20.64.9",
    machineType: "t3.micro",
    securityGroup: "probe-client",
    profile: instances.find(({ role }) => role === "node")!.profile,
    sourceDestCheck: true,
    userData: { role: "probe-client", scriptObject: "clowder/a1b2c3d4e5/scripts/probe-client.sh" },
  });
  expect(Object.keys(probeClient.tags).filter((key) => /k8s\.io\/(role|instancegroup)|tier/.test(key))).toEqual([]);
});

test("each machine fetches its role's script and has a client token of its own", () => {
  const { instances, probeClient } = plan({ instanceGroups: [controlPlaneOf(), groupOf({ size: 2 })] });

  expect(instances.map(({ userData }) => userData.scriptObject)).toEqual([
    "clowder/a1b2c3d4e5/scripts/control-plane.sh",
    "clowder/a1b2c3d4e5/scripts/node.sh",
    "clowder/a1b2c3d4e5/scripts/node.sh",
  ]);
  expect(new Set([...instances, probeClient].map(({ clientToken }) => clientToken)).size).toBe(4);
});

test("a subnet too small for its control planes is named", () => {
  const tiny = { subnets: [{ name: "us-east-1a", zone: "us-east-1a", cidr: "172.20.32.0/28" }] };

  expect(plan({ ...tiny, instanceGroups: [controlPlaneOf({ size: 5 }), groupOf()] }).instances[4]!.privateAddress).toBe("172.20.32.14");
  expect(() => plan({ ...tiny, instanceGroups: [controlPlaneOf({ size: 6 }), groupOf()] })).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ path: "spec.subnets[0].cidr" })] }),
  );
});
