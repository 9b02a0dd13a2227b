import { type SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { codeOf } from "../aws/translate";
import { executionName } from "../plan/names";
import type { Waits } from "../spec/deployment";
import type { ClusterRef } from "./cluster-record";

/** What the create machine is given; `replaces` begins with the end of one worker, and nothing but its place is made. */
interface Input {
  cluster: ClusterRef;
  waits: Waits;
  replaces?: true;
}

/** Starts the create machine once for each epoch. Step Functions' errors leave as they are: whether it started may be uncertain. */
export async function startCreate(sfn: SFNClient, stateMachineArn: string, input: Input): Promise<void> {
  const name = executionName(input.cluster.uid, "create", input.cluster.epoch);
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  } catch (error) {
    // The reply to the SDK's first try was lost.
    if (codeOf(error) !== "ExecutionAlreadyExists") throw error;
  }
}
