import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cached, sha256 } from "./cache";
import { buildModule, buildProgram, goVersion } from "./go";
import { writeImageArchive } from "./image-archive";
import { type Part, partsOf, proberImage } from "./versions";

/** What nodes of one Kubernetes release need, built from sources: folders below one. */
export interface Artifacts {
  kubernetesVersion: string;
  folder: string;
  /** Laid out as https://dl.k8s.io is: what the deployment's setting `artifactsKubernetes` may point at once it is served. */
  kubernetes: string;
  /** Image archives for every node, and those that only a control plane runs. */
  images: { everyNode: string; controlPlane: string };
  /** What the deployment's setting `proberImage` has to say for the archive to be used. */
  proberImage: string;
  /** Programs by name, among them the CNI plugins: what a data plane's image is made of. */
  programs: Record<string, string>;
}

export type Say = (line: string) => void;

/** Of each release the same: what goes to dl.k8s.io, what only a control plane runs, where a program is in its image. */
const RELEASED = ["kubeadm", "kubelet", "kubectl"];
const CONTROL_PLANE = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"];
const IN_ROOT = ["coredns", "pause", "agnhost"];
/** Go names a program after its package's folder. */
const GO_NAMES: Record<string, string> = { server: "etcd" };

/**
 * Builds what nodes of this release need, or takes it from the cache: some fifteen minutes of two cores the first time, seconds after.
 * @throws Error in a sentence when the Go toolchain is missing, the release is not in the table, or Go refuses
 */
export async function ensureArtifacts(kubernetesVersion: string, say: Say): Promise<Artifacts> {
  const go = goVersion();
  const folders = [];
  for (const part of partsOf(kubernetesVersion)) folders.push(await builtPart(part, go, say));
  folders.push(await builtProgram("pause", join(__dirname, "pause"), go, say));
  const recipe = [__filename, join(__dirname, "image-archive.ts")].map((file) => readFileSync(file, "utf8"));
  const programs = programsIn(folders);
  const folder = await cached(`kubernetes-${kubernetesVersion}`, { folders, recipe }, async (fresh) => {
    say(`Kubernetes ${kubernetesVersion}: writing images`);
    await layOut(fresh, kubernetesVersion, programs);
    await writeImages(fresh, kubernetesVersion, programs);
  });
  return {
    kubernetesVersion,
    folder,
    kubernetes: join(folder, "dl"),
    images: { everyNode: join(folder, "images/every-node"), controlPlane: join(folder, "images/control-plane") },
    proberImage: proberImage(kubernetesVersion),
    programs,
  };
}

function builtPart({ name, ...build }: Part, go: string, say: Say): Promise<string> {
  return cached(`built/${name}-${build.version}`, { build, go }, (fresh) => {
    say(`${build.module} ${build.version}: building ${build.packages.length} programs`);
    return buildModule(build, fresh, say);
  });
}

/** One of our own Go programs, built again when a file of it changes. @returns the folder it is in */
export function builtProgram(name: string, source: string, go: string, say: Say): Promise<string> {
  const own = readdirSync(source).filter((file) => !file.endsWith("_test.go"));
  const files = own.sort().map((file) => [file, readFileSync(join(source, file), "utf8")]);
  return cached(`built/${name}`, { files, go }, (fresh) => {
    say(`${name}: building`);
    return buildProgram(source, fresh, say);
  });
}

const programsIn = (folders: string[]): Record<string, string> =>
  Object.fromEntries(folders.flatMap((folder) => readdirSync(folder).map((file) => [GO_NAMES[file] ?? file, join(folder, file)])));

async function layOut(folder: string, version: string, programs: Record<string, string>): Promise<void> {
  const bin = join(folder, `dl/release/v${version}/bin/linux/amd64`);
  mkdirSync(bin, { recursive: true });
  for (const name of RELEASED) {
    linkSync(programs[name]!, join(bin, name));
    writeFileSync(join(bin, `${name}.sha256`), await sha256(programs[name]!));
  }
}

/** One archive for each image that kubeadm asks for, and the prober's. */
async function writeImages(folder: string, version: string, programs: Record<string, string>): Promise<void> {
  const asked = execFileSync(programs["kubeadm"]!, ["config", "images", "list", "--kubernetes-version", `v${version}`], { encoding: "utf8" });
  for (const reference of [...asked.trim().split("\n"), proberImage(version)]) {
    const name = reference.split("/").at(-1)!.split(":")[0]!;
    const program = programs[name];
    const built = partsOf(version).find((part) => part.name === name)?.version;
    if (!program || (built && !reference.includes(`:${built}`) && !reference.includes(`:${built.slice(1)}-`)))
      throw new Error(`kubeadm ${version} asks for ${reference}, and ${built ? `${name} ${built}` : `no ${name}`} is built`);
    const file = join(folder, "images", CONTROL_PLANE.includes(name) ? "control-plane" : "every-node", `${name}.tar`);
    mkdirSync(dirname(file), { recursive: true });
    const path = IN_ROOT.includes(name) ? `/${name}` : `/usr/local/bin/${name}`;
    const labels = { "org.opencontainers.image.description": `${name} built from its Go module for Kubernetes ${version}; not a published image` };
    await writeImageArchive(file, { reference, entrypoint: [path], programs: { [path]: program }, labels });
  }
}
