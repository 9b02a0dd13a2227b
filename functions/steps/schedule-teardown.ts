import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { readEnvironment } from "../../shared/lambda/environment";
import { step } from "../../shared/lambda/step";
import { endOf, nextLook } from "../../shared/plan/lifetime";
import { ensureSchedule } from "../../shared/resources/schedule";

const scheduler = new SchedulerClient();
const { schedule } = readEnvironment();
/** Arms the schedule that warns of the end and then brings it; a cluster without an end has none. */
export const handler = step("ScheduleTeardown", async ({ ref, record, ledger, now }) => {
  const end = endOf(record);
  if (end) await ensureSchedule(scheduler, schedule, ref, nextLook(end, now), ledger);
});
