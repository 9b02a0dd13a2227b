#!/bin/bash
export CLOWDER_REGION='us-east-1'
export CLOWDER_ACCOUNT='111122223333'
export CLOWDER_BUCKET='calico-kops-twin'
export CLOWDER_PREFIX='clowder/a1b2c3d4e5/'
export CLOWDER_UID='a1b2c3d4e5'
export CLOWDER_NODE_KEY='control-plane-us-east-1a-0'
export CLOWDER_GROUP='control-plane-us-east-1a'
export CLOWDER_ROLE='control-plane'
export CLOWDER_SCRIPT='clowder/a1b2c3d4e5/scripts/control-plane.sh'
export CLOWDER_SCRIPT_SHA256='9bf1bee342cc16043f2692e60cfaf421a31fb5d8bdb15a675bac2e59e3d7623f'
mkdir -p /opt/clowder
cat >/opt/clowder/s3.py <<'END_OF_CLOWDER_FILE'
"""What a node needs of AWS, with nothing but python3's standard library (3.6 and later): instance metadata, S3 and STS.

    s3.py metadata PATH...        prints http://169.254.169.254/latest/PATH, a line each
    s3.py userid                prints aws:userid, `<role id>:<instance id>`
    s3.py get KEY FILE          FILE gets mode 0600 and is whole or not there
    s3.py put KEY FILE

Exit 4: AWS refuses, or the object is not there (S3 says 403 for both without ListBucket). Exit 5: AWS cannot be reached.
New instance profiles and keys are refused for some seconds, so everything is tried again for CLOWDER_RETRY_SECONDS.
Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""
import datetime
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ENV = os.environ
IMDS = ENV.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    exit_code = 4


class Unreachable(Exception):
    exit_code = 5


def send(opener, request):
    """The body of a 2xx answer. Whatever else happens is Refused or Unreachable."""
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        said = error.read(2000).decode("utf-8", "replace")
        code = re.search("<Code>([^<]+)", said)
        message = "%s answered %d %s" % (request.host, error.code, code.group(1) if code else "")
        raise (Unreachable if error.code >= 500 or error.code == 429 else Refused)(message)
    except (OSError, EOFError, ValueError) as error:
        raise Unreachable("%s: %s" % (request.host, getattr(error, "reason", error)))


def metadata(path):
    """IMDSv2: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html"""
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    token = send(DIRECT, urllib.request.Request(IMDS + "/latest/api/token", method="PUT", headers=lifetime)).decode()
    return send(DIRECT, urllib.request.Request(IMDS + "/latest/" + path, headers={"X-aws-ec2-metadata-token": token})).decode()


def credentials():
    """The role's, read anew for each call: a process ends long before they do."""
    role = metadata("meta-data/iam/security-credentials/").split()[0]
    found = json.loads(metadata("meta-data/iam/security-credentials/" + role))
    if found.get("Code", "Success") != "Success":
        raise Refused("instance metadata: %s" % found["Code"])
    return found


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def call(service, method, url, body=b"", headers=None):
    role = credentials()
    region = ENV["CLOWDER_REGION"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    address = urllib.parse.urlsplit(url)
    payload = hashlib.sha256(body).hexdigest()
    signed = dict(headers or {}, host=address.netloc)
    signed.update({"x-amz-date": now, "x-amz-content-sha256": payload, "x-amz-security-token": role["Token"]})
    names = ";".join(sorted(signed))
    lines = "".join("%s:%s\n" % (name, signed[name]) for name in sorted(signed))
    canonical = "\n".join([method, address.path or "/", address.query, lines, names, payload])
    scope = "%s/%s/%s/aws4_request" % (now[:8], region, service)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + role["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        key = digest(key, part)
    signed["Authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        role["AccessKeyId"], scope, names, digest(key, to_sign).hex())
    signed.pop("host")
    request = urllib.request.Request(url, data=body if method == "PUT" else None, method=method, headers=signed)
    return send(urllib.request.build_opener(), request)


def endpoint(service, host):
    chosen = ENV.get("AWS_ENDPOINT_URL_" + service.upper()) or ENV.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if ENV["CLOWDER_REGION"].startswith("cn-") else "amazonaws.com"
    return chosen.rstrip("/") if chosen else "https://%s.%s" % (host, suffix)


def object_url(key):
    bucket, region = ENV["CLOWDER_BUCKET"], ENV["CLOWDER_REGION"]
    path = "/" + urllib.parse.quote(key, safe="/-_.~")
    chosen = ENV.get("AWS_ENDPOINT_URL_S3") or ENV.get("AWS_ENDPOINT_URL")
    if chosen or "." in bucket:  # a name with dots does not match the wildcard certificate
        return endpoint("s3", "s3." + region) + "/" + bucket + path
    return endpoint("s3", "%s.s3.%s" % (bucket, region)) + path


OWNER = {"x-amz-expected-bucket-owner": ENV["CLOWDER_ACCOUNT"]} if ENV.get("CLOWDER_ACCOUNT") else {}


def get(key):
    return call("s3", "GET", object_url(key), headers=OWNER)


def put(key, body):
    call("s3", "PUT", object_url(key), body, dict(OWNER, **{"content-type": "application/json"}))


def userid():
    query = "/?Action=GetCallerIdentity&Version=2011-06-15"
    answer = call("sts", "GET", endpoint("sts", "sts." + ENV["CLOWDER_REGION"]) + query)
    return re.search("<UserId>([^<]+)", answer.decode()).group(1)


def keep_trying(work, *arguments):
    """Half a second at first, five at most, between two tries."""
    deadline = time.monotonic() + float(ENV.get("CLOWDER_RETRY_SECONDS", "120"))
    pause = 0.5
    while True:
        try:
            return work(*arguments)
        except (Refused, Unreachable):
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 5)


def save(key, path):
    body = keep_trying(get, key)
    with open(os.open(path + ".part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    os.replace(path + ".part", path)


def main(command, *arguments):
    if command == "metadata":
        for path in arguments:
            print(keep_trying(metadata, path))
    elif command == "userid":
        print(keep_trying(userid))
    elif command == "get":
        save(*arguments)
    elif command == "put":
        with open(arguments[1], "rb") as file:
            keep_trying(put, arguments[0], file.read())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Refused, Unreachable) as error:
        print("s3.py %s: %s" % (" ".join(sys.argv[1:3]), error), file=sys.stderr)
        sys.exit(error.exit_code)
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/beacon.py <<'END_OF_CLOWDER_FILE'
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
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/stages.sh <<'END_OF_CLOWDER_FILE'
# shellcheck shell=bash
# Stages, each with a limit of its own, and what is told when one does not end. Sourced by the stub and by the role scripts.
set -Eeuo pipefail
RUN=/run/clowder
NUMBER=${NUMBER:-0}
export CLOWDER_TAIL=$RUN/log

s3() { python3 /opt/clowder/s3.py "$@"; }

# refuse REASON MESSAGE: ends the stage; the first reason that was given is the one that is told.
refuse() {
  because "$@"
  exit 1
}
because() {
  if [[ ! -e $RUN/reason ]]; then
    printf '%s' "$2" >"$RUN/message"
    printf '%s' "$1" >"$RUN/reason"
  fi
}

# stage NAME SECONDS REASON COMMAND…: a beacon when COMMAND ends well; otherwise the failed beacon and the end of the script.
# The command has a process group of its own, so that all of it can be ended; it leaves results in files, never in variables.
stage() {
  local name=$1 limit=$2 reason=$3 code=0 work watchdog
  shift 3
  NUMBER=$((NUMBER + 1))
  rm -f "$RUN"/{reason,message,timed-out}
  echo "clowder: stage $name"
  set -m
  (
    set +m
    trap 'because "'"$reason"'" "exit code $?: $BASH_COMMAND"' ERR
    "$@"
  ) </dev/null &
  work=$!
  (sleep "$limit" && touch "$RUN/timed-out" && kill -KILL -- "-$work") &
  watchdog=$!
  set +m
  wait "$work" || code=$?
  kill -KILL -- "-$watchdog" 2>/dev/null || true
  ((code == 0)) || kill -KILL -- "-$work" 2>/dev/null || true
  wait "$watchdog" 2>/dev/null || true
  if [[ -e $RUN/timed-out ]]; then
    fail "$name" StageTimedOut "stage $name did not end within $limit s"
  elif ((code != 0)); then
    fail "$name" "$(cat "$RUN/reason" 2>/dev/null || echo "$reason")" "$(cat "$RUN/message" 2>/dev/null || echo "exit code $code")"
  fi
  told
  (python3 /opt/clowder/beacon.py reached "$(printf '%02d' "$NUMBER")" "$name" ||
    echo "clowder: stage $name ended, its beacon was refused") &
  BEACON=$!
}
# Waits for the last beacon; the stage after it need not. A bare `wait` would wait for tee too.
told() { [[ -z ${BEACON:-} ]] || wait "$BEACON" || true; }

fail() {
  told
  sleep 0.3 # the log goes through tee
  CLOWDER_RETRY_SECONDS=20 python3 /opt/clowder/beacon.py failed "$@" || echo "clowder: the failed beacon was refused"
  exit 1
}

# fetch KEY FILE REASON: an object of the state bucket; REASON is told when the bucket refuses it.
fetch() {
  local code=0 said
  said=$(s3 get "$CLOWDER_PREFIX$1" "$2" 2>&1) || code=$?
  case $code in
  0) ;;
  4) refuse "$3" "$said" ;;
  *) refuse BucketUnreachable "$said" ;;
  esac
}
END_OF_CLOWDER_FILE
# shellcheck shell=bash
# User data, after the names of this instance and the files it carries: fetch this role's script, check it, run it.
# Run by cloud-init as root; cloud-init copies what is printed to the console.
mkdir -p /run/clowder /opt/clowder /etc/clowder
exec > >(tee -a /var/log/clowder.log /run/clowder/log) 2>&1
# A prepared image says here what is different about it: endpoints, cgroup driver.
if [[ -e /etc/clowder/node.env ]]; then
  set -a
  # shellcheck source=/dev/null
  . /etc/clowder/node.env
  set +a
fi
# shellcheck source=stages.sh
. /opt/clowder/stages.sh

CLOWDER_USERID=$(s3 userid) || {
  echo "clowder: node $CLOWDER_NODE_KEY failed at stage started: RoleNotValid: no credentials or no way to STS"
  exit 1
}
export CLOWDER_USERID
FACTS=$(s3 metadata meta-data/local-ipv4 meta-data/local-hostname) || fail started MetadataUnreachable "local-ipv4 and local-hostname"
# The node's name is EC2's private DNS name; with several domains in the DHCP options it is followed by others.
{ read -r CLOWDER_ADDRESS && read -r CLOWDER_NODE_NAME _; } <<<"${FACTS,,}"
export CLOWDER_ADDRESS CLOWDER_NODE_NAME
env | grep '^CLOWDER_' | sort >/etc/clowder/clowder.env

fetch_script() {
  local found
  # The key is kept whole in user data, for machines that read it.
  fetch "${CLOWDER_SCRIPT#"$CLOWDER_PREFIX"}" /opt/clowder/bootstrap.sh ScriptRefused
  found=$(sha256sum /opt/clowder/bootstrap.sh | cut -d' ' -f1)
  [[ $found == "$CLOWDER_SCRIPT_SHA256" ]] ||
    refuse ChecksumMismatch "$CLOWDER_SCRIPT has SHA-256 $found and should have $CLOWDER_SCRIPT_SHA256"
}
stage started 180 ScriptRefused fetch_script
told
exec bash /opt/clowder/bootstrap.sh
