import { InvalidManifest } from "../../../shared/errors";
import { renderArtifacts } from "../../../shared/bootstrap/render-artifacts";
import { planOf, withKubernetes } from "./sample-plan";

const linesOf = (plan: Parameters<typeof renderArtifacts>[0]) =>
  renderArtifacts(plan)
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
const sumOf = (plan: Parameters<typeof renderArtifacts>[0], name: string) => linesOf(plan).find(([found]) => found === name)!;

test("each artifact is there for both architectures, pinned by its published checksum", () => {
  const lines = linesOf(planOf("twin"));
  expect(lines.filter(([name]) => name === "kubelet").map(([, arch, url]) => [arch, url])).toEqual([
    ["amd64", "https://dl.k8s.io/release/v1.34.8/bin/linux/amd64/kubelet"],
    ["arm64", "https://dl.k8s.io/release/v1.34.8/bin/linux/arm64/kubelet"],
  ]);
  expect(lines.filter(([, , , sum]) => !/^[0-9a-f]{64}$/.test(sum!))).toEqual([]);
});

test("a version whose checksums are not listed takes the one beside the file", () => {
  expect(sumOf(planOf("seed"), "kubeadm")[3]).toBe("beside");
});

test("another source is a set of its own: its checksums lie beside its files", () => {
  const plan = planOf("twin", {
    artifacts: {
      kubernetes: "http://mirror.internal/k8s",
      github: "http://mirror.internal/github/",
      calico: "http://mirror.internal/calico",
    },
  });
  expect(sumOf(plan, "runc")).toEqual([
    "runc",
    "amd64",
    "http://mirror.internal/github/opencontainers/runc/releases/download/v1.3.5/runc.amd64",
    "beside",
  ]);
  expect(sumOf(plan, "calico")).toEqual(["calico", "any", "http://mirror.internal/calico/v3.30.7/manifests/calico-vxlan.yaml", "beside"]);
});

test("Calico before 3.22 comes from the documentation's archive, for which no checksum is published", () => {
  expect(sumOf(planOf("seed"), "calico")).toEqual([
    "calico",
    "any",
    "https://docs.projectcalico.org/archive/v3.17/manifests/calico-vxlan.yaml",
    "tls",
  ]);
});

test("a version without a profile is refused by its path", () => {
  expect(() => renderArtifacts(withKubernetes(planOf("twin"), "1.99.0"))).toThrow(InvalidManifest);
});
