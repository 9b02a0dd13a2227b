"""Join material from the bucket, put where kubeadm looks for it.

    material.py pki SOURCE DIRECTORY     the cluster's keys and certificates, keys for root alone
    material.py ca SOURCE FILE           the cluster's CA certificate
    material.py fill TEMPLATE SOURCE     prints a kubeadm configuration with this node's facts and the token filled in
"""
import datetime
import json
import os
import re
import sys

# Settings of kubelet that a prepared image needs; KubeletConfiguration is the last document of the template.
KUBELET_ADDITIONS = "/etc/clowder/kubelet.yaml"


def load(path):
    with open(path) as file:
        return json.load(file)


def write(path, text, mode):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    os.chmod(path, mode)


def pki(source, directory):
    material = load(source)
    token_seconds(material["tokenExpiry"])
    for name, text in material["files"].items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write(path, text, 0o644 if name.endswith((".crt", ".pub")) else 0o600)


def ca(source, path):
    write(path, load(source)["ca.crt"], 0o644)


def token_seconds(expiry):
    """kubeadm takes 0 for "never": a token whose time has passed must not become one that never ends."""
    end = datetime.datetime.strptime(expiry.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
    seconds = int((end - datetime.datetime.utcnow()).total_seconds())
    if seconds < 60:
        sys.exit("the bootstrap token of this cluster ended at %s" % expiry)
    return seconds


def facts(material):
    group = os.environ.get("CLOWDER_GROUP", "")
    found = {
        "ADDRESS": os.environ["CLOWDER_ADDRESS"],
        "NODE_NAME": os.environ["CLOWDER_NODE_NAME"],
        "GROUP": group,
        "TAINTS": load("/opt/clowder/groups.json")[group]["taints"],
        "CGROUP_DRIVER": os.environ.get("CGROUP_DRIVER", "systemd"),
        "TOKEN": material["token"],
        "CA_CERT_HASH": material["caCertHash"],
    }
    if "tokenExpiry" in material:
        found["TOKEN_TTL"] = "%ds" % token_seconds(material["tokenExpiry"])
    return found


def fill(template, source):
    known = facts(load(source))
    with open(template) as file:
        text = file.read()
    # A placeholder that is a whole value may become any JSON, which is YAML too; inside a longer one it becomes words.
    text = re.sub(r'"@([A-Z_]+)@"', lambda match: json.dumps(known[match.group(1)]), text)
    text = re.sub(r"@([A-Z_]+)@", lambda match: str(known[match.group(1)]), text)
    if "kind: KubeletConfiguration" in text and os.path.exists(KUBELET_ADDITIONS):
        with open(KUBELET_ADDITIONS) as file:
            text += file.read()
    sys.stdout.write(text)


if __name__ == "__main__":
    os.umask(0o077)
    {"pki": pki, "ca": ca, "fill": fill}[sys.argv[1]](*sys.argv[2:])
