import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, cached } from "../artifacts/cache";
import { type NodeSpec, down, execute, up } from "./node";

const run = promisify(execFile);

/** What a machine is made from. */
export interface Image {
  /** Root folders, the upper first. */
  layers: string[];
  /** containerd's folder with images that are there from the start. */
  store?: string;
}

export interface Contents {
  /** Programs that lie in /usr/local/bin. */
  programs: string[];
  /** Folders of image archives. */
  archives: string[];
}

/**
 * An image that brings what its nodes would download, as an AMI of one's own would: a machine is booted from `base`, imports the
 * archives, and what it then has is kept, in the cache outside the checkout. Needs root.
 */
export async function ensurePreparedImage(base: string, { programs, archives }: Contents, say: (line: string) => void): Promise<Image> {
  const files = archives.flatMap(archivesIn);
  const ingredients = [basename(base), ...[...programs, ...files].map((file) => [basename(file), statSync(file).size, statSync(file).mtimeMs])];
  const make = async (fresh: string) => {
    say(`prepared image: ${programs.length} programs and ${files.length} images`);
    mkdirSync(join(fresh, "root/usr/local/bin"), { recursive: true });
    for (const program of programs) copyFileSync(program, join(fresh, "root/usr/local/bin", basename(program)));
    await importImages(base, archives.filter((one) => archivesIn(one).length > 0), join(fresh, "store"));
  };
  const folder = await cached("prepared-image", ingredients, make, { hashed: false });
  return { layers: [join(folder, "root"), base], store: join(folder, "store") };
}

/** As the node's own script finds them. */
const archivesIn = (folder: string): string[] => readdirSync(folder).filter((file) => /\.tar/.test(file)).sort().map((file) => join(folder, file));

/** On a machine without a network and without cloud-init. */
async function importImages(base: string, archives: string[], store: string): Promise<void> {
  const folder = mkdtempSync(join(cacheFolder(), "builder-"));
  const id = basename(folder);
  const netns = `clowder-${id}`;
  await run("ip", ["netns", "add", netns]);
  try {
    const files = { "/etc/cloud/cloud-init.disabled": "" };
    for (const [index, images] of archives.entries()) {
      const spec: NodeSpec = { id, hostname: id, netns: `/run/netns/${netns}`, folder: join(folder, "node"), layers: [base], images, files };
      await up(index === 0 ? spec : { ...spec, store });
      await execute(id, ["sh", "-c", "until ctr version; do sleep 0.1; done && for f in /opt/clowder/images/*.tar*; do ctr -n k8s.io images import $f; done"]);
      await execute(id, ["systemctl", "stop", "containerd"]);
      rmSync(store, { recursive: true, force: true });
      renameSync(join(folder, "node/disk/containerd"), store);
      await down(id);
    }
  } finally {
    await down(id);
    await run("ip", ["netns", "delete", netns]);
    rmSync(folder, { recursive: true, force: true });
  }
}
