import type { Call, Phase } from "./cases";

/** A line of the emulator's log of calls. */
export interface LoggedCall {
  case: string;
  function: string;
  action: string;
  n: number;
  /** Kind of the fault that met it. */
  fault?: string;
  /** It did not see what the unseen call did. */
  hidden?: boolean;
}

/** Only reading for people; no step of a create or delete. */
const bystanders = ["getCluster", "getCertificate", "getKubeconfig", "listClusters", "sweep"];

const keyOf = ({ phase, function: name, action, n }: Call) => `${phase} ${name} ${action} ${n}`;

/** The calls of one phase of one run, in the order in which they were first made. */
export const callsOf = (phase: Phase, logged: LoggedCall[]): Call[] =>
  logged.filter(({ function: name, hidden }) => !hidden && !bystanders.includes(name)).map(({ function: name, action, n }) => ({ phase, function: name, action, n }));

/**
 * What every warm run makes, and what only the first, cold one makes before the others. A loop that looked more often in one run than
 * in another counts with its fewest looks: the others are the same call in the same state.
 */
export function everyRun(cold: Call[], ...warm: Call[][]): Call[] {
  const keys = warm.map((run) => new Set(run.map(keyOf)));
  const actions = new Set(warm.flat().map(({ phase, function: name, action }) => `${phase} ${name} ${action}`));
  return cold.flatMap((call) => {
    if (keys.every((run) => run.has(keyOf(call)))) return [call];
    return actions.has(`${call.phase} ${call.function} ${call.action}`) ? [] : [{ ...call, cold: true }];
  });
}
