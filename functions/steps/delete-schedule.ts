import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { deleteStep } from "../../shared/lambda/delete-step";
import { readEnvironment } from "../../shared/lambda/environment";
import { deleteSchedule } from "../../shared/resources/schedule";

const scheduler = new SchedulerClient();
const { schedule } = readEnvironment();
export const handler = deleteStep("DeleteSchedule", (target) => deleteSchedule(scheduler, schedule.group, target));
