import { artifactChecksum, calicoVersions, nearestProfile, nearestVersions, versionProfile } from "../../../shared/spec/version-profile";

const minors = Array.from({ length: 19 }, (_, index) => 19 + index);

test.each(minors)("1.%i has a profile whose Calico may run on it", (minor) => {
  const profile = versionProfile(`1.${minor}.0`)!;

  expect(profile.minor).toBe(`1.${minor}`);
  expect(versionProfile(profile.newest)).toBe(profile);
  expect(calicoVersions(profile)).toContain(profile.calico);
});

test.each([
  [
    "1.19.7",
    { kubeadmApi: "v1beta2", runtimes: ["docker", "containerd"], calico: "3.17.6", kernelFloor: "5.3" },
  ],
  ["1.22.0", { kubeadmApi: "v1beta3", runtimes: ["containerd", "docker"] }],
  ["1.24.1", { kubeadmApi: "v1beta3", runtimes: ["containerd"] }],
  ["1.22.17", { cloud: { cloudProvider: "in-tree", metricsServer: "registry.k8s.io/metrics-server/metrics-server:v0.6.4" } }],
  ["1.26.15", { cloud: { cloudProvider: "in-tree", ebsCsi: { driver: expect.stringMatching(/aws-ebs-csi-driver:v1\.43\.0$/) } } }],
  [
    "1.27.0",
    {
      cloud: {
        cloudProvider: "external",
        cloudControllerManager: "registry.k8s.io/provider-aws/cloud-controller-manager:v1.27.9",
        ecrCredentialProvider: "1.31.7",
      },
    },
  ],
  ["1.30.14", { kubeadmApi: "v1beta3", containerd: "1.7.32" }],
  ["1.31.14", { kubeadmApi: "v1beta4", containerd: "2.1.7" }],
  ["1.34.8", { kubeadmApi: "v1beta4", calico: "3.30.7" }],
  ["1.34.8", { needsCgroup2: false, doubts: [] }],
  ["1.35.5", { needsCgroup2: true, doubts: [] }],
  ["1.36.1", { kubeadmApi: "v1beta4", containerd: "2.2.4", doubts: [expect.stringMatching(/cloud controller manager for 1\.36/)] }],
  ["1.37.2", { calico: "3.32.1", doubts: [expect.stringMatching(/^Calico 3\.32\.1 was tested/), expect.stringMatching(/1\.37/)] }],
])("%s", (version, expected) => {
  expect(versionProfile(version)).toMatchObject(expected);
});

test.each(["1.18.20", "1.38.0", "2.19.0", "1.19", "1.19.07", "v1.19.7", "1.19.7-beta.1", "", "latest"])("%j has no profile", (version) => {
  expect(versionProfile(version)).toBeUndefined();
});

test.each([
  ["1.18.20", ["1.19.16", "1.20.15"]],
  ["1.40.0", ["1.37.2", "1.36.1"]],
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
      if (Number(minor.slice(2)) >= 31 && minor !== "1.37") expect(kubelet).toMatch(/^[0-9a-f]{64}$/);
      else expect(kubelet).toBeUndefined();
    }
  }
  for (const arch of ["amd64", "arm64"])
    for (const { cloud } of minors.map((number) => versionProfile(`1.${number}.0`)!)) {
      if (!cloud.ecrCredentialProvider) continue;
      const file = `ecr-credential-provider-linux-${arch}`;
      expect(artifactChecksum(`/binaries/cloud-provider-aws/v${cloud.ecrCredentialProvider}/linux/${arch}/${file}`)).toMatch(/^[0-9a-f]{64}$/);
    }
  expect(artifactChecksum("constructor")).toBeUndefined();
});

test("the nearest profile that fits is the newer of two as near", () => {
  const from = versionProfile("1.24.1")!;
  expect(nearestProfile(from, ({ minor }) => minor === "1.23" || minor === "1.25")?.minor).toBe("1.25");
  expect(nearestProfile(from, () => false)).toBeUndefined();
});

test("from 1.27 on every minor has a cloud controller manager that is at most as new as its API server", () => {
  for (const minor of minors.filter((number) => number >= 27)) {
    const { cloudControllerManager = "" } = versionProfile(`1.${minor}.0`)!.cloud;
    const own = Number(/:v1\.(\d+)\.\d+$/.exec(cloudControllerManager)?.[1]);
    expect([minor, own <= minor, minor - own <= 2]).toEqual([minor, true, true]);
  }
});
