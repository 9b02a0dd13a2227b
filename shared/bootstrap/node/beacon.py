"""Tells the service how far this node is, through objects below `beacons/<aws:userid>/`.

    beacon.py reached NN STAGE
    beacon.py failed STAGE REASON MESSAGE     with the last lines of CLOWDER_TAIL, secrets removed
"""
import datetime
import json
import os
import re
import sys

import s3

SECRETS = [
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), "<private key>"),
    (re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"), "<token>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "<token>"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}"), "<access key>"),
    (re.compile(r"(?i)(security-token|signature|authorization|bearer|password|secret\w*key)(\W{1,3})[^\s&\"',]+"), r"\1\2<removed>"),
    # Base64 of a key; hexadecimal digests are spared, they tell what went wrong.
    (re.compile(r"(?<![A-Za-z0-9+/])(?![0-9a-f]{64}(?![A-Za-z0-9+/]))[A-Za-z0-9+/]{60,}={0,2}"), "<removed>"),
]
# The stage went wrong, whatever it says, because of these.
CAUSES = [("DiskFull", "No space left on device"), ("DiskFull", "curl: (23)")]


def remove_secrets(text):
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


def tail(path, lines=40, characters=16000):
    try:
        with open(path, "rb") as file:
            text = file.read()[-200000:].decode("utf-8", "replace")
    except OSError:
        return []
    return remove_secrets(text)[-characters:].splitlines()[-lines:]


def write(name, body):
    userid = os.environ.get("CLOWDER_USERID") or s3.keep_trying(s3.userid)
    key = "%sbeacons/%s/%s.json" % (os.environ["CLOWDER_PREFIX"], userid, name)
    s3.keep_trying(s3.put, key, json.dumps(body).encode())


def main(kind, *arguments):
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind == "reached":
        number, stage = arguments
        write("%s-%s" % (number, stage), {"stage": stage, "node": os.environ["CLOWDER_NODE_KEY"], "at": at})
        return
    stage, reason, message = arguments
    lines = tail(os.environ.get("CLOWDER_TAIL", "/var/log/clowder.log"))
    for cause, sign in CAUSES:
        found = [line for line in [*lines[-15:], message] if sign in line]
        if found:
            reason, message = cause, found[-1]
    message = remove_secrets(message)
    last = "clowder: node %s failed at stage %s: %s: %s" % (os.environ["CLOWDER_NODE_KEY"], stage, reason, message)
    print(last, flush=True)
    write("99-failed", {"stage": stage, "reason": reason, "message": message, "logTail": [*lines, last], "at": at})


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (s3.Refused, s3.Unreachable) as error:
        print("beacon.py %s: %s" % (sys.argv[1], error), file=sys.stderr)
        sys.exit(error.exit_code)
