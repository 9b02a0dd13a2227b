import type { LocalManifest } from "../manifest";
import { renamed } from "../manifest";
import { callsOf, everyRun } from "./calls";
import { type Call, phases } from "./cases";
import { create, remove } from "./live";
import { FAILING, type Stack } from "./stack";

/** One run that nothing breaks, by phase. The create whose node fails deletes itself. */
async function cleanRun(stack: Stack, manifest: LocalManifest, label: string): Promise<Call[][]> {
  const good = renamed(manifest, `clean-${label}`);
  stack.arm();
  const made = await create(stack, good);
  if (made?.status !== "Ready") throw new Error(`a clean create ended ${made?.status}: ${made?.failure?.code} ${made?.failure?.message}`);
  const calls = [callsOf("create", stack.calls())];
  stack.arm();
  const failed = await create(stack, renamed(manifest, `${FAILING}-${label}`));
  if (failed?.failure?.code !== "NodeFailed" || failed.status !== "Deleted") throw new Error(`a create whose node fails ended ${failed?.status}, ${failed?.failure?.code}`);
  const reaction = ["recordFailed", "notify", "beginDelete"];
  calls.push(callsOf("failing", stack.calls()).filter(({ function: name }) => reaction.includes(name)));
  stack.arm();
  const gone = await remove(stack, good.cluster);
  if (gone.status !== "Deleted") throw new Error(`a clean delete ended ${gone.status}`);
  return [...calls, callsOf("delete", stack.calls())];
}

/** Each AWS call of a create and a delete, as three runs made them: the first from a cold start. */
export async function recordCalls(stack: Stack, manifest: LocalManifest): Promise<Call[]> {
  const cold = await cleanRun(stack, manifest, "cold");
  const warm = [await cleanRun(stack, manifest, "warm"), await cleanRun(stack, manifest, "again")];
  return phases.flatMap((_, at) => everyRun(cold[at]!, ...warm.map((run) => run[at]!)));
}
