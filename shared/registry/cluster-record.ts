import type { Blame, NodeFault, Problem } from "../errors";
import type { SignedCertificate } from "./certificate";
import type { Verdict } from "../health/evidence";

/** What state data and events carry: enough to find a cluster, never a body or a secret. */
export interface ClusterRef {
  name: string;
  uid: string;
  region: string;
  /** A fence: writes of a lower epoch than the record's are refused. */
  epoch: number;
}

/** `Replacing` and `Degraded`: of a cluster that was ready, a worker is being replaced, or could not be. */
export type Status = "Creating" | "Ready" | "Replacing" | "Degraded" | "Failed" | "Deleting" | "Deleted" | "LeakSuspected";

/** Kubernetes API conventions, `metav1.Condition`. */
export interface Condition {
  type: ConditionType;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration: number;
}
export const conditionTypes = [
  "Ready",
  "InfrastructureReady",
  "NodesJoined",
  "DataPlaneVerified",
  "EndpointReachable",
  "AsAsked",
  "AddOnsReady",
] as const;
export type ConditionType = (typeof conditionTypes)[number];

export interface StageEntry {
  /** State name, such as `CreateBucket`. */
  stage: string;
  startedAt: string;
  endedAt: string;
  seconds: number;
  outcome: "done" | "failed";
  detail?: string;
}

/** The members of `NodeFault` where a machine failed. */
export interface Failure extends Partial<NodeFault> {
  code: string;
  blame: Blame;
  /** State of the machine that gave up. */
  stage: string;
  message: string;
  nextStep?: string;
  logTail?: string[];
  problems?: Problem[];
  at: string;
}

/** The last worker that was to have a new machine. */
export interface Replacement {
  /** Key of its instance in the plan. */
  node: string;
  /** The machine it had, where one was known. */
  instanceId?: string;
  /** RFC 3339: what was seen before proves nothing. */
  at: string;
}

/** One thing that is about to be made, was made, or is gone. The key is `<kind>/<planned name>`. */
export interface LedgerEntry {
  kind: string;
  state: "intended" | "made" | "gone";
  /** ClientToken or planned name: what finds it when the id was never heard. */
  token: string;
  epoch: number;
  /** RFC 3339: when it was intended or made. */
  at: string;
  /** RFC 3339: when a delete first saw it absent. */
  goneAt?: string;
  id?: string;
  /** Small facts that later steps need, such as an instance's private DNS name. */
  detail?: Record<string, string>;
}

export interface ClusterRecord {
  name: string;
  uid: string;
  region: string;
  epoch: number;
  /** Bumped by every change that a caller makes; the ETag. */
  generation: number;
  owner: string;
  status: Status;
  createdAt: string;
  /** Of Kubernetes and Calico, as planned. */
  versions?: { kubernetes: string; calico: string };
  readyAt?: string;
  /** RFC 3339, or absent while no expiry is set. */
  expiresAt?: string;
  /** RFC 3339: held until released. */
  heldSince?: string;
  /** RFC 3339: ready plus the deployment's cap; no extension goes past it. */
  limitAt?: string;
  /** Minutes before `expiresAt` of the warnings that went out for it. */
  warned?: number[];
  deletedAt?: string;
  conditions: Condition[];
  timeline: StageEntry[];
  ledger: Record<string, LedgerEntry>;
  failure?: Failure;
  /** What the last failing step threw; becomes `failure` when the create gives up. */
  lastError?: Failure;
  /** Last stage that each node's beacons told. */
  nodes?: Record<string, string>;
  warnings: Problem[];
  apiEndpoint?: string;
  /** The cluster's CA certificate, PEM; public. */
  caCertificate?: string;
  /** Last verdict over the data plane, with who collected its evidence. */
  dataPlane?: Verdict & { collectedBy?: string; evidenceStartedAt?: string };
  /** Once deleted: the signed proof of it. */
  certificate?: SignedCertificate;
  notifications?: NotificationOutcome[];
  replacement?: Replacement;
  /** Of a create, or of the replacement of a worker. */
  createExecution?: string;
  deleteExecution?: string;
  /** Epoch seconds; DynamoDB forgets the record of a deleted cluster then. */
  forgetAt?: number;
}

export interface NotificationOutcome {
  event: string;
  receiver: "slack" | "webhook";
  ok: boolean;
  at: string;
  detail?: string;
}
