import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { venv } from "./python";

const run = promisify(execFile);
const node = resolve(__dirname, "../node_modules/.bin/node");
/** Prints what importing the handler's file costs, in microseconds of CPU. */
const PROGRAM = "const s = process.cpuUsage(); require(process.argv[1]); const { user, system } = process.cpuUsage(s); console.log(user + system);";

export interface FunctionCost {
  name: string;
  zipKilobytes: number;
  importCpuMs: number;
}

/** Zip size of each packaged function, and the CPU that its import takes: median over as many processes as `runs`. */
export async function measureFunctions(packageFolder: string, runs: number): Promise<FunctionCost[]> {
  const template = JSON.parse(readFileSync(join(packageFolder, "cloudformation-template-update-stack.json"), "utf8")) as Template;
  const costs: FunctionCost[] = [];
  for (const file of readdirSync(packageFolder).filter((name) => name.endsWith(".zip")).sort()) {
    const name = file.slice(0, -".zip".length);
    const { Handler, Environment } = template.Resources[`${name[0]!.toUpperCase()}${name.slice(1)}LambdaFunction`]!.Properties;
    const folder = mkdtempSync(join(tmpdir(), "clowder-bench-"));
    try {
      await run(join(venv("local/requirements.txt", "venv"), "python"), ["-m", "zipfile", "-e", join(packageFolder, file), folder]);
      const entry = join(folder, `${Handler.slice(0, Handler.lastIndexOf("."))}.js`);
      const env = { AWS_REGION: "us-east-1", ...resolved(Environment?.Variables ?? {}) };
      const times: number[] = [];
      for (let count = 0; count < runs; count++) times.push(Number((await run(node, ["-e", PROGRAM, entry], { env })).stdout));
      const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
      costs.push({ name, zipKilobytes: statSync(join(packageFolder, file)).size / 1000, importCpuMs: median / 1000 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return costs;
}

interface Template {
  Resources: Record<string, { Properties: { Handler: string; Environment?: { Variables: Record<string, unknown> } } }>;
}

/** Some handlers read their settings at import; what CloudFormation would fill in only has to be there. */
const resolved = (variables: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, typeof value === "string" ? value : "of-the-stack"]));
