import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { codeOf } from "../aws/translate";
import { executionArn, executionName } from "../plan/names";
import type { Waits } from "../spec/deployment";
import type { ClusterRecord } from "./cluster-record";
import { raiseAgain, raiseEpoch, refOf } from "./clusters";
import { type Registry, writeRecord } from "./registry";

/**
 * The one way into the delete machine, for DELETE, a failed create and the end of a TTL. The epoch is raised first, so that a
 * running create can make nothing more, then that create is stopped, then the delete starts. Twice is once: the execution's
 * name follows from uid and epoch. A delete that died without a word is begun again under the next epoch.
 */
export async function beginDelete(
  { sfn, registry, deleteMachineArn, waits }: { sfn: SFNClient; registry: Registry; deleteMachineArn: string; waits: Waits },
  record: ClusterRecord,
  { stopCreate }: { stopCreate: boolean },
): Promise<ClusterRecord> {
  const died = record.status === "Deleting" && record.deleteExecution && !(await isRunning(sfn, record.deleteExecution));
  const raised = died ? await raiseAgain(registry, record) : await raiseEpoch(registry, record);
  if (stopCreate && raised.createExecution)
    await sfn
      .send(new StopExecutionCommand({ executionArn: raised.createExecution, error: "Deleted", cause: "the cluster is being deleted" }))
      // An execution that has ended needs no stop.
      .catch(ignoring("ExecutionDoesNotExist", "ValidationException"));
  const cluster = refOf(raised);
  const name = executionName(cluster.uid, "delete", cluster.epoch);
  await sfn
    .send(new StartExecutionCommand({ stateMachineArn: deleteMachineArn, name, input: JSON.stringify({ cluster, waits }) }))
    .catch(ignoring("ExecutionAlreadyExists"));
  // Also where it was there already: without it nobody could tell that a delete has died.
  const deleteExecution = executionArn(deleteMachineArn, name);
  return raised.deleteExecution === deleteExecution ? raised : writeRecord(registry, cluster, { set: { deleteExecution } }, "uid");
}

/** False also for an execution that Step Functions knows nothing of. */
export async function isRunning(sfn: SFNClient, executionArn: string): Promise<boolean> {
  const found = await sfn.send(new DescribeExecutionCommand({ executionArn })).catch(ignoring("ExecutionDoesNotExist"));
  return found?.status === "RUNNING";
}

const ignoring =
  (...codes: string[]) =>
  (error: unknown) => {
    if (codes.includes(codeOf(error))) return undefined;
    throw error;
  };
