import { differenceFrom, inventory } from "../emulators/inventory";
import { type LocalManifest, renamed } from "../manifest";
import { type Answer, signedRequest } from "../signed-request";
import type { ClusterRecord } from "../../shared/registry/cluster-record";
import type { Case } from "./cases";
import type { Life } from "./lives";
import { FAILING, type Stack } from "./stack";
import { type Seen, type Verdict, verdictOf } from "./verdict";
import { recordOf, untilSettled } from "./watch";

export interface Lived {
  case: Case;
  verdict: Verdict;
  failure?: string;
  /** How often what was unseen was not seen. */
  hidden: number;
}

/** As often as a patient client sends what was answered with a fault or with nothing. */
const TRIES = 8;

/** One cluster from POST to gone. What is left over is told, and then counts as there before, so that no later case is blamed for it. */
export async function live(stack: Stack, manifest: LocalManifest, { up, down }: Life, label: string): Promise<Lived[]> {
  const own = renamed(manifest, up?.phase === "failing" ? `${FAILING}-${label}` : label);
  const seen: Seen = { ready: false, certified: false, neverBegun: false, left: [], missing: [] };
  const met = { up: false, down: false };
  const hidden = { up: 0, down: 0 };
  let record: ClusterRecord | undefined;
  try {
    await stack.renew(up);
    stack.arm(up);
    record = await create(stack, own);
    seen.ready = record?.status === "Ready";
    [met.up, hidden.up] = wasMet(stack);
    if (seen.ready) {
      await stack.renew(down);
      if (down) stack.arm(down);
      record = await remove(stack, own.cluster);
      [met.down, hidden.down] = wasMet(stack);
    }
    if (record && record.status !== "Deleted") {
      // The permission is given back and DELETE is sent again.
      seen.leakSuspected = record.failure?.message ?? `the record says ${record.status}`;
      stack.arm();
      record = await remove(stack, own.cluster);
    }
  } catch (error) {
    seen.hangs = (error as Error).message;
  }
  stack.arm();
  record ??= await recordOf(stack, own.cluster);
  const difference = await differenceFrom(stack.before, stack.emulators);
  if (difference.left.length + difference.missing.length) stack.before = await inventory(stack.emulators);
  Object.assign(seen, difference, {
    ...(record && { status: record.status }),
    certified: record?.certificate !== undefined,
    // Abandoned before its execution started: it says Deleted and what failed.
    neverBegun: !record || (record.status === "Deleted" && record.failure?.stage === "StartCreate"),
  });
  const failure = record?.failure?.code;
  const told = (one: Case, way: "up" | "down", view: Seen): Lived => ({
    case: one,
    verdict: verdictOf(one, met[way], view),
    hidden: hidden[way],
    ...(failure && { failure }),
  });
  return [
    // A leak that was suspected after the second fault was armed is not of the first.
    ...(up ? [told(up, "up", down && seen.ready ? { ...seen, leakSuspected: undefined } : seen)] : []),
    ...(down && seen.ready ? [told(down, "down", seen)] : []),
    ...(down && !up && !seen.ready ? [told(down, "down", seen)] : []),
  ];
}

/** Whether the fault was met, and how often its effect was not seen. */
function wasMet(stack: Stack): [boolean, number] {
  const calls = stack.calls();
  return [calls.some(({ fault }) => fault !== undefined), calls.filter(({ hidden }) => hidden).length];
}

/** What the POST led to; undefined where it was refused for good. */
export async function create(stack: Stack, { text, cluster }: LocalManifest): Promise<ClusterRecord | undefined> {
  const answer = await sent(stack, "POST", "/clusters", text);
  // 409: an earlier try was heard although its answer was not.
  if (answer.status !== 202 && answer.status !== 409) return undefined;
  return untilSettled(stack, cluster);
}

/** What the DELETE led to. Where it is refused to the API itself nobody suspects a leak: the caller is told, and the record stays as it is. */
export async function remove(stack: Stack, cluster: string): Promise<ClusterRecord> {
  const answer = await sent(stack, "DELETE", `/clusters/${cluster}`);
  if (answer.status === 202) return untilSettled(stack, cluster);
  const record = await recordOf(stack, cluster);
  if (!record) throw new Error(`DELETE answers ${answer.status}: ${answer.text}`);
  return record;
}

/** A request as a client sends it who believes in `retryable` and tries again where there was no proper answer. */
async function sent({ emulators, deployed }: Stack, method: "POST" | "DELETE", path: string, body?: string): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await signedRequest(emulators.credentials, method, `${deployed.apiUrl}${path}`, body ? { type: "application/yaml", bytes: body } : undefined);
    if (answer.status < 500 || tries === TRIES || refusedForGood(answer)) return answer;
    await new Promise((next) => setTimeout(next, 100 * tries));
  }
}

function refusedForGood({ headers, text }: Answer): boolean {
  if (!headers.get("content-type")?.startsWith("application/problem+json")) return false;
  return (JSON.parse(text) as { retryable: boolean }).retryable === false;
}
