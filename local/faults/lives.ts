import type { Case } from "./cases";

/** One cluster from POST to gone, broken at most once on its way up and once on its way down. */
export interface Life {
  up?: Case;
  down?: Case;
}

/**
 * A create that is to end ready must be deleted, and a delete needs a cluster: one cluster serves a case of each. What a create is
 * refused for good ends in a delete of its own, and so does a create whose node fails.
 */
export function livesOf(cases: Case[]): Life[] {
  const lives: Life[] = [];
  const waiting: Life[] = [];
  const downs: Case[] = [];
  for (const one of cases) {
    if (one.phase === "delete") {
      const free = waiting.shift();
      if (free) free.down = one;
      else downs.push(one);
      continue;
    }
    const alone = one.phase === "failing" || one.kind === "refused";
    const down = alone ? undefined : downs.shift();
    const life: Life = { up: one, ...(down && { down }) };
    if (!alone && !down) waiting.push(life);
    lives.push(life);
  }
  return [...lives, ...downs.map((down) => ({ down }))];
}

export const casesIn = ({ up, down }: Life): Case[] => [...(up ? [up] : []), ...(down ? [down] : [])];
