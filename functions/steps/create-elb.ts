import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { setCondition } from "../../shared/health/conditions";
import { step } from "../../shared/lambda/step";
import { ensureElb } from "../../shared/resources/elb";

const clients = { classic: new ElasticLoadBalancingClient(), network: new ElasticLoadBalancingV2Client() };
export const handler = step("CreateElb", async ({ plan, ledger, record, change, now }) => {
  await ensureElb(clients, plan, ledger);
  change.apiEndpoint = `https://${ledger.entry("load-balancer/api")?.detail?.["dnsName"]}`;
  change.conditions = setCondition(
    record.conditions,
    { type: "InfrastructureReady", status: "True", reason: "Created", message: "bucket, keypair, network, instances and ELB are made" },
    { now, generation: record.generation },
  );
});
