import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HASHES, cached } from "../../../local/artifacts/cache";

let home: string;
let made: number;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "clowder-cache-"));
  process.env["XDG_CACHE_HOME"] = home;
  made = 0;
  jest.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  delete process.env["XDG_CACHE_HOME"];
  rmSync(home, { recursive: true });
  jest.restoreAllMocks();
});

const make = async (folder: string): Promise<void> => {
  made += 1;
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/program"), "content");
};

test("a folder is made once for its ingredients, in the cache, with the hashes of its files", async () => {
  const folder = await cached("thing", { version: 1 }, make);
  expect(await cached("thing", { version: 1 }, make)).toBe(folder);
  expect(made).toBe(1);
  expect(folder).toMatch(new RegExp(`^${home}/clowder/thing-[0-9a-f]{16}$`));
  expect(readFileSync(join(folder, HASHES), "utf8")).toBe("ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73  bin/program\n");
});

test("other ingredients are another folder", async () => {
  expect(await cached("thing", { version: 1 }, make)).not.toBe(await cached("thing", { version: 2 }, make));
  expect(made).toBe(2);
});

test.each([
  ["changed", (folder: string) => writeFileSync(join(folder, "bin/program"), "other")],
  ["gone", (folder: string) => rmSync(join(folder, "bin/program"))],
  ["one too many", (folder: string) => writeFileSync(join(folder, "bin/other"), "other")],
])("with a file %s it is made again", async (_what, harm) => {
  const folder = await cached("thing", {}, make);
  harm(folder);
  await cached("thing", {}, make);
  expect(made).toBe(2);
  expect(readFileSync(join(folder, "bin/program"), "utf8")).toBe("content");
  expect(readdirSync(join(folder, "bin"))).toEqual(["program"]);
});

test("what is not hashed is taken as it is once it is whole, and has no list", async () => {
  const folder = await cached("root", {}, make, { hashed: false });
  writeFileSync(join(folder, "bin/program"), "other");
  expect(await cached("root", {}, make, { hashed: false })).toBe(folder);
  expect(made).toBe(1);
  expect(readdirSync(folder)).toEqual(["bin"]);
});

test("of two that ask at once one makes it", async () => {
  const [first, second] = await Promise.all([cached("thing", {}, make), cached("thing", {}, make)]);
  expect([first, made]).toEqual([second, 1]);
});

test("a failure leaves nothing, and the next one makes it", async () => {
  await expect(cached("thing", {}, () => Promise.reject(new Error("go refuses")))).rejects.toThrow("go refuses");
  expect(readdirSync(join(home, "clowder"))).toEqual([]);
  await cached("thing", {}, make);
  expect(made).toBe(1);
});

test("a lock that a killed process left is taken over", async () => {
  const folder = await cached("thing", {}, make);
  rmSync(folder, { recursive: true });
  mkdirSync(`${folder}.lock`);
  utimesSync(`${folder}.lock`, new Date(0), new Date(0));
  await cached("thing", {}, make);
  expect([made, existsSync(`${folder}.lock`)]).toEqual([2, false]);
});

test("what was not used for two weeks goes when another of its name is made; what is used stays, and so does what has another name", async () => {
  const old = new Date(Date.now() - 15 * 24 * 3_600_000);
  const [forgotten, used, other] = await Promise.all([cached("thing", 1, make), cached("thing", 2, make), cached("thing-more", 1, make)]);
  for (const folder of [forgotten, used, other]) utimesSync(folder, old, old);
  await cached("thing", 2, make);
  await cached("thing", 3, make);
  expect([forgotten, used, other].map((folder) => existsSync(folder))).toEqual([false, true, true]);
});
