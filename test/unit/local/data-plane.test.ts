import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { calicoSet } from "../../../local/data-plane/manifest-set";
import { standInManifest, userlandLinks } from "../../../local/data-plane/stand-in";
import { calicoVersions, versionProfile } from "../../../shared/spec/version-profile";

interface Thing {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: { template: { spec: Record<string, never> & { containers: Container[]; volumes: { name: string }[]; hostNetwork: boolean; tolerations: object[] } } };
}
interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  volumeMounts: { name: string; mountPath: string }[];
}
const things = standInManifest("1.34.4") as Thing[];
const daemonSets = things.filter(({ kind }) => kind === "DaemonSet");

test("the stand-in has the kinds that the installation waits for, kube-proxy and a network, and nothing that passes for Calico", () => {
  expect(things.filter(({ kind }) => kind === "CustomResourceDefinition").map(({ metadata }) => metadata.name)).toEqual([
    "felixconfigurations.crd.projectcalico.org",
    "ippools.crd.projectcalico.org",
  ]);
  expect(daemonSets.map(({ metadata }) => metadata.name)).toEqual(["clowder-stand-in", "kube-proxy"]);
  expect(JSON.stringify(daemonSets)).not.toMatch(/calico/);
});

test.each(daemonSets)("$metadata.name runs on every node, before the network, from an image that is never pulled", ({ metadata, spec }) => {
  const { containers, volumes, hostNetwork, tolerations } = spec.template.spec;
  expect([metadata.namespace, hostNetwork, tolerations]).toEqual(["kube-system", true, [{ operator: "Exists" }]]);
  for (const { image, imagePullPolicy, volumeMounts } of containers) {
    expect([image, imagePullPolicy]).toEqual(["registry.invalid/clowder-stand-in:1.34.4", "Never"]);
    expect(volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.map(({ name }) => name).sort());
  }
});

test("each account that a pod runs as is there and bound to a role", () => {
  for (const { spec } of daemonSets) {
    const name = (spec.template.spec as unknown as { serviceAccountName: string }).serviceAccountName;
    const of = (kind: string) => things.filter((thing) => thing.kind === kind && thing.metadata.name === name).length;
    expect([name, of("ServiceAccount"), of("ClusterRoleBinding")]).toEqual([name, 1, 1]);
  }
});

test("the image's links lead into the folder that the node's /usr is mounted at", () => {
  const { volumeMounts } = daemonSets[1]!.spec.template.spec.containers[0]!;
  expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain("/host/usr");
  for (const [link, to] of Object.entries(userlandLinks)) expect(join("/", link, "..", to)).toMatch(/^\/host\/usr\/\w+$/);
});

describe("Calico's manifest", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "clowder-set-"));
    process.env["XDG_CACHE_HOME"] = home;
  });
  afterAll(() => {
    delete process.env["XDG_CACHE_HOME"];
    rmSync(home, { recursive: true });
  });

  test("without images lies where Calico's repository has it, for each version that may be asked for, its checksum beside it", async () => {
    const { calico, images } = await calicoSet("1.34.4");
    expect(readdirSync(images)).toEqual([]);
    for (const version of calicoVersions(versionProfile("1.34.4")!)) {
      const file = join(calico, `v${version}/manifests/calico-vxlan.yaml`);
      const text = readFileSync(file, "utf8");
      expect(readFileSync(`${file}.sha256`, "utf8")).toBe(createHash("sha256").update(text).digest("hex"));
      expect(text).toContain(`image: quay.io/calico/node:v${version}`);
      const kinds = parseAllDocuments(text).map((one) => (one.toJS() as Thing).kind);
      expect(kinds).toEqual(["CustomResourceDefinition", "CustomResourceDefinition", "DaemonSet"]);
      // control-plane.sh takes the kinds out by their line.
      expect(text.split("---\n").filter((one) => /^kind: CustomResourceDefinition$/m.test(one))).toHaveLength(2);
    }
  });

  test("from a person's folder is taken only as it was published, and its absence is as no folder", async () => {
    const folder = mkdtempSync(join(home, "images-"));
    expect(await calicoSet("1.34.4", folder)).toEqual(await calicoSet("1.34.4"));
    writeFileSync(join(folder, "calico-vxlan.yaml"), "kind: Other\n");
    await expect(calicoSet("1.34.4", folder)).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, which is none of Calico 3\.30\.7, /);
    const published = createHash("sha256").update("kind: Other\n").digest("hex");
    const { calico } = await calicoSet("1.34.4", folder, (path) => (path.includes("/v3.31.7/") ? published : undefined));
    expect(readdirSync(calico)).toEqual(["v3.31.7"]);
    expect(readFileSync(join(calico, "v3.31.7/manifests/calico-vxlan.yaml.sha256"), "utf8")).toBe(published);
  });
});
