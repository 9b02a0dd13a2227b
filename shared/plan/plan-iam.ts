import type { Role } from "../spec/manifest";
import type { IamPlan, RolePlan } from "./cluster-plan";
import { type ClusterScope, controlPlanePolicies, nodePolicies } from "./iam-policies";
import { roleName, rolePath } from "./names";

/** The roles of control planes and of workers; the probe client uses the workers'. */
export function planIam(scope: ClusterScope, deployment: { id: string; permissionsBoundary?: string }): IamPlan {
  const service = scope.partition === "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com";
  const trustPolicy = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  };
  const name = (key: Role) => roleName(scope.cluster, scope.uid, key);
  const role = (key: Role, policies: RolePlan["policies"]): RolePlan => ({ key, name: name(key), trustPolicy, policies });
  return {
    path: rolePath(deployment.id),
    ...(deployment.permissionsBoundary && { boundary: deployment.permissionsBoundary }),
    roles: [role("control-plane", controlPlanePolicies(scope)), role("node", nodePolicies(scope))],
  };
}
