import { readdirSync } from "node:fs";
import fc from "fast-check";
import { readManifest } from "../../../shared/spec/read-manifest";
import { expectGolden } from "../case-folders";
import { caseFile, changed, deployment, documentsOf, type Loose, pathsOf, problemsOf, toYaml } from "./manifests";

const cases = `${__dirname}/../../cases`;

const asGolden = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

describe.each(["seed", "twin"])("the %s manifest", (name) => {
  test("is accepted as it stands, with its warnings", () => {
    const { warnings } = readManifest(caseFile(`${name}/manifest.yaml`), deployment, {});

    expectGolden(name, "warnings.json", asGolden(warnings));
  });

  test("is read the same from JSON: as a list, as a List and as a YAML sequence", () => {
    const documents = documentsOf(name);
    const { manifest } = readManifest(caseFile(`${name}/manifest.yaml`), deployment, {});

    for (const body of [
      JSON.stringify(documents),
      JSON.stringify({ apiVersion: "v1", kind: "List", items: documents }),
      toYaml([documents]),
    ]) {
      expect(readManifest(body, deployment, {}).manifest).toEqual(manifest);
    }
  });
});

test("the seed means what it says", () => {
  const { manifest } = readManifest(caseFile("seed/manifest.yaml"), deployment, {});

  const { documents, instanceGroups, ...rest } = manifest;
  expect(rest).toEqual({
    name: "demo.k8s.local",
    region: "us-east-1",
    kubernetesVersion: "1.19.7",
    containerRuntime: "docker",
    configBase: { bucket: "calico-kops-demo" },
    cloudLabels: {},
    networkCidr: "172.20.0.0/16",
    subnets: [{ name: "us-east-1a", zone: "us-east-1a", cidr: "172.20.32.0/19" }],
    podCidr: "100.96.0.0/11",
    serviceCidr: "100.64.0.0/13",
    clusterDns: "100.64.0.10",
    clusterDomain: "cluster.local",
    kubernetesApiAccess: ["0.0.0.0/0"],
    sshAccess: ["0.0.0.0/0"],
    nodePortAccess: [],
    masterPublicName: "api.demo.k8s.local",
    loadBalancer: { class: "Classic", type: "Public", idleTimeoutSeconds: 300 },
    ebs: { csiDriver: true, storageClass: true },
    metricsServer: false,
    encryptSecrets: false,
    allowContainerRegistry: true,
    kubelet: { anonymousAuth: false },
    calico: { version: "3.17.6", awsSrcDstCheck: "Disable", bpfExternalServiceMode: "DSR", bpfLogLevel: "Off", vxlanMode: "CrossSubnet" },
  });
  expect(instanceGroups.map(({ name, role, size }) => [name, role, size])).toEqual([
    ["master-us-east-1a", "control-plane", 1],
    ["nodes-us-east-1a", "node", 1],
  ]);
  expect(instanceGroups[0]).toMatchObject({
    nodeLabels: { "kops.k8s.io/instancegroup": "master-us-east-1a" },
    rootVolume: { sizeGiB: 64, type: "gp3" },
    associatePublicIp: true,
  });
  expect(documents).toEqual(documentsOf("seed"));
});

test("the Cluster leads the documents wherever it stood", () => {
  const [cluster, controlPlane, nodes] = documentsOf("seed");

  const { manifest } = readManifest(toYaml([nodes, cluster, controlPlane]), deployment, {});

  expect(manifest.documents).toEqual([cluster, nodes, controlPlane]);
});

describe("refused case files", () => {
  const names = readdirSync(`${cases}/refused`).filter((name) => name.endsWith(".yaml"));

  test.each(names)("%s", (name) => {
    let answer: unknown = "accepted";
    try {
      readManifest(caseFile(`refused/${name}`), deployment, {});
    } catch (error) {
      const { name: code, message, problems, nextStep } = error as Loose;
      answer = { code, message, problems, nextStep };
    }

    expectGolden("refused", name.replace(".yaml", ".json"), asGolden(answer));
  });
});

/** One way each to break one field of the seed, and the path that must be named. */
const breaks: [path: string, breakIt: (cluster: Loose, controlPlane: Loose, nodes: Loose) => void][] = [
  ["metadata.annotations2", (cluster) => (cluster.metadata.annotations2 = {})],
  ["spec.kubernetesVersion", (cluster) => (cluster.spec.kubernetesVersion = "1.12.0")],
  ["spec.networkCIDR", (cluster) => (cluster.spec.networkCIDR = 7)],
  ["spec.subnets[0].zone", (cluster) => (cluster.spec.subnets[0].zone = "us-west-2a")],
  ["spec.subnets[0].type", (cluster) => (cluster.spec.subnets[0].type = "Private")],
  ["spec.networking.cilium", (cluster) => (cluster.spec.networking.cilium = {})],
  ["spec.networking.calico.bpfEnabled", (cluster) => delete cluster.spec.networking.calico.bpfEnabled],
  ["spec.networking.calico.encapsulationMode", (cluster) => delete cluster.spec.networking.calico.encapsulationMode],
  ["spec.kubeProxy.enabled", (cluster) => delete cluster.spec.kubeProxy],
  ["spec.hooks", (cluster) => (cluster.spec.hooks = [{ name: "x" }])],
  ["spec.api.loadBalancer.class", (cluster) => (cluster.spec.api.loadBalancer.class = "Fast")],
  ["spec.sshAccess[0]", (cluster) => (cluster.spec.sshAccess[0] = "10.0.0.1/8")],
  ["spec.etcdClusters[0].etcdMembers[0].instanceGroup", (cluster) => (cluster.spec.etcdClusters[0].etcdMembers[0].instanceGroup = "gone")],
  ["InstanceGroup/master-us-east-1a.spec.machineType", (_, controlPlane) => (controlPlane.spec.machineType = "p5.48xlarge")],
  ["InstanceGroup/master-us-east-1a.spec.rootVolumeType", (_, controlPlane) => (controlPlane.spec.rootVolumeType = "st1")],
  ["InstanceGroup/nodes-us-east-1a.spec.subnets[0]", (_, _2, nodes) => (nodes.spec.subnets[0] = "gone")],
  ["InstanceGroup/nodes-us-east-1a.spec.image", (_, _2, nodes) => (nodes.spec.image = "666666666666/evil")],
  ["InstanceGroup/nodes-us-east-1a.spec.maxPrice", (_, _2, nodes) => (nodes.spec.maxPrice = "0.1")],
  [
    "InstanceGroup/nodes-us-east-1a.metadata.labels[kops.k8s.io/cluster]",
    (_, _2, nodes) => (nodes.metadata.labels["kops.k8s.io/cluster"] = "other"),
  ],
];

test("any set of broken fields is named whole, in one answer", () => {
  fc.assert(
    fc.property(fc.subarray(breaks), (chosen) => {
      const body = changed((cluster, controlPlane, nodes) => chosen.forEach(([, breakIt]) => breakIt(cluster, controlPlane, nodes)));

      const paths = pathsOf(body);

      expect(paths).toEqual(expect.arrayContaining(chosen.map(([path]) => path)));
      if (chosen.length === 0) expect(paths).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test("a single broken field is the single problem, but for those that others hang on", () => {
  const hangOn = ["spec.etcdClusters[0].etcdMembers[0].instanceGroup"];
  for (const [path, breakIt] of breaks.filter(([path]) => !hangOn.includes(path))) expect(pathsOf(changed(breakIt))).toEqual([path]);
});

test("every problem says what would be right", () => {
  const problems = problemsOf(
    changed((cluster, controlPlane, nodes) => breaks.forEach(([, breakIt]) => breakIt(cluster, controlPlane, nodes))),
  );

  for (const { message } of problems)
    expect(message).toMatch(/must be|is required|did you mean|is refused: .{20}|must have|not served; the nearest/);
});
