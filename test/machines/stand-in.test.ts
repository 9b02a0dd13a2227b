import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

jest.setTimeout(120_000);
const source = resolve(__dirname, "../../local/data-plane/stand-in");

test("the stand-in's own tests pass, in network namespaces that they make", () => {
  const printed = execFileSync("go", ["test", "-count=1", "-v", "."], { cwd: source, encoding: "utf8", env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "" } });
  expect(printed.match(/^--- PASS: /gm)?.length).toBeGreaterThanOrEqual(7);
  expect(printed).not.toMatch(/^--- (FAIL|SKIP)/m);
});

test("its source is as gofmt leaves it, and go vet has nothing to say", () => {
  const goFiles = (folder: string) => execFileSync("gofmt", ["-l", folder], { encoding: "utf8" });
  expect([goFiles(source), goFiles(join(source, "../../artifacts/pause"))]).toEqual(["", ""]);
  execFileSync("go", ["vet", "."], { cwd: source, stdio: "pipe" });
});
