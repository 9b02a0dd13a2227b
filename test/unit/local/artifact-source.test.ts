import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArtifactSource, startArtifactSource } from "../../../local/artifacts/source";

const PATH = "/kubernetes/release/v1.34.4/bin/linux/amd64/kubeadm";
let folder: string;
let source: ArtifactSource;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "clowder-source-"));
  mkdirSync(join(folder, "dl/release/v1.34.4/bin/linux/amd64"), { recursive: true });
  writeFileSync(join(folder, "dl/release/v1.34.4/bin/linux/amd64/kubeadm"), "0123456789");
  writeFileSync(join(folder, "secret"), "not served");
  source = await startArtifactSource({ kubernetes: join(folder, "dl") });
});
afterEach(() => source.misbehave());
afterAll(async () => {
  await source.stop();
  rmSync(folder, { recursive: true });
});

const get = (path = PATH, init: RequestInit = {}) => fetch(`${source.url}${path}`, init);

test("a set is served below its name, at loopback", async () => {
  expect(source.url).toBe(`http://127.0.0.1:${source.port}`);
  const answer = await get();
  expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([200, "10", "0123456789"]);
  expect(source.asked.at(-1)).toBe(PATH);
});

test("HEAD tells the length, a range gives its part", async () => {
  const head = await get(PATH, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "10", ""]);
  const part = await get(PATH, { headers: { range: "bytes=4-" } });
  expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 4-9/10", "456789"]);
});

test.each(["/kubernetes/release/nothing", "/other/release", "/", "/kubernetes", "/kubernetes/..%2fsecret", "/toString/x"])("%s is not there", async (path) => {
  expect([403, 404]).toContain((await get(path)).status);
});

test("made to, it gives a file of the same length with one bit off, and the file itself stays", async () => {
  source.misbehave({ path: /kubeadm$/, how: "corrupt" });
  const text = await (await get()).text();
  expect([text.length, text === "0123456789", text.slice(1)]).toEqual([10, false, "123456789"]);
  source.misbehave();
  expect(await (await get()).text()).toBe("0123456789");
});

test("made to, it says that a file is missing, cuts the connection, or falls silent after the headers", async () => {
  source.misbehave({ path: /kubeadm$/, how: "missing" });
  expect((await get()).status).toBe(404);
  source.misbehave({ path: /kubeadm$/, how: "refuse" });
  await expect(get()).rejects.toThrow("fetch failed");
  source.misbehave({ path: /kubeadm$/, how: "stall" });
  const silent = await get(PATH, { signal: AbortSignal.timeout(500) });
  expect(silent.status).toBe(200);
  await expect(silent.text()).rejects.toThrow(/abort|timeout/i);
});

test("only the paths that match go wrong", async () => {
  source.misbehave({ path: /kubelet$/, how: "missing" });
  expect((await get()).status).toBe(200);
});
