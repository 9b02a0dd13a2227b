"""Collects evidence about Calico's data plane and puts it where the service reads it. It says what was seen, never what it means.

    collector.py [CONFIG]      CONFIG: /opt/clowder/collector.json

One round; a timer repeats it. Of several control planes the one that holds the lease works.
"""
import datetime
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from kubeapi import Api, ApiError
from prober import Prober, Unproved, until

METRICS = re.compile(r"^felix_(bpf_\w+|resync_state|active_local_endpoints)[ {]")
FAULTS = re.compile(r"not supported by the kernel|Failed to load CO-RE|[Hh]ealthz server failed|\[(FATAL|PANIC)\]|level=(fatal|panic)")
LEASE_SECONDS = 120
CALICO = "/namespaces/kube-system"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def conditions(thing):
    return {c["type"]: c["status"] for c in thing.get("status", {}).get("conditions", [])}


def hold_lease(api, config, holder):
    """Whether this collector is the one that works. https://kubernetes.io/docs/concepts/architecture/leases/"""
    path = "/apis/coordination.k8s.io/v1/namespaces/%s/leases" % config["namespace"]
    name = "clowder-collector"
    spec = {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": stamp(now())}
    lease = api.find(path + "/" + name)
    try:
        if not lease:
            api.create(path, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec})
            return True
        held = lease.get("spec", {})
        renewed = datetime.datetime.strptime(held["renewTime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        if held["holderIdentity"] != holder and (now() - renewed).total_seconds() < LEASE_SECONDS:
            return False
        api.replace(path + "/" + name, dict(lease, spec=dict(held, **spec)))
        return True
    except ApiError as error:
        if error.status == 409:  # another was quicker
            return False
        raise


def read_nodes(api):
    nodes = []
    for node in sorted(api.items("/api/v1/nodes"), key=lambda n: n["metadata"]["name"]):
        states = conditions(node)
        address = [a["address"] for a in node["status"].get("addresses", []) if a["type"] == "InternalIP"]
        nodes.append({
            "name": node["metadata"]["name"],
            "ready": states.get("Ready") == "True",
            "networkUnavailable": states["NetworkUnavailable"] == "True" if "NetworkUnavailable" in states else None,
            "internalAddress": address[0] if address else "",
            "kernel": node["status"]["nodeInfo"]["kernelVersion"],
        })
    return nodes


def describe_pool(name, spec):
    return {"name": name, "cidr": spec["cidr"], "vxlanMode": spec.get("vxlanMode", "Never"), "ipipMode": spec.get("ipipMode", "Never")}


def read_desired(api, daemon_set):
    crd = "/apis/crd.projectcalico.org/v1/"
    felix = {one["metadata"]["name"]: one.get("spec", {}) for one in api.items(crd + "felixconfigurations")}
    pools = [describe_pool(one["metadata"]["name"], one["spec"]) for one in api.items(crd + "ippools")]
    containers = daemon_set["spec"]["template"]["spec"]["containers"] if daemon_set else []
    environment = {e["name"]: e.get("value", "set from elsewhere") for c in containers if c["name"] == "calico-node"
                   for e in c.get("env", []) if e["name"].startswith("FELIX_")}
    services = (api.find("/api/v1%s/configmaps/kubernetes-services-endpoint" % CALICO) or {}).get("data")
    return {
        "felixConfigurations": felix,
        "calicoNodeEnvironment": environment,
        "ipPools": pools,
        "servicesEndpoint": services and {"host": services["KUBERNETES_SERVICE_HOST"], "port": services["KUBERNETES_SERVICE_PORT"]},
    }


def read_kube_proxy(api):
    def is_kube_proxy(thing):
        return thing["metadata"]["name"].startswith("kube-proxy") or thing["metadata"].get("labels", {}).get("k8s-app") == "kube-proxy"
    sets = [one["metadata"]["name"] for one in api.items("/apis/apps/v1%s/daemonsets" % CALICO) if is_kube_proxy(one)]
    return {"daemonSets": sets, "pods": [one["metadata"]["name"] for one in api.items("/api/v1%s/pods" % CALICO) if is_kube_proxy(one)]}


def describe_pod(pod):
    status = pod.get("status", {})
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    waiting = [(c["name"], c["state"]["waiting"].get("reason", "")) for c in containers if "waiting" in c.get("state", {})]
    waiting.sort(key=lambda w: w[1] == "PodInitializing")  # what the others wait for comes first
    seen = {
        "name": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName", ""),
        "ready": conditions(pod).get("Ready") == "True",
        "restarts": sum(c.get("restartCount", 0) for c in containers),
        "image": pod["spec"]["containers"][0]["image"],
    }
    return dict(seen, waiting="%s: %s" % waiting[0]) if waiting else seen


def calico_pods(api):
    pods = api.items("/api/v1%s/pods" % CALICO, "k8s-app=calico-node")
    return sorted((describe_pod(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"]), key=lambda pod: pod["node"])


def read_metrics(api, pods):
    """Felix's numbers by node, with the time of reading; an error where they could not be had."""
    seen = {}
    for pod in pods:
        try:
            status, text = api.through("kube-system", pod["name"], 9091, "metrics")
            numbers = "".join(line + "\n" for line in text.splitlines() if METRICS.match(line))
            seen[pod["node"]] = {"text": numbers, "at": time.monotonic()} if status == 200 else {"error": "answered %d" % status}
        except ApiError as error:
            seen[pod["node"]] = {"error": str(error)}
    return seen


def both_reads(first, second):
    for read in (second, first):
        if not read or "error" in read:
            return {"error": read["error"] if read else "there is no calico-node pod"}
    return {"first": first["text"], "second": second["text"], "secondsApart": round(second["at"] - first["at"], 1)}


def read_healthz(api, pod):
    try:
        status, body = api.through("kube-system", pod["name"], 10256, "healthz")
        return {"status": status, "body": body[:2000]}
    except ApiError as error:
        return {"error": str(error)}


def fault_lines(api, pod):
    """The fallback is told once at the start, so the log is read from its beginning."""
    try:
        log = api.text("GET", "/api/v1%s/pods/%s/log?container=calico-node&limitBytes=2000000" % (CALICO, pod["name"]))
    except ApiError:
        return []
    return [line[:500] for line in log.splitlines() if FAULTS.search(line)][-10:]


def try_traffic(api, config, nodes):
    """Traffic, and Felix's numbers before and after it. Whatever keeps it from being tried is evidence too."""
    traffic = {"client": None, "nodePort": [], "podToService": [], "dns": [], "negativeControl": None}
    prober = Prober(api, config, nodes)
    first = None
    try:
        prober.remove()
        ready = sum(node["ready"] for node in nodes)
        if ready < max(config["nodeCount"], len(nodes)):
            raise Unproved("%d of %d nodes are Ready, so nothing was tried" % (ready, max(config["nodeCount"], len(nodes))))
        prober.start()
        first, began = read_metrics(api, calico_pods(api)), time.monotonic()
        traffic = prober.traffic()
        until(lambda: time.monotonic() - began >= config["secondsApart"], config["secondsApart"] + 1, 0.2)
    except (Unproved, ApiError) as error:
        traffic["error"] = str(error)[:500]
    try:
        first = first or read_metrics(api, calico_pods(api))
        return traffic, first, read_metrics(api, calico_pods(api))
    finally:
        prober.remove()


def collect(api, config):
    began = now()
    traffic, first, second = try_traffic(api, config, read_nodes(api))
    pods = calico_pods(api)
    daemon_set = api.find("/apis/apps/v1%s/daemonsets/calico-node" % CALICO)
    rollout = (daemon_set or {}).get("status", {})
    nodes = read_nodes(api)
    for node in nodes:
        pod = next((one for one in pods if one["node"] == node["name"]), None)
        node["metrics"] = both_reads(first.get(node["name"]), second.get(node["name"]))
        node["healthz"] = read_healthz(api, pod) if pod else {"error": "there is no calico-node pod"}
        node["faultLines"] = fault_lines(api, pod) if pod else []
    return {
        "schema": "clowder.evidence/v1",
        "uid": config["uid"],
        "nonce": config["nonce"],
        "collectedBy": "clowder collector on " + socket.gethostname(),
        "startedAt": stamp(began),
        "desired": read_desired(api, daemon_set),
        "kubeProxy": read_kube_proxy(api),
        "calicoNode": {"desired": rollout.get("desiredNumberScheduled", 0), "updated": rollout.get("updatedNumberScheduled", 0),
                       "ready": rollout.get("numberReady", 0), "pods": pods},
        "nodes": nodes,
        "traffic": traffic,
        "endedAt": stamp(now()),
    }


def put(evidence, config):
    s3 = [sys.executable, config["s3"]]
    userid = subprocess.check_output(s3 + ["userid"]).decode().strip()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(evidence, file)
        file.flush()
        subprocess.check_call(s3 + ["put", "%sevidence/%s/latest.json" % (config["prefix"], userid), file.name])


def main(path="/opt/clowder/collector.json"):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the prober is removed
    with open(path) as file:
        config = json.load(file)
    api = Api(config["server"], config["tokenFile"], config["caFile"])
    try:
        if hold_lease(api, config, socket.gethostname()):
            put(collect(api, config), config)
    except (ApiError, KeyError, OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit("this round gave no evidence: %r" % error)


if __name__ == "__main__":
    main(*sys.argv[1:])
