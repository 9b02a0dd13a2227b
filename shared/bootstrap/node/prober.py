"""Traffic probes: a prober pod on every node, a NodePort for each with that pod as its only backend, and a client outside Calico."""
import json
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from kubeapi import ApiError

ATTEMPTS = 10
CONTROL_ATTEMPTS = 5
LABEL = "app=clowder-prober"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Unproved(Exception):
    """Nothing can be tried, for a reason that evidence tells."""


def until(done, seconds, pause=0.5):
    """Whether `done` came true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
    return True


def attempt(work):
    began = time.monotonic()
    seen = {"ok": False}
    try:
        seen = work()
    except ApiError as error:
        seen["error"] = "the prober was not reached: %s" % error
    except ValueError as error:
        seen["error"] = "no answer that can be read: %s" % error
    return dict(seen, seconds=round(time.monotonic() - began, 4))


def probes_of(ways, attempts):
    return [{"enteredAt": way[0], "backendNode": way[1], "attempts": tries} for way, tries in zip(ways, attempts)]


class Prober:
    def __init__(self, api, config, nodes):
        self.api = api
        self.config = config
        self.namespace = "/namespaces/" + config["namespace"]
        self.nodes = nodes
        self.names = [node["name"] for node in nodes]
        self.pods = {}
        self.cluster_ips = {}
        self.slices = tuple(config["kubernetesVersion"][:2]) >= (1, 21)
        self.ways = [(entry, backend) for entry in self.names for backend in self.names]
        self.across = [way for way in self.ways if way[0] != way[1]] or self.ways

    def remove(self):
        """Everything of this and of an earlier round that was cut off."""
        kinds = ["/api/v1%s/services", "/apis/networking.k8s.io/v1%s/networkpolicies", "/apis/apps/v1%s/daemonsets"]
        kinds.append("/apis/discovery.k8s.io/v1%s/endpointslices" if self.slices else "/api/v1%s/endpoints")
        for kind in kinds:
            path = kind % self.namespace
            for thing in self.api.items(path, LABEL):
                self.api.delete(path + "/" + thing["metadata"]["name"])

    def start(self):
        self.api.create("/apis/apps/v1%s/daemonsets" % self.namespace, self.config["daemonSet"])
        if not until(self.find_pods, self.config["podSeconds"]):
            missing = [name for name in self.names if name not in self.pods]
            raise Unproved("no prober pod became ready on %s" % ", ".join(missing))
        for index, name in enumerate(self.names):
            self.serve("clowder-probe-%d" % index, self.config["firstNodePort"] + index, name)

    def find_pods(self):
        for pod in self.api.items("/api/v1%s/pods" % self.namespace, LABEL):
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))
            if ready and "deletionTimestamp" not in pod["metadata"]:
                self.pods[pod["spec"]["nodeName"]] = (pod["metadata"]["name"], pod["status"]["podIP"])
        return all(name in self.pods for name in self.names)

    def serve(self, name, node_port, node):
        """No selector: one pod is pinned, so that an answer can only have come from its node."""
        metadata = {"name": name, "labels": {"app": "clowder-prober"}}
        port = {"port": 80, "targetPort": 8080, "nodePort": node_port, "protocol": "TCP"}
        spec = {"type": "NodePort", "externalTrafficPolicy": "Cluster", "ports": [port]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        made = self.api.create("/api/v1%s/services" % self.namespace, service)
        self.cluster_ips[node] = made["spec"]["clusterIP"]
        address = self.pods[node][1]
        if self.slices:
            labels = dict(metadata["labels"], **{"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "clowder"})
            backend = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                       "metadata": {"name": name, "labels": labels},
                       "endpoints": [{"addresses": [address], "nodeName": node, "conditions": {"ready": True}}],
                       "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]}
            self.api.create("/apis/discovery.k8s.io/v1%s/endpointslices" % self.namespace, backend)
        else:
            subset = {"addresses": [{"ip": address, "nodeName": node}], "ports": [{"port": 8080, "protocol": "TCP"}]}
            endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}
            self.api.create("/api/v1%s/endpoints" % self.namespace, endpoints)

    def from_client(self, attempts):
        """The client's identity, and what it saw entering every node for every backend."""
        addresses = {node["name"]: node["internalAddress"] for node in self.nodes}
        ports = {name: self.config["firstNodePort"] + index for index, name in enumerate(self.names)}
        targets = [{"host": addresses[entry], "port": ports[backend]} for entry, backend in self.ways]
        headers = {"Content-Type": "application/json", "clowder-nonce": self.config["nonce"]}
        body = json.dumps({"targets": targets, "attempts": attempts}).encode()
        request = urllib.request.Request(self.config["client"] + "/probe", data=body, headers=headers)
        try:
            with DIRECT.open(request, timeout=120) as answer:
                seen = json.loads(answer.read().decode())
            attempts = [result["attempts"] for result in seen["results"]]
            return {"instanceId": seen["instanceId"], "address": seen["address"]}, probes_of(self.ways, attempts)
        except (OSError, ValueError, KeyError) as error:
            raise Unproved("the probe client does not answer: %s" % error)

    def dial(self, node, host, port):
        """From the pod on `node`: netexec's /dial makes a new connection for each request."""
        query = urllib.parse.urlencode({"host": host, "port": port, "protocol": "http", "request": "clientip", "tries": 1})
        status, body = self.api.through(self.config["namespace"], self.pods[node][0], 8080, "dial?" + query, timeout=15)
        answer = json.loads(body) if status == 200 else {"errors": ["%d: %s" % (status, body[:200])]}
        return {"ok": True} if answer.get("responses") else {"ok": False, "error": "; ".join(answer.get("errors") or ["no answer"])[:300]}

    def from_pods(self, attempts):
        with ThreadPoolExecutor(16) as pool:
            dials = [lambda way=way: self.dial(way[0], self.cluster_ips[way[1]], 80) for way in self.across]
            running = [[pool.submit(attempt, dial) for _ in range(attempts)] for dial in dials]
            return probes_of(self.across, [[one.result() for one in tries] for tries in running])

    def dns(self):
        """An answer of any kind means that the name was resolved and the service reached; to plain HTTP the API server says 400."""
        name = "kubernetes.default.svc." + self.config["clusterDomain"]
        with ThreadPoolExecutor(16) as pool:
            seen = list(pool.map(lambda node: attempt(lambda: self.dial(node, name, 443)), self.names))
        kept = [{key: one[key] for key in ("ok", "error") if key in one} for one in seen]
        return [dict(one, node=node) for node, one in zip(self.names, kept)]

    def settle(self, works):
        """A new backend is not used during its first requests; what stays silent is left to the verdict."""
        until(lambda: all(one["ok"] for probe in works() for one in probe["attempts"]), self.config["settleSeconds"])

    def control(self):
        """The same NodePorts while a policy denies all that comes in, and after it. Only once the change had time to take hold."""
        policies = "/apis/networking.k8s.io/v1%s/networkpolicies" % self.namespace
        entered = lambda: self.from_client(1)[1]
        policy = self.config["denyPolicy"]
        self.api.create(policies, policy)
        until(lambda: not any(one["ok"] for probe in entered() for one in probe["attempts"]), self.config["settleSeconds"])
        denied = self.from_client(CONTROL_ATTEMPTS)[1]
        self.api.delete(policies + "/" + policy["metadata"]["name"])
        self.settle(entered)
        return {"denied": denied, "restored": self.from_client(CONTROL_ATTEMPTS)[1]}

    def traffic(self):
        """As much of the evidence as can be had: without the client the pods are still asked."""
        seen = {"client": None, "nodePort": [], "podToService": [], "dns": [], "negativeControl": None}
        self.settle(lambda: self.from_pods(1))
        seen["podToService"] = self.from_pods(CONTROL_ATTEMPTS)
        seen["dns"] = self.dns()
        try:
            self.settle(lambda: self.from_client(2)[1])
            seen["client"], seen["nodePort"] = self.from_client(ATTEMPTS)
            seen["negativeControl"] = self.control()
        except Unproved as error:
            seen["error"] = str(error)
        return seen
