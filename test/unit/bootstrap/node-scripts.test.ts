import { statSync } from "node:fs";
import { stages } from "../../../shared/health/beacon";
import { type PreparedNode, prepareNode, privateKey, token } from "./prepared-node";
import { planOf } from "./sample-plan";

const plan = planOf("twin");
const controlPlane = plan.instances.find(({ role }) => role === "control-plane")!;
const worker = plan.instances.find(({ role }) => role === "node")!;
const beaconsOf = (role: keyof typeof stages) => stages[role].map((stage, index) => `0${index + 1}-${stage}.json`);

jest.setTimeout(60_000);
let node: PreparedNode;
beforeEach(async () => {
  node = await prepareNode(plan);
});
afterEach(() => node.world.close());

test("a control plane passes every stage in order, and downloads nothing that is there", async () => {
  const { code, output } = await node.boot(plan, controlPlane);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(Object.keys(node.world.beacons()).sort()).toEqual(beaconsOf("control-plane"));
  expect(node.calls(/^curl .* -o /)).toEqual([expect.stringContaining("/v3.30.7/manifests/calico-vxlan.yaml")]);
  expect(node.calls(/^kubeadm init/)).toEqual([expect.stringContaining("--skip-phases=addon/kube-proxy --skip-token-print")]);
  expect(node.calls(/^systemctl enable --now/)[0]).toContain("clowder-node-labels.timer clowder-bootstrap-access.timer clowder-collector.timer");
  expect(output).not.toContain(token);
});

test("kubeadm gets this node's facts, keys are root's alone, and the token stays in no file", async () => {
  await node.boot(plan, controlPlane);
  const configuration = node.file("kubeadm-init.yaml");
  expect(configuration).toContain('advertiseAddress: "172.20.32.10"');
  expect(configuration).toContain('name: "ip-172-20-32-10.ec2.internal"');
  expect(configuration).toContain(`value: clowder.io/instance-group=${controlPlane.group}`);
  expect(configuration).toMatch(/ttl: "\d+s"/);
  expect(configuration).not.toMatch(/@[A-Z_]+@/);
  expect(node.file("etc/kubernetes/pki/etcd/ca.key")).toBe(privateKey);
  for (const secret of ["ca.key", "encryption-configuration.yaml"])
    expect([secret, statSync(`${node.world.folder}/etc/kubernetes/pki/${secret}`).mode & 0o777]).toEqual([secret, 0o600]);
  expect([node.has("run/clowder/material.json"), node.has("run/clowder/kubeadm-init.yaml")]).toEqual([false, false]);
});

test("Calico finds the API, then its kinds, then its settings, before it starts", async () => {
  await node.boot(plan, controlPlane);
  const applied = node.calls(/^kubectl (apply|wait)/).map((line) => line.replace(/.*\//, ""));
  expect(applied.filter((name) => name.endsWith(".yaml"))).toEqual([
    "services-endpoint.yaml",
    "kinds.yaml",
    "configuration.yaml",
    "calico.yaml",
    "cluster-admins.yaml",
    "add-ons.yaml",
  ]);
  expect(applied[2]).toBe("ippools.crd.projectcalico.org");
  expect(node.file("opt/clowder/calico/kinds.yaml")).toContain("felixconfigurations");
  expect(node.file("opt/clowder/calico/kinds.yaml")).not.toMatch(/DaemonSet|ConfigMap/);
});

test("a worker waits for the API and joins with its group's label", async () => {
  const { code, output } = await node.boot(plan, worker);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(Object.keys(node.world.beacons()).sort()).toEqual(beaconsOf("node"));
  expect(node.file("kubeadm-join.yaml")).toContain(`value: clowder.io/instance-group=${worker.group}`);
  expect(node.calls(/readyz/)[0]).toContain("--cacert");
  expect(node.file("etc/hosts")).toContain(`172.20.32.10 ${plan.kubernetes.internalName}`);
});

test("a worker joins once the control plane has signed cluster-info with its token", async () => {
  const { code } = await node.boot(plan, worker);
  const calls = node.calls(/cluster-info|^kubeadm join/).map((call) => call.split(" ")[0]);
  expect([code, calls]).toEqual([0, ["curl", "curl", "kubeadm"]]);
});

test("a control plane after the first waits for the one before it and joins", async () => {
  const three = { ...plan, kubernetes: { ...plan.kubernetes, controlPlaneAddresses: ["172.20.32.7", "172.20.32.10"] } };
  const { code, output } = await node.boot(three, controlPlane);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(node.calls(/readyz/)[0]).toContain("https://172.20.32.7:6443/readyz");
  expect(node.calls(/^kubeadm (init|join)|^kubectl apply/)).toEqual([expect.stringContaining("kubeadm join")]);
  expect(node.file("kubeadm-join.yaml")).toContain("controlPlane:");
});

test("a machine whose address was not planned does not become a control plane", async () => {
  const elsewhere = { ...plan, kubernetes: { ...plan.kubernetes, controlPlaneAddresses: ["172.20.32.7"] } };
  await node.boot(elsewhere, controlPlane);
  expect(node.world.beacons()["99-failed.json"]).toMatchObject({ stage: "material", reason: "AddressNotPlanned" });
});

test("the seed's nodes run Docker with systemd's cgroups", async () => {
  const seed = planOf("seed");
  node.put("kubernetes-version", seed.kubernetesVersion);
  const { code, output } = await node.boot(
    seed,
    seed.instances.find(({ role }) => role === "node")!,
  );
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(JSON.parse(node.file("etc/docker/daemon.json"))).toMatchObject({ "exec-opts": ["native.cgroupdriver=systemd"] });
  expect(node.calls(/^systemctl restart/)).toEqual(["systemctl restart docker"]);
});

test("a containerd of the distribution keeps its unit, one that was fetched beside it gets its own", async () => {
  node.put("systemctl.cat", `[Service]\nExecStart=${node.world.folder}/bin/containerd\n`);
  await node.boot(plan, worker);
  expect(node.has("etc/systemd/system/containerd.service")).toBe(false);

  node.put("systemctl.cat", "[Service]\nExecStart=/usr/bin/containerd\n");
  await node.boot(plan, worker);
  expect(node.file("etc/systemd/system/containerd.service")).toContain(`ExecStart=${node.world.folder}/bin/containerd\n`);
});

test("the probe client tells that it listens once its port answers", async () => {
  const port = new URL(node.world.url).port;
  const here = (script: string) =>
    script.replace(/^PROBE_CLIENT_PORT=.*$/m, `PROBE_CLIENT_PORT=${port}`).replaceAll("$CLOWDER_ADDRESS", "127.0.0.1");
  const { code, output } = await node.boot(plan, plan.probeClient, here);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(Object.keys(node.world.beacons()).sort()).toEqual(beaconsOf("probe-client"));
  expect(node.calls(/^systemctl enable --now/)).toEqual(["systemctl enable --now clowder-probe-client.service"]);
});
