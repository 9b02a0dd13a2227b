import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeImageArchive } from "../../local/artifacts/image-archive";
import { ensureMachineImage } from "../../local/nodes/machine-image";
import { down, execute, nodeIds, up } from "../../local/nodes/node";
import { ensurePreparedImage } from "../../local/nodes/prepared-image";

const ids = [1, 2].map((index) => `i-p${process.pid}-${index}`);
const kept = process.env["XDG_CACHE_HOME"];
let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "clowder-prepared-"));
  for (const id of ids) execFileSync("ip", ["netns", "add", `clowder-${id}`]);
});
afterEach(async () => {
  for (const id of ids) {
    await down(id);
    execFileSync("ip", ["netns", "delete", `clowder-${id}`]);
  }
  if (kept === undefined) delete process.env["XDG_CACHE_HOME"];
  else process.env["XDG_CACHE_HOME"] = kept;
  rmSync(work, { recursive: true, force: true });
});

test("machines of a prepared image have its programs and images from the start, share what does not change and nothing else", async () => {
  const base = await ensureMachineImage(() => undefined);
  process.env["XDG_CACHE_HOME"] = work;
  const program = join(work, "greet");
  writeFileSync(program, "#!/bin/sh\necho hello\n", { mode: 0o755 });
  mkdirSync(join(work, "archives"));
  const reference = "registry.invalid/greet:1";
  await writeImageArchive(join(work, "archives/greet.tar"), { reference, entrypoint: ["/greet"], programs: { "/greet": program }, labels: {} });
  const before = await nodeIds();

  const image = await ensurePreparedImage(base, { programs: [program], archives: [join(work, "archives")] }, () => undefined);
  expect(await nodeIds()).toEqual(before);

  const folder = (id: string) => join(work, "nodes", id);
  const files = { "/etc/cloud/cloud-init.disabled": "" };
  for (const id of ids) await up({ id, hostname: id, netns: `/run/netns/clowder-${id}`, folder: folder(id), files, ...image });
  for (const id of ids) {
    const said = await execute(id, ["sh", "-c", "greet; until ctr -n k8s.io images ls -q; do sleep 0.1; done 2>/dev/null"]);
    expect(said).toContain("hello\nregistry.invalid/greet:1\n");
  }
  const inodes = (pattern: RegExp) => ids.map((id) => found(join(folder(id), "disk/containerd"), pattern).map((file) => statSync(file).ino));
  const [blobs, others] = inodes(/\/blobs\/sha256\//);
  expect(blobs!.length).toBeGreaterThan(0);
  expect(others).toEqual(blobs);
  const [databases, ofOther] = inodes(/\.db$/);
  expect(databases!.filter((inode) => ofOther!.includes(inode))).toEqual([]);
}, 180_000);

const found = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => pattern.test(file))
    .sort();
