import { setCondition, summarizeReady } from "../../shared/health/conditions";
import { lookAtEndpoint } from "../../shared/health/look-at-endpoint";
import { readEnvironment } from "../../shared/lambda/environment";
import { step } from "../../shared/lambda/step";

const { deployment } = readEnvironment();
export const handler = step("RecordReady", async ({ plan, ledger, record, change, now }) => {
  const at = { now, generation: record.generation };
  const endpoint = await lookAtEndpoint(plan, ledger, record.caCertificate);
  const reachable = setCondition(record.conditions, { type: "EndpointReachable", ...endpoint }, at);
  change.conditions = setCondition(reachable, summarizeReady(reachable), at);
  change.status = "Ready";
  change.readyAt = now.toISOString();
  if (plan.ttlSeconds !== "none") {
    change.expiresAt = new Date(now.getTime() + plan.ttlSeconds * 1000).toISOString();
    change.limitAt = new Date(now.getTime() + deployment.ttl.capSeconds * 1000).toISOString();
  }
});
