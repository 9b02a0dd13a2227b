"""Run by a timer on control planes until the bootstrap is closed: what the nodes got, for the service to hold against what was asked.

    audit.py [CONFIG]      CONFIG: /opt/clowder/audit.json

It says what was seen, never what it means.
"""
import datetime
import json
import re
import subprocess
import sys
import tempfile

KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
API_SERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ENCRYPTED = re.compile(
    r'^apiserver_storage_transformation_operations_total\{.*transformation_type="to_storage",transformer_prefix="k8s:enc:secretbox.*\} (\S+)$', re.M)
KUBELET = ("authentication", "authorization", "cgroupDriver", "clusterDNS", "clusterDomain")


def get(*arguments):
    return subprocess.check_output(KUBECTL + ["get"] + list(arguments), stderr=subprocess.PIPE, timeout=20).decode()


def kubelet_of(name):
    """What kubelet runs with, told by itself."""
    try:
        running = json.loads(get("--raw", "/api/v1/nodes/%s/proxy/configz" % name))["kubeletconfig"]
        return {key: running[key] for key in KUBELET if key in running}
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        return {"error": (getattr(error, "stderr", b"") or str(error).encode()).decode("utf-8", "replace").strip()[:200]}


def read_node(node):
    info = node["status"]["nodeInfo"]
    return {
        "name": node["metadata"]["name"],
        "labels": node["metadata"].get("labels", {}),
        "taints": node["spec"].get("taints", []),
        "providerId": node["spec"].get("providerID", ""),
        "kubeletVersion": info["kubeletVersion"],
        "runtime": info["containerRuntimeVersion"],
        "kubelet": kubelet_of(node["metadata"]["name"]),
    }


def api_server_flags(wanted):
    with open(API_SERVER) as file:
        flags = dict(re.findall(r"^\s*- --([a-z-]+)=(.*)$", file.read(), re.M))
    return {name: flags[name] for name in wanted if name in flags}


def encrypted_writes(flags):
    """How often a Secret was written in a form that only the key opens; absent where nothing is encrypted."""
    if "encryption-provider-config" not in flags:
        return None
    return sum(float(count) for count in ENCRYPTED.findall(get("--raw", "/metrics")))


def add_ons():
    seen = []
    for item in json.loads(get("daemonsets,deployments", "-n", "kube-system", "-o", "json"))["items"]:
        status = item.get("status", {})
        wanted = status.get("desiredNumberScheduled") if item["kind"] == "DaemonSet" else item["spec"]["replicas"]
        ready = status.get("numberReady", status.get("readyReplicas", 0))
        seen.append({"kind": item["kind"], "name": item["metadata"]["name"], "wanted": wanted or 0, "ready": ready})
    return seen


def main(path="/opt/clowder/audit.json"):
    with open(path) as file:
        config = json.load(file)
    flags = api_server_flags(config["flags"])
    body = {
        "schema": "clowder.audit/v1",
        "uid": config["uid"],
        "nonce": config["nonce"],
        "nodes": [read_node(node) for node in json.loads(get("nodes", "-o", "json"))["items"]],
        "apiServer": flags,
        "encryptedWrites": encrypted_writes(flags),
        "addOns": add_ons(),
        "at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    s3 = [sys.executable, "/opt/clowder/s3.py"]
    userid = subprocess.check_output(s3 + ["userid"]).decode().strip()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(body, file)
        file.flush()
        subprocess.check_call(s3 + ["put", "%sevidence/%s/audit.json" % (config["prefix"], userid), file.name])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (subprocess.SubprocessError, OSError, KeyError, ValueError) as error:
        sys.exit("this round gave no audit: %r" % error)
