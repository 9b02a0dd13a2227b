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
