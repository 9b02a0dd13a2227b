import { type EvaluationResult, type IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { codeOf } from "../aws/translate";
import type { Problem } from "../errors";
import { type StepPermission, stepRoleName } from "../plan/step-permissions";
import type { Deployment } from "../spec/deployment";

export interface StepRoles {
  iam: IAMClient;
  /** What the roles' names begin with; empty where nothing is to be asked. */
  prefix: string;
  permissions: StepPermission[];
  /** Kept from request to request by a function that lives: epoch milliseconds until which a good answer holds. */
  memory: { goodUntil: number };
}

/** Milliseconds: what has not answered by then is not waited for, so that the whole request stays under five seconds. */
const PATIENCE = 4_000;
/** Policies change rarely and IAM's simulator is slow: a good answer is good for so long. A bad one is asked for again each time. */
const GOOD_FOR = 15 * 60_000;

/**
 * Asks IAM whether the step's roles may do what their steps change, organisation's policies and permissions boundaries included,
 * so that a deployment that could not make a cluster, or not take it away again, says so before it makes anything. A look that
 * fails is a warning, never a problem; this throws nothing. Of EC2 this is what can be known without a call: its DryRun needs the ids
 * of what does not exist yet. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
export async function findRefusals(
  { iam, prefix, permissions, memory }: StepRoles,
  { partition, accountId, region }: Pick<Deployment, "partition" | "accountId" | "region">,
  patience = AbortSignal.timeout(PATIENCE),
): Promise<{ problems: Problem[]; warnings: Problem[] }> {
  if (!prefix || Date.now() < memory.goodUntil) return { problems: [], warnings: [] };
  const unseen = new Set<string>();
  const ask = async (permission: StepPermission): Promise<Problem[]> => {
    const role = `arn:${partition}:iam::${accountId}:role/${stepRoleName(prefix, permission.step, region)}`;
    try {
      return refusalsAmong(await simulate(iam, role, permission, region, patience), permission);
    } catch (error) {
      unseen.add(codeOf(error));
      return [];
    }
  };
  const problems = (await Promise.all(permissions.map(ask))).flat();
  if (problems.length + unseen.size === 0) memory.goodUntil = Date.now() + GOOD_FOR;
  const warnings = [...unseen].map((reason) => ({ path: "", message: `could not be checked: all permissions of the steps (${reason})` }));
  return { problems: byStep(problems), warnings };
}

async function simulate(iam: IAMClient, PolicySourceArn: string, permission: StepPermission, region: string, abortSignal: AbortSignal) {
  const { actions, resources, context } = permission;
  const keys = Object.entries({ ...context, "aws:RequestedRegion": region });
  const request = {
    PolicySourceArn,
    ResourceArns: resources,
    ContextEntries: keys.map(([ContextKeyName, value]) => ({ ContextKeyName, ContextKeyType: "string" as const, ContextKeyValues: [value] })),
    MaxItems: 1000,
  };
  const send = async (ActionNames: string[]) =>
    (await iam.send(new SimulatePrincipalPolicyCommand({ ...request, ActionNames }), { abortSignal })).EvaluationResults ?? [];
  try {
    return await send(actions);
  } catch (error) {
    // Some actions cannot be asked for together: "require different authorization information".
    if (!codeOf(error).startsWith("InvalidInput") || actions.length === 1) throw error;
    return (await Promise.all(actions.map((action) => send([action])))).flat();
  }
}

/** An action is refused by a Deny on any of its resources, or when no resource is allowed: not every action knows every kind. */
function refusalsAmong(results: EvaluationResult[], { step, actions }: StepPermission): Problem[] {
  return actions.flatMap((action) => {
    const own = results.filter(({ EvalActionName }) => EvalActionName === action);
    const reason = own.map(refusalOf).find(Boolean) ?? (own.length > 0 && own.every((one) => one.EvalDecision !== "allowed") ? "no policy allows it" : undefined);
    return reason ? [{ path: step, message: `${action}: ${reason}` }] : [];
  });
}

function refusalOf({ EvalDecision, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail }: EvaluationResult): string | undefined {
  if (OrganizationsDecisionDetail?.AllowedByOrganizations === false) return "the organisation's service control policies do not allow it";
  if (PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false) return "the role's permissions boundary does not allow it";
  return EvalDecision === "explicitDeny" ? "a policy denies it" : undefined;
}

/** One problem a step: a Deny of everything would name each action of it. */
const byStep = (problems: Problem[]): Problem[] =>
  [...Map.groupBy(problems, ({ path }) => path)].map(([path, found]) => ({
    path: `step ${path}`,
    message: [...new Set(found.map(({ message }) => message))].toSorted().join("; "),
  }));
