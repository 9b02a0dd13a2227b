import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "..");
const OLDEST = "3.10";

/** Where everything that is made on this machine is kept: environments, logs, packages. Never committed. */
export const cache = join(root, ".cache");

/**
 * A virtual environment with what `requirementsFile` pins, in `.cache/<folder>`; made again only when the file changes.
 * Safe to ask for from several processes at once: one makes it, the others wait.
 * @returns its folder of programs
 * @throws Error in one sentence when there is no Python 3.10 or pip refuses
 */
export function venv(requirementsFile: string, folder: string): string {
  const home = join(cache, folder);
  const programs = join(home, "bin");
  const stamp = join(home, "requirements.sha256");
  const digest = createHash("sha256").update(readFileSync(join(root, requirementsFile))).digest("hex");
  const ready = () => existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
  if (ready()) return programs;
  mkdirSync(cache, { recursive: true });
  return exclusively(`${home}.lock`, () => {
    if (ready()) return programs;
    console.error(`installing ${requirementsFile} into .cache/${folder} (once)`);
    rmSync(home, { recursive: true, force: true });
    run(findPython(), ["-m", "venv", home]);
    run(join(programs, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", join(root, requirementsFile)]);
    writeFileSync(stamp, digest);
    return programs;
  });
}

/** Path of `shellcheck`, `cfn-lint` or `checkov` at the version the project pins. */
export function lintTool(name: string): string {
  const tool = join(venv("local/lint-requirements.txt", "lint"), name);
  if (!existsSync(tool)) throw new Error(`${name} is not among local/lint-requirements.txt`);
  return tool;
}

function findPython(): string {
  const test = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${OLDEST.replace(".", ", ")}))`;
  for (const name of ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"])
    if (spawnSync(name, ["-c", test], { stdio: "ignore" }).status === 0) return name;
  throw new Error(`The local run needs Python ${OLDEST} or newer, with its venv module, as python3 on PATH.`);
}

function run(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr.trim().split("\n").slice(-3).join(" ")}`);
}

/** A folder is a lock because making one is atomic; one older than ten minutes was left by a process that was killed. */
function exclusively<Result>(lock: string, work: () => Result): Result {
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 600_000) rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
