import { kubernetesReleases, partsOf, proberImage } from "../../../local/artifacts/versions";
import { versionProfile } from "../../../shared/spec/version-profile";

test.each(kubernetesReleases)("the build of %s belongs to a profile, and every part is a Go module with a version and programs", (release) => {
  expect(versionProfile(release)).toBeDefined();
  const parts = partsOf(release);
  expect(parts.map(({ name }) => name)).toEqual(["kubernetes", "etcd", "coredns", "cni-plugins"]);
  for (const { module, version, packages } of parts) {
    expect(version).toMatch(/^v\d+\.\d+\.\d+$/);
    expect(packages.length).toBeGreaterThan(0);
    for (const one of packages) expect(one === module || one.startsWith(`${module}/`)).toBe(true);
  }
  expect(proberImage(release)).toMatch(/^registry\.k8s\.io\/e2e-test-images\/agnhost:\d+\.\d+$/);
});

test("Kubernetes' programs say the release that they are", () => {
  const [{ variables }] = partsOf("1.34.4") as [ReturnType<typeof partsOf>[number]];
  expect(variables["k8s.io/component-base/version.gitVersion"]).toBe("v1.34.4");
  expect(variables["k8s.io/client-go/pkg/version.gitMinor"]).toBe("34");
});

test.each(["1.19.7", "1.34.99", "toString", ""])("there is no build of %s, and it is said which there are", (release) => {
  expect(() => partsOf(release)).toThrow(`only of ${kubernetesReleases.join(", ")}`);
});
