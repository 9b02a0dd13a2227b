import { resolve } from "node:path";
import { readOptions } from "../../../local/demo-options";
import { readManifest, renamed } from "../../../local/manifest";

const seed = resolve(__dirname, "../../cases/seed/manifest.yaml");

test("without arguments the seed is shown healthy", () => {
  expect(readOptions([])).toEqual({ manifest: "test/cases/seed/manifest.yaml", row: "healthy", loseSchedule: false, crowd: false, json: false, keep: false, speed: 1 });
});

test("every option is read", () => {
  expect(readOptions(["--manifest", "a.yaml", "--row", "eth0-detached", "--fail", "node:runtime:DiskFull", "--speed", "4", "--json", "--keep"])).toEqual({
    manifest: "a.yaml",
    row: "eth0-detached",
    fail: { who: "node", stage: "runtime", reason: "DiskFull" },
    loseSchedule: false,
    crowd: false,
    json: true,
    keep: true,
    speed: 4,
  });
});

test.each([
  ["a node's key and no reason", "nodes-us-east-1a-0:registered", { who: "nodes-us-east-1a-0", stage: "registered", reason: "StageFailed" }],
  ["a role's own stage", "probe-client:listening:Silent", { who: "probe-client", stage: "listening", reason: "Silent" }],
])("--fail takes %s", (_, text, fail) => {
  expect(readOptions(["--fail", text]).fail).toEqual(fail);
});

test("--replace takes a worker's key", () => {
  expect(readOptions(["--replace", "nodes-us-east-1a-0"]).replace).toBe("nodes-us-east-1a-0");
});

test.each([
  [["--row", "nothing-such"], "there is no row nothing-such"],
  [["--row", "toString"], "there is no row toString"],
  [["--rows", "some"], "--rows takes all"],
  [["--fail", "node:calico-applied"], "comes one of started, material, artifacts, runtime, registered"],
  [["--fail", "node"], "comes one of"],
  [["--speed", "0"], "not a positive number"],
  [["--lose-schedule"], "needs a --ttl"],
  [["--crowd", "--ttl", "1m"], "ends by DELETE"],
  [["--replace", "nodes-0", "--fail", "node:runtime"], "goes with a cluster that is well"],
  [["--wrong"], "--wrong"],
])("%j is refused with what is wrong", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});

test("a renamed manifest is the same cluster under another name, in a bucket of its own", () => {
  const manifest = readManifest(seed);
  const other = renamed(manifest, "second");
  expect(manifest).toMatchObject({ cluster: "demo.k8s.local", bucket: "calico-kops-demo" });
  expect(other.text).toContain("configBase: s3://calico-kops-demo-second/second.k8s.local\n");
  expect(other.text).not.toContain("demo.k8s.local");
  expect(other.text.split("\n")).toHaveLength(manifest.text.split("\n").length);
});
