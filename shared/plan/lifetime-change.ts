import * as z from "zod";
import { InvalidChange } from "../errors";
import { readDuration } from "../spec/duration";
import type { Lifetime } from "./lifetime";

/** What `PATCH /clusters/{name}` may say: exactly one of these. */
const LifetimeChange = z.union([
  z.strictObject({ extend: z.string() }),
  z.strictObject({ hold: z.boolean() }),
  z.strictObject({ end: z.literal("now") }),
]);

export type Changed = { set: { expiresAt?: string; heldSince?: string; warned?: number[] }; remove: ("heldSince" | "warned")[] };

/** After a release there is always this long left: nobody's cluster goes away under their hands. */
const GRACE_MINUTES = 15;

/**
 * The record's new life after one change. Warnings begin anew with every new end.
 * @throws InvalidChange naming what would be right
 */
export function changeLifetime(life: Lifetime, body: string, now: Date): Changed | "end" {
  const change = LifetimeChange.safeParse(parse(body));
  if (!change.success)
    throw new InvalidChange([{ path: "", message: 'send one of {"extend": "2h"}, {"hold": true}, {"hold": false}, {"end": "now"}' }]);
  if ("end" in change.data) return "end";
  if (!life.expiresAt) throw new InvalidChange([{ path: "", message: "this cluster has no end that could be moved" }]);
  if ("extend" in change.data) return extend(life, life.expiresAt, change.data.extend);
  if (change.data.hold) return { set: { heldSince: life.heldSince ?? now.toISOString() }, remove: ["warned"] };
  const soonest = now.getTime() + GRACE_MINUTES * 60_000;
  const expiresAt = new Date(Math.max(Date.parse(life.expiresAt), soonest)).toISOString();
  return { set: { expiresAt }, remove: ["heldSince", "warned"] };
}

function extend(life: Lifetime, expiresAt: string, by: string): Changed {
  const seconds = readDuration(by);
  if (!seconds) throw new InvalidChange([{ path: "extend", message: `${JSON.stringify(by)} is no duration; 30m, 2h and 1h30m are` }]);
  const end = new Date(Date.parse(expiresAt) + seconds * 1000).toISOString();
  if (life.limitAt && end > life.limitAt)
    throw new InvalidChange([{ path: "extend", message: `${by} would end at ${end}; this cluster can be extended to ${life.limitAt}` }]);
  return { set: { expiresAt: end }, remove: ["warned"] };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
