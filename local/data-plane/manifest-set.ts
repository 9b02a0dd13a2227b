import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { artifactChecksum, calicoVersions, versionProfile } from "../../shared/spec/version-profile";
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
  /** Folder of image archives for every node that belong to the set itself. */
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
  const recipe = readFileSync(join(__dirname, "../artifacts/image-archive.ts"), "utf8");
  return dataPlaneSet("stand-in", manifests, { image, recipe }, (images) => writeImageArchive(join(images, "stand-in.tar"), image));
}

/**
 * Calico from a person's folder: its manifest `calico-vxlan.yaml` as it was published, beside the archives of its images. Without a folder,
 * or without the manifest in it, a manifest whose images are nowhere.
 * @throws Error when the manifest is none of those that the product knows the checksums of
 */
export async function calicoSet(kubernetesVersion: string, folder?: string, checksumOf = artifactChecksum): Promise<DataPlaneSet> {
  const none = () => Promise.resolve();
  const file = folder && join(folder, "calico-vxlan.yaml");
  if (!file || !existsSync(file)) return dataPlaneSet("calico-without-images", manifestsOf(kubernetesVersion, calicoWithoutImages), {}, none);
  const text = readFileSync(file, "utf8");
  const digest = createHash("sha256").update(text).digest("hex");
  const known = versionsFor(kubernetesVersion);
  const version = known.find((one) => checksumOf(`/projectcalico/calico/v${one}/manifests/calico-vxlan.yaml`) === digest);
  if (!version) throw new Error(`${file} has SHA-256 ${digest}, which is none of Calico ${known.join(", ")} for Kubernetes ${kubernetesVersion}`);
  return dataPlaneSet("calico", { [version]: text }, {}, none);
}

async function dataPlaneSet(name: string, manifests: Record<string, string>, recipe: unknown, writeImages: (folder: string) => Promise<void>): Promise<DataPlaneSet> {
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
const manifestsOf = (kubernetesVersion: string, make: (calicoVersion: string) => object[]): Record<string, string> =>
  Object.fromEntries(versionsFor(kubernetesVersion).map((version) => [version, make(version).map((one) => `---\n${stringify(one)}`).join("")]));

function versionsFor(kubernetesVersion: string): string[] {
  const profile = versionProfile(kubernetesVersion);
  if (!profile) throw new Error(`There is no profile of Kubernetes ${kubernetesVersion}`);
  return calicoVersions(profile);
}
