import { StillThere } from "../errors";
import { type Blocker, type DeleteTarget, targetOf } from "../resources/blocker";
import { step } from "./step";

/**
 * A state of the delete machine: one look. `again: true` while something is still there, `byMachine: true` where a machine
 * holds it, so that DeleteInstances has to look again; past the plan's deadline it says what, and what holds it.
 * @throws StillThere
 */
export function deleteStep(stage: string, work: (target: DeleteTarget) => Promise<Blocker[]>) {
  return step(stage, async (cluster) => {
    const blockers = await work(targetOf(cluster));
    const overdue = cluster.now.getTime() > cluster.since.getTime() + cluster.plan.waits.delete * 1000;
    if (blockers.length > 0 && overdue) throw new StillThere(blockers.map(({ resource, reason }) => `${resource}: ${reason}`).join("; "));
    return { again: blockers.length > 0, byMachine: blockers.some(({ byMachine }) => byMachine) };
  });
}
