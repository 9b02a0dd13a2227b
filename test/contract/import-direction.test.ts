import { dirname, join, normalize } from "node:path";
import { filesOf, source } from "./machines";

/** functions → lambda, registry, resources, bootstrap, health, notify → plan → spec; registry and resources → aws; all → errors. */
const may: Record<string, string[]> = {
  "functions/api": ["lambda", "registry", "resources", "bootstrap", "health", "notify", "plan", "spec", "aws"],
  "functions/steps": ["lambda", "registry", "resources", "bootstrap", "health", "notify", "plan", "spec"],
  "functions/events": ["lambda", "registry", "resources", "bootstrap", "health", "notify", "plan", "spec"],
  lambda: ["registry", "resources", "plan", "spec", "aws"],
  notify: ["registry", "lambda", "health", "plan", "spec"],
  health: ["registry", "resources", "plan", "spec", "aws"],
  bootstrap: ["plan", "spec", "health"],
  resources: ["registry", "bootstrap", "plan", "spec", "aws"],
  registry: ["plan", "spec", "aws", "health"],
  plan: ["spec"],
  spec: [],
  aws: [],
};
const siblingsAllowed = ["lambda", "notify", "health", "bootstrap", "registry", "plan", "spec", "aws", "resources"];
const pure = /^shared\/(spec|plan)\/|^shared\/health\/(judge|conditions|beacon|evidence)|^shared\/notify\/message|^shared\/bootstrap\/(render|kubeadm|calico|user-data)/;

const importsOf = (file: string): { path: string; typeOnly: boolean }[] =>
  [...source(file).matchAll(/import\s+(type\s+)?[^;]*?from "([^"]+)"/g)].map(([, type, path]) => ({ path: path!, typeOnly: Boolean(type) }));
const roomOf = (file: string) => (file.startsWith("shared/") ? file.split("/")[1]! : file.split("/").slice(0, 2).join("/"));
const files = [...filesOf("functions"), ...filesOf("shared")].filter((file) => file !== "shared/errors.ts");

test.each(files)("%s imports only in the allowed direction", (file) => {
  const room = roomOf(file);
  for (const { path, typeOnly } of importsOf(file)) {
    // YAML is data: which permissions a function has is written down there alone.
    if (!path.startsWith(".") || path.endsWith(".yml")) continue;
    const target = normalize(join(dirname(file), path));
    if (target === "shared/errors" || (typeOnly && roomOf(target) !== "functions/steps")) continue;
    const other = roomOf(target);
    expect([file, path, other === room ? siblingsAllowed.includes(room) : may[room]?.includes(other)]).toEqual([file, path, true]);
  }
});

test.each(files.filter((file) => pure.test(file)))("%s is pure: no SDK, environment, clock or randomness", (file) => {
  const text = source(file);
  expect(importsOf(file).filter(({ path, typeOnly }) => !typeOnly && path.startsWith("@aws-sdk"))).toEqual([]);
  expect(text).not.toMatch(/process\.env|new Date\(\)|Date\.now|Math\.random|random(Bytes|UUID|Int)/);
});

test("nothing but local/ and test/ speaks of emulators or simulated machines", () => {
  for (const file of files) expect([file, /ministack|moto|emulator/i.test(source(file))]).toEqual([file, false]);
});
