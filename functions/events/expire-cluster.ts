import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient } from "@aws-sdk/client-sfn";
import type { Environment } from "../../shared/lambda/environment";
import { onEvent } from "../../shared/lambda/event";
import { notify } from "../../shared/notify/notify";
import { type LifetimeAct, dueAct } from "../../shared/plan/lifetime";
import { beginDelete } from "../../shared/registry/begin-delete";
import { readRecord, refOf } from "../../shared/registry/clusters";
import { writeRecord } from "../../shared/registry/registry";
import { ensureSchedule } from "../../shared/resources/schedule";

interface Clients {
  db: DynamoDBClient;
  scheduler: SchedulerClient;
  sfn: SFNClient;
}

/**
 * Does what is due for a cluster now: the record decides, not the firing, which may be early, late or twice.
 * A record that has another uid, is held or is being deleted is left alone.
 */
export async function expireCluster(clients: Clients, environment: Environment, event: { name: string; uid: string }, now: Date): Promise<LifetimeAct> {
  const registry = { db: clients.db, table: environment.table };
  const record = await readRecord(registry, event.name);
  if (record.uid !== event.uid) return { act: "none" };
  const due = dueAct(record, now);
  const ref = refOf(record);
  if (due.act === "delete") {
    const { sfn } = clients;
    await beginDelete({ sfn, registry, deleteMachineArn: environment.deleteMachineArn, waits: environment.deployment.waits }, record, { stopCreate: record.status === "Replacing" });
  }
  if (due.act === "warn") {
    // Recorded first: a warning that is lost is better than one that is sent for ever.
    const warned = await writeRecord(registry, ref, { set: { warned: [...(record.warned ?? []), due.minutes] } }, "epoch");
    const notifications = [...(warned.notifications ?? []), ...(await notify(warned, "cluster.expiring", environment))];
    await writeRecord(registry, ref, { set: { notifications } }, "uid");
  }
  if (due.act === "warn" || due.act === "rearm") await ensureSchedule(clients.scheduler, environment.schedule, ref, due.next);
  return due;
}

const clients: Clients = { db: new DynamoDBClient(), scheduler: new SchedulerClient(), sfn: new SFNClient() };
/** Started by the cluster's own schedule. */
export const handler = onEvent((event: { name: string; uid: string }, environment, now) => expireCluster(clients, environment, event, now));
