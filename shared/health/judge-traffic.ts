import type { Evidence, Expectation, PathProbe } from "./evidence";
import type { Check } from "./judge";
import { type Trouble, faults, finding, no, unknown } from "./judge-finding";

type Path = Pick<PathProbe, "enteredAt" | "backendNode">;

/** Every way from a node to a backend on another; a lone node can only be entered where its backend is. */
function pathsAcross(nodes: string[]): Path[] {
  if (nodes.length === 1) return [{ enteredAt: nodes[0]!, backendNode: nodes[0]! }];
  return nodes.flatMap((enteredAt) => nodes.filter((node) => node !== enteredAt).map((backendNode) => ({ enteredAt, backendNode })));
}
const along = (probes: PathProbe[], { enteredAt, backendNode }: Path): PathProbe["attempts"] =>
  probes.filter((probe) => probe.enteredAt === enteredAt && probe.backendNode === backendNode).flatMap(({ attempts }) => attempts);
const answers = (attempts: PathProbe["attempts"]): number => attempts.filter(({ ok }) => ok).length;
const isDead = (attempts: PathProbe["attempts"]): boolean => attempts.length > 0 && answers(attempts) === 0;
const told = ({ enteredAt, backendNode }: Path, attempts: PathProbe["attempts"]): string => {
  const error = attempts.find(({ ok }) => !ok)?.error;
  const because = error ? ` (${error})` : "";
  return `entered at ${enteredAt} with the backend on ${backendNode}: ${answers(attempts)} of ${attempts.length} answered${because}`;
};
const unprobed = (probes: PathProbe[], paths: Path[], reason: string, what: string): Trouble[] =>
  paths
    .filter((path) => along(probes, path).length === 0)
    .map(({ enteredAt, backendNode }) => unknown(reason, `${what} was not tried from ${enteredAt} to ${backendNode}`));

export const probeClient: Check = ({ traffic }, { clientInstanceId, clientAddress: expected }) => {
  const troubles: Trouble[] = [];
  const { client } = traffic;
  if (!client)
    troubles.push(unknown("ProbeClientMissing", `no client outside Calico took part${traffic.error ? `: ${traffic.error}` : ""}`));
  else if (client.instanceId !== clientInstanceId || client.address !== expected)
    troubles.push(
      unknown("ProbeClientForeign", `the client was ${client.instanceId} at ${client.address}, not ${clientInstanceId} at ${expected}`),
    );
  return finding("probe-client", troubles, { reason: "ProbeClientPresent", message: `${clientInstanceId} at ${expected}, outside Calico` });
};

/** What a dead NodePort means, by what else answered on the same nodes (the table of two real nodes, broken between and around). */
function explain(evidence: Evidence, { externalServiceMode }: Expectation, path: Path): Trouble {
  const { nodePort: probes, podToService: pods } = evidence.traffic;
  const { enteredAt, backendNode } = path;
  const message = `NodePort ${told(path, along(probes, path))}`;
  const line = evidence.nodes
    .filter(({ name }) => name === enteredAt || name === backendNode)
    .flatMap(({ faultLines }) => faultLines)
    .find((candidate) => faults.programs.test(candidate));
  const atOwnNode = [enteredAt, backendNode]
    .map((node) => ({ enteredAt: node, backendNode: node }))
    .find((own) => isDead(along(probes, own)));
  if (atOwnNode && line)
    return no("WorkloadProgramsMissing", `${message}, though Felix counts its endpoints as up; its log: "${line.trim()}"`);
  if (atOwnNode)
    return no(
      "NodePortDead",
      `${message}; at ${atOwnNode.enteredAt} also with the backend there: programs are detached or missing, though no signal tells`,
    );
  const fromPods = along(pods, path);
  if (isDead(fromPods))
    return no(
      "VxlanBlocked",
      `${message}; pod to service on the same way: 0 of ${fromPods.length}: UDP 4789 does not pass between the nodes`,
    );
  if (fromPods.length > 0 && externalServiceMode === "DSR")
    return no(
      "SourceDestinationCheck",
      `${message}; pod to service on the same way: ${answers(fromPods)} of ${fromPods.length}: ` +
        `replies with a foreign source address are dropped, so look at the source/destination check of ${backendNode}`,
    );
  return no("NodePortDead", message);
}

export const nodePort: Check = (evidence, expectation) => {
  const { nodePort: probes } = evidence.traffic;
  const paths = pathsAcross(expectation.nodes);
  const own = expectation.nodes.map((node) => ({ enteredAt: node, backendNode: node }));
  const troubles = unprobed(probes, paths, "NodePortNotProbed", "a NodePort");
  for (const path of [...paths, ...own]) {
    const attempts = along(probes, path);
    if (isDead(attempts)) troubles.push(explain(evidence, expectation, path));
    else if (answers(attempts) < attempts.length) troubles.push(no("NodePortUnsteady", `NodePort ${told(path, attempts)}`));
  }
  const [first] = paths;
  const such = first ? `, such as ${told(first, along(probes, first))}` : "";
  const message = `${paths.length} NodePort ways answered the client at ${expectation.clientAddress}${such}`;
  return finding("node-port", troubles, { reason: "NodePortAnswers", message });
};

export const clientAddress: Check = ({ traffic }, { clientAddress: expected }) => {
  const answered = traffic.nodePort.filter(({ attempts }) => answers(attempts) > 0);
  const troubles = answered.flatMap(({ enteredAt, backendNode, attempts }): Trouble[] => {
    const other = attempts.find((attempt) => attempt.ok && attempt.clientAddress !== expected);
    const seen = other?.clientAddress ?? "no address";
    return other
      ? [no("ClientAddressLost", `entered at ${enteredAt}, the backend on ${backendNode} saw ${seen} instead of the client's ${expected}`)]
      : [];
  });
  if (answered.length === 0) troubles.push(unknown("ClientAddressUnseen", "no NodePort answered, so no client address was seen"));
  return finding("client-address", troubles, { reason: "ClientAddressKept", message: `backends saw the client's own ${expected}` });
};

export const podToService: Check = ({ traffic }, { nodes }) => {
  const paths = pathsAcross(nodes);
  const troubles = unprobed(traffic.podToService, paths, "PodToServiceNotProbed", "pod to service");
  for (const path of paths) {
    const attempts = along(traffic.podToService, path);
    if (answers(attempts) < attempts.length)
      troubles.push(no(isDead(attempts) ? "PodToServiceDead" : "PodToServiceUnsteady", `pod to service ${told(path, attempts)}`));
  }
  return finding("pod-to-service", troubles, {
    reason: "PodToServiceAnswers",
    message: `${paths.length} ways from pod to service answered`,
  });
};

export const dns: Check = ({ traffic }, { nodes }) => {
  const troubles = nodes.flatMap((node): Trouble[] => {
    const answer = traffic.dns.find((candidate) => candidate.node === node);
    if (!answer) return [unknown("DnsNotProbed", `DNS was not tried from a pod on ${node}`)];
    return answer.ok ? [] : [no("DnsDead", `DNS from a pod on ${node}: ${answer.error ?? "no answer"}`)];
  });
  return finding("dns", troubles, { reason: "DnsAnswers", message: "kubernetes.default.svc answers on every node" });
};

/** A probe that cannot fail proves nothing: under a deny policy none may answer, after it all must again. */
export const negativeControl: Check = ({ traffic }, { nodes }) => {
  const control = traffic.negativeControl;
  const paths = pathsAcross(nodes);
  const fine = { reason: "NegativeControlFailed", message: "none answered under a deny policy, all after it" };
  if (!control) {
    const because = traffic.error ? `: ${traffic.error}` : "";
    return finding(
      "negative-control",
      [unknown("NegativeControlMissing", `the probes were not tried under a deny policy${because}`)],
      fine,
    );
  }
  const troubles = [
    ...unprobed(control.denied, paths, "NegativeControlMissing", "under a deny policy a NodePort"),
    ...unprobed(control.restored, paths, "NegativeControlMissing", "after the deny policy a NodePort"),
  ];
  for (const path of paths) {
    const denied = along(control.denied, path);
    const restored = along(control.restored, path);
    if (answers(denied) > 0) troubles.push(no("NegativeControlPassed", `under a deny policy, NodePort ${told(path, denied)}`));
    else if (answers(restored) < restored.length)
      troubles.push(no("DenyPolicyLeft", `after the deny policy was removed, NodePort ${told(path, restored)}`));
  }
  return finding("negative-control", troubles, fine);
};
