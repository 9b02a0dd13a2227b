import type { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import type { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { settleAll, whileSettling } from "../aws/settle";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { Blocker, DeleteTarget } from "./blocker";
import { deleteClassicElb, ensureClassicElb } from "./classic-elb";
import { deleteNetworkElb, ensureNetworkElb } from "./network-elb";
import { markGone } from "./wave";

export interface ElbClients {
  classic: ElasticLoadBalancingClient;
  network: ElasticLoadBalancingV2Client;
}

/**
 * The load balancer in front of the API servers, of the planned class, with the control planes registered.
 * Ledger: `load-balancer/api` with detail `dnsName`.
 * @throws Ambiguous when one of that name is not this cluster's; TryAgain while an instance is not running yet
 */
export const ensureElb = ({ classic, network }: ElbClients, plan: ClusterPlan, ledger: Ledger): Promise<void> =>
  whileSettling(() => (plan.elb.class === "Classic" ? ensureClassicElb(classic, plan, ledger) : ensureNetworkElb(network, plan, ledger)));

/** Both classes are looked for by name: a delete has no plan to say which it was. */
export async function deleteElb({ classic, network }: ElbClients, target: DeleteTarget): Promise<Blocker[]> {
  const blockers = (await settleAll([deleteClassicElb(classic, target), deleteNetworkElb(network, target)])).flat();
  markGone(target.ledger, ["load-balancer", "target-group"], blockers);
  return blockers;
}
