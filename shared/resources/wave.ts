import { settleAll } from "../aws/settle";
import { isInUse, isNotFound, codeOf } from "../aws/translate";
import { TryAgain } from "../errors";
import { TAG_DEPLOYMENT, TAG_UID } from "../plan/names";
import type { LedgerEntry } from "../registry/cluster-record";
import type { Ledger } from "../registry/ledger";
import type { Blocker } from "./blocker";

/** One planned thing that was looked for and is not there. `make` gives its id. */
export interface Missing {
  key: string;
  token: string;
  make: () => Promise<{ id: string; detail?: Record<string, string> }>;
}

/** Writes down the intents in one go, then makes wave after wave, each in parallel. An id is in the ledger as soon as it is known. */
export async function makeAll(ledger: Ledger, ...waves: Missing[][]): Promise<void> {
  const intents = waves.flat().map(({ key, token }) => ({ key, token }));
  if (intents.length) await ledger.intend(...intents);
  for (const wave of waves)
    await settleAll(
      wave.map(async ({ key, make }) => {
        const { id, detail } = await make();
        ledger.made(key, id, detail);
      }),
    );
}

export const ownTags = (uid: string, deployment: string): Record<string, string> => ({ [TAG_UID]: uid, [TAG_DEPLOYMENT]: deployment });

/** For so long after its create AWS may not show a thing; making it again would make two. */
const unseenMilliseconds = 20_000;

/**
 * Of the things that carry the tags of one planned thing: the ledger's, else the first. The others are extras of a lost reply.
 * @throws TryAgain while the ledger's was made moments ago and is not to be seen.
 */
export function adopt<Thing>(
  ledger: Ledger,
  key: string,
  found: Thing[],
  idOf: (thing: Thing) => string | undefined,
): { one?: Thing; extras: Thing[] } {
  const entry = ledger.entry(key);
  const known = entry?.state === "made" ? found.find((thing) => idOf(thing) === entry.id) : undefined;
  if (entry?.state === "made" && !known && Date.now() - Date.parse(entry.at) < unseenMilliseconds)
    throw new TryAgain(`${key} (${entry.id}) was made at ${entry.at} and is not to be seen yet`);
  const one = known ?? found[0];
  if (one && !known) ledger.made(key, idOf(one)!);
  if (!one && entry?.state === "made") ledger.gone(key);
  return { ...(one && { one }), extras: found.filter((thing) => thing !== one) };
}

/** What the ledger says was made so lately that a look may not show it yet. It is not gone. */
export function notSeenYet(ledger: Ledger, kinds: string[], seen: (string | undefined)[]): Blocker[] {
  const isLate = ({ state, id, at }: LedgerEntry) => state === "made" && !seen.includes(id) && Date.now() - Date.parse(at) < unseenMilliseconds;
  const late = kinds.flatMap((kind) => ledger.ofKind(kind)).filter(([, entry]) => isLate(entry));
  return late.map(([, { kind, id, at }]) => ({ resource: `${kind} ${id}`, reason: `made at ${at} and not to be seen yet` }));
}

/** @throws TryAgain where an earlier step has not made it. */
export function idOf(ledger: Ledger, key: string): string {
  const id = ledger.id(key);
  if (!id) throw new TryAgain(`${key} is not made yet`);
  return id;
}

/** One delete call: gone already is done, in use is a blocker. `holder` names what is known to hold it: then nothing is tried. */
export async function remove(resource: string, call: () => Promise<unknown>, holder?: string): Promise<Blocker[]> {
  if (holder) return [{ resource, reason: `in use by ${holder}` }];
  try {
    await call();
    return [];
  } catch (error) {
    if (isNotFound(error)) return [];
    if (isInUse(error) || codeOf(error).startsWith("OperationNotPermitted"))
      return [{ resource, reason: `${codeOf(error)}: ${(error as Error).message}` }];
    throw error;
  }
}

/** Of things that a machine holds: DeleteInstances looks again. */
export const heldByMachine = (blockers: Blocker[]): Blocker[] => blockers.map((blocker) => ({ ...blocker, byMachine: true }));

/** Writes down as gone what no blocker names. */
export function markGone(ledger: Ledger, kinds: string[], blockers: Blocker[]): void {
  for (const kind of kinds)
    for (const [key, { id }] of ledger.ofKind(kind))
      if (!id || !blockers.some(({ resource }) => resource.endsWith(` ${id}`))) ledger.gone(key);
}

/** Writes down what a delete found and no step has made, so that the certificate names it too. */
export function witness(ledger: Ledger, kind: string, id: string, detail?: Record<string, string>): void {
  if (!ledger.ofKind(kind).some(([, entry]) => entry.id === id)) ledger.made(`${kind}/${id}`, id, detail);
}
