"""Run by a timer on control planes: gives each node the labels of its instance group.

kubelet exits when told to label itself below kubernetes.io or k8s.io, so a node says only which group it is of and the
control plane does the rest: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""
import json
import subprocess

GROUP = "clowder.io/instance-group"
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]

with open("/opt/clowder/groups.json") as file:
    groups = json.load(file)
for node in json.loads(subprocess.check_output(KUBECTL + ["get", "nodes", "-o", "json"]))["items"]:
    labels = node["metadata"].get("labels", {})
    wanted = groups.get(labels.get(GROUP), {}).get("labels", {})
    missing = ["%s=%s" % label for label in sorted(wanted.items()) if labels.get(label[0]) != label[1]]
    if missing:
        subprocess.check_call(KUBECTL + ["label", "--overwrite", "node", node["metadata"]["name"]] + missing)
