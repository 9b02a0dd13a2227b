import validate from "asl-validator";
import * as errors from "../../shared/errors";
import { type Machine, filesOf, functionsOf, machines, serverless, source, statesOf } from "./machines";

const classes = Object.entries(errors).filter(([, value]) => typeof value === "function" && value.prototype instanceof Error && value !== errors.ClowderError);
const ofAws = /^(States\.|Lambda\.|Runtime\.|Sandbox\.)/;

test.each(classes)("%s is named as its class, literally", (name, Class) => {
  const error = new (Class as new (argument: never) => Error)((/^Invalid/.test(name) ? [] : "") as never);
  expect(error.name).toBe(name);
  expect(source("shared/errors.ts")).toContain(`readonly name = "${name}"`);
});

test("every error that a machine names is one of ours or of AWS", () => {
  const named = Object.values(machines)
    .flatMap(statesOf)
    .flatMap(([, state]) => [...(state.Retry ?? []), ...(state.Catch ?? [])])
    .flatMap(({ ErrorEquals }) => ErrorEquals)
    .filter((name) => !ofAws.test(name));
  expect(named.length).toBeGreaterThan(0);
  for (const name of named) expect(classes.map(([known]) => known)).toContain(name);
});

test("every error class is thrown somewhere", () => {
  const sources = [...filesOf("shared"), ...filesOf("functions")].map(source).join("\n");
  for (const [name] of classes) expect([name, new RegExp(`new ${name}\\(`).test(sources)]).toEqual([name, true]);
});

/** Free variables of JSONata expressions: `$name` that is not a built-in function, `$states`, or bound by `:=`. */
const variablesIn = (value: unknown): string[] =>
  [...JSON.stringify(value ?? null).matchAll(/\{%(.*?)%\}/g)].flatMap(([, expression]) =>
    [...expression!.matchAll(/\$([a-zA-Z]\w*)(?!\w*\()/g)].map(([, name]) => name!).filter((name) => name !== "states"),
  );
const assignedIn = (machine: Machine): string[] =>
  statesOf(machine).flatMap(([, state]) =>
    [state.Assign, ...(state.Choices ?? []).map(({ Assign }) => Assign), ...(state.Catch ?? []).map(({ Assign }) => Assign)].flatMap((assign) => Object.keys(assign ?? {})),
  );

test.each(Object.entries(machines))("%s uses no variable that no state assigns, and assigns none that no state uses", (_, machine) => {
  const used = new Set(variablesIn(machine));
  const assigned = new Set(assignedIn(machine));
  expect([...used].filter((name) => !assigned.has(name))).toEqual([]);
  expect([...assigned].filter((name) => !used.has(name))).toEqual([]);
});

test.each(Object.entries(machines))("%s is valid Amazon States Language", (_, machine) => {
  const plain = JSON.parse(JSON.stringify(machine, (key, value) => (key === "Resource" ? "arn:aws:lambda:us-east-1:123456789012:function:any" : value)));
  const { isValid, errorsText } = validate(plain);
  expect(isValid ? "" : errorsText("\n")).toBe("");
});

test("serverless.yml sets every variable that a function reads, and no other", () => {
  const sources = ["shared/lambda/environment.ts", "shared/lambda/step.ts"].map(source).join("\n");
  const read = new Set([...sources.matchAll(/(?:text|number)\("([A-Z_]+)"\)|env\["([A-Z_]+)"\]/g)].map(([, a, b]) => a ?? b!));
  const inFunctions = (["api", "steps", "events"] as const).flatMap((folder) =>
    Object.values(functionsOf(folder)).flatMap(({ environment }) => Object.keys(environment ?? {})),
  );
  const set = new Set([...Object.keys(serverless.provider.environment), "AWS_REGION", ...inFunctions]);
  expect([...read].filter((name) => !set.has(name))).toEqual([]);
  expect([...set].filter((name) => !read.has(name))).toEqual([]);
});
