import type { ClusterPlan } from "../plan/cluster-plan";
import type { Ledger } from "../registry/ledger";
import type { ClusterRef } from "../registry/cluster-record";

/** What a delete is given: it finds the rest by ledger, by names that follow from name and uid, and by the uid tag. */
export interface DeleteTarget {
  ref: ClusterRef;
  accountId: string;
  deployment: string;
  ledger: Ledger;
  /** RFC 3339: what is older was there before the cluster. Absent where nobody knows, such as for an orphan. */
  createdAt?: string;
}

/** A thing that is still there after one look of a delete, and what holds it. None left means gone. */
export interface Blocker {
  /** `security-group sg-0123`. */
  resource: string;
  /** `in use by network interface eni-0456 (ELB api-demo)`, or `shutting-down`. */
  reason: string;
  /** What holds it is a machine, which may have been made after DeleteInstances has looked. */
  byMachine?: true;
}

export const targetOf = ({ ref, plan, ledger }: { ref: ClusterRef; plan: ClusterPlan; ledger: Ledger }): DeleteTarget => ({
  ref,
  accountId: plan.accountId,
  deployment: plan.deployment,
  ledger,
  // An orphan's plan has no instances: its date is that of its first sight.
  ...(plan.instances && { createdAt: plan.createdAt }),
});
