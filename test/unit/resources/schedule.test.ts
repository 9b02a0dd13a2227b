import { CreateScheduleCommand, DeleteScheduleCommand, SchedulerClient, UpdateScheduleCommand } from "@aws-sdk/client-scheduler";
import { mockClient } from "aws-sdk-client-mock";
import { TryAgain } from "../../../shared/errors";
import { deleteSchedule, ensureSchedule } from "../../../shared/resources/schedule";
import { memoryLedger } from "../../memory-ledger";
import { awsError, samplePlan, targetOf } from "./sample-plan";

const scheduler = mockClient(SchedulerClient);
const client = new SchedulerClient({});
const { name, uid, region } = samplePlan();
const ref = { name, uid, region, epoch: 1 };
const target = { group: "clowder-test", functionArn: "arn:aws:lambda:us-east-1:000000000000:function:x", roleArn: "arn:aws:iam::000000000000:role/x" };
const when = new Date("2026-11-25T20:00:00.500Z");
const key = `schedule/end-of-${uid}`;

beforeEach(() => {
  scheduler.reset();
  scheduler.resolves({});
});

test("it is intended before it is made, at whole seconds", async () => {
  const ledger = memoryLedger();
  await ensureSchedule(client, target, ref, when, ledger);
  expect(ledger.entry(key)).toMatchObject({ state: "made", token: `end-of-${uid}` });
  expect(scheduler.commandCalls(CreateScheduleCommand)[0]!.args[0].input.ScheduleExpression).toBe("at(2026-11-25T20:00:00)");
});

test("one that is there is armed anew", async () => {
  scheduler.on(CreateScheduleCommand).rejects(awsError("ConflictException", 409));
  await ensureSchedule(client, target, ref, when);
  expect(scheduler.commandCalls(UpdateScheduleCommand)).toHaveLength(1);
});

test("one that is there and is not to be seen yet is tried again", async () => {
  scheduler.on(CreateScheduleCommand).rejects(awsError("ConflictException", 409));
  scheduler.on(UpdateScheduleCommand).rejects(awsError("ResourceNotFoundException", 404));
  await expect(ensureSchedule(client, target, ref, when)).rejects.toBeInstanceOf(TryAgain);
});

test("what Scheduler refuses for good is no settling", async () => {
  scheduler.on(CreateScheduleCommand).rejects(awsError("ValidationException", 400));
  await expect(ensureSchedule(client, target, ref, when)).rejects.toMatchObject({ name: "ValidationException" });
});

test("a schedule that is gone is gone", async () => {
  scheduler.on(DeleteScheduleCommand).rejects(awsError("ResourceNotFoundException", 404));
  const ledger = memoryLedger();
  ledger.made(key, `end-of-${uid}`);
  await expect(deleteSchedule(client, target.group, targetOf(samplePlan(), ledger))).resolves.toEqual([]);
  expect(ledger.entry(key)?.state).toBe("gone");
});
