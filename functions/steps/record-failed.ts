import { setCondition } from "../../shared/health/conditions";
import { readEnvironment } from "../../shared/lambda/environment";
import { type StepInput, step } from "../../shared/lambda/step";
import { wreckAdvice, wreckLife } from "../../shared/plan/lifetime";

/** What the state machine caught: the name of the error, and the state where that is known. */
interface Caught {
  error: string;
  stage: string;
}

/** Keeps why the create gave up: the failure that the step itself recorded, or what the state machine saw of a Lambda that died. */
export const handler = step("RecordFailed", async ({ plan, record, change, now }, { caught }: StepInput & { caught: Caught }) => {
  const failure =
    record.lastError?.code === caught.error
      ? record.lastError
      : {
          code: caught.error,
          blame: "clowder" as const,
          stage: caught.stage,
          message: `${caught.stage} ended without an answer: ${caught.error}`,
          at: now.toISOString(),
        };
  change.failure = failure;
  change.status = "Failed";
  // A wreck that is kept is there for its time to live; its own schedule ends it then.
  if (plan.onFailure === "keep") {
    const life = wreckLife(plan.ttlSeconds, readEnvironment().deployment.ttl, now);
    Object.assign(change, life);
    change.failure = { ...failure, nextStep: wreckAdvice(plan.name, life.expiresAt, failure.nextStep) };
  }
  change.conditions = setCondition(
    record.conditions,
    { type: "Ready", status: "False", reason: failure.code, message: failure.message },
    { now, generation: record.generation },
  );
  return { onFailure: plan.onFailure };
});
