import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { adviceFor, nodeReasons } from "../../../shared/health/node-reasons";

const folder = join(__dirname, "../../../shared/bootstrap/node");
const scripts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));

/** Every way in which a node gives a reason. */
const given = [
  /\b(?:refuse|because) ([A-Z]\w+)/g,
  /^\s*stage [\w-]+ \S+ ([A-Z]\w+)/gm,
  /\bfail \S+ ([A-Z]\w+)/g,
  /\bfetch \S+ \S+ ([A-Z]\w+)/g,
  /\brun_kubeadm ([A-Z]\w+)/g,
  /\becho ([A-Z][a-z]\w+)$|\becho ([A-Z][a-z]\w+) (?:\|\||#)/gm,
  /failed at stage [\w-]+: ([A-Z]\w+):/g,
  /\("([A-Z][a-z]+[A-Z]\w+)", "[^"]+"\)/g,
];
const told = new Set(scripts.flatMap((text) => given.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, a, b]) => a ?? b ?? []))).filter((word) => /[a-z]/.test(word)));

test("the scripts' reasons are found at all", () => {
  for (const reason of ["ChecksumMismatch", "DiskFull", "RoleNotValid", "JoinRefused", "PreflightFailed", "StageTimedOut", "MetadataUnreachable"])
    expect(told).toContain(reason);
});

test.each([...told])("%s, which a node may tell, has a next step of its own", (reason) => {
  expect(nodeReasons).toContain(reason);
});

test("every next step is one sentence that says what to do, without its full stop", () => {
  for (const reason of nodeReasons) expect(adviceFor(reason).nextStep).toMatch(/^[a-zA-Z][^\n]{20,}[^.\s]$/);
});

test("a reason of nobody's is taken for the service's own fault", () => {
  expect(adviceFor("constructor")).toEqual({ blame: "clowder", nextStep: expect.stringMatching(/bundle/) });
});
