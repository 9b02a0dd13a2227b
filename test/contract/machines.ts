import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const root = join(__dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** CloudFormation's short forms become plain strings: enough to compare names. */
const customTags = ["!Sub", "!Ref", "!GetAtt"].map((tag) => ({ tag, resolve: (text: string) => text }));

export interface State {
  Type: string;
  Resource?: { "Fn::GetAtt": [string, string] };
  Arguments?: unknown;
  TimeoutSeconds?: number;
  Retry?: { ErrorEquals: string[] }[];
  Catch?: { ErrorEquals: string[]; Assign?: Record<string, unknown>; Next: string }[];
  Branches?: Machine[];
  Assign?: Record<string, unknown>;
  Choices?: { Assign?: Record<string, unknown> }[];
}
export interface Machine {
  StartAt: string;
  States: Record<string, State>;
}
export interface LambdaFunction {
  handler: string;
  timeout?: number;
  environment?: Record<string, string>;
  iamRoleStatements: { Action: string | string[]; Resource: unknown; Condition?: unknown }[];
}

export const machines: Record<string, Machine> = Object.fromEntries(
  ["create-cluster", "delete-cluster"].map((name) => [name, parse(read(`statemachines/${name}.asl.yaml`), { maxAliasCount: 1000 }) as Machine]),
);
export const statesOf = (machine: Machine): [string, State][] =>
  Object.entries(machine.States).flatMap(([name, state]) => [[name, state] as [string, State], ...(state.Branches ?? []).flatMap(statesOf)]);
export const tasks = Object.values(machines)
  .flatMap(statesOf)
  .filter(([, state]) => state.Type === "Task");

export const functionsOf = (folder: "api" | "steps" | "events"): Record<string, LambdaFunction> =>
  parse(read(`functions/${folder}/functions.yml`), { customTags, maxAliasCount: 1000 }) as Record<string, LambdaFunction>;
export const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => join(folder, file));
export const source = read;
export const serverless = parse(read("serverless.yml"), { customTags }) as {
  provider: { timeout: number; environment: Record<string, string> };
};
