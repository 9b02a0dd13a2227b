import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ensureArtifacts } from "./artifacts/artifacts";
import { cacheFolder } from "./artifacts/cache";
import { type ArtifactSource, startArtifactSource } from "./artifacts/source";
import { type PassThrough, startPassThrough } from "./data-plane/pass-through";
import { calicoSet, standInSet } from "./data-plane/manifest-set";
import { replayed } from "./data-plane/replay";
import type { Emulators } from "./emulators/emulators";
import { type RealMachines, startRealMachines } from "./machines/real-machines";
import { ensureMachineImage } from "./nodes/machine-image";
import { type Placed, nodesOf } from "./nodes/nodes";
import { ensurePreparedImage } from "./nodes/prepared-image";
import { missing } from "./nodes/requirements";

export interface RealOptions {
  kubernetesVersion: string;
  /** `stand-in` is kube-proxy and a plain pod network, to test all but Calico on. */
  dataPlane: "calico" | "stand-in";
  /** On the stand-in: whether Calico's part of the evidence is replayed from recorded values. */
  replay: boolean;
  /** Folder of image archives, and of Calico's manifests, that the user brings. */
  images?: string;
  /** Whether nodes begin with what they need, as an AMI of one's own would bring it, or download it. */
  prepared: boolean;
  /** Files that make a machine wrong on purpose, by path. */
  spoil?(machine: Placed): Record<string, string>;
}

/** What real machines need beside the emulated account. */
export interface RealSite {
  /** Settings of the deployment. */
  params: Record<string, string>;
  source: ArtifactSource;
  /** Path of the release's kubectl. */
  kubectl: string;
  start(emulators: Emulators, say: (line: string) => void): Promise<RealMachines>;
  stop(): Promise<void>;
}

/** Addresses of the network's internet. */
export const AWS = "203.0.113.10";
export const ARTIFACTS = "203.0.113.20";
/** Seconds: kubeadm's pace on two processors. */
const PACE = { nodesSeconds: "420", calicoSeconds: "240", deleteSeconds: "180" };

/**
 * Builds or takes from the cache what real machines of this Kubernetes are made of, and serves it.
 * @throws Error in one sentence that names what this machine lacks
 */
export async function prepareSite(options: RealOptions, say: (line: string) => void): Promise<RealSite> {
  const lacks = missing();
  if (lacks) throw new Error(lacks);
  const artifacts = await ensureArtifacts(options.kubernetesVersion, say);
  const dataPlane = options.dataPlane === "stand-in" ? await standInSet(artifacts, say) : await calicoSet(options.kubernetesVersion, options.images);
  const { everyNode, controlPlane } = artifacts.images;
  const archives = [everyNode, controlPlane, dataPlane.images, ...(options.images ? [options.images] : [])];
  const base = await ensureMachineImage(say);
  const programs = ["kubeadm", "kubelet", "kubectl"].map((name) => artifacts.programs[name]!);
  const source = await startArtifactSource({ kubernetes: artifacts.kubernetes, calico: dataPlane.calico });
  const folder = mkdtempSync(join(cacheFolder(), "nodes-"));
  const machine = options.prepared
    ? { image: await ensurePreparedImage(base, { programs, archives }, say) }
    : { image: { layers: [base] }, images: gathered(join(folder, "images"), archives) };
  let pass: PassThrough | undefined;
  return {
    params: {
      ...PACE,
      artifactsKubernetes: `http://${ARTIFACTS}/kubernetes`,
      artifactsCalico: `http://${ARTIFACTS}/calico`,
      proberImage: artifacts.proberImage,
    },
    source,
    kubectl: artifacts.programs["kubectl"]!,
    async start(emulators, told) {
      const secrets = new Map<string, string>();
      if (options.dataPlane === "stand-in" && options.replay)
        pass = await startPassThrough({ endpoint: emulators.endpoint, secretOf: (id) => secrets.get(id), replay: replayed, say: told });
      const target = pass?.port ?? Number(new URL(emulators.endpoint).port);
      return startRealMachines(emulators, {
        nodes: nodesOf({ ...machine, folder, environment: { AWS_ENDPOINT_URL: `http://${AWS}` }, ...(options.spoil && { spoil: options.spoil }) }),
        forwards: [
          { address: AWS, port: 80, target },
          { address: ARTIFACTS, port: 80, target: source.port },
        ],
        onRole: ({ accessKeyId, secretAccessKey }) => void secrets.set(accessKeyId, secretAccessKey),
        say: told,
      });
    },
    async stop() {
      await Promise.all([source.stop(), pass?.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Every archive in one folder, which is what a machine takes. */
function gathered(folder: string, archives: string[]): string {
  mkdirSync(folder);
  const files = archives.flatMap((one) => readdirSync(one).map((name) => join(one, name))).filter((file) => statSync(file).isFile());
  for (const file of files) linkSync(file, join(folder, basename(file)));
  return folder;
}
