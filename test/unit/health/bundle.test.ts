import { archive, bundleFiles } from "../../../shared/health/bundle";
import type { Diagnostics } from "../../../shared/health/diagnostics";
import { clusterView } from "../../../shared/registry/cluster-view";
import { now, recordOf } from "../api/samples";
import { untar } from "../untar";

const failure = {
  ...{ code: "NodeFailed", blame: "clowder" as const, stage: "AwaitNodes", message: "nodes-0 failed at artifacts", at: now.toISOString() },
  ...{ node: "nodes-0", nodeStage: "artifacts", reason: "ChecksumMismatch", nextStep: "look what the URL serves", logTail: ["kubelet differs"] },
};
const diagnostics: Diagnostics = {
  collectedAt: now.toISOString(),
  machines: {
    "nodes-0": { instanceId: "i-1", beacons: { "99-failed.json": { logTail: ["one", "two"] } }, console: "boot\n" },
    "master-0": { instanceId: "i-2", beacons: {} },
  },
  evidence: { "i-2": { uid: "x" } },
  unread: [{ what: "console of i-2", why: "InvalidInstanceID.NotFound" }],
};

test("a bundle has the summary, the view, and a folder for each machine with what it said", () => {
  const files = bundleFiles(clusterView(recordOf({ status: "Failed", failure })), diagnostics);
  expect(Object.keys(files).sort()).toEqual(
    ["summary.txt", "cluster.json", "evidence/i-2.json", "machines/master-0/beacons.json"]
      .concat(["beacons.json", "console.txt", "log-tail.txt"].map((name) => `machines/nodes-0/${name}`))
      .sort(),
  );
  expect(files["machines/nodes-0/log-tail.txt"]).toBe("one\ntwo\n");
  expect(JSON.parse(files["cluster.json"]!)).toMatchObject({ name: "demo.k8s.local", failure: { reason: "ChecksumMismatch" } });
  for (const said of ["NodeFailed", "AwaitNodes", "nodes-0, at its stage artifacts: ChecksumMismatch", "look what the URL serves", "kubelet differs"])
    expect(files["summary.txt"]).toContain(said);
  expect(files["summary.txt"]).toContain("not read: console of i-2: InvalidInstanceID.NotFound");
  expect(files["summary.txt"]).toMatch(/CreateBucket .*done, 1 s/);
});

test("a secret that a message carries does not reach the archive", () => {
  const leaking = { ...failure, message: "join with abcdef.0123456789abcdef", logTail: ["password: hunter2hunter2"] };
  const text = Object.values(bundleFiles(clusterView(recordOf({ failure: leaking })), undefined)).join("\n");
  expect(text).not.toMatch(/abcdef\.0123456789abcdef|hunter2/);
  expect(text).toContain("Nothing of the machines was kept.");
});

test("the archive is a gzipped tar whose files are under one folder, and the same twice", async () => {
  const files = { "a.txt": "one\n", "b/ä.json": "{}\n" };
  const bytes = await archive("demo-x", files, now);
  expect(await untar(bytes)).toEqual({ "demo-x/a.txt": "one\n", "demo-x/b/ä.json": "{}\n" });
  expect(await archive("demo-x", files, now)).toEqual(bytes);
});
