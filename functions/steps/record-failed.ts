import { EC2Client } from "@aws-sdk/client-ec2";
import { S3Client } from "@aws-sdk/client-s3";
import { failedConditions } from "../../shared/health/conditions";
import { collectDiagnostics } from "../../shared/health/diagnostics";
import { readEnvironment } from "../../shared/lambda/environment";
import { type StepInput, step } from "../../shared/lambda/step";
import { replacementAdvice, wreckAdvice, wreckLife } from "../../shared/plan/lifetime";
import { keepDiagnostics } from "../../shared/registry/kept-diagnostics";

const clients = { s3: new S3Client(), ec2: new EC2Client() };
/** Of the 55 s that the function has. */
const COLLECT_MS = 20_000;

/** What the state machine caught: the name of the error, and the state where that is known. */
interface Caught {
  error: string;
  stage: string;
}

/** Keeps why a create or a replacement gave up: the failure that the step itself recorded, or what the state machine saw of a Lambda that died. */
export const handler = step("RecordFailed", async ({ plan, record, registry, change, now }, { caught }: StepInput & { caught: Caught }) => {
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
  change.status = record.replacement ? "Degraded" : "Failed";
  if (record.replacement) change.failure = { ...failure, nextStep: replacementAdvice(plan.name, record.replacement.node, failure.nextStep) };
  // A wreck that is kept is there for its time to live; its own schedule ends it then.
  else if (plan.onFailure === "keep") {
    const life = wreckLife(plan.ttlSeconds, readEnvironment().deployment.ttl, now);
    Object.assign(change, life);
    change.failure = { ...failure, nextStep: wreckAdvice(plan.name, life.expiresAt, failure.nextStep) };
  }
  change.conditions = failedConditions(record.conditions, failure, { now, generation: record.generation });
  const diagnostics = await collectDiagnostics(clients, plan, record.ledger, { now, signal: AbortSignal.timeout(COLLECT_MS) });
  // The failure itself must be recorded whatever becomes of the rest.
  await keepDiagnostics(registry, record.uid, diagnostics, now).catch((error: Error) =>
    console.error(JSON.stringify({ level: "error", stage: "RecordFailed", cluster: record.name, uid: record.uid, error: error.name, message: "diagnostics were not kept" })),
  );
  return { onFailure: record.replacement ? "keep" : plan.onFailure };
});
