import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";

/** Outside the checkout, so that a fresh clone finds what an older one built. */
export const cacheFolder = (): string => join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "clowder");

/** One line a file, as `sha256sum --check` reads it. */
export const HASHES = "SHA256SUMS";
const HEARTBEAT_MS = 2000;
const ABANDONED_MS = 30_000;
/** What was not used for so long goes when another of its name is made. */
const FORGOTTEN_MS = 14 * 24 * 3_600_000;

/**
 * A folder that `make` fills once for the same ingredients. Its files are checked against its hash list at each use; one that differs
 * is made again. With `hashed: false`, for a machine's whole root, it is taken as it is. Safe to ask for from several processes at once: one makes it, the others wait.
 * @param ingredients everything the content depends on; becomes part of the folder's name
 * @throws whatever `make` throws; nothing is left then
 */
export async function cached(name: string, ingredients: unknown, make: (folder: string) => Promise<void>, { hashed = true } = {}): Promise<string> {
  const digest = createHash("sha256").update(JSON.stringify(ingredients)).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(), `${name}-${digest}`);
  if (await isWhole(folder, hashed)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  return exclusively(`${folder}.lock`, async () => {
    if (await isWhole(folder, hashed)) return folder;
    const fresh = `${folder}.new`;
    for (const old of [fresh, folder]) rmSync(old, { recursive: true, force: true });
    mkdirSync(fresh);
    try {
      await make(fresh);
      if (hashed) writeFileSync(join(fresh, HASHES), await hashList(fresh));
      renameSync(fresh, folder);
      forgetOld(folder);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
    return folder;
  });
}

async function isWhole(folder: string, hashed: boolean): Promise<boolean> {
  if (!existsSync(hashed ? join(folder, HASHES) : folder)) return false;
  if (!hashed || readFileSync(join(folder, HASHES), "utf8") === (await hashList(folder))) {
    utimesSync(folder, new Date(), new Date());
    return true;
  }
  console.error(`${folder} is not as it was made: made again`);
  return false;
}

function forgetOld(folder: string): void {
  const name = folder.replace(/-[0-9a-f]{16}$/, "");
  for (const entry of readdirSync(dirname(folder))) {
    const other = join(dirname(folder), entry);
    if (other.replace(/-[0-9a-f]{16}$/, "") !== name || other === folder) continue;
    if (Date.now() - statSync(other).mtimeMs > FORGOTTEN_MS) rmSync(other, { recursive: true, force: true });
  }
}

async function hashList(folder: string): Promise<string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== HASHES)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const lines = [];
  for (const file of files) lines.push(`${await sha256(file)}  ${relative(folder, file)}\n`);
  return lines.join("");
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** A folder is a lock because making one is atomic. Its holder touches it; one that nobody touched was left by a process that was killed. */
async function exclusively<Result>(lock: string, work: () => Promise<Result>): Promise<Result> {
  while (!taken(lock)) {
    const touched = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - touched > ABANDONED_MS) rmSync(lock, { recursive: true, force: true });
    else await new Promise((again) => setTimeout(again, 200));
  }
  const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(lock, { recursive: true, force: true });
  }
}

function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
