import { type StepInput, step } from "../../shared/lambda/step";

/** The delete gave up: the record names what is left and why, and DELETE may be sent again. */
export const handler = step("RecordLeak", async ({ record, change, now }, { caught }: StepInput & { caught: { error: string; stage: string } }) => {
  change.status = "LeakSuspected";
  change.failure =
    record.lastError?.code === caught.error
      ? record.lastError
      : { code: caught.error, blame: "clowder", stage: caught.stage, message: `${caught.stage} gave up: ${caught.error}`, at: now.toISOString() };
});
