import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsonLines } from "../../../local/emulators/json-lines";

const folder = mkdtempSync(join(tmpdir(), "json-lines-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a growing file is read on, and half a line waits for its other half", () => {
  const file = join(folder, "calls.jsonl");
  writeFileSync(file, "");
  const read = jsonLines<{ n: number | string }>(file);
  expect(read()).toEqual([]);

  appendFileSync(file, '{"n":1}\n{"n":');
  expect(read()).toEqual([{ n: 1 }]);
  appendFileSync(file, '"zwölf"}\n\n{"n":3}\n');
  expect(read()).toEqual([{ n: 1 }, { n: "zwölf" }, { n: 3 }]);
  expect(read()).toHaveLength(3);
});
