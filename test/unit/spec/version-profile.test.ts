import { artifactChecksum, calicoVersions, nearestVersions, versionProfile } from "../../../shared/spec/version-profile";

const minors = Array.from({ length: 18 }, (_, index) => 19 + index);

test.each(minors)("1.%i has a profile whose Calico may run on it", (minor) => {
  const profile = versionProfile(`1.${minor}.0`)!;

  expect(profile.minor).toBe(`1.${minor}`);
  expect(versionProfile(profile.newest)).toBe(profile);
  expect(calicoVersions(profile)).toContain(profile.calico);
});

test.each([
  [
    "1.19.7",
    { kubeadmApi: "v1beta2", runtimes: ["docker", "containerd"], calico: "3.17.6", inTreeCloudProvider: true, kernelFloor: "5.3" },
  ],
  ["1.22.0", { kubeadmApi: "v1beta3", runtimes: ["containerd", "docker"] }],
  ["1.24.1", { kubeadmApi: "v1beta3", runtimes: ["containerd"] }],
  ["1.26.15", { inTreeCloudProvider: true }],
  ["1.27.0", { inTreeCloudProvider: false }],
  ["1.30.14", { kubeadmApi: "v1beta3", containerd: "1.7.32" }],
  ["1.31.14", { kubeadmApi: "v1beta4", containerd: "2.1.7" }],
  ["1.34.8", { kubeadmApi: "v1beta4", calico: "3.30.7" }],
  ["1.36.1", { kubeadmApi: "v1beta4", containerd: "2.2.4" }],
])("%s", (version, expected) => {
  expect(versionProfile(version)).toMatchObject(expected);
});

test.each(["1.18.20", "1.37.0", "2.19.0", "1.19", "1.19.07", "v1.19.7", "1.19.7-beta.1", "", "latest"])("%j has no profile", (version) => {
  expect(versionProfile(version)).toBeUndefined();
});

test.each([
  ["1.18.20", ["1.19.16", "1.20.15"]],
  ["1.40.0", ["1.36.1", "1.35.5"]],
  ["1.27", ["1.27.16", "1.26.15"]],
  ["latest", ["1.19.16", "1.20.15"]],
])("nearest to %s that works: %j", (version, expected) => {
  expect(nearestVersions(version)).toEqual(expected);
});

test("what the profiles download is pinned wherever a checksum is known", () => {
  for (const arch of ["amd64", "arm64"]) {
    for (const { containerd, runc, crictl, newest, minor } of minors.map((number) => versionProfile(`1.${number}.0`)!)) {
      expect(
        artifactChecksum(`/containerd/containerd/releases/download/v${containerd}/containerd-${containerd}-linux-${arch}.tar.gz`),
      ).toMatch(/^[0-9a-f]{64}$/);
      expect(artifactChecksum(`/opencontainers/runc/releases/download/v${runc}/runc.${arch}`)).toMatch(/^[0-9a-f]{64}$/);
      expect(artifactChecksum(`/kubernetes-sigs/cri-tools/releases/download/v${crictl}/crictl-v${crictl}-linux-${arch}.tar.gz`)).toMatch(
        /^[0-9a-f]{64}$/,
      );
      const kubelet = artifactChecksum(`/release/v${newest}/bin/linux/${arch}/kubelet`);
      if (Number(minor.slice(2)) >= 31) expect(kubelet).toMatch(/^[0-9a-f]{64}$/);
      else expect(kubelet).toBeUndefined();
    }
  }
  expect(artifactChecksum("constructor")).toBeUndefined();
});
