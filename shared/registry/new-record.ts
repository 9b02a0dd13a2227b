import { initialConditions } from "../health/conditions";
import type { ClusterPlan } from "../plan/cluster-plan";
import { executionArn, executionName } from "../plan/names";
import type { ClusterRecord } from "./cluster-record";

/** The record of a cluster of which nothing is made yet. Its create execution is known before it starts: a delete can always stop it. */
export function newRecord(plan: ClusterPlan, createMachineArn: string): ClusterRecord {
  const { name, uid, region, owner, createdAt, warnings, kubernetesVersion, kubernetes } = plan;
  return {
    ...{ name, uid, region, owner, createdAt, warnings },
    epoch: 1,
    generation: 1,
    status: "Creating",
    versions: { kubernetes: kubernetesVersion, calico: kubernetes.calico.version },
    conditions: initialConditions(new Date(createdAt)),
    timeline: [],
    ledger: {},
    createExecution: executionArn(createMachineArn, executionName(uid, "create", 1)),
  };
}
