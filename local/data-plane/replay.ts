import type { Evidence, PathProbe } from "../../shared/health/evidence";
import { failed, healthyEvidence } from "../machines/evidence/healthy";

/** What kube-proxy and a plain pod network cannot show. */
const REPLAYED = "calico-node, Felix, 10256, no kube-proxy, client addresses, deny policy";

/**
 * Evidence of a stand-in data plane with Calico's part put in from recorded values. What really happened stays: uid, nonce and times, nodes,
 * their readiness and kernels, desired state, the client, and which connections were answered and how fast. Pure.
 */
export function replayed(seen: Evidence): Evidence {
  const { nodes, traffic } = seen;
  const recorded = healthyEvidence({
    uid: seen.uid,
    nonce: seen.nonce,
    nodes: nodes.map(({ name, internalAddress }) => ({ name, address: internalAddress })),
    client: traffic.client ?? { instanceId: "", address: "" },
    now: new Date(seen.endedAt),
    collectedBy: "",
  });
  const control = traffic.negativeControl;
  return {
    ...seen,
    collectedBy: `simulated: ${REPLAYED}: replayed from recorded values; the rest: ${seen.collectedBy}`,
    kubeProxy: recorded.kubeProxy,
    calicoNode: recorded.calicoNode,
    nodes: nodes.map((node, index) => {
      const { metrics, healthz, faultLines } = recorded.nodes[index]!;
      return { ...node, metrics, healthz, faultLines };
    }),
    traffic: {
      ...traffic,
      nodePort: traffic.nodePort.map(withClientAddress(traffic)),
      negativeControl: control && { denied: control.denied.map(denied), restored: control.restored.map(withClientAddress(traffic)) },
    },
  };
}

/** kube-proxy gives the connection its node's address on the way. */
const withClientAddress =
  ({ client }: Evidence["traffic"]) =>
  (probe: PathProbe): PathProbe => ({
    ...probe,
    attempts: probe.attempts.map((attempt) => (attempt.ok && client ? { ...attempt, clientAddress: client.address } : attempt)),
  });

/** As the recorded policy did it: silence until the client gives up. */
const denied = (probe: PathProbe): PathProbe => ({ ...probe, attempts: failed("timed out", 1.2).slice(0, probe.attempts.length) });
