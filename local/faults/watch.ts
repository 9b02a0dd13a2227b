import { GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { DescribeExecutionCommand } from "@aws-sdk/client-sfn";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { ClusterRecord } from "../../shared/registry/cluster-record";
import type { Stack } from "./stack";

const LOOK_MS = 500;
const LIMIT_MS = 150_000;
/** The sweeper finds nothing of a record younger than three minutes. */
const AGED_MS = 5 * 60_000;
const SWEEPS = 4;

const tableOf = ({ deployed }: Stack): string => deployed.resources["ClustersTable"]!;
const keyOf = (name: string) => marshall({ name, item: "cluster" });

/** The record as it is in the table: a GET through the API is no part of a case. */
export async function recordOf(stack: Stack, name: string): Promise<ClusterRecord | undefined> {
  const { Item } = await stack.db.send(new GetItemCommand({ TableName: tableOf(stack), Key: keyOf(name), ConsistentRead: true }));
  return Item && (unmarshall(Item) as ClusterRecord);
}

async function isRunning({ sfn }: Stack, executionArn: string | undefined): Promise<boolean> {
  if (!executionArn) return false;
  const found = await sfn.send(new DescribeExecutionCommand({ executionArn })).catch((error: Error) => {
    if (error.name === "ExecutionDoesNotExist") return undefined;
    throw error;
  });
  return found?.status === "RUNNING";
}

const settled = ["Ready", "Deleted", "LeakSuspected"];

/**
 * Looks until the cluster is ready, deleted or suspected of a leak and no execution of it runs any more. Where one has died before, time
 * passes: the record is made five minutes older and the sweeper's clock strikes.
 * @throws Error saying how the record stands when it takes more than two and a half minutes
 */
export async function untilSettled(stack: Stack, name: string): Promise<ClusterRecord> {
  const limit = Date.now() + LIMIT_MS;
  for (let sweeps = 0; ; await pause(LOOK_MS)) {
    const record = await recordOf(stack, name);
    if (!record) throw new Error(`no record of ${name}`);
    const { status, createExecution, deleteExecution, lastError } = record;
    // Only Step Functions is asked meanwhile: it is cheaper than the record.
    for (const one of [createExecution, deleteExecution]) while (Date.now() < limit && (await isRunning(stack, one))) await pause(LOOK_MS);
    if (settled.includes(status) && (await isStill(stack, record))) return record;
    if (sweeps < SWEEPS && !settled.includes(status) && (await isStill(stack, record, 600))) {
      sweeps++;
      await sweepLater(stack, record);
    }
    if (Date.now() > limit) throw new Error(`${name} hangs in ${status}${lastError ? `, last ${lastError.stage} ${lastError.code}: ${lastError.message}` : ""}`);
  }
}

const pause = (milliseconds: number) => new Promise((next) => setTimeout(next, milliseconds));

/** Nothing runs, and after a while, an execution is known a moment after its record, nothing has moved. */
async function isStill(stack: Stack, seen: ClusterRecord, milliseconds = 0): Promise<boolean> {
  await pause(milliseconds);
  const now = await recordOf(stack, seen.name);
  const moved = now?.status !== seen.status || now.epoch !== seen.epoch || now.deleteExecution !== seen.deleteExecution;
  return !moved && !(await isRunning(stack, now?.createExecution)) && !(await isRunning(stack, now?.deleteExecution));
}

async function sweepLater(stack: Stack, { name, createdAt }: ClusterRecord): Promise<void> {
  const older = new Date(Date.parse(createdAt) - AGED_MS).toISOString();
  await stack.db.send(
    new UpdateItemCommand({ TableName: tableOf(stack), Key: keyOf(name), UpdateExpression: "SET createdAt = :older", ExpressionAttributeValues: marshall({ ":older": older }) }),
  );
  await stack.lambda.send(new InvokeCommand({ FunctionName: `clowder-${stack.deployed.stage}-sweep` }));
}
