import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type * as Go from "../../local/artifacts/go";

/** A module proxy of files, with a module made as Kubernetes is: it asks for v0.0.0 of modules that only its repository has beside it. */
jest.setTimeout(120_000);
const work = mkdtempSync(join(tmpdir(), "clowder-go-test-"));
const environment = { GOPROXY: `file://${work}/proxy`, GONOSUMDB: "*", GOMODCACHE: join(work, "modules") };
let go: typeof Go;
beforeAll(async () => {
  publish("example.test/kube", "v1.2.3", {
    "go.mod": `module example.test/kube

go 1.24

require example.test/api v0.0.0

require example.test/beside v0.5.0

replace example.test/api => ./staging/src/example.test/api

replace example.test/beside => ../beside
`,
    "cmd/say/main.go": `package main

import (
	"fmt"

	"example.test/api"
	"example.test/beside"
)

var version = "v0.0.0"

func main() { fmt.Println(version, api.Said, beside.Said) }
`,
  });
  publish("example.test/api", "v0.2.3", { "go.mod": "module example.test/api\n\ngo 1.24\n", "api.go": 'package api\n\nconst Said = "api v0.2.3"\n' });
  publish("example.test/beside", "v0.5.0", { "go.mod": "module example.test/beside\n\ngo 1.24\n", "beside.go": 'package beside\n\nconst Said = "beside v0.5.0"\n' });
  Object.assign(process.env, environment);
  go = await import("../../local/artifacts/go");
});
afterAll(() => {
  execFileSync("go", ["clean", "-modcache"], { env: { ...process.env, ...environment } });
  for (const name of Object.keys(environment)) delete process.env[name];
  rmSync(work, { recursive: true });
});

/** https://go.dev/ref/mod#goproxy-protocol */
function publish(module: string, version: string, files: Record<string, string>): void {
  const folder = join(work, "proxy", module, "@v");
  const source = join(work, "source", `${module}@${version}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, name), text);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${version}.info`), JSON.stringify({ Version: version }));
  writeFileSync(join(folder, `${version}.mod`), files["go.mod"]!);
  const inZip = Object.keys(files).map((name) => `${module}@${version}/${name}`);
  const zip = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as archive:\n  for name in sys.argv[2:]: archive.write(name)";
  execFileSync("python3", ["-c", zip, join(folder, `${version}.zip`), ...inZip], { cwd: join(work, "source") });
  rmSync(join(work, "source"), { recursive: true });
}

const build = (more: Partial<Go.GoBuild> = {}) => {
  const one = { module: "example.test/kube", version: "v1.2.3", packages: ["example.test/kube/cmd/say"], variables: { "main.version": "v1.2.3" }, ...more };
  return go.buildModule(one, join(work, "out"), () => undefined);
};

test("a module is built with the published modules in the places of those beside it, and says its version", async () => {
  await build();
  expect(execFileSync(join(work, "out/say"), { encoding: "utf8" })).toBe("v1.2.3 api v0.2.3 beside v0.5.0\n");
});

test("the program is static, and no path of this machine is in it", async () => {
  await build();
  const program = readFileSync(join(work, "out/say"), "latin1");
  expect(program).toContain("v1.2.3");
  expect([work, "ld-linux"].filter((one) => program.includes(one))).toEqual([]);
});

test("what Go refuses is told in its own words", async () => {
  await expect(build({ version: "v9.9.9" })).rejects.toThrow(/go mod failed.*v9\.9\.9/s);
  await expect(build({ packages: ["example.test/kube/cmd/nothing"] })).rejects.toThrow(/go build failed.*cmd\/nothing/s);
});

test("without a Go toolchain it is said in one sentence what is missing", () => {
  const { PATH } = process.env;
  process.env["PATH"] = work;
  try {
    expect(() => go.goVersion()).toThrow(/^Building Kubernetes needs the Go toolchain, 1\.24 or newer, as go on PATH: https:\/\/go\.dev\/dl\/$/);
  } finally {
    process.env["PATH"] = PATH;
  }
});
