import { readManifest } from "../../../shared/spec/read-manifest";
import { changed, deployment, type Loose, pathsOf, problemsOf } from "./manifests";

const NODES = "InstanceGroup/nodes-us-east-1a";
const problems = (change: (spec: Loose, group: Loose) => void): string[] =>
  problemsOf(changed((_, _2, nodes) => change(nodes.spec, nodes))).map(
    ({ path, message }) => `${path.replace(`${NODES}.`, "")} ${message}`,
  );
const read = (change: (spec: Loose) => void): ReturnType<typeof readManifest> =>
  readManifest(
    changed((_, _2, nodes) => change(nodes.spec)),
    deployment,
    {},
  );

test.each<[string, (spec: Loose, group: Loose) => void, string]>([
  [
    "a role not served",
    (spec) => (spec.role = "APIServer"),
    'spec.role must be ControlPlane (or Master) or Node: "APIServer" is not served',
  ],
  ["a subnet that is not there", (spec) => (spec.subnets = ["us-east-1b"]), "spec.subnets[0] must be a subnet of the Cluster: us-east-1a"],
  ["a subnet twice", (spec) => (spec.subnets = ["us-east-1a", "us-east-1a"]), "spec.subnets[1] is there twice: us-east-1a"],
  ["no subnets", (spec) => delete spec.subnets, "spec.subnets must name at least one subnet of the Cluster"],
  [
    "a type that is not allowed",
    (spec) => (spec.machineType = "t3.large"),
    "spec.machineType must be t3.medium or m5.*, the types this deployment allows",
  ],
  ["no type", (spec) => delete spec.machineType, "spec.machineType is required, such as t3.medium"],
  [
    "a foreign image",
    (spec) => (spec.image = "123456789012/mine"),
    "spec.image must belong to 099720109477 or amazon, whose images this deployment boots",
  ],
  ["an image id cut short", (spec) => (spec.image = "ami-123"), "spec.image must be owner/name, ami-… or ssm:/parameter"],
  ["an image with a wildcard", (spec) => (spec.image = "amazon/al2023-*"), "spec.image must be owner/name, ami-… or ssm:/parameter"],
  ["no image", (spec) => delete spec.image, "spec.image is required: owner/name, ami-… or ssm:/parameter"],
  ["maxSize under minSize", (spec) => (spec.maxSize = 0), "spec.maxSize must be greater than or equal to minSize, 1"],
  ["a size as text", (spec) => (spec.minSize = "1"), "spec.minSize must be a whole number from 0 to 1000"],
  ["a volume type not served", (spec) => (spec.rootVolumeType = "io2"), "spec.rootVolumeType must be gp2 or gp3"],
  [
    "iops on gp2",
    (spec) => Object.assign(spec, { rootVolumeType: "gp2", rootVolumeIops: 4000 }),
    "spec.rootVolumeIops must be left out with gp2, or use rootVolumeType gp3",
  ],
  [
    "iops beyond the size",
    (spec) => Object.assign(spec, { rootVolumeSize: 10, rootVolumeIops: 6000 }),
    "spec.rootVolumeIops must be at most 5000: EC2 gives 500 for each of its 10 GiB",
  ],
  [
    "no public address",
    (spec) => (spec.associatePublicIp = false),
    "spec.associatePublicIp must be true: without NAT a node reaches neither its bucket nor its images without a public address",
  ],
  [
    "another hop limit",
    (spec) => (spec.instanceMetadata = { httpPutResponseHopLimit: 2 }),
    "spec.instanceMetadata.httpPutResponseHopLimit must be 1: pods must not read the node's credentials",
  ],
  [
    "spot",
    (spec) => (spec.maxPrice = "0.1"),
    "spec.maxPrice is refused: instances are on demand, so that the cluster lives as long as was asked",
  ],
  [
    "a taint without effect",
    (spec) => (spec.taints = ["a=b"]),
    "spec.taints[0] must be key=value:Effect or key:Effect, the effect NoSchedule, PreferNoSchedule or NoExecute",
  ],
  [
    "a label's bad key",
    (spec) => (spec.nodeLabels["a/b/c"] = "x"),
    "spec.nodeLabels[a/b/c] must have a key such as tier or example.com/tier",
  ],
  [
    "a label's bad value",
    (spec) => (spec.nodeLabels.tier = "a b"),
    "spec.nodeLabels[tier] must have a value of at most 63 letters, digits, hyphens, dots and underscores",
  ],
  [
    "a label of the machine",
    (spec) => (spec.nodeLabels["kubernetes.io/hostname"] = "x"),
    "spec.nodeLabels[kubernetes.io/hostname] is set by Kubernetes from the machine itself",
  ],
  [
    "another group's label",
    (spec) => (spec.nodeLabels["kops.k8s.io/instancegroup"] = "x"),
    "spec.nodeLabels[kops.k8s.io/instancegroup] must be the group's own name, nodes-us-east-1a",
  ],
  [
    "another cluster's group",
    (_, group) => (group.metadata.labels["kops.k8s.io/cluster"] = "x"),
    "metadata.labels[kops.k8s.io/cluster] must be the Cluster's name, demo.k8s.local",
  ],
  [
    "nobody's group",
    (_, group) => delete group.metadata.labels,
    "metadata.labels[kops.k8s.io/cluster] is required: the cluster's name, demo.k8s.local",
  ],
])("%s", (_, change, problem) => {
  expect(problems(change)).toEqual([problem]);
});

test.each([
  "ami-0123456789abcdef0",
  "ami-01234567",
  "ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
  "amazon/al2023-ami",
])("the image %s is taken as written", (image) => {
  expect(read((spec) => (spec.image = image)).manifest.instanceGroups[1]!.image).toBe(image);
});

test("everything that a group may say is read", () => {
  const { manifest, warnings } = read((spec) =>
    Object.assign(spec, {
      machineType: "m5.large",
      minSize: 2,
      maxSize: 5,
      rootVolumeSize: 30,
      rootVolumeType: "gp3",
      rootVolumeIops: 4000,
      taints: ["dedicated=gpu:NoSchedule", "old:NoExecute", "empty=:PreferNoSchedule"],
      cloudLabels: { team: "blue" },
    }),
  );

  expect(manifest.instanceGroups[1]).toMatchObject({
    machineType: "m5.large",
    size: 2,
    rootVolume: { sizeGiB: 30, type: "gp3", iops: 4000 },
    taints: [
      { key: "dedicated", value: "gpu", effect: "NoSchedule" },
      { key: "old", effect: "NoExecute" },
      { key: "empty", effect: "PreferNoSchedule" },
    ],
    cloudLabels: { team: "blue" },
  });
  expect(warnings).toContainEqual({ path: `${NODES}.spec.maxSize`, message: "has no effect: minSize, 2, is made and nothing scales" });
});

test.each([
  ["no control plane", (all: Loose[]) => all.splice(1, 1), /one with role ControlPlane/],
  ["no node", (all: Loose[]) => (all[2].spec.minSize = 0), /at least one instance with role Node/],
  [
    "more than the deployment allows",
    (all: Loose[]) => Object.assign(all[2].spec, { minSize: 10, maxSize: 10 }),
    /at most 10 instances are allowed by this deployment, not 11/,
  ],
])("%s", (_, change, message) => {
  const problems = problemsOf(changed((_cluster, _controlPlane, _nodes, all) => void change(all)));

  expect(problems).toContainEqual({ path: "InstanceGroup", message: expect.stringMatching(message) });
});

test("an even number of control planes is refused, and three in three groups are fine", () => {
  const grow = (zones: string[]): string =>
    changed((cluster, controlPlane, _, all) => {
      const zoned = zones.map((zone) => ({
        ...controlPlane,
        metadata: { ...controlPlane.metadata, name: `cp-${zone}` },
        spec: { ...controlPlane.spec, nodeLabels: {} },
      }));
      all.splice(1, 1, ...zoned);
      const etcdMembers = zones.map((zone) => ({ name: zone, instanceGroup: `cp-${zone}` }));
      cluster.spec.etcdClusters = [{ name: "main", etcdMembers }];
    });

  expect(problemsOf(grow(["a", "b"]))).toEqual([
    { path: "InstanceGroup", message: "control planes must be 1, 3 or 5 in all, not 2: etcd needs a majority" },
  ]);
  expect(problemsOf(grow(["a", "b", "c"]))).toEqual([]);
});

test.each<[string, (etcd: Loose[]) => void, string[]]>([
  [
    "a member on a node group",
    (etcd) => (etcd[0].etcdMembers[0].instanceGroup = "nodes-us-east-1a"),
    ["[0].etcdMembers[0].instanceGroup", "[0].etcdMembers"],
  ],
  [
    "more members than control planes",
    (etcd) => etcd[1].etcdMembers.push({ name: "b", instanceGroup: "master-us-east-1a" }),
    ["[1].etcdMembers"],
  ],
  ["an etcd for Cilium", (etcd) => (etcd[1].name = "cilium"), ["[1].name"]],
  ["two mains", (etcd) => (etcd[1].name = "main"), ["[1].name"]],
  ["a member without name", (etcd) => delete etcd[0].etcdMembers[0].name, ["[0].etcdMembers[0].name"]],
])("etcd: %s", (_, change, paths) => {
  expect(pathsOf(changed((cluster) => change(cluster.spec.etcdClusters)))).toEqual(paths.map((path) => `spec.etcdClusters${path}`));
});

test.each([
  ["no Cluster", (all: Loose[]) => all.splice(0, 1), "Cluster"],
  ["another API version", (all: Loose[]) => (all[2].apiVersion = "kops.k8s.io/v1alpha3"), "documents[2].apiVersion"],
  ["another kind", (all: Loose[]) => all.push({ apiVersion: "kops.k8s.io/v1alpha2", kind: "Keyset", metadata: {} }), "documents[3].kind"],
  ["a group without name", (all: Loose[]) => delete all[2].metadata.name, "documents[2].metadata.name"],
])("documents: %s", (_, change, path) => {
  expect(pathsOf(changed((_cluster, _controlPlane, _nodes, all) => void change(all)))).toContain(path);
});
