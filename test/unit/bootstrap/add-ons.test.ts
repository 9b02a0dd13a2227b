import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../../shared/bootstrap/kubernetes-objects";
import { addOns, renderAddOns } from "../../../shared/bootstrap/render-add-ons";
import { versionProfile } from "../../../shared/spec/version-profile";
import { planOf, withKubernetes } from "./sample-plan";

const twin = planOf("twin");
const kubernetes = { ...twin.kubernetes, metricsServer: true };
const full = { ...twin, kubernetes };
const kinds = (objects: KubernetesObject[]) => objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into objects of every kind
const inside = (object: KubernetesObject | undefined): any => object;
const workloads = (objects: KubernetesObject[]) => objects.filter(({ kind }) => /^(DaemonSet|Deployment)$/.test(kind));
const podOf = (object: KubernetesObject) => inside(object).spec.template.spec;
const find = (objects: KubernetesObject[], name: string) => objects.find((object) => kinds([object])[0] === name);
const argsOf = (objects: KubernetesObject[], name: string, container = 0): string[] => podOf(find(objects, name)!).containers[container].args;

/** Roles that every cluster has. */
const builtIn = ["Role/extension-apiserver-authentication-reader", "ClusterRole/system:auth-delegator"];

test("what is applied is the YAML of these objects, each once", () => {
  const parsed = parseAllDocuments(renderAddOns(full)).map((document) => document.toJS() as KubernetesObject);
  expect(parsed).toEqual(JSON.parse(JSON.stringify(addOns(full))));
  const names = kinds(parsed);
  expect(new Set(names).size).toBe(names.length);
});

test("every account, role and label that is named is there", () => {
  const objects = addOns(full);
  const there = new Set([...kinds(objects), ...builtIn]);
  for (const workload of workloads(objects)) {
    expect(there).toContain(`ServiceAccount/${podOf(workload).serviceAccountName}`);
    expect(inside(workload).spec.selector.matchLabels).toEqual(inside(workload).spec.template.metadata.labels);
  }
  for (const object of objects.filter(({ kind }) => kind.endsWith("Binding"))) {
    const { roleRef, subjects } = inside(object);
    expect(there).toContain(`${roleRef.kind}/${roleRef.name}`);
    expect(there).toContain(`ServiceAccount/${subjects[0].name}`);
  }
  expect(inside(find(objects, "APIService/v1beta1.metrics.k8s.io")).spec.service.name).toBe("metrics-server");
});

test("every container has an image of the version's profile, a request, and mounts only volumes that are there", () => {
  const { cloudControllerManager, ebsCsi, metricsServer } = versionProfile(full.kubernetesVersion)!.cloud;
  const known = [cloudControllerManager, metricsServer, ...Object.values(ebsCsi!)];
  for (const pod of workloads(addOns(full)).map(podOf))
    for (const { image, resources, volumeMounts = [] } of pod.containers) {
      expect(known).toContain(image);
      expect(resources.requests).toEqual({ cpu: expect.any(String), memory: expect.any(String) });
      for (const { name } of volumeMounts) expect(pod.volumes.map((volume: { name: string }) => volume.name)).toContain(name);
    }
});

test("what asks the metadata service is in the host's network, and no two of one machine listen on one port", () => {
  const hosts = workloads(addOns(full)).filter((workload) => podOf(workload).hostNetwork);
  expect(kinds(hosts)).toEqual(["DaemonSet/aws-cloud-controller-manager", "Deployment/ebs-csi-controller", "DaemonSet/ebs-csi-node"]);
  const ports = hosts.flatMap((workload) => podOf(workload).containers.flatMap(({ livenessProbe }: { livenessProbe?: { httpGet: { port: number } } }) => livenessProbe?.httpGet.port ?? []));
  expect(new Set(ports).size).toBe(ports.length);
});

test("the cloud controller finds the API without the kubernetes Service, on tainted control planes, and writes no routes", () => {
  const objects = addOns(planOf("three-control-planes"));
  const pod = podOf(find(objects, "DaemonSet/aws-cloud-controller-manager")!);
  expect(pod).toMatchObject({ tolerations: [{ operator: "Exists" }], nodeSelector: { "node-role.kubernetes.io/control-plane": "" } });
  expect(pod.containers[0].env).toContainEqual({ name: "KUBERNETES_SERVICE_HOST", value: expect.stringMatching(/^api\.internal\./) });
  expect(pod.containers[0].args).toEqual(expect.arrayContaining(["--cloud-provider=aws", "--configure-cloud-routes=false"]));
});

test("volumes carry the uid by which a delete finds them, and no tag that the driver refuses", () => {
  const tags = argsOf(addOns(full), "Deployment/ebs-csi-controller").find((arg) => arg.startsWith("--extra-tags="))!;
  expect(tags).toContain(`clowder:uid=${full.uid}`);
  expect(tags).not.toMatch(/kubernetes\.io|KubernetesCluster/);
  const hostile = { ...full, tags: { ...full.tags, "a=b": "c", team: "x,clowder:uid=other" } };
  expect(argsOf(addOns(hostile), "Deployment/ebs-csi-controller").join()).not.toMatch(/a=b|other/);
  expect(argsOf(addOns(full), "Deployment/ebs-csi-controller")).toContain(`--k8s-tag-cluster-id=${full.name}`);
});

test.each([
  ["1.19.16", false, "kubernetes.io/aws-ebs"],
  ["1.23.17", true, "ebs.csi.aws.com"],
  ["1.37.2", true, "ebs.csi.aws.com"],
])("on %s the default class is encrypted and of its provisioner", (version, csi, provisioner) => {
  const plan = { ...withKubernetes(full, version), kubernetes: { ...kubernetes, cloud: { ...kubernetes.cloud, ebsCsi: csi } } };
  const objects = addOns(plan);
  expect(objects.filter(({ kind }) => kind === "StorageClass")).toMatchObject([
    { provisioner, parameters: { encrypted: "true" }, metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } } },
  ]);
  expect(kinds(objects).includes("CSIDriver/ebs.csi.aws.com")).toBe(csi);
});

test("without a cloud provider only what was asked for is applied", () => {
  const none = { provider: "none" as const, ebsCsi: false, storageClass: false, ecrCredentials: false };
  const bare = { ...twin, kubernetes: { ...twin.kubernetes, cloud: none } };
  expect(renderAddOns(bare)).toBe("");
  expect(kinds(addOns({ ...bare, kubernetes: { ...bare.kubernetes, metricsServer: true } }))).toContain("Deployment/metrics-server");
});
