import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import middy from "@middy/core";
import { translate } from "../aws/translate";
import { type ClowderError, NodeFailed, NodesNotJoined, TryAgain } from "../errors";
import type { ClusterRef, Failure } from "../registry/cluster-record";
import { type PlannedCluster, readPlan } from "../registry/clusters";
import type { Ledger } from "../registry/ledger";
import { openLedger } from "../registry/open-ledger";
import type { RecordChange, Registry } from "../registry/registry";

/** Input of every step, as the state machines write it. */
export interface StepInput {
  cluster: ClusterRef;
  /** RFC 3339: when the first of several looks was. */
  since?: string;
}

/** What a step works with. `change` goes into the record with the step's last write. */
export interface Step extends PlannedCluster {
  ref: ClusterRef;
  ledger: Ledger;
  registry: Registry;
  since: Date;
  now: Date;
  change: NonNullable<RecordChange["set"]>;
}

const registry: Registry = { db: new DynamoDBClient(), table: process.env["TABLE"] ?? "" };

const failureOf = (error: ClowderError, stage: string, now: Date): Failure => ({
  code: error.name,
  blame: error.blame,
  stage,
  message: error.message,
  at: now.toISOString(),
  ...((error instanceof NodeFailed || error instanceof NodesNotJoined) && error.fault),
  ...(error.nextStep && { nextStep: error.nextStep }),
  ...("logTail" in error && Array.isArray(error.logTail) && { logTail: error.logTail as string[] }),
});

/**
 * A state's Lambda: reads the cluster, does the work, and closes with one write of ids, change and timeline.
 * `again: true` in the answer means that the state machine will look once more: no timeline entry yet.
 * Whatever is thrown leaves as one of the classes in `shared/errors.ts`, whose name the state machine matches;
 * the whole failure is kept in the record, so that state data carries none of its text. Where the record cannot be written for the
 * moment the step is to be run again, whatever it threw: running it again brings ids and reason there.
 */
export function step<Answer extends object | void, Input extends StepInput = StepInput>(
  stage: string,
  work: (step: Step, input: Input) => Promise<Answer>,
) {
  return middy<Input, Answer, Error>().handler(async (input: Input) => {
    const { cluster: ref, since } = input;
    const now = new Date();
    const began = since ? new Date(since) : now;
    const planned = await readPlan(registry, ref.name, ref.uid).catch((error: unknown) => {
      throw translate(error);
    });
    const ledger = openLedger(registry, ref, planned.record.ledger);
    const change: Step["change"] = {};
    try {
      const answer = await work({ ...planned, ref, ledger, registry, since: began, now, change }, input);
      const again = Boolean((answer as { again?: boolean } | undefined)?.again);
      if (!again) await ledger.close({ set: change, append: [entry(stage, began)] });
      else if (Object.keys(change).length) await ledger.close({ set: change });
      else await ledger.flush();
      return answer;
    } catch (thrown) {
      const error = translate(thrown);
      const lastError = failureOf(error, stage, new Date());
      const unrecorded = await ledger.close({ set: { ...change, lastError } }).then(() => undefined, translate);
      const log = { level: "error", stage, cluster: ref.name, uid: ref.uid, error: error.name, message: error.message };
      console.error(JSON.stringify({ ...log, ...(unrecorded && { unrecorded: `${unrecorded.name}: ${unrecorded.message}` }) }));
      if (unrecorded instanceof TryAgain)
        throw new TryAgain(`${error.name}: ${error.message} (not in the record yet: ${unrecorded.message})`, { cause: error });
      throw error;
    }
  });
}

function entry(stage: string, began: Date) {
  const ended = new Date();
  return {
    stage,
    startedAt: began.toISOString(),
    endedAt: ended.toISOString(),
    seconds: (ended.getTime() - began.getTime()) / 1000,
    outcome: "done" as const,
  };
}
