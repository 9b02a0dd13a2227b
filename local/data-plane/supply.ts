import { type Artifacts, type Say, ensureArtifacts } from "../artifacts/artifacts";
import { type ArtifactSource, startArtifactSource } from "../artifacts/source";
import { type DataPlaneSet, calicoFromFolder, calicoWithoutImagesSet, standInSet } from "./manifest-set";

export interface SupplyOptions {
  dataPlane: "calico" | "stand-in";
  /** Folder with Calico's image archives and its manifest; without it Calico's images cannot be had. */
  images?: string;
}

/** All that real machines are given from this host. */
export interface Supply {
  artifacts: Artifacts;
  source: ArtifactSource;
  /** Folders of image archives: for every node, and for control planes beside them. */
  images: { everyNode: string[]; controlPlane: string[] };
  /** The deployment's settings, by the URL at which nodes see the source. */
  settings(url: string): Record<string, string>;
}

/**
 * Builds or finds what the machines of a run need and serves it on loopback.
 * @throws Error in a sentence when it cannot be built, or the folder of images lacks something
 */
export async function openSupply(kubernetesVersion: string, options: SupplyOptions, say: Say): Promise<Supply> {
  const artifacts = await ensureArtifacts(kubernetesVersion, say);
  const { calico, images } = await dataPlaneOf(artifacts, options, say);
  return {
    artifacts,
    source: await startArtifactSource({ kubernetes: artifacts.kubernetes, calico }),
    images: { everyNode: [artifacts.images.everyNode, images], controlPlane: [artifacts.images.controlPlane] },
    settings: (url) => ({ artifactsKubernetes: `${url}/kubernetes`, artifactsCalico: `${url}/calico`, proberImage: artifacts.proberImage }),
  };
}

function dataPlaneOf(artifacts: Artifacts, { dataPlane, images }: SupplyOptions, say: Say): Promise<DataPlaneSet> {
  if (dataPlane === "stand-in") return standInSet(artifacts, say);
  return images ? calicoFromFolder(images, artifacts.kubernetesVersion) : calicoWithoutImagesSet(artifacts.kubernetesVersion);
}
