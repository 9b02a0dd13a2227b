import { type Condition, type ConditionType, conditionTypes } from "../registry/cluster-record";

export type ConditionChange = Pick<Condition, "type" | "status" | "reason" | "message">;

/**
 * Conditions with one of them as `change` says; `lastTransitionTime` moves only when the status does.
 * Kubernetes API conventions, "Typical status properties".
 */
export function setCondition(
  conditions: readonly Condition[],
  change: ConditionChange,
  at: { now: Date; generation: number },
): Condition[] {
  const before = conditions.find(({ type }) => type === change.type);
  const lastTransitionTime = before?.status === change.status ? before.lastTransitionTime : at.now.toISOString();
  const { type, status, reason, message } = change;
  const condition = { type, status, reason, message, lastTransitionTime, observedGeneration: at.generation };
  return before ? conditions.map((other) => (other === before ? condition : other)) : [...conditions, condition];
}

/** What a new cluster's conditions are: everything Unknown, because nothing was looked at yet. */
export function initialConditions(now: Date): Condition[] {
  const unknown = (type: ConditionType): ConditionChange => ({
    type,
    status: "Unknown",
    reason: "NotLookedYet",
    message: "nothing was looked at yet",
  });
  return conditionTypes.reduce<Condition[]>((all, type) => setCondition(all, unknown(type), { now, generation: 1 }), []);
}

const REPLACING = "Replacing";
/** What a new machine makes unproved again. */
const REPROVED: readonly ConditionType[] = ["NodesJoined", "DataPlaneVerified", "AsAsked", "AddOnsReady"];

/** While a worker gets a new machine nothing that was seen before holds. */
export function replacing(conditions: readonly Condition[], node: string, at: { now: Date; generation: number }): Condition[] {
  const waiting = (type: ConditionType): ConditionChange => ({
    type,
    status: type === "NodesJoined" ? "False" : "Unknown",
    reason: REPLACING,
    message: type === "NodesJoined" ? `${node} gets a new machine` : `not looked at since ${node} gets a new machine`,
  });
  const waited = REPROVED.reduce((all, type) => setCondition(all, waiting(type), at), [...conditions]);
  return setCondition(waited, summarizeReady(waited), at);
}

/** What had not been looked at again when a create or a replacement failed says why; and so does Ready. */
export function failedConditions(conditions: readonly Condition[], { code: reason, message }: { code: string; message: string }, at: { now: Date; generation: number }): Condition[] {
  const told = conditions
    .filter((condition) => condition.reason === REPLACING)
    .reduce((all, { type, status }) => setCondition(all, { type, status, reason, message }, at), [...conditions]);
  return setCondition(told, { type: "Ready", status: "False", reason, message }, at);
}

/** What must be True for Ready; the others are told beside it. An internal API is no defect, and add-ons come when their images do. */
const needed: readonly ConditionType[] = ["InfrastructureReady", "NodesJoined", "DataPlaneVerified"];

/** Ready as the others add up: the first that does not hold gives its status, reason and message. */
export function summarizeReady(conditions: readonly Condition[]): ConditionChange {
  for (const type of needed) {
    const condition = conditions.find((other) => other.type === type);
    if (condition?.status !== "True")
      return {
        type: "Ready",
        status: condition?.status ?? "Unknown",
        reason: condition?.reason ?? "NotLookedYet",
        message: `${type}: ${condition?.message ?? "nothing was looked at yet"}`,
      };
  }
  const proof = conditions.find(({ type }) => type === "DataPlaneVerified");
  return { type: "Ready", status: "True", reason: "DataPlaneVerified", message: proof?.message ?? "" };
}
