import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case, Kind, Phase } from "../../../local/faults/cases";
import { latest, openJournal } from "../../../local/faults/journal";
import { readFaultOptions } from "../../../local/faults/options";
import { type Result, summaryLine, tableOf, troubleLines, unlookedLine } from "../../../local/faults/table";
import { type Outcome, type Seen, verdictOf } from "../../../local/faults/verdict";

const good: Seen = { ready: true, status: "Deleted", certified: true, neverBegun: false, left: [], missing: [] };
const of = (kind: Kind, phase: Phase = "create") => ({ kind, phase });

describe("a verdict", () => {
  test("ready: it was, and then nothing was left", () => {
    expect(verdictOf(of("throttled"), true, good)).toEqual({ outcome: "ready" });
  });

  test("failed and gone: the create gave up and nothing was left", () => {
    expect(verdictOf(of("refused"), true, { ...good, ready: false })).toEqual({ outcome: "failed and gone" });
  });

  test("a delete that is refused something suspects a leak, and is gone once it is allowed", () => {
    expect(verdictOf(of("refused", "delete"), true, { ...good, leakSuspected: "ec2:DeleteVpc is refused" })).toEqual({ outcome: "failed and gone" });
  });

  test("a POST that was refused has nothing to certify", () => {
    const { status: _, ...refused } = { ...good, ready: false, certified: false, neverBegun: true };
    expect(verdictOf(of("refused"), true, refused)).toEqual({ outcome: "failed and gone" });
  });

  test.each<[string, Partial<Seen>, Kind]>([
    ["left: vpc vpc-1", { left: ["vpc vpc-1"] }, "killed"],
    ["taken away: bucket theirs", { missing: ["bucket theirs"] }, "killed"],
    ["a leak was suspected without cause: vpc-1 is not empty", { leakSuspected: "vpc-1 is not empty" }, "throttled"],
    ["the record says Deleting", { status: "Deleting" }, "killed"],
    ["no certificate", { certified: false }, "killed"],
    ["x hangs in Creating", { hangs: "x hangs in Creating" }, "killed"],
  ])("a leftover: %s", (why, change, kind) => {
    expect(verdictOf(of(kind, "delete"), true, { ...good, ...change })).toEqual({ outcome: "leftover", why });
  });

  test("a fault that was not met proves nothing", () => {
    expect(verdictOf(of("killed"), false, good)).toEqual({ outcome: "not met" });
  });
});

const result = (outcome: Outcome, phase: Phase, action: string, kind: Kind, why?: string): Result => {
  const one: Case = { phase, function: "f", action, n: 1, kind, id: `${phase}/f/${action}#1/${kind}` };
  return { case: one, outcome, seconds: 1, sources: "aaa", ...(why && { why }) };
};
const results = [
  result("ready", "create", "ec2:CreateVpc", "throttled"),
  result("failed and gone", "create", "ec2:CreateVpc", "refused"),
  result("leftover", "delete", "s3:DeleteBucket", "killed", "left: bucket x"),
  result("not met", "delete", "s3:ListBucket", "killed"),
];

test("the last line counts every case", () => {
  expect(summaryLine(results.slice(0, 3))).toBe("3 cases, 1 ready, 1 failed and gone, 1 leftovers");
  expect(summaryLine(results)).toBe("4 cases, 1 ready, 1 failed and gone, 1 leftovers, 1 not met");
});

test("the table has a row for each service of a phase and marks what is wrong", () => {
  const [head, ...rows] = tableOf(results).map((row) => row.split(/ {2,}/));
  expect(head).toEqual(["ready + failed and gone", "throttled", "reply-lost", "replies-lost", "refused", "killed", "unseen", "killed-unseen", "all"]);
  expect(rows).toEqual([
    ["create ec2", "1+0", "-", "-", "0+1", "-", "-", "-", "1+1"],
    ["delete s3", "-", "-", "-", "-", "0+0 ✗2", "-", "-", "0+0 ✗2"],
  ]);
  expect(troubleLines(results)).toEqual(["leftover  delete/f/s3:DeleteBucket#1/killed: left: bucket x", "not met  delete/f/s3:ListBucket#1/killed"]);
});

test("an unseen effect that nobody looked for is told apart: it passes by itself", () => {
  const unseen = result("ready", "create", "ec2:CreateVpc", "unseen");
  expect(unlookedLine([...results, unseen, { ...unseen, hidden: 3 }])).toBe("1 of 2 unseen effects were looked for by nobody while they were");
});

describe("the journal", () => {
  const folder = mkdtempSync(join(tmpdir(), "journal-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("an interrupted run goes on, over the same sources only, and the last result of a case counts", () => {
    const [first, second] = results as [Result, Result];
    openJournal("aaa", { resume: false }, folder).add({ ...first, outcome: "leftover" });
    const resumed = openJournal("aaa", { resume: true }, folder);
    resumed.add(first);
    resumed.add(second);
    expect(openJournal("aaa", { resume: true }, folder).results).toEqual([first, second]);
    expect(openJournal("bbb", { resume: true }, folder).results).toEqual([]);
    expect(openJournal("aaa", { resume: false }, folder).results).toEqual([]);
  });

  test("of a run over other sources only the good ends are carried over", () => {
    const [ready, , leftover] = results as [Result, Result, Result];
    const before = openJournal("before", { resume: false }, folder);
    for (const one of [ready, leftover]) before.add(one);
    expect(openJournal("after", { resume: false, carry: before.path }, folder).results).toEqual([ready]);
    expect(() => openJournal("after", { resume: false, carry: "/nowhere" }, folder)).toThrow("there is no journal");
  });

  test("latest keeps one of each case", () => {
    expect(latest([...results, results[0]!])).toHaveLength(results.length);
  });
});

describe("options", () => {
  const read = (...args: string[]) => readFaultOptions(args, () => 7);

  test("a seed is drawn where none is given", () => {
    expect(read()).toMatchObject({ seed: 7, only: [], parallel: 2, resume: false });
    expect(read("--cases", "6", "--seed", "0", "--only", "a", "--only", "b")).toMatchObject({ cases: 6, seed: 0, only: ["a", "b"] });
  });

  test.each([[["--cases", "0"]], [["--seed", "x"]], [["--parallel", "1.5"]], [["--unknown"]]])("%j is refused", (args) => {
    expect(() => read(...args)).toThrow();
  });
});
