import { S3Client } from "@aws-sdk/client-s3";
import { addOns } from "../../shared/bootstrap/render-add-ons";
import { setCondition, summarizeReady } from "../../shared/health/conditions";
import { judgeAddOns, judgeAsAsked } from "../../shared/health/judge-audit";
import { lookAtAudit } from "../../shared/health/look-at-audit";
import { lookAtEndpoint } from "../../shared/health/look-at-endpoint";
import { readEnvironment } from "../../shared/lambda/environment";
import { step } from "../../shared/lambda/step";

const { deployment } = readEnvironment();
const s3 = new S3Client();
export const handler = step("RecordReady", async ({ plan, ledger, record, change, now }) => {
  const at = { now, generation: record.generation };
  const [endpoint, audits] = await Promise.all([lookAtEndpoint(plan, ledger, record.caCertificate), lookAtAudit(s3, plan, ledger, now, record.replacement && new Date(record.replacement.at))]);
  const names = Object.fromEntries(plan.instances.map(({ key }) => [key, ledger.entry(`instance/${key}`)?.detail?.["privateDnsName"] ?? ""]));
  const workloads = addOns(plan)
    .filter(({ kind }) => kind === "DaemonSet" || kind === "Deployment")
    .map(({ kind, metadata }) => ({ kind, name: metadata.name }));
  const looked = [
    { type: "EndpointReachable" as const, ...endpoint },
    { type: "AsAsked" as const, ...judgeAsAsked(plan, names, audits) },
    { type: "AddOnsReady" as const, ...judgeAddOns(workloads, audits) },
  ].reduce((conditions, condition) => setCondition(conditions, condition, at), record.conditions);
  change.conditions = setCondition(looked, summarizeReady(looked), at);
  change.status = "Ready";
  // A cluster whose worker was replaced goes on with the life it has.
  if (record.readyAt) return;
  change.readyAt = now.toISOString();
  if (plan.ttlSeconds !== "none") {
    change.expiresAt = new Date(now.getTime() + plan.ttlSeconds * 1000).toISOString();
    change.limitAt = new Date(now.getTime() + deployment.ttl.capSeconds * 1000).toISOString();
  }
});
