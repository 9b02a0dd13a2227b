import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { S3Client } from "@aws-sdk/client-s3";
import { archive, bundleFiles } from "../../shared/health/bundle";
import { type Diagnostics, collectDiagnostics } from "../../shared/health/diagnostics";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { clusterView } from "../../shared/registry/cluster-view";
import { type PlannedCluster, readPlan } from "../../shared/registry/clusters";
import { readDiagnostics } from "../../shared/registry/kept-diagnostics";

/** An HTTP API gives up after 30 s. */
const COLLECT_MS = 15_000;
interface Clients {
  db: DynamoDBClient;
  s3: S3Client;
  ec2: EC2Client;
}
const clients: Clients = { db: new DynamoDBClient(), s3: new S3Client(), ec2: new EC2Client() };
export const handler = route((request, environment) => getBundle(clients, environment, request));

/**
 * Everything that tells why a cluster failed, as one .tar.gz: the view, beacons, log tails, consoles, evidence, secrets removed. What was
 * kept when it failed goes before what its machines say now.
 * @throws ClusterNotFound, NotYours
 */
export async function getBundle({ db, ...looked }: Clients, { table, admins }: Environment, { path, caller, now }: Request): Promise<Answer> {
  const registry = { db, table };
  const planned = await readPlan(registry, path["name"] ?? "");
  const { record } = planned;
  mayTouch(caller, record, admins);
  const diagnostics = (await readDiagnostics(registry, record.uid)) ?? (await collectNow(looked, planned, now));
  const folder = `${record.name}-${record.uid}`;
  return {
    status: 200,
    headers: { "content-type": "application/gzip", "content-disposition": `attachment; filename="${folder}.tar.gz"` },
    body: await archive(folder, bundleFiles(clusterView(record), diagnostics), now),
  };
}

/** The plan that an orphan is deleted by names no bucket. */
async function collectNow(looked: Pick<Clients, "s3" | "ec2">, { record, plan }: PlannedCluster, now: Date): Promise<Diagnostics | undefined> {
  if (record.status === "Deleted" || !(plan as Partial<typeof plan>).bucket) return undefined;
  return collectDiagnostics(looked, plan, record.ledger, { now, signal: AbortSignal.timeout(COLLECT_MS) });
}
