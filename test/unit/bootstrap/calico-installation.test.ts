import { parse, parseAllDocuments } from "yaml";
import { renderCalicoInstallation } from "../../../shared/bootstrap/calico-installation";
import { planOf } from "./sample-plan";

const settings = (folder: string) =>
  parseAllDocuments(renderCalicoInstallation(planOf(folder)).configuration).map((document) => document.toJS());

test("calico-node reaches the API without kube-proxy: at one control plane's address, or by the name of several", () => {
  const endpointOf = (folder: string) => parse(renderCalicoInstallation(planOf(folder)).servicesEndpoint).data;
  expect(endpointOf("seed")).toEqual({ KUBERNETES_SERVICE_HOST: "172.20.32.10", KUBERNETES_SERVICE_PORT: "6443" });
  expect(endpointOf("three-control-planes")).toEqual({
    KUBERNETES_SERVICE_HOST: "api.internal.three.k8s.local",
    KUBERNETES_SERVICE_PORT: "6443",
  });
});

test("Felix is in eBPF mode from its first start, as the manifest asks, and leaves the source/destination check alone", () => {
  const [felix] = settings("seed");
  expect(felix).toMatchObject({ kind: "FelixConfiguration", metadata: { name: "default" } });
  expect(felix.spec).toMatchObject({
    bpfEnabled: true,
    bpfExternalServiceMode: "DSR",
    bpfLogLevel: "Off",
    prometheusMetricsEnabled: true,
    awsSrcDstCheck: "DoNothing",
  });
});

test("the pool of addresses is the cluster's, in VXLAN and never in IP-in-IP", () => {
  const [, pool] = settings("seed");
  const { podCidr, calico } = planOf("seed").kubernetes;
  expect(pool).toMatchObject({
    kind: "IPPool",
    metadata: { name: "default-ipv4-ippool" },
    spec: { cidr: podCidr, vxlanMode: calico.vxlanMode, ipipMode: "Never" },
  });
});
