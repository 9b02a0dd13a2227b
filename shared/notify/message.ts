import { endOf } from "../plan/lifetime";
import type { ClusterRecord, Failure } from "../registry/cluster-record";
import { type ClusterSummary, clusterSummary } from "../registry/cluster-view";

/** What receivers are told of; also `type` of the webhook's body. */
export const clusterEvents = [
  "cluster.ready",
  "cluster.failed",
  "cluster.node-replaced",
  "cluster.replacement-failed",
  "cluster.expiring",
  "cluster.resources-gone",
  "cluster.deleted",
  "cluster.leak-suspected",
  "deployment.orphans",
] as const;
export type ClusterEvent = (typeof clusterEvents)[number];

/** What one event says, before a receiver's own format. All of it is plain text. */
export interface Message {
  event: ClusterEvent;
  /** Follows from what happened: told twice, a receiver knows it as one. */
  id: string;
  /** RFC 3339: when it happened. */
  at: string;
  title: string;
  facts: { label: string; text: string }[];
  logTail: string[];
  cluster: ClusterSummary;
  checks: { check: string; status: string; message: string }[];
  failure?: Omit<Failure, "logTail" | "problems">;
}

/** Pure: `at` is given by the caller. */
export function messageOf(record: ClusterRecord, event: ClusterEvent, at: Date): Message {
  const { title, facts } = wording[event](record);
  const told = tellsFailure.includes(event) ? record.failure : undefined;
  return {
    event,
    id: idOf(record, event),
    at: at.toISOString(),
    title,
    facts: facts.filter((fact): fact is Fact => Boolean(fact)),
    logTail: told?.logTail ?? [],
    cluster: clusterSummary(record),
    checks: event === "cluster.deleted" ? [] : (record.dataPlane?.checks ?? []),
    ...(told && { failure: briefly(told) }),
  };
}

const tellsFailure: readonly ClusterEvent[] = ["cluster.failed", "cluster.replacement-failed", "cluster.leak-suspected", "deployment.orphans"];

const briefly = ({ logTail: _log, problems: _problems, ...told }: Failure) => told;

/** One warning for each new end of life and each lead time; each try of a delete has an epoch of its own. */
function idOf(record: ClusterRecord, event: ClusterEvent): string {
  const happened = ["msg", record.uid, record.epoch, event.replaceAll(".", "_")];
  if (event === "cluster.expiring") happened.push(Date.parse(endOf(record) ?? record.createdAt), record.warned?.at(-1) ?? 0);
  return happened.join("_");
}

type Fact = Message["facts"][number];
const fact = (label: string, text: string | number | undefined): Fact | undefined =>
  text === undefined || text === "" ? undefined : { label, text: String(text) };

const wording: Record<ClusterEvent, (record: ClusterRecord) => { title: string; facts: (Fact | undefined)[] }> = {
  "cluster.ready": (record) => ({
    title: `Your cluster ${record.name} is ready`,
    facts: [
      fact("Nodes", nodesOf(record)),
      fact("Versions", record.versions && `Kubernetes ${record.versions.kubernetes}, Calico ${record.versions.calico}`),
      fact("eBPF data plane", dataPlaneOf(record)),
      fact("API endpoint", record.apiEndpoint),
      fact("Expires", endOf(record) ?? "never"),
      fact("kubeconfig", `GET /clusters/${record.name}/kubeconfig`),
    ],
  }),
  "cluster.failed": (record) => ({ title: `Your cluster ${record.name} failed`, facts: failureFacts(record) }),
  "cluster.node-replaced": (record) => ({
    title: `Your cluster ${record.name} has a new worker`,
    facts: [
      fact("Node", record.replacement?.node),
      fact("Machine", machinesOf(record)),
      fact("Nodes", nodesOf(record)),
      fact("eBPF data plane", dataPlaneOf(record)),
      fact("Expires", endOf(record) ?? "never"),
    ],
  }),
  "cluster.replacement-failed": (record) => ({
    title: `Your cluster ${record.name} could not get a new worker`,
    facts: [fact("Replacing", record.replacement?.node), ...failureFacts(record), fact("Expires", endOf(record) ?? "never")],
  }),
  "cluster.expiring": (record) => ({
    title: `Your cluster ${record.name} is deleted soon`,
    facts: [
      fact("Expires", endOf(record)),
      fact("Keep it longer", `PATCH /clusters/${record.name} with {"extend": "2h"} or {"hold": true}`),
    ],
  }),
  "cluster.resources-gone": (record) => ({
    title: `The machines of your cluster ${record.name} are gone`,
    facts: [
      fact("What happened", record.conditions.find(({ type }) => type === "Ready")?.message),
      fact("Next step", `DELETE /clusters/${record.name} takes away what is left of it`),
    ],
  }),
  "cluster.deleted": (record) => ({
    title: `Your cluster ${record.name} is deleted`,
    facts: [fact("Left behind", "nothing"), fact("Lived", `${record.createdAt} to ${record.deletedAt ?? "now"}`)],
  }),
  "cluster.leak-suspected": (record) => ({
    title: `Your cluster ${record.name} could not be deleted whole`,
    facts: [...failureFacts(record), fact("Try again", `DELETE /clusters/${record.name}`)],
  }),
  "deployment.orphans": ({ name, uid, failure }) => ({
    title: `Resources of a cluster that no record knows: ${name}`,
    facts: [fact("uid", uid), fact("What was found", failure?.message), fact("Next step", failure?.nextStep)],
  }),
};

const failureFacts = ({ name, failure }: ClusterRecord) => [
  fact("Code", failure?.code),
  fact("Stage", failure?.stage),
  fact("Node", failure?.node && `${failure.node} at ${failure.nodeStage}: ${failure.reason}`),
  fact("What happened", failure?.message),
  fact("Next step", failure?.nextStep),
  fact("More", `GET /clusters/${name}, GET /clusters/${name}/bundle`),
];

const machinesOf = ({ replacement, ledger }: ClusterRecord): string =>
  [replacement?.instanceId, ledger[`instance/${replacement?.node}`]?.id].filter(Boolean).join(", now ");

/** By the ledger: the probe client is no node, and is gone by then; what another machine took the place of has its own id for a key. */
function nodesOf({ ledger }: ClusterRecord): string {
  const roles = Object.entries(ledger)
    .filter(([key, { kind, state, id }]) => kind === "instance" && state === "made" && key !== `instance/${id}`)
    .map(([, { detail }]) => detail?.["role"]);
  const count = (role: string) => roles.filter((found) => found === role).length;
  return `${count("control-plane")} control plane, ${count("node")} worker`;
}

function dataPlaneOf({ dataPlane }: ClusterRecord): string | undefined {
  if (!dataPlane) return undefined;
  const { status, reason, message, checks, collectedBy } = dataPlane;
  const held = checks.filter((check) => check.status === "True").length;
  const says = status === "True" ? `proved by traffic: ${held} of ${checks.length} checks hold` : `${reason}: ${message}`;
  return collectedBy ? `${says} (evidence: ${collectedBy})` : says;
}
