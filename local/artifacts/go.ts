import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A module's main packages, as the Go module proxy has them. Go checks what it downloads against the checksum database. */
export interface GoBuild {
  module: string;
  /** With `v`. */
  version: string;
  /** Programs by the path of their package. */
  packages: string[];
  /** `-X` assignments: what a release build says about itself. */
  variables: Record<string, string>;
}

/** Static programs without paths of this machine in them. `amd64` alone: real machines run on the machine that builds. */
const environment = { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOARCH: "amd64", GOWORK: "off" };
const WRAPPER = "clowder.invalid/build";

/** @throws Error in one sentence when there is no Go toolchain */
export function goVersion(): string {
  const { stdout, status } = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8", env: process.env });
  if (status !== 0) throw new Error("Building Kubernetes needs the Go toolchain, 1.24 or newer, as go on PATH: https://go.dev/dl/");
  return stdout.trim();
}

/**
 * Builds the programs of a module into `folder`, each named as Go names it.
 * @throws Error with the last lines that Go printed
 */
export async function buildModule(build: GoBuild, folder: string, say: (line: string) => void): Promise<void> {
  const wrapper = mkdtempSync(join(tmpdir(), "clowder-go-"));
  try {
    await wrap(build, wrapper);
    await goBuild(wrapper, "-mod=mod", build.packages, build.variables, folder, (line) => say(`${build.module} ${build.version}: ${line}`));
  } finally {
    rmSync(wrapper, { recursive: true, force: true });
  }
}

/** Builds the program whose source is in `source`, with its own go.mod and go.sum. */
export async function buildProgram(source: string, folder: string, say: (line: string) => void): Promise<void> {
  await goBuild(source, "-mod=readonly", ["."], {}, folder, (line) => say(`${source}: ${line}`));
}

/**
 * A module that requires `module`, with the versions that it was released with. A go.mod may replace modules by folders beside it, which
 * only its repository has. They are published too: those of Kubernetes, which it asks for as v0.0.0, as v0.X.Y for v1.X.Y.
 */
async function wrap({ module, version }: GoBuild, wrapper: string): Promise<void> {
  writeFileSync(join(wrapper, "go.mod"), `module ${WRAPPER}\n`);
  const { Dir, GoMod } = JSON.parse(await go(wrapper, ["mod", "download", "-json", `${module}@${version}`])) as { Dir: string; GoMod: string };
  const { Replace } = JSON.parse(await go(wrapper, ["mod", "edit", "-json", GoMod])) as { Replace: { Old: { Path: string }; New: { Path: string } }[] | null };
  copyFileSync(GoMod, join(wrapper, "go.mod"));
  if (existsSync(join(Dir, "go.sum"))) copyFileSync(join(Dir, "go.sum"), join(wrapper, "go.sum"));
  for (const file of ["go.mod", "go.sum"]) if (existsSync(join(wrapper, file))) chmodSync(join(wrapper, file), 0o644);
  const beside = (Replace ?? []).filter(({ New }) => New.Path.startsWith("."));
  const published = version.replace("v1.", "v0.");
  const edits = beside.flatMap(({ Old: { Path }, New }) =>
    New.Path.startsWith("./staging/") ? [`-require=${Path}@${published}`, `-replace=${Path}=${Path}@${published}`] : [`-dropreplace=${Path}`],
  );
  await go(wrapper, ["mod", "edit", `-module=${WRAPPER}`, `-require=${module}@${version}`, ...edits]);
}

function goBuild(cwd: string, mod: string, packages: string[], variables: Record<string, string>, folder: string, say: (line: string) => void): Promise<string> {
  const assignments = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  const flags = ["-v", mod, "-buildvcs=false", "-trimpath", "-ldflags", ["-s -w", ...assignments].join(" "), "-o", `${folder}/`];
  return go(cwd, ["build", ...flags, ...packages], say);
}

const SAY_EACH_MS = 10_000;
const KEPT_LINES = 8;

/** What `go` printed. With `-v` it names each package that it compiles, which tells how far it is. */
function go(cwd: string, args: string[], say?: (line: string) => void): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn("go", args, { cwd, env: { ...environment, GOFLAGS: "" }, stdio: ["ignore", "pipe", "pipe"] });
    const ended = () => child.kill("SIGTERM");
    process.once("exit", ended);
    const last: string[] = [];
    let [compiled, said, printed] = [0, Date.now(), ""];
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk));
    createInterface(child.stderr).on("line", (line) => {
      last.push(line);
      if (last.length > KEPT_LINES) last.shift();
      if (!line.startsWith("go: ")) compiled += 1;
      if (Date.now() - said < SAY_EACH_MS) return;
      said = Date.now();
      say?.(`${compiled} packages compiled, now ${line}`);
    });
    child.once("error", failed);
    child.once("close", (code) => {
      process.removeListener("exit", ended);
      if (code === 0) done(printed);
      // With -json it tells what is wrong in what it prints.
      else failed(new Error(`go ${args[0]} failed: ${last.join("\n") || printed.trim()}`));
    });
  });
}
