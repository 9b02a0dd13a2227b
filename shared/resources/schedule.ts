import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  type SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { whileSettling } from "../aws/settle";
import { codeOf, isNotFound } from "../aws/translate";
import { scheduleName } from "../plan/names";
import type { ClusterRef } from "../registry/cluster-record";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";

export interface ScheduleTarget {
  group: string;
  functionArn: string;
  roleArn: string;
}

/** EventBridge Scheduler takes whole seconds in UTC, without an offset. */
const at = (when: Date) => `at(${when.toISOString().slice(0, 19)})`;

const scheduleOf = (target: ScheduleTarget, { name, uid }: ClusterRef, when: Date): CreateScheduleCommandInput => ({
  Name: scheduleName(uid),
  GroupName: target.group,
  ScheduleExpression: at(when),
  FlexibleTimeWindow: { Mode: "OFF" },
  // A schedule that deleted itself could not be re-armed by its own firing: the delete machine takes it away.
  ActionAfterCompletion: "NONE",
  Target: { Arn: target.functionArn, RoleArn: target.roleArn, Input: JSON.stringify({ name, uid }), RetryPolicy: { MaximumRetryAttempts: 10 } },
});

/**
 * Arms, or re-arms, the one schedule of a cluster. Precision is 60 s, delivery at least once: whoever is called re-reads the record.
 * @throws TryAgain while Scheduler refuses a second one and does not show the first yet
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export async function ensureSchedule(
  scheduler: SchedulerClient,
  target: ScheduleTarget,
  ref: ClusterRef,
  when: Date,
  ledger?: Ledger,
): Promise<void> {
  const schedule = scheduleOf(target, ref, when);
  const key = `schedule/${schedule.Name}`;
  await ledger?.intend({ key, token: schedule.Name! });
  try {
    await scheduler.send(new CreateScheduleCommand(schedule));
  } catch (error) {
    if (codeOf(error) !== "ConflictException") throw error;
    await whileSettling(() => scheduler.send(new UpdateScheduleCommand(schedule)));
  }
  ledger?.made(key, schedule.Name!);
}

/** One look; a schedule that is gone is gone. */
export async function deleteSchedule(scheduler: SchedulerClient, group: string, { ref, ledger }: DeleteTarget): Promise<Blocker[]> {
  const name = scheduleName(ref.uid);
  try {
    await scheduler.send(new DeleteScheduleCommand({ Name: name, GroupName: group }));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  ledger.gone(`schedule/${name}`);
  return [];
}
