import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Artifacts, ensureArtifacts } from "../../local/artifacts/artifacts";
import { type ArtifactSource, startArtifactSource } from "../../local/artifacts/source";
import { kubernetesReleases, proberImage } from "../../local/artifacts/versions";
import { type DataPlaneSet, standInSet } from "../../local/data-plane/manifest-set";

jest.setTimeout(120_000);
const run = promisify(execFile);
const release = kubernetesReleases[0]!;
let artifacts: Artifacts;
let standIn: DataPlaneSet;
let source: ArtifactSource;
let work: string;
beforeAll(async () => {
  artifacts = await ensureArtifacts(release, console.error);
  standIn = await standInSet(artifacts, console.error);
  source = await startArtifactSource({ kubernetes: artifacts.kubernetes, calico: standIn.calico });
  work = mkdtempSync(join(tmpdir(), "clowder-artifacts-"));
}, 3_600_000);
afterAll(async () => {
  await source?.stop();
  rmSync(work, { recursive: true, force: true });
});

test.each(["kubeadm", "kubelet", "kubectl"])("%s comes from the source with the checksum beside it and says its release", async (name) => {
  const url = `${source.url}/kubernetes/release/v${release}/bin/linux/amd64/${name}`;
  const file = join(work, name);
  await run("curl", ["-fsSL", "-o", file, url]);
  await run("curl", ["-fsSL", "-o", `${file}.sha256`, `${url}.sha256`]);
  const { stdout } = await run("sha256sum", [file]);
  expect(stdout.split(" ")[0]).toBe(readFileSync(`${file}.sha256`, "utf8"));
  const asked = { kubeadm: ["version", "-o", "short"], kubelet: ["--version"], kubectl: ["version", "--client"] }[name]!;
  const said = execFileSync(join(artifacts.kubernetes, `release/v${release}/bin/linux/amd64/${name}`), asked, { encoding: "utf8" });
  expect(said).toContain(`v${release}`);
});

test("a download that was cut resumes where it was", async () => {
  const url = `${source.url}/kubernetes/release/v${release}/bin/linux/amd64/kubectl`;
  const file = join(work, "resumed");
  await run("curl", ["-fsSL", "-r", "0-999999", "-o", file, url]);
  await run("curl", ["-fsSL", "-C", "-", "-o", file, url]);
  expect((await run("cmp", [file, join(artifacts.kubernetes, `release/v${release}/bin/linux/amd64/kubectl`)])).stdout).toBe("");
});

describe("a containerd of this test's own", () => {
  let containerd: ChildProcess;
  const ctr = async (...args: string[]) => (await run("ctr", ["--address", join(work, "containerd.sock"), "--namespace", "k8s.io", ...args])).stdout;
  beforeAll(async () => {
    const folders = ["--root", join(work, "root"), "--state", join(work, "state"), "--address", join(work, "containerd.sock")];
    containerd = spawn("containerd", ["--config", "/dev/null", ...folders], { stdio: "ignore" });
    const deadline = Date.now() + 30_000;
    while (!(await ctr("version").then(() => true, () => Date.now() > deadline))) await new Promise((again) => setTimeout(again, 100));
  });
  afterAll(async () => {
    const ended = new Promise((done) => containerd.once("exit", done));
    containerd.kill("SIGTERM");
    await ended;
  });

  test("takes every image that kubeadm asks for, the prober's and the stand-in's, under their names", async () => {
    const folders = [artifacts.images.everyNode, artifacts.images.controlPlane, standIn.images];
    for (const file of folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))) await ctr("images", "import", "--no-unpack", file);
    const kubeadm = artifacts.programs["kubeadm"]!;
    const asked = execFileSync(kubeadm, ["config", "images", "list", "--kubernetes-version", `v${release}`], { encoding: "utf8" }).trim().split("\n");
    const there = (await ctr("images", "list", "--quiet")).trim().split("\n");
    expect(there.filter((name) => !name.startsWith("sha256:")).sort()).toEqual([...asked, proberImage(release), `registry.invalid/clowder-stand-in:${release}`].sort());
    expect(await ctr("images", "check", "--quiet")).not.toMatch(/incomplete|missing/);
  }, 180_000);
});
