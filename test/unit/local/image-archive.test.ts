import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Header, extract } from "tar-stream";
import { type ImageContent, writeImageArchive } from "../../../local/artifacts/image-archive";

let folder: string;
let image: ImageContent;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clowder-image-"));
  const program = join(folder, "program");
  writeFileSync(program, "\x7fELF".padEnd(3000, "x"));
  image = {
    reference: "registry.invalid/thing:1.2",
    entrypoint: ["/usr/local/bin/thing"],
    programs: { "/usr/local/bin/thing": program },
    links: { "/lib": "host/usr/lib" },
    labels: { what: "a test" },
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

async function entries(archive: Buffer): Promise<Record<string, { header: Header; content: Buffer }>> {
  const found: Record<string, { header: Header; content: Buffer }> = {};
  const tar = extract();
  tar.end(archive);
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found[entry.header.name.replace(/\/$/, "")] = { header: entry.header, content: Buffer.concat(chunks) };
  }
  return found;
}

const written = async (name: string, content = image): Promise<Buffer> => {
  const file = join(folder, name);
  await writeImageArchive(file, content);
  return readFileSync(file);
};

test("the manifest names a configuration and a layer that are there and have the digests they are named by", async () => {
  const archive = await entries(await written("image.tar"));
  const [manifest] = JSON.parse(archive["manifest.json"]!.content.toString());
  expect(manifest.RepoTags).toEqual(["registry.invalid/thing:1.2"]);
  expect(sha256(archive[manifest.Config]!.content)).toBe(manifest.Config.replace(".json", ""));
  const configuration = JSON.parse(archive[manifest.Config]!.content.toString());
  const layer = archive[manifest.Layers[0]]!.content;
  expect(configuration.rootfs.diff_ids).toEqual([`sha256:${sha256(layer)}`]);
  expect(configuration).toMatchObject({ os: "linux", architecture: "amd64", config: { Entrypoint: ["/usr/local/bin/thing"], Labels: { what: "a test" } } });
});

test("the layer has the program, executable, the links, and every folder before what is in it", async () => {
  const archive = await entries(await written("image.tar"));
  const [{ Layers }] = JSON.parse(archive["manifest.json"]!.content.toString());
  const layer = await entries(archive[Layers[0]]!.content);
  const names = Object.keys(layer);
  expect(layer["usr/local/bin/thing"]).toMatchObject({ header: { mode: 0o755, uid: 0, gid: 0 }, content: readFileSync(join(folder, "program")) });
  expect(layer["lib"]!.header).toMatchObject({ type: "symlink", linkname: "host/usr/lib" });
  expect(layer["tmp"]!.header).toMatchObject({ type: "directory", mode: 0o1777 });
  expect(layer["etc/passwd"]!.content.toString()).toContain("nobody:x:65534");
  for (const name of names.filter((one) => one.includes("/"))) {
    const above = name.slice(0, name.lastIndexOf("/"));
    expect([name, names.indexOf(above)]).toEqual([name, expect.any(Number)]);
    expect(names.indexOf(above)).toBeLessThan(names.indexOf(name));
    expect(names).toContain(above);
  }
});

test("the same content gives the same bytes, whenever its files were written", async () => {
  const first = await written("first.tar");
  utimesSync(join(folder, "program"), new Date(), new Date("2001-01-01"));
  expect((await written("second.tar")).equals(first)).toBe(true);
  const outer = await entries(first);
  const [{ Config, Layers }] = JSON.parse(outer["manifest.json"]!.content.toString());
  const times = [outer, await entries(outer[Layers[0]]!.content)].flatMap((all) => Object.values(all).map(({ header }) => header.mtime?.getTime()));
  expect(new Set(times)).toEqual(new Set([0]));
  expect(JSON.parse(outer[Config]!.content.toString()).created).toBe("1970-01-01T00:00:00.000Z");
});

test("another program gives another image", async () => {
  const first = await written("first.tar");
  writeFileSync(join(folder, "program"), "\x7fELF".padEnd(3000, "y"));
  expect((await written("second.tar")).equals(first)).toBe(false);
});

test("a program that is not there leaves no half image's layer behind", async () => {
  const missing = { ...image, programs: { "/thing": join(folder, "nothing") } };
  await expect(writeImageArchive(join(folder, "image.tar"), missing)).rejects.toThrow("ENOENT");
  expect(() => readFileSync(join(folder, "image.tar.layer"))).toThrow("ENOENT");
});
