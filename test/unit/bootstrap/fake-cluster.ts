import { type IncomingMessage, type Server, createServer } from "node:http";
import { type AddressInfo, type Server as TcpServer, createServer as createTcpServer } from "node:net";
import { recorded, withMetric } from "../../../local/machines/evidence/healthy";
import { collectorAccess } from "../../../shared/bootstrap/prober-manifests";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what is posted here is only kept and given back
type Thing = { metadata: { name: string; labels?: Record<string, string> } } & Record<string, any>;
export interface Broken {
  /** NodePorts entered at a node without the backend. */
  nodePortAcross?: boolean;
  podToService?: boolean;
  policyIgnored?: boolean;
  nodeNotReady?: boolean;
  imagesMissing?: boolean;
  metricsRefused?: boolean;
}
export const TOKEN = "collector-token";
export const nodes = [
  { name: "node-a", address: "127.0.0.2" },
  { name: "node-b", address: "127.0.0.3" },
];

/**
 * An API server with two nodes, as far as the collector sees one, that refuses what the collector's roles do not grant.
 * NodePorts are real sockets.
 */
export class FakeCluster {
  readonly things = new Map<string, Thing>();
  readonly asked: string[] = [];
  private readonly server: Server = createServer(
    (request, response) => void this.serve(request).then(({ status, body }) => response.writeHead(status).end(body)),
  );
  private readonly nodePorts = new Map<string, TcpServer[]>();
  private sweeps = 4;
  constructor(readonly broken: Broken = {}) {
    const crd = "/apis/crd.projectcalico.org/v1";
    this.put(`${crd}/felixconfigurations/default`, { spec: { bpfEnabled: true, bpfExternalServiceMode: "DSR" } });
    this.put(`${crd}/ippools/default-ipv4-ippool`, { spec: { cidr: "192.168.0.0/16", vxlanMode: "Always", ipipMode: "Never" } });
    this.put("/api/v1/namespaces/kube-system/configmaps/kubernetes-services-endpoint", {
      data: { KUBERNETES_SERVICE_HOST: "127.0.0.2", KUBERNETES_SERVICE_PORT: "6443" },
    });
    const env = [
      { name: "FELIX_BPFLOGLEVEL", value: "Off" },
      { name: "NODENAME", valueFrom: {} },
    ];
    this.put("/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node", {
      spec: { template: { spec: { containers: [{ name: "calico-node", env }] } } },
      status: { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 2 },
    });
    const status = this.broken.nodeNotReady || this.broken.imagesMissing ? "False" : "True";
    for (const [index, { name, address }] of nodes.entries()) {
      const conditions = [
        { type: "Ready", status },
        { type: "NetworkUnavailable", status: status === "True" ? "False" : "True" },
      ];
      this.put(`/api/v1/nodes/${name}`, {
        status: { conditions, addresses: [{ type: "InternalIP", address }], nodeInfo: { kernelVersion: "6.18.0" } },
      });
      const waiting = { name: "upgrade-ipam", restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } };
      this.put(`/api/v1/namespaces/kube-system/pods/calico-node-${index}`, {
        metadata: { name: "", labels: { "k8s-app": "calico-node" } },
        spec: { nodeName: name, containers: [{ image: "quay.io/calico/node:v3.31.4" }] },
        status: {
          conditions: [{ type: "Ready", status }],
          initContainerStatuses: this.broken.imagesMissing ? [waiting] : [],
          containerStatuses: [{ name: "calico-node", restartCount: 1, state: {} }],
        },
      });
    }
  }
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async close(): Promise<void> {
    const all = [...this.nodePorts.values()].flat();
    await Promise.all([this.server, ...all].map((server) => new Promise((resolve) => server.close(resolve))));
  }
  /** What is in the prober's namespace, the lease aside. */
  left = (): string[] => [...this.things.keys()].filter((path) => path.includes("/clowder-probe/") && !path.includes("/leases/"));
  put(path: string, thing: object): void {
    const { metadata, ...rest } = { metadata: {}, ...thing } as Partial<Thing>;
    this.things.set(path, { ...rest, metadata: { ...metadata, name: path.split("/").at(-1)! } });
  }

  private async serve(request: IncomingMessage): Promise<{ status: number; body: string }> {
    const url = new URL(request.url!, "http://api");
    const path = url.pathname;
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: "" };
    const refused = this.refusal(request.method!, path);
    if (refused) return { status: 403, body: refused };
    this.asked.push(`${request.method} ${path}`);
    if (path.includes("/proxy/")) return this.proxy(path, url.searchParams);
    if (path.endsWith("/log"))
      return { status: 200, body: "starting\nFailed to load CO-RE object, kernel too old? Falling back to non-CO-RE.\nready\n" };
    if (request.method === "POST") return this.create(path, JSON.parse(text) as Thing);
    const thing = this.things.get(path);
    if (thing && request.method === "DELETE") return this.remove(path);
    if (thing && request.method === "PUT") this.things.set(path, JSON.parse(text) as Thing);
    if (thing) return { status: 200, body: JSON.stringify(thing) };
    const [label, value] = (url.searchParams.get("labelSelector") ?? "").split("=") as [string, string?];
    const items = [...this.things].filter(
      ([key, { metadata }]) => key.slice(0, key.lastIndexOf("/")) === path && (!value || metadata.labels?.[label] === value),
    );
    if (items.length > 0 || /s$/.test(path)) return { status: 200, body: JSON.stringify({ items: items.map(([, item]) => item) }) };
    return { status: 404, body: "" };
  }

  private async create(path: string, thing: Thing): Promise<{ status: number; body: string }> {
    const key = `${path}/${thing.metadata.name}`;
    if (this.things.has(key)) return { status: 409, body: "AlreadyExists" };
    this.things.set(key, thing);
    if (path.endsWith("/daemonsets"))
      nodes.forEach(({ name }, index) =>
        this.put(`/api/v1/namespaces/clowder-probe/pods/prober-${index}`, {
          metadata: thing["spec"].template.metadata,
          spec: { nodeName: name },
          status: { podIP: `192.168.${index}.5`, conditions: [{ type: "Ready", status: "True" }] },
        }),
      );
    if (path.endsWith("/services")) {
      const index = this.nodePorts.size;
      thing["spec"].clusterIP = `10.96.0.${50 + index}`;
      this.nodePorts.set(key, await Promise.all(nodes.map((node) => this.openNodePort(thing, node))));
    }
    return { status: 201, body: JSON.stringify(thing) };
  }
  private remove(path: string): { status: number; body: string } {
    this.things.delete(path);
    if (path.endsWith("/daemonsets/clowder-prober"))
      nodes.forEach((_, index) => this.things.delete(`/api/v1/namespaces/clowder-probe/pods/prober-${index}`));
    for (const server of this.nodePorts.get(path) ?? []) server.close();
    this.nodePorts.delete(path);
    return { status: 200, body: "{}" };
  }
  private openNodePort(service: Thing, node: (typeof nodes)[number]): Promise<TcpServer> {
    const server = createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      const backend = this.backendOf(service.metadata.name);
      const denied =
        this.things.has("/apis/networking.k8s.io/v1/namespaces/clowder-probe/networkpolicies/clowder-deny") && !this.broken.policyIgnored;
      if (!backend || denied || (this.broken.nodePortAcross && backend !== node.name)) return socket.destroy();
      const echoed = `${socket.remoteAddress}:${socket.remotePort}`;
      socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${echoed.length}\r\nConnection: close\r\n\r\n${echoed}`));
    });
    return new Promise((resolve) => server.listen(service["spec"].ports[0].nodePort, node.address, () => resolve(server)));
  }
  /** The node that a slice, or an Endpoints object, pins the service to. */
  private backendOf(service: string): string | undefined {
    const slice = this.things.get(`/apis/discovery.k8s.io/v1/namespaces/clowder-probe/endpointslices/${service}`);
    const endpoints = this.things.get(`/api/v1/namespaces/clowder-probe/endpoints/${service}`);
    return slice?.["endpoints"][0].nodeName ?? endpoints?.["subsets"][0].addresses[0].nodeName;
  }

  private proxy(path: string, query: URLSearchParams): { status: number; body: string } {
    const [, pod, port] = /\/pods\/([^:]+):(\d+)\/proxy\//.exec(path)!;
    if (port === "9091") {
      const unreached = JSON.stringify({ kind: "Status", message: "error trying to reach service: dial tcp: connect: connection refused" });
      return this.broken.metricsRefused
        ? { status: 503, body: unreached }
        : { status: 200, body: withMetric(recorded("healthy-metrics.txt"), "felix_bpf_conntrack_sweeps", this.sweeps++) };
    }
    if (port === "10256") return { status: 200, body: recorded("healthy-10256.txt").split("\n\n").at(-1)! };
    const host = query.get("host")!;
    const service = [...this.things].find(([key, thing]) => key.includes("/services/") && thing["spec"].clusterIP === host)?.[1];
    const from = nodes[Number(pod!.split("-")[1])]!.name;
    const dead = service
      ? !this.backendOf(service.metadata.name) || (this.broken.podToService && this.backendOf(service.metadata.name) !== from)
      : host !== "kubernetes.default.svc.cluster.local";
    return { status: 200, body: JSON.stringify(dead ? { errors: ["i/o timeout"] } : { responses: ["192.168.0.5:4711"] }) };
  }

  /** As the RBAC authoriser would say it, by the very manifest that is applied. */
  private refusal(method: string, path: string): string | undefined {
    const match = /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/(proxy|log))?/.exec(path);
    const [, group = "", namespace, kind, named, sub] = match ?? [];
    const resource = sub ? `${kind}/${sub}` : kind!;
    const verb = { POST: "create", PUT: "update", DELETE: "delete", GET: named ? "get" : "list" }[method]!;
    const roles = collectorAccess.items as {
      kind: string;
      metadata: { namespace?: string };
      rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
    }[];
    const granted = roles
      .filter((role) => role.kind === "ClusterRole" || (role.kind === "Role" && role.metadata.namespace === namespace))
      .some(({ rules = [] }) =>
        rules.some(
          (rule) =>
            rule.apiGroups.includes(group) &&
            rule.resources.includes(resource) &&
            rule.verbs.includes(verb) &&
            (!rule.resourceNames || rule.resourceNames.includes(named ?? "")),
        ),
      );
    return granted ? undefined : `forbidden: ${verb} ${group}/${resource} in ${namespace}`;
  }
}
