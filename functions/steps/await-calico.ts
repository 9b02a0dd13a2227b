import { S3Client } from "@aws-sdk/client-s3";
import { setCondition } from "../../shared/health/conditions";
import { lookAtCalico } from "../../shared/health/look-at-calico";
import { step } from "../../shared/lambda/step";

const s3 = new S3Client();
/** Judges the newest evidence once; the state machine waits and looks again. */
export const handler = step("AwaitCalico", async ({ plan, ledger, record, change, since, now }) => {
  const deadline = new Date(since.getTime() + plan.waits.calico * 1000);
  const { verdict, proved, evidence } = await lookAtCalico(s3, plan, ledger, {
    deadline,
    now,
    previous: record.dataPlane,
    ...(record.replacement && { notBefore: new Date(record.replacement.at) }),
  });
  change.dataPlane = { ...verdict, ...evidence };
  change.conditions = setCondition(
    record.conditions,
    { type: "DataPlaneVerified", status: verdict.status, reason: verdict.reason, message: verdict.message },
    { now, generation: record.generation },
  );
  return { again: !proved };
});
