import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, rmSync, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { sha256 } from "./cache";

export interface ImageContent {
  /** As a pod names it: `registry.k8s.io/pause:3.10.1`. */
  reference: string;
  entrypoint: string[];
  /** Programs by their absolute path in the image. */
  programs: Record<string, string>;
  links?: Record<string, string>;
  /** What is told of the image; version and origin of what is in it. */
  labels: Record<string, string>;
}

const EPOCH = new Date(0);
const root = { mtime: EPOCH, uid: 0, gid: 0 };
const PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
const GROUP = "root:x:0:\nnobody:x:65534:\n";

/**
 * Writes a `FROM scratch` image of one layer as `docker save` does; the same content gives the same bytes.
 * https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format
 */
export async function writeImageArchive(file: string, content: ImageContent): Promise<void> {
  const layer = `${file}.layer`;
  try {
    await written(layer, (tar) => addLayer(tar, content));
    const diff = await sha256(layer);
    const configuration = JSON.stringify(configurationOf(content, diff));
    const config = `${createHash("sha256").update(configuration).digest("hex")}.json`;
    const path = `${diff}/layer.tar`;
    await written(file, async (tar) => {
      await addFile(tar, path, layer, 0o644);
      tar.entry({ ...root, name: config }, configuration);
      tar.entry({ ...root, name: "manifest.json" }, JSON.stringify([{ Config: config, RepoTags: [content.reference], Layers: [path] }]));
    });
  } finally {
    rmSync(layer, { force: true });
  }
}

function configurationOf({ entrypoint, labels }: ImageContent, diff: string): object {
  const environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  const created = EPOCH.toISOString();
  return {
    architecture: "amd64",
    os: "linux",
    created,
    config: { Env: environment, Entrypoint: entrypoint, WorkingDir: "/", Labels: labels },
    rootfs: { type: "layers", diff_ids: [`sha256:${diff}`] },
    history: [{ created, created_by: "clowder" }],
  };
}

async function addLayer(tar: Pack, { programs, links = {} }: ImageContent): Promise<void> {
  const files = [...Object.keys(programs), ...Object.keys(links), "/etc/passwd", "/run/x", "/tmp/x", "/var/lib/x"];
  for (const name of foldersOf(files)) tar.entry({ ...root, name, type: "directory", mode: name === "tmp" ? 0o1777 : 0o755 });
  tar.entry({ ...root, name: "etc/passwd" }, PASSWD);
  tar.entry({ ...root, name: "etc/group" }, GROUP);
  for (const [path, to] of Object.entries(links)) tar.entry({ ...root, name: path.slice(1), type: "symlink", linkname: to });
  for (const [path, program] of Object.entries(programs)) await addFile(tar, path.slice(1), program, 0o755);
}

/** Every folder above the paths, each before what is in it. */
function foldersOf(paths: string[]): string[] {
  const above = (path: string): string[] => path.slice(1).split("/").slice(0, -1).map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  return [...new Set(paths.flatMap(above))].sort();
}

async function written(file: string, fill: (tar: Pack) => Promise<void>): Promise<void> {
  const tar = pack();
  const done = pipeline(tar, createWriteStream(file));
  await Promise.all([fill(tar).then(() => tar.finalize(), (error: Error) => tar.destroy(error)), done]);
}

async function addFile(tar: Pack, name: string, file: string, mode: number): Promise<void> {
  const entry = tar.entry({ ...root, name, mode, size: statSync(file).size });
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), entry);
}
