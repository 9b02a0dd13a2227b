import { happenings, renderChecks, renderHappening } from "../../../local/timeline";
import type { ClusterView } from "../../../shared/registry/cluster-view";

const cluster = (change: Partial<ClusterView> = {}): ClusterView => ({
  name: "demo.k8s.local",
  uid: "abcdefghij",
  region: "us-east-1",
  owner: "arn:aws:iam::000000000000:user/ada",
  status: "Creating",
  createdAt: "2026-11-23T10:00:00.000Z",
  conditions: [],
  timeline: [],
  warnings: [],
  resources: [],
  ...change,
});
const entry = (stage: string, second: number) => ({
  stage,
  startedAt: `2026-11-23T10:00:0${second}.000Z`,
  endedAt: `2026-11-23T10:00:0${second}.500Z`,
  seconds: 0.5,
  outcome: "done" as const,
});
const verdict = (status: "True" | "False", reason: string) => ({ status, reason, message: "as seen", checks: [] });
const told = (before: ClusterView | undefined, now: ClusterView) => happenings(before, now, 3).map(({ subject, outcome, text }) => [subject, outcome, text]);

describe("what happened", () => {
  test("the first look tells all there is", () => {
    const now = cluster({ timeline: [entry("CreateKeypair", 2), entry("CreateBucket", 1)] });
    expect(told(undefined, now)).toEqual([
      ["CreateBucket", "good", "done in 0.50 s"],
      ["CreateKeypair", "good", "done in 0.50 s"],
      ["demo.k8s.local", "going on", "Creating"],
    ]);
  });

  test("the same again tells nothing", () => {
    const now = cluster({ timeline: [entry("CreateBucket", 1)], nodes: { "nodes-0": "runtime" }, dataPlane: verdict("False", "FelixDown") });
    expect(told(now, structuredClone(now))).toEqual([]);
  });

  test("a stage that runs a second time is told a second time", () => {
    const before = cluster({ timeline: [entry("DeleteElb", 1)] });
    expect(told(before, cluster({ timeline: [entry("DeleteElb", 1), entry("DeleteElb", 4)] }))).toEqual([["DeleteElb", "good", "done in 0.50 s"]]);
  });

  test("a node's next stage, a new verdict and the end are told", () => {
    const before = cluster({ nodes: { "nodes-0": "runtime", "nodes-1": "runtime" }, dataPlane: verdict("False", "FelixDown") });
    const now = cluster({ status: "Ready", nodes: { "nodes-0": "registered", "nodes-1": "runtime" }, dataPlane: verdict("True", "TrafficProved") });
    expect(told(before, now)).toEqual([
      ["nodes-0", "going on", "registered"],
      ["DataPlaneVerified", "good", "True, TrafficProved: as seen"],
      ["demo.k8s.local", "good", "Ready"],
    ]);
  });

  test("a failure is told with its stage, code and message", () => {
    const failure = { code: "NodeFailed", blame: "clowder" as const, stage: "AwaitNodes", message: "it broke", at: "2026-11-23T10:00:09.000Z" };
    expect(told(cluster(), cluster({ status: "Failed", failure }))).toEqual([
      ["AwaitNodes", "bad", "NodeFailed: it broke"],
      ["demo.k8s.local", "bad", "Failed"],
    ]);
  });
});

describe("lines", () => {
  const line = { at: 12.34, kind: "stage" as const, subject: "CreateBucket", outcome: "good" as const, text: "done" };

  test("are aligned whatever the subject", () => {
    const texts = [line, { ...line, at: 1, subject: "Notify" }].map((one) => renderHappening(one, false));
    expect(texts.map((text) => text.indexOf("done"))).toEqual([40, 40]);
    expect(texts[0]).toBe("  +12.3s  ✓ CreateBucket                done");
  });

  test("have colour only when asked for", () => {
    expect(renderHappening(line, false)).not.toContain("\u001b");
    expect(renderHappening(line, true)).toContain("\u001b[32m✓\u001b[0m");
  });

  test("are cut where a message is long", () => {
    expect(renderHappening({ ...line, text: "x".repeat(500) }, false)).toMatch(/x…$/);
  });

  test("of checks show the sign of each status", () => {
    const checks = [
      { check: "nodes", status: "True", message: "2 of 2" },
      { check: "node-port", status: "False", message: "dead" },
      { check: "dns", status: "Unknown", message: "not tried" },
    ];
    expect(renderChecks(checks, false)).toEqual(["  ✓ nodes      True     2 of 2", "  ✗ node-port  False    dead", "  · dns        Unknown  not tried"]);
  });
});
