import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient } from "@aws-sdk/client-sfn";
import { NotNow } from "../../shared/errors";
import { accepted } from "../../shared/lambda/accepted";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { changedSince, mustMatch } from "../../shared/lambda/if-match";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { endOf, hasLife, nextLook } from "../../shared/plan/lifetime";
import { changeLifetime } from "../../shared/plan/lifetime-change";
import { beginDelete } from "../../shared/registry/begin-delete";
import { clusterView, etagOf } from "../../shared/registry/cluster-view";
import { readRecord, refOf } from "../../shared/registry/clusters";
import { writeRecord } from "../../shared/registry/registry";
import { ensureSchedule } from "../../shared/resources/schedule";

const clients = { db: new DynamoDBClient(), scheduler: new SchedulerClient(), sfn: new SFNClient() };
export const handler = route((request, environment) => patchCluster(clients, environment, request));

/**
 * Extends, holds, releases or ends a cluster. The record is changed before its schedule is re-armed: a schedule that stays
 * behind fires, reads the record and re-arms itself.
 * @throws ChangedMeanwhile, InvalidChange, NotNow, NotYours, ClusterNotFound
 */
export async function patchCluster(
  { db, scheduler, sfn }: { db: DynamoDBClient; scheduler: SchedulerClient; sfn: SFNClient },
  environment: Environment,
  { path, caller, headers, body, now }: Request,
): Promise<Answer> {
  const { deployment, deleteMachineArn } = environment;
  const registry = { db, table: environment.table };
  const record = await readRecord(registry, path["name"] ?? "");
  mayTouch(caller, record, environment.admins);
  mustMatch(headers, record);
  if (!hasLife(record.status)) throw new NotNow(`${record.name} is ${record.status}; its life can be changed once it is Ready, or has failed`);
  const changed = changeLifetime(record, body, now);
  if (changed === "end") {
    const { waits } = deployment;
    return accepted(await beginDelete({ sfn, registry, deleteMachineArn, waits }, record, { stopCreate: true }), waits);
  }
  const remove = changed.remove.filter((name) => record[name] !== undefined);
  const change = { set: changed.set, remove, raise: ["generation" as const], expect: record.generation };
  const written = await writeRecord(registry, refOf(record), change, "epoch").catch(changedSince(record));
  const end = endOf(written);
  if (end) await ensureSchedule(scheduler, environment.schedule, refOf(written), nextLook(end, now));
  return { status: 200, headers: { etag: etagOf(written) }, body: clusterView(written) };
}
