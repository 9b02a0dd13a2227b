import { connect } from "node:tls";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { Condition } from "../registry/cluster-record";
import type { Ledger } from "../registry/ledger";

type EndpointSeen = Pick<Condition, "status" | "reason" | "message">;
const TIME_OUT_MS = 3000;

/**
 * One TLS connection to the API through the load balancer, as a person's kubectl makes it: the ELB's name, the planned name in the
 * certificate, the cluster's own CA. Unknown where this place cannot look: an internal load balancer, or one that is not open to all.
 * Never throws.
 */
export async function lookAtEndpoint(plan: ClusterPlan, ledger: Ledger, caCert?: string): Promise<EndpointSeen> {
  const host = ledger.entry("load-balancer/api")?.detail?.["dnsName"];
  const unknown = (reason: string, message: string): EndpointSeen => ({ status: "Unknown", reason, message });
  if (plan.elb.type !== "Public") return unknown("EndpointInternal", "the load balancer is internal, so it was not tried from outside");
  if (!isOpenToAll(plan))
    return unknown("EndpointRestricted", "kubernetesApiAccess does not hold 0.0.0.0/0, so it was not tried from outside");
  if (!host || !caCert)
    return unknown("EndpointNotKnown", `${host ? "the cluster's CA certificate" : "the load balancer's name"} is not known`);
  return handshake({ host, port: plan.elb.listenerPort, servername: plan.kubernetes.internalName, ca: caCert });
}

/** A Classic load balancer is opened by its own group at its port; behind a Network one the nodes' group is, at theirs. */
function isOpenToAll({ elb, network }: ClusterPlan): boolean {
  const group = network.securityGroups.find(({ key }) => key === (elb.securityGroup ?? "control-plane"));
  const port = elb.securityGroup ? elb.listenerPort : elb.targetPort;
  return Boolean(
    group?.ingress.some(
      ({ from, protocol, fromPort = 0, toPort = 65535 }) =>
        "cidr" in from && from.cidr === "0.0.0.0/0" && /^(tcp|6|-1)$/.test(protocol) && fromPort <= port && port <= toPort,
    ),
  );
}

function handshake(to: { host: string; port: number; servername: string; ca: string }): Promise<EndpointSeen> {
  const where = `${to.host}:${to.port} as ${to.servername}`;
  return new Promise((resolve) => {
    const socket = connect({ ...to, timeout: TIME_OUT_MS });
    const end = (seen: EndpointSeen) => {
      socket.destroy();
      resolve(seen);
    };
    socket.once("secureConnect", () =>
      end({ status: "True", reason: "CertificateMatches", message: `${where} answers with the cluster's certificate` }),
    );
    socket.once("timeout", () =>
      end({ status: "False", reason: "TimedOut", message: `${where} did not answer within ${TIME_OUT_MS / 1000} s` }),
    );
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end({ status: "False", reason: reasonOf(error.code), message: `${where}: ${error.message}` }),
    );
  });
}

/** Codes of Node's TLS and of the system: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
function reasonOf(code = ""): string {
  if (/^(ENOTFOUND|EAI_)/.test(code)) return "NameNotResolved";
  if (/^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT)/.test(code)) return "NotReachable";
  return "CertificateDiffers";
}
