import { readManifest } from "../../../shared/spec/read-manifest";
import { changed, deployment, type Loose, problemsOf } from "./manifests";

const problems = (change: (spec: Loose) => void): string[] =>
  problemsOf(changed((cluster) => change(cluster.spec))).map(({ path, message }) => `${path} ${message}`);

test.each<[string, (spec: Loose) => void, string]>([
  ["no VPC block", (spec) => delete spec.networkCIDR, "spec.networkCIDR is required, such as 172.20.0.0/16"],
  [
    "a VPC too large",
    (spec) => (spec.networkCIDR = "172.20.0.0/14"),
    "spec.networkCIDR must be between /16 and /28: EC2 takes no /14 for a VPC",
  ],
  [
    "bits behind the mask",
    (spec) => (spec.networkCIDR = "172.20.1.0/16"),
    'spec.networkCIDR must be 172.20.0.0/16: "172.20.1.0/16" has bits set behind its mask',
  ],
  ["no CIDR", (spec) => (spec.networkCIDR = "all"), 'spec.networkCIDR must be an IPv4 CIDR such as 172.20.0.0/16, not "all"'],
  [
    "a subnet too small",
    (spec) => (spec.subnets[0].cidr = "172.20.0.0/29"),
    "spec.subnets[0].cidr must be between /16 and /28: EC2 takes no /29 for a subnet",
  ],
  [
    "a subnet outside",
    (spec) => (spec.subnets[0].cidr = "172.21.0.0/19"),
    "spec.subnets[0].cidr must lie inside spec.networkCIDR 172.20.0.0/16",
  ],
  [
    "another region",
    (spec) => (spec.subnets[0].zone = "eu-west-1a"),
    "spec.subnets[0].zone must be in us-east-1, the one region of this deployment",
  ],
  [
    "a local zone",
    (spec) => (spec.subnets[0].zone = "us-east-1-bos-1a"),
    "spec.subnets[0].zone must be an availability zone such as us-east-1a",
  ],
  [
    "a region for a zone",
    (spec) => (spec.subnets[0].zone = "us-east-1"),
    "spec.subnets[0].zone must be an availability zone such as us-east-1a",
  ],
  ["no zone", (spec) => delete spec.subnets[0].zone, "spec.subnets[0].zone is required, such as us-east-1a"],
  [
    "pods' block over the VPC's",
    (spec) => (spec.nonMasqueradeCIDR = "172.16.0.0/12"),
    "spec.nonMasqueradeCIDR must not overlap spec.networkCIDR 172.20.0.0/16",
  ],
  [
    "pods' block too large for the API server",
    (spec) => (spec.nonMasqueradeCIDR = "10.0.0.0/8"),
    "spec.nonMasqueradeCIDR must be between /9 and /20, to hold the services (an eighth of it) and the pods (half of it)",
  ],
  [
    "services outside",
    (spec) => (spec.serviceClusterIPRange = "10.0.0.0/16"),
    "spec.serviceClusterIPRange must lie inside spec.nonMasqueradeCIDR 100.64.0.0/10",
  ],
  ["pods over services", (spec) => (spec.podCIDR = "100.64.0.0/11"), "spec.podCIDR overlaps the services' 100.64.0.0/13"],
  ["pods in too small a block", (spec) => (spec.podCIDR = "100.96.0.0/24"), "spec.podCIDR must be between /10 and /22"],
  ["IPv6 clients", (spec) => (spec.sshAccess = ["::/0"]), "spec.sshAccess[0] must be an IPv4 CIDR: IPv6 is not served"],
  [
    "a prefix list",
    (spec) => (spec.nodePortAccess = ["pl-12345678"]),
    "spec.nodePortAccess[0] must be a CIDR: prefix lists are not served",
  ],
  [
    "a client twice",
    (spec) => (spec.kubernetesApiAccess = ["0.0.0.0/0", "0.0.0.0/0"]),
    "spec.kubernetesApiAccess[1] is there twice: 0.0.0.0/0",
  ],
  ["a null among clients", (spec) => (spec.kubernetesApiAccess = ["10.0.0.0/8", null]), "spec.kubernetesApiAccess[1] must be a string"],
])("%s", (_, change, problem) => {
  expect(problems(change)).toEqual([problem]);
});

test.each(["127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "0.0.0.0/16"])("EC2's reserved %s is refused for a VPC", (networkCIDR) => {
  expect(problems((spec) => ((spec.networkCIDR = networkCIDR), (spec.subnets[0].cidr = networkCIDR.replace("/16", "/20"))))[0]).toMatch(
    /must not lie in/,
  );
});

test("subnets that overlap, and names that are there twice, name each other", () => {
  const twice = (spec: Loose): void => spec.subnets.push({ name: "us-east-1a", zone: "us-east-1b", cidr: "172.20.48.0/20" });

  expect(problems(twice)).toEqual([
    "spec.subnets[1].cidr overlaps spec.subnets[0].cidr 172.20.32.0/19",
    "spec.subnets[1].name is the name of another subnet too: us-east-1a",
  ]);
});

test("a subnet too small for its instances and the load balancer is refused", () => {
  const body = changed((cluster, _, nodes) => {
    cluster.spec.subnets[0].cidr = "172.20.0.0/28";
    Object.assign(nodes.spec, { minSize: 2, maxSize: 2 });
  });

  expect(problemsOf(body)).toEqual([
    { path: "spec.subnets[0].cidr", message: "must be larger: it has room for 2 instances beside the load balancer, not 3" },
  ]);
});

test.each([
  ["100.64.0.0/10", "100.64.0.0/13", "100.96.0.0/11", "100.64.0.10"],
  ["10.0.0.0/16", "10.0.0.0/19", "10.0.128.0/17", "10.0.0.10"],
  ["10.128.0.0/9", "10.128.0.0/12", "10.192.0.0/10", "10.128.0.10"],
])("of %s services take %s and pods %s, as kOps assigns them", (nonMasqueradeCIDR, serviceCidr, podCidr, clusterDns) => {
  const { manifest } = readManifest(
    changed((cluster) => (cluster.spec.nonMasqueradeCIDR = nonMasqueradeCIDR)),
    deployment,
    {},
  );

  expect(manifest).toMatchObject({ serviceCidr, podCidr, clusterDns });
});

test("blocks of pods and services may be given", () => {
  const body = changed((cluster) => Object.assign(cluster.spec, { serviceClusterIPRange: "100.127.0.0/16", podCIDR: "100.64.0.0/12" }));

  expect(readManifest(body, deployment, {}).manifest).toMatchObject({
    serviceCidr: "100.127.0.0/16",
    podCidr: "100.64.0.0/12",
    clusterDns: "100.127.0.10",
  });
});
