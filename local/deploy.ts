import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { CloudFormationClient, DescribeStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import { type Emulators, region } from "./emulators/emulators";
import { cache } from "./python";

const root = resolve(__dirname, "..");
const STAGE = "local";
const SERVICE = "clowder";

export interface DeployOptions {
  /** `--param` values of serverless.yml; they become part of the package. */
  params?: Record<string, string>;
  /** Folder of serverless.yml; the project's own unless a test brings a smaller one. */
  folder?: string;
}

export interface Deployed {
  /** What routes are under, without a slash at the end. */
  apiUrl: string;
  /** Physical names by CloudFormation's logical ids. */
  resources: Record<string, string>;
  stage: string;
  /** Folder with the template and one zip a function. */
  packageFolder: string;
  seconds: { package: number; deploy: number };
}

/**
 * The real `serverless package` and `serverless deploy` against the emulators. A package of the same sources and parameters is taken
 * from `.cache/packages`; the deploy is done each time.
 * @throws Error with the last lines that serverless printed
 */
export async function deployLocally(emulators: Pick<Emulators, "endpoint" | "environment">, options: DeployOptions = {}): Promise<Deployed> {
  const { params = {}, folder = root } = options;
  const flags = flagsOf(params);
  const began = Date.now();
  const packageFolder = await packageOf(folder, params, flags);
  const packaged = Date.now();
  const work = mkdtempSync(join(tmpdir(), "clowder-deploy-"));
  try {
    // The deploy deletes the folder it is given.
    cpSync(packageFolder, join(work, "package"), { recursive: true });
    await serverless(folder, ["deploy", "--package", join(work, "package"), ...flags], 180_000, emulators.environment);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const resources = await stackResources(emulators);
  return {
    apiUrl: `${emulators.endpoint}/_aws/execute-api/${resources["HttpApi"]}/$default`,
    resources,
    stage: STAGE,
    packageFolder,
    seconds: { package: (packaged - began) / 1000, deploy: (Date.now() - packaged) / 1000 },
  };
}

/** The package alone, as `deployLocally` makes it: what the template's tests read. @returns its folder */
export const packageLocally = (params: Record<string, string> = {}): Promise<string> => packageOf(root, params, flagsOf(params));

const flagsOf = (params: Record<string, string>): string[] => [
  ...["--stage", STAGE, "--region", region],
  ...Object.entries(params).map(([key, value]) => `--param=${key}=${value}`),
];

/** What a package is made of. */
const SOURCES = ["serverless.yml", "package.json", "package-lock.json", "tsconfig.json", "functions", "statemachines", "shared"];

/** Packages a copy of the sources: an edit, or somebody else's build in the same folder, cannot get into it half-way. */
async function packageOf(folder: string, params: Record<string, string>, flags: string[]): Promise<string> {
  const packages = join(cache, "packages");
  mkdirSync(packages, { recursive: true });
  const work = mkdtempSync(join(packages, "new-"));
  const source = join(work, "source");
  const fresh = join(work, "package");
  try {
    for (const part of SOURCES.filter((name) => existsSync(join(folder, name)))) cpSync(join(folder, part), join(source, part), { recursive: true });
    const kept = join(packages, digestOf(source, params));
    if (existsSync(kept)) return kept;
    symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
    await serverless(source, ["package", "--package", fresh, ...flags], 240_000, {});
    forgetOld(packages);
    // Another process may have been quicker with the same one.
    if (!existsSync(kept)) renameSync(fresh, kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of the product's sources alone, whatever they are deployed with. */
export const sourcesDigest = (): string => digestOf(root, {}, SOURCES);

function digestOf(folder: string, params: Record<string, string>, names = readdirSync(folder)): string {
  const hash = createHash("sha256").update(JSON.stringify(params));
  const add = (path: string): void => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name));
    else hash.update(`\n${relative(folder, path)}\n`).update(readFileSync(path));
  };
  for (const name of [...names].sort()) add(join(folder, name));
  return hash.digest("hex").slice(0, 20);
}

/** A change of the sources makes a new package: the five newest are kept. */
function forgetOld(packages: string): void {
  const age = (name: string) => statSync(join(packages, name)).mtimeMs;
  const finished = readdirSync(packages).filter((name) => !name.startsWith("new-"));
  for (const name of finished.sort((a, b) => age(b) - age(a)).slice(4)) rmSync(join(packages, name), { recursive: true, force: true });
}

/** A build that fails can leave `package` hanging for ever, so it has a time-out and a process group of its own. */
function serverless(cwd: string, args: string[], milliseconds: number, environment: Record<string, string>): Promise<void> {
  const logs = join(cache, "logs");
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `serverless-${args[0]}.log`);
  const out = openSync(log, "w");
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "node_modules/.bin/serverless"), ...args], {
    cwd,
    env: {
      PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`,
      HOME: process.env["HOME"],
      ...environment,
      // Its question for the stack's state is for AWS's pace: every five seconds.
      SLS_AWS_MONITORING_FREQUENCY: "250",
      SLS_TELEMETRY_DISABLED: "1",
      SLS_NOTIFICATIONS_MODE: "off",
      NO_PROXY: "127.0.0.1",
    },
    stdio: ["ignore", out, out],
    detached: true,
  });
  const end = () => {
    if (child.pid) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", end);
  return new Promise((done, failed) => {
    const tell = (what: string) => failed(new Error(`serverless ${args[0]} ${what}:\n${readFileSync(log, "utf8").trim().split("\n").slice(-30).join("\n")}`));
    const timer = setTimeout(() => {
      end();
      tell(`did not end within ${milliseconds / 1000} s`);
    }, milliseconds);
    child.once("error", failed).once("exit", (status, signal) => {
      clearTimeout(timer);
      process.removeListener("exit", end);
      if (status === 0) done();
      else tell(`failed (${status ?? signal})`);
    });
  });
}

async function stackResources({ endpoint, environment }: Pick<Emulators, "endpoint" | "environment">): Promise<Record<string, string>> {
  const credentials = { accessKeyId: environment["AWS_ACCESS_KEY_ID"]!, secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"]! };
  const cloudFormation = new CloudFormationClient({ endpoint, region, credentials });
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName: `${SERVICE}-${STAGE}` }));
  return Object.fromEntries(StackResources.map(({ LogicalResourceId, PhysicalResourceId }) => [LogicalResourceId!, PhysicalResourceId ?? ""]));
}
