import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goVersion } from "../local/artifacts/go";
import { missing } from "../local/nodes/requirements";

/**
 * `npm test`: jest for what every machine can run, then, one file after the other, what needs real machines. What cannot run here is said and
 * counts as nothing. Ends with one line for all of it.
 */
function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "clowder-tally-"));
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const jest = (...args: string[]) => {
    const TALLY = join(folder, "tally.json");
    rmSync(TALLY, { force: true });
    const { status } = spawnSync(join(__dirname, "../node_modules/.bin/jest"), args, { stdio: "inherit", env: { ...process.env, TALLY } });
    const tally = existsSync(TALLY) ? (JSON.parse(readFileSync(TALLY, "utf8")) as typeof sum) : { passed: 0, failed: 1, skipped: 0 };
    if (status !== 0 && tally.failed === 0) tally.failed = 1;
    for (const key of ["passed", "failed", "skipped"] as const) sum[key] += tally[key];
  };
  jest();
  const lacks = missing() ?? withoutGo();
  if (lacks) console.log(`\ntest/machines is not run. ${lacks}`);
  else jest("--config", "test/jest.machines.json", "--runInBand");
  rmSync(folder, { recursive: true });
  console.log(`\n${sum.passed} passed, ${sum.failed} failed${sum.skipped ? `, ${sum.skipped} skipped` : ""}`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}

function withoutGo(): string | undefined {
  try {
    goVersion();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

main();
