import { existsSync } from "node:fs";
import { join } from "node:path";
import { filesOf, functionsOf, machines, root, serverless, source, statesOf, tasks } from "./machines";

const steps = functionsOf("steps");
/** `NotifyReady` and `ScheduleTeardownOfWreck` say of what: the function is the longest that the state's name begins with. */
const keyOf = (state: string) => {
  const name = state[0]!.toLowerCase() + state.slice(1);
  return Object.keys(steps).filter((key) => name.startsWith(key)).sort((one, other) => other.length - one.length)[0] ?? name;
};
const fileOf = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test.each(tasks)("the state %s calls the function of its own name", (name, state) => {
  const key = state.Resource?.["Fn::GetAtt"][0];
  expect(key).toBe(keyOf(name));
  expect(steps[key!]?.handler).toBe(`functions/steps/${fileOf(key!)}.handler`);
  expect(source(`functions/steps/${fileOf(key!)}.ts`)).toContain(`tep("${key![0]!.toUpperCase()}${key!.slice(1)}"`);
});

test("every step function is called by a state, and every file of a step is a function", () => {
  const called = new Set(tasks.map(([, state]) => state.Resource?.["Fn::GetAtt"][0]));
  expect(Object.keys(steps).filter((key) => !called.has(key))).toEqual([]);
  expect(filesOf("functions/steps").sort()).toEqual(Object.keys(steps).map((key) => `functions/steps/${fileOf(key)}.ts`).sort());
});

test("every route's function is a file of its own name, and every file a route", () => {
  const routes = functionsOf("api");
  for (const [key, { handler }] of Object.entries(routes)) expect(handler).toBe(`functions/api/${fileOf(key)}.handler`);
  expect(filesOf("functions/api").sort()).toEqual(Object.keys(routes).map((key) => `functions/api/${fileOf(key)}.ts`).sort());
  for (const { handler } of Object.values(routes)) expect(existsSync(join(root, handler.replace(".handler", ".ts")))).toBe(true);
});

test("a Lambda ends before its state gives up on it", () => {
  for (const [name, state] of tasks) {
    const timeout = steps[keyOf(name)]?.timeout ?? serverless.provider.timeout;
    expect([name, timeout < state.TimeoutSeconds!]).toEqual([name, true]);
  }
});

test("the delete's settling time outlasts the longest step of a create", () => {
  const longest = Math.max(...statesOf(machines["create-cluster"]!).map(([, state]) => state.TimeoutSeconds ?? 0));
  const settle = Number(/settleSeconds, '(\d+)'/.exec(source("serverless.yml"))?.[1]);
  expect(settle).toBeGreaterThan(longest);
});

test("the order bucket, keypair, instances, ELB, nodes, Calico is what the create machine says", () => {
  const states = machines["create-cluster"]!.States as Record<string, { Next?: string; Default?: string }>;
  const walk: string[] = [];
  for (let at: string | undefined = "Begin"; at; at = states[at]?.Next ?? states[at]?.Default) walk.push(at);
  const contract = ["CreateBucket", "CreateKeypair", "CreateInstances", "CreateElb", "AwaitNodes", "AwaitCalico", "RecordReady", "NotifyReady"];
  expect(walk.filter((state) => contract.includes(state))).toEqual(contract);
});

test("a replacement makes nothing but a worker's place, proves all nodes again, and whatever goes wrong closes the bootstrap and begins no delete", () => {
  const states = machines["create-cluster"]!.States as Record<string, { Next?: string; Default?: string; Choices?: { Condition?: string; Next: string }[]; Catch?: { Next: string }[] }>;
  const replaces = (name: string) => states[name]?.Choices?.find(({ Condition }) => Condition === "{% $replaces %}")?.Next;
  const walkFrom = (start: string) => {
    const walk: string[] = [];
    for (let at: string | undefined = start; at; at = replaces(at) ?? states[at]?.Default ?? states[at]?.Next) walk.push(at);
    return walk;
  };
  const walk = walkFrom("Begin");
  expect(walk.filter((name) => ["Task", "Parallel"].includes(machines["create-cluster"]!.States[name]!.Type))).toEqual([
    ...["EndWorker", "WriteStateStoreAnew", "ReopenBootstrap", "CreateInstances", "CreateElb", "AwaitNodes", "AwaitCalico"],
    ...["CloseBootstrap", "RecordReady", "ScheduleTeardown", "NotifyReady"],
  ]);
  const gaveUp = [...new Set(walk.flatMap((name) => states[name]?.Catch ?? []).map(({ Next }) => Next))].filter((name) => name !== "Ready");
  expect(gaveUp).toEqual(["GaveUp"]);
  expect(walkFrom("GaveUp")).toEqual(["GaveUp", "CloseBootstrapAgain", "RecordFailed", "NotifyFailed", "OnFailure", "ScheduleTeardownOfWreck", "Failed"]);
});

test("every task retries what is transient and every task outside a parallel branch catches the rest", () => {
  for (const [name, state] of tasks) expect([name, state.Retry?.some(({ ErrorEquals }) => ErrorEquals.includes("TryAgain"))]).toEqual([name, true]);
  const last = ["RecordFailed", "BeginDelete", "RecordLeak"];
  for (const machine of Object.values(machines))
    for (const [name, state] of Object.entries(machine.States))
      if ((state.Type === "Task" || state.Type === "Parallel") && !last.includes(name)) expect([name, Boolean(state.Catch)]).toEqual([name, true]);
});

test("a delete believes a refusal only when some looks in a row have met it: what is gone has no tags that a policy could allow", () => {
  for (const [name, state] of statesOf(machines["delete-cluster"]!).filter(([, { Type }]) => Type === "Task"))
    expect([name, state.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes("PermissionMissing"))]).toEqual([name, expect.objectContaining({ MaxAttempts: 4 })]);
});
