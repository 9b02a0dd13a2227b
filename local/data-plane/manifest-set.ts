import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { calicoVersions, versionProfile } from "../../shared/spec/version-profile";
import { type Artifacts, type Say, builtProgram } from "../artifacts/artifacts";
import { cached } from "../artifacts/cache";
import { goVersion } from "../artifacts/go";
import { writeImageArchive } from "../artifacts/image-archive";
import { calicoWithoutImages } from "./calico-without-images";
import { standInImage, standInManifest, userlandLinks } from "./stand-in";

/** What takes the place of Calico's repository and images. */
export interface DataPlaneSet {
  /** What the deployment's setting `artifactsCalico` may point at once it is served. */
  calico: string;
  /** Image archives for every node. */
  images: string;
}

const PLUGINS = ["host-local", "loopback", "portmap", "ptp"];

/** kube-proxy and a plain pod network, their image included. */
export async function standInSet({ kubernetesVersion, programs }: Artifacts, say: Say): Promise<DataPlaneSet> {
  const network = join(await builtProgram("stand-in", join(__dirname, "stand-in"), goVersion(), say), "stand-in");
  const manifests = manifestsOf(kubernetesVersion, () => standInManifest(kubernetesVersion));
  const image = {
    reference: standInImage(kubernetesVersion),
    entrypoint: ["/stand-in"],
    programs: {
      "/stand-in": network,
      "/usr/local/bin/kube-proxy": programs["kube-proxy"]!,
      ...Object.fromEntries(PLUGINS.map((name) => [`/opt/cni/bin/${name}`, programs[name]!])),
    },
    links: userlandLinks,
    labels: { "org.opencontainers.image.description": "kube-proxy and a plain pod network, to test all but Calico on" },
  };
  const recipe = [join(__dirname, "../artifacts/image-archive.ts")].map((file) => readFileSync(file, "utf8"));
  return dataPlaneSet("stand-in", manifests, { image, recipe }, (images) => writeImageArchive(join(images, "stand-in.tar"), image));
}

/**
 * What the user's folder brings of Calico: `calico/v<version>/manifests/calico-vxlan.yaml` with `.sha256` beside it, and image archives. Where
 * it brings none the manifest's images are nowhere.
 */
export const calicoSet = async (kubernetesVersion: string, folder?: string): Promise<DataPlaneSet> =>
  folder && existsSync(join(folder, "calico")) ? { calico: join(folder, "calico"), images: folder } : calicoWithoutImagesSet(kubernetesVersion);

export const calicoWithoutImagesSet = (kubernetesVersion: string): Promise<DataPlaneSet> =>
  dataPlaneSet("calico-without-images", manifestsOf(kubernetesVersion, calicoWithoutImages), {}, () => Promise.resolve());

async function dataPlaneSet(name: string, manifests: Record<string, string>, recipe: object, writeImages: (folder: string) => Promise<void>): Promise<DataPlaneSet> {
  const folder = await cached(`data-planes/${name}`, { manifests, recipe }, async (fresh) => {
    for (const [version, text] of Object.entries(manifests)) {
      const place = join(fresh, `calico/v${version}/manifests`);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, "calico-vxlan.yaml"), text);
      writeFileSync(join(place, "calico-vxlan.yaml.sha256"), createHash("sha256").update(text).digest("hex"));
    }
    mkdirSync(join(fresh, "images"));
    await writeImages(join(fresh, "images"));
  });
  return { calico: join(folder, "calico"), images: join(folder, "images") };
}

/** By each Calico version that may be asked for with this Kubernetes. */
function manifestsOf(kubernetesVersion: string, make: (calicoVersion: string) => object[]): Record<string, string> {
  const profile = versionProfile(kubernetesVersion);
  if (!profile) throw new Error(`There is no profile of Kubernetes ${kubernetesVersion}`);
  return Object.fromEntries(calicoVersions(profile).map((version) => [version, make(version).map((one) => `---\n${stringify(one)}`).join("")]));
}
