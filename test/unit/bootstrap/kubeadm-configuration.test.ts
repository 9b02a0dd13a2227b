import { parseAllDocuments } from "yaml";
import { renderInit, renderJoin } from "../../../shared/bootstrap/kubeadm-configuration";
import { renderScripts } from "../../../shared/bootstrap/render-script";
import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import { planOf, withKubernetes } from "./sample-plan";

interface Configuration {
  apiVersion: string;
  kind: string;
  [field: string]: unknown;
}
const documents = (text: string): Record<string, Configuration> =>
  Object.fromEntries(parseAllDocuments(text).map((document) => [document.toJS().kind, document.toJS() as Configuration]));
const of = (version: string) => withKubernetes(planOf("twin"), version);

test.each([
  ["1.19.7", "v1beta2"],
  ["1.21.14", "v1beta2"],
  ["1.22.17", "v1beta3"],
  ["1.30.14", "v1beta3"],
  ["1.31.14", "v1beta4"],
  ["1.36.1", "v1beta4"],
])("Kubernetes %s is configured with kubeadm %s", (version, api) => {
  const init = documents(renderInit(of(version)));
  expect([init["InitConfiguration"]!.apiVersion, init["ClusterConfiguration"]!.apiVersion]).toEqual([
    `kubeadm.k8s.io/${api}`,
    `kubeadm.k8s.io/${api}`,
  ]);
  expect(documents(renderJoin(of(version), "node"))["JoinConfiguration"]!.apiVersion).toBe(`kubeadm.k8s.io/${api}`);
});

test("extra arguments are a list from v1beta4 on and a map before", () => {
  const argsOf = (version: string) => documents(renderInit(of(version)))["InitConfiguration"]!["nodeRegistration"];
  expect(argsOf("1.34.8")).toMatchObject({
    kubeletExtraArgs: [
      { name: "node-ip", value: "@ADDRESS@" },
      { name: "node-labels", value: "clowder.io/instance-group=@GROUP@" },
      { name: "cloud-provider", value: "external" },
      { name: "image-credential-provider-bin-dir", value: "/opt/clowder/credential-provider" },
      { name: "image-credential-provider-config", value: "/opt/clowder/credential-providers.yaml" },
    ],
  });
  expect(argsOf("1.30.14")).toMatchObject({
    kubeletExtraArgs: { "node-ip": "@ADDRESS@", "node-labels": "clowder.io/instance-group=@GROUP@" },
  });
});

test("until 1.26 the controller manager is AWS's own and writes no routes; after it only kubelet is told of the cloud", () => {
  const clusterOf = (kubernetesVersion: string, provider: "in-tree" | "external" | "none") => {
    const plan = of(kubernetesVersion);
    const kubernetes = { ...plan.kubernetes, cloud: { ...plan.kubernetes.cloud, provider } };
    return documents(renderInit({ ...plan, kubernetes }))["ClusterConfiguration"]!;
  };
  expect(clusterOf("1.26.15", "in-tree")).toMatchObject({
    apiServer: { extraArgs: { "cloud-provider": "aws" } },
    controllerManager: { extraArgs: { "cloud-provider": "aws", "configure-cloud-routes": "false" } },
  });
  for (const provider of ["external", "none"] as const) {
    const cluster = clusterOf("1.34.8", provider);
    expect([cluster["controllerManager"], cluster["apiServer"]]).toEqual([undefined, { certSANs: expect.any(Array) }]);
  }
});

test("Secrets are encrypted by a file that kubeadm mounts with the rest of the PKI", () => {
  const plan = of("1.34.8");
  const cluster = documents(renderInit({ ...plan, kubernetes: { ...plan.kubernetes, encryptSecrets: true } }))["ClusterConfiguration"];
  expect(cluster).toMatchObject({
    apiServer: { extraArgs: [{ name: "encryption-provider-config", value: "/etc/kubernetes/pki/encryption-configuration.yaml" }] },
  });
});

test("fields that a version does not know are not in it", () => {
  expect(renderInit(of("1.21.14"))).not.toContain("imagePullPolicy");
  expect(renderJoin(of("1.30.14"), "node")).not.toContain("timeouts:");
  expect(documents(renderJoin(of("1.30.14"), "node"))["JoinConfiguration"]).toMatchObject({ discovery: { timeout: "2m0s" } });
  expect(documents(renderJoin(of("1.31.14"), "node"))["JoinConfiguration"]).toMatchObject({ timeouts: { discovery: "2m0s" } });
});

test("CoreDNS comes from one folder down since 1.21", () => {
  expect(documents(renderInit(of("1.20.15")))["ClusterConfiguration"]).not.toHaveProperty("dns");
  expect(documents(renderInit(of("1.21.14")))["ClusterConfiguration"]).toMatchObject({
    dns: { imageRepository: "registry.k8s.io/coredns" },
  });
});

test("what the manifest asks of the cluster is in it", () => {
  const seed = documents(renderInit(planOf("seed")));
  expect(seed["ClusterConfiguration"]).toMatchObject({
    kubernetesVersion: "v1.19.7",
    controlPlaneEndpoint: "172.20.32.10:6443",
    networking: { podSubnet: "100.96.0.0/11", serviceSubnet: "100.64.0.0/13", dnsDomain: "cluster.local" },
    apiServer: { certSANs: expect.arrayContaining(["api.internal.demo.k8s.local", "api.demo.k8s.local", "172.20.32.10"]) },
  });
  expect(seed["KubeletConfiguration"]).toMatchObject({ authentication: { anonymous: { enabled: false } }, clusterDNS: ["100.64.0.10"] });
  expect(seed["InitConfiguration"]).toMatchObject({ nodeRegistration: { criSocket: "/var/run/dockershim.sock" } });
});

test("kubelet is never told to label itself below kubernetes.io or k8s.io", () => {
  for (const folder of ["seed", "twin", "three-control-planes"]) {
    const flags = renderScripts(planOf(folder)).flatMap(({ body }) =>
      [...body.matchAll(/node-labels["']?[:\n\s]+(?:value: )?(\S+)/g)].map(([, value]) => value),
    );
    expect(flags).not.toEqual([]);
    expect(flags.filter((flag) => flag !== "clowder.io/instance-group=@GROUP@" && /=/.test(flag!))).toEqual([]);
  }
});

const groupsOf = (plan: ClusterPlan) =>
  JSON.parse(/groups\.json <<'END_OF_CLOWDER_FILE'\n(.*?)\nEND_OF_CLOWDER_FILE/s.exec(renderScripts(plan)[0]!.body)![1]!);

test("the control plane has each group's labels, and its own taint beside those of the manifest", () => {
  const plan = planOf("seed");
  expect(groupsOf(plan)).toEqual({
    "master-us-east-1a": { labels: expect.objectContaining({ "kops.k8s.io/instancegroup": "master-us-east-1a" }), taints: null },
    "nodes-us-east-1a": { labels: expect.objectContaining({ "node-role.kubernetes.io/node": "" }), taints: [] },
  });
  const tainted = {
    ...plan,
    instances: plan.instances.map((instance) => ({ ...instance, taints: [{ key: "only", value: "us", effect: "NoExecute" as const }] })),
  };
  expect(groupsOf(tainted)["master-us-east-1a"].taints).toEqual([
    { key: "node-role.kubernetes.io/master", effect: "NoSchedule" },
    { key: "only", value: "us", effect: "NoExecute" },
  ]);
  expect(groupsOf(tainted)["nodes-us-east-1a"].taints).toEqual([{ key: "only", value: "us", effect: "NoExecute" }]);
});
