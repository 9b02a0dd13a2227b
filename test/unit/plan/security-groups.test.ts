import type { GroupKey, RulePlan, SecurityGroupPlan } from "../../../shared/plan/cluster-plan";
import { planSecurityGroups } from "../../../shared/plan/security-groups";
import type { Manifest } from "../../../shared/spec/manifest";
import { manifestOf } from "./sample-request";

const network: Manifest["loadBalancer"] = { class: "Network", type: "Public", idleTimeoutSeconds: 300 };

/** Does a packet from a group or an address get in? Addresses are matched by the block's text. */
function open(groups: SecurityGroupPlan[], to: GroupKey, from: GroupKey | `${string}/${string}`, protocol: string, port = 0): boolean {
  const admits = (rule: RulePlan) =>
    ("group" in rule.from ? rule.from.group : rule.from.cidr) === from &&
    (rule.protocol === "-1" || (rule.protocol === protocol && (rule.fromPort ?? port) <= port && port <= (rule.toPort ?? port)));
  return groups.find(({ key }) => key === to)?.ingress.some(admits) ?? false;
}

test("groups have kOps' names", () => {
  expect(planSecurityGroups(manifestOf()).map(({ key, name }) => [key, name])).toEqual([
    ["control-plane", "masters.demo.k8s.local"],
    ["node", "nodes.demo.k8s.local"],
    ["probe-client", "probe-client.demo.k8s.local"],
    ["api-elb", "api-elb.demo.k8s.local"],
  ]);
  expect(planSecurityGroups(manifestOf({ loadBalancer: network })).map(({ key }) => key)).not.toContain("api-elb");
});

test.each([
  ["node", "node", "udp", 4789],
  ["node", "control-plane", "tcp", 10250],
  ["control-plane", "control-plane", "tcp", 2380],
  ["control-plane", "node", "tcp", 6443],
  ["control-plane", "node", "udp", 4789],
  ["control-plane", "node", "4", 0],
  ["control-plane", "node", "tcp", 2379],
  ["control-plane", "node", "tcp", 4000],
  ["control-plane", "node", "tcp", 4003],
  ["control-plane", "node", "tcp", 65535],
  ["control-plane", "api-elb", "tcp", 6443],
  ["node", "probe-client", "tcp", 31000],
  ["control-plane", "probe-client", "tcp", 30000],
  ["probe-client", "control-plane", "tcp", 8099],
  ["node", "0.0.0.0/0", "tcp", 22],
  ["control-plane", "0.0.0.0/0", "tcp", 22],
  ["api-elb", "0.0.0.0/0", "tcp", 443],
] as const)("%s lets %s in by %s %i", (to, from, protocol, port) => {
  expect(open(planSecurityGroups(manifestOf()), to, from, protocol, port)).toBe(true);
});

test.each([
  ["control-plane", "node", "tcp", 2380],
  ["control-plane", "node", "tcp", 2381],
  ["control-plane", "node", "tcp", 4001],
  ["control-plane", "node", "tcp", 4002],
  ["control-plane", "0.0.0.0/0", "tcp", 6443],
  ["control-plane", "probe-client", "tcp", 6443],
  ["node", "0.0.0.0/0", "tcp", 31000],
  ["node", "probe-client", "tcp", 10250],
  ["node", "probe-client", "udp", 4789],
  ["probe-client", "node", "tcp", 8099],
  ["probe-client", "0.0.0.0/0", "tcp", 22],
  ["probe-client", "control-plane", "tcp", 22],
] as const)("%s keeps %s out by %s %i", (to, from, protocol, port) => {
  expect(open(planSecurityGroups(manifestOf()), to, from, protocol, port)).toBe(false);
});

test("behind a Network load balancer the API's clients and the VPC reach the control plane itself", () => {
  const groups = planSecurityGroups(manifestOf({ loadBalancer: network, kubernetesApiAccess: ["198.51.100.0/24"] }));

  expect(open(groups, "control-plane", "198.51.100.0/24", "tcp", 6443)).toBe(true);
  expect(open(groups, "control-plane", "172.20.0.0/16", "tcp", 6443)).toBe(true);
  expect(open(groups, "control-plane", "198.51.100.0/24", "tcp", 443)).toBe(false);
  expect(groups[0]!.ingress).toContainEqual(
    expect.objectContaining({ protocol: "icmp", fromPort: 3, toPort: 4, from: { cidr: "198.51.100.0/24" } }),
  );
});

test("nodePortAccess opens the range on nodes, by TCP and UDP", () => {
  const groups = planSecurityGroups(manifestOf({ nodePortAccess: ["203.0.113.0/24"] }));

  for (const protocol of ["tcp", "udp"])
    expect([30000, 32767, 29999].map((port) => open(groups, "node", "203.0.113.0/24", protocol, port))).toEqual([true, true, false]);
  expect(open(groups, "control-plane", "203.0.113.0/24", "tcp", 30000)).toBe(false);
});

test("nobody asked in: no SSH, no API from outside", () => {
  const groups = planSecurityGroups(manifestOf({ sshAccess: [], kubernetesApiAccess: [] }));

  expect(groups.flatMap(({ ingress }) => ingress).filter(({ from }) => "cidr" in from)).toEqual([]);
});

test("a rule that two fields ask for is planned once: EC2 refuses the second", () => {
  const groups = planSecurityGroups(manifestOf({ loadBalancer: network, kubernetesApiAccess: ["172.20.0.0/16"] }));

  const toApi = groups[0]!.ingress.filter(({ fromPort }) => fromPort === 6443);
  expect(toApi.map(({ from }) => from)).toEqual([{ cidr: "172.20.0.0/16" }]);
});

test("descriptions have only what EC2 takes", () => {
  const texts = planSecurityGroups(manifestOf({ nodePortAccess: ["203.0.113.0/24"] })).flatMap(({ description, ingress }) => [
    description,
    ...ingress.map((rule) => rule.description),
  ]);

  for (const text of texts) expect(text).toMatch(/^[A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]{1,255}$/);
});
