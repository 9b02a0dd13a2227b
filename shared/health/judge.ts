import type { Evidence, Expectation, Verdict } from "./evidence";
import { evidenceSchema } from "./evidence-schema";
import {
  calicoNodeStarted,
  calicoNodeReady,
  desiredState,
  encapsulation,
  felix,
  kubeProxyAbsent,
  nodesPresent,
  nodesReady,
  proxyHealth,
} from "./judge-cluster";
import { clientAddress, dns, negativeControl, nodePort, podToService, probeClient } from "./judge-traffic";

/** One check's outcome; `reason` is CamelCase and becomes the verdict's when this is the first that fails. */
export interface Finding {
  check: string;
  status: Verdict["status"];
  reason: string;
  message: string;
}
export type Check = (evidence: Evidence, expectation: Expectation) => Finding;

/** A clock on a node may be ahead of ours by this much. */
const CLOCK_SKEW_SECONDS = 60;

const weakToStrong: Check[] = [
  nodesPresent,
  desiredState,
  kubeProxyAbsent,
  calicoNodeStarted,
  nodesReady,
  encapsulation,
  felix,
  proxyHealth,
  calicoNodeReady,
  probeClient,
  nodePort,
  clientAddress,
  podToService,
  dns,
  negativeControl,
];

/**
 * Whether the evidence proves that Calico's eBPF data plane carries traffic. True only when every check holds, the traffic and its
 * negative control included; False names the weakest check that failed; Unknown when nothing failed and something was not shown.
 * Evidence that cannot be read, is another run's, or is too old is Unknown, whatever it says. The message names who collected it, because
 * it goes where the checks do not: a simulation shows there too.
 */
export function judge(evidence: unknown, expectation: Expectation): Verdict {
  const parsed = evidenceSchema.safeParse(evidence);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".") || "evidence"}: ${message}`);
    return verdictOf([{ check: "evidence", status: "Unknown", reason: "EvidenceUnreadable", message: issues.join("; ") }]);
  }
  const origin = identity(parsed.data, expectation);
  if (origin.status !== "True") return verdictOf([origin]);
  const verdict = verdictOf([origin, ...weakToStrong.map((check) => check(parsed.data, expectation))]);
  return { ...verdict, message: `${verdict.message}; evidence by ${parsed.data.collectedBy}` };
}

function identity(evidence: Evidence, { uid, nonce, now, maxAgeSeconds, notBefore }: Expectation): Finding {
  const unknown = (reason: string, message: string): Finding => ({ check: "evidence", status: "Unknown", reason, message });
  if (evidence.uid !== uid) return unknown("EvidenceForeign", `the evidence is of cluster uid ${evidence.uid}, not ${uid}`);
  if (evidence.nonce !== nonce) return unknown("EvidenceForeign", "the evidence carries the nonce of another run");
  if (notBefore && Date.parse(evidence.startedAt) < notBefore.getTime())
    return unknown("EvidenceStale", `the evidence began at ${evidence.startedAt}, before a worker was to be replaced`);
  const age = (now.getTime() - Date.parse(evidence.endedAt)) / 1000;
  if (age > maxAgeSeconds) return unknown("EvidenceStale", `the evidence ended ${Math.round(age)} s ago, more than ${maxAgeSeconds} s`);
  if (age < -CLOCK_SKEW_SECONDS) return unknown("EvidenceStale", `the evidence ends ${Math.round(-age)} s in the future`);
  return {
    check: "evidence",
    status: "True",
    reason: "EvidenceCurrent",
    message: `ended ${Math.max(0, Math.round(age))} s ago, by ${evidence.collectedBy}`,
  };
}

function verdictOf(findings: Finding[]): Verdict {
  const checks = findings.map(({ check, status, message }) => ({ check, status, message }));
  const decisive = findings.find(({ status }) => status === "False") ?? findings.find(({ status }) => status === "Unknown");
  if (decisive) return { status: decisive.status, reason: decisive.reason, message: decisive.message, checks };
  const proof = (check: string) => findings.find((finding) => finding.check === check)?.message;
  const message = [proof("felix"), proof("node-port"), proof("negative-control")].join("; ");
  return { status: "True", reason: "TrafficProved", message, checks };
}
