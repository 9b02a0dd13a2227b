import type { ClusterView } from "../shared/registry/cluster-view";

/** One thing that happened, as the API told it. */
export interface Happening {
  /** Seconds since the POST. */
  at: number;
  kind: "status" | "stage" | "node" | "verdict" | "machine";
  subject: string;
  outcome: "going on" | "good" | "bad";
  text: string;
}

/** What is new in `now`, in the order in which a person wants to read it. */
export function happenings(before: ClusterView | undefined, now: ClusterView, at: number): Happening[] {
  const stages = now.timeline.slice().sort((a, b) => a.endedAt.localeCompare(b.endedAt));
  const known = new Set(before?.timeline.map(({ stage, startedAt }) => `${stage} ${startedAt}`));
  const nodes = Object.entries(now.nodes ?? {}).filter(([node, stage]) => before?.nodes?.[node] !== stage);
  const { dataPlane, failure } = now;
  return [
    ...stages
      .filter(({ stage, startedAt }) => !known.has(`${stage} ${startedAt}`))
      .map(
        ({ stage, seconds, outcome, detail }): Happening => ({
          at,
          kind: "stage",
          subject: stage,
          outcome: outcome === "done" ? "good" : "bad",
          text: [`${outcome} in ${seconds.toFixed(2)} s`, detail].filter(Boolean).join(", "),
        }),
      ),
    ...nodes.map(([subject, stage]): Happening => ({ at, kind: "node", subject, outcome: "going on", text: stage })),
    ...(dataPlane && dataPlane.reason !== before?.dataPlane?.reason
      ? [{ at, kind: "verdict" as const, subject: "DataPlaneVerified", outcome: outcomeOf(dataPlane.status), text: `${dataPlane.status}, ${dataPlane.reason}: ${dataPlane.message}` }]
      : []),
    ...(failure && failure.at !== before?.failure?.at
      ? [{ at, kind: "status" as const, subject: failure.stage, outcome: "bad" as const, text: `${failure.code}: ${failure.message}` }]
      : []),
    ...(now.status !== before?.status
      ? [{ at, kind: "status" as const, subject: now.name, outcome: statusOutcome[now.status] ?? ("going on" as const), text: now.status }]
      : []),
  ];
}

const outcomeOf = (status: string): Happening["outcome"] => (status === "True" ? "good" : status === "False" ? "bad" : "going on");
const statusOutcome: Record<string, Happening["outcome"]> = { Ready: "good", Deleted: "good", Failed: "bad", Degraded: "bad", LeakSuspected: "bad" };

const SUBJECT = 26;
const WIDTH = 150;
const signs = { good: "✓", bad: "✗", "going on": "·" };
const colours = { good: "\u001b[32m", bad: "\u001b[31m", "going on": "\u001b[2m" };

/** One aligned line; the subject is padded, a long text cut. */
export function renderHappening({ at, subject, outcome, text }: Happening, colour: boolean): string {
  const sign = colour ? `${colours[outcome]}${signs[outcome]}\u001b[0m` : signs[outcome];
  return `${`+${at.toFixed(1)}s`.padStart(8)}  ${sign} ${subject.padEnd(SUBJECT)}  ${cut(text)}`;
}

/** The checks of a verdict as a table, weak to strong. */
export function renderChecks(checks: { check: string; status: string; message: string }[], colour: boolean): string[] {
  const width = Math.max(...checks.map(({ check }) => check.length), 0);
  return checks.map(({ check, status, message }) => {
    const outcome = outcomeOf(status);
    const sign = colour ? `${colours[outcome]}${signs[outcome]}\u001b[0m` : signs[outcome];
    return `  ${sign} ${check.padEnd(width)}  ${status.padEnd(7)}  ${cut(message)}`;
  });
}

const cut = (text: string): string => (text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`);
