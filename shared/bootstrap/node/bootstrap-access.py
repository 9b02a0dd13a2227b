"""Run by a timer on control planes: does what the service's newest word on the bootstrap says, which the cluster's own CA key has signed.

    bootstrap-access.py

Closed: no bootstrap token is left; collector and audit rest. Open, for a new worker: one token with an end, the Nodes of ended machines
go, collector and audit run. Every control plane does it, and twice is once. A word of another cluster, one that is not newer than the
last, and an opening whose time has passed are left alone.
"""
import base64
import datetime
import json
import os
import subprocess
import sys
import tempfile

import s3

KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
CA = "/etc/kubernetes/pki/ca.crt"
LAST = "/etc/clowder/bootstrap-access"  # when the last word was said that was acted on
TIMERS = ["clowder-collector.timer", "clowder-audit.timer"]
TOKENS = "type=bootstrap.kubernetes.io/token"


def kubectl(*arguments, **options):
    return subprocess.run(KUBECTL + list(arguments), stdout=subprocess.PIPE, check=True, timeout=60, **options).stdout.decode()


def is_signed(document, signature):
    with tempfile.TemporaryDirectory() as folder:
        key, proof = os.path.join(folder, "key"), os.path.join(folder, "signature")
        with open(key, "wb") as file:
            file.write(subprocess.check_output(["openssl", "x509", "-in", CA, "-noout", "-pubkey"]))
        with open(proof, "wb") as file:
            file.write(base64.b64decode(signature))
        verify = ["openssl", "dgst", "-sha256", "-verify", key, "-signature", proof]
        said = subprocess.run(verify, input=document.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return said.returncode == 0


def last_word():
    try:
        with open(LAST) as file:
            return file.read()
    except OSError:
        return ""


def token_secret(token, expires):
    """https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#bootstrap-token-secret-format"""
    name, secret = token.split(".")
    content = {
        "token-id": name,
        "token-secret": secret,
        "expiration": expires,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": "bootstrap-token-" + name, "namespace": "kube-system"},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in content.items()},
    }


def delete_tokens(spared=""):
    others = ",metadata.name!=bootstrap-token-" + spared if spared else ""
    kubectl("-n", "kube-system", "delete", "secrets", "--field-selector", TOKENS + others, "--ignore-not-found")


def delete_node(name, before):
    made = kubectl("get", "node", name, "--ignore-not-found", "-o", "jsonpath={.metadata.creationTimestamp}")
    if made and made < before[:19] + "Z":
        kubectl("delete", "node", name, "--ignore-not-found")


def open_for(token, expires, ended, at):
    delete_tokens(spared=token.split(".")[0])
    # The token goes through a pipe: arguments can be read by every process. Server-side, so that no annotation repeats it.
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(token_secret(token, expires)).encode())
    for name in ended:
        delete_node(name, at)
    subprocess.check_call(["systemctl", "enable", "--now"] + TIMERS)
    print("clowder: one bootstrap token until %s; ended: %s" % (expires, ", ".join(ended) or "none"))


def close():
    delete_tokens()
    # The verdict is in: no more probes among the user's pods.
    subprocess.check_call(["systemctl", "disable", "--now"] + TIMERS)
    print("clowder: bootstrap tokens revoked")


def main():
    os.umask(0o077)
    try:
        marker = json.loads(s3.get(os.environ["CLOWDER_PREFIX"] + "bootstrap-access.json").decode())
    except (s3.Refused, s3.Unreachable):
        return  # not there yet is the usual answer
    if not is_signed(marker["document"], marker["signature"]):
        sys.exit("clowder: a word on the bootstrap that is not signed for this cluster is left alone")
    access = json.loads(marker["document"])
    at, opening, last = access["at"], access.get("open"), last_word()
    if access["uid"] != os.environ["CLOWDER_UID"]:
        sys.exit("clowder: a word on the bootstrap that is not signed for this cluster is left alone")
    if at == last:
        return
    if at < last:
        sys.exit("clowder: a word on the bootstrap of %s, older than the last, is left alone" % at)
    if opening and opening["expires"] <= datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"):
        sys.exit("clowder: an opening of the bootstrap that ended at %s is left alone" % opening["expires"])
    if opening:
        open_for(opening["token"], opening["expires"], opening["ended"], at)
    else:
        close()
    with open(LAST + ".part", "w") as file:
        file.write(at)
    os.replace(LAST + ".part", LAST)


if __name__ == "__main__":
    main()
