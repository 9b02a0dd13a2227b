"""EC2 and both kinds of ELB go on to moto, after MiniStack has authenticated and authorised the call: moto's are the
fuller ones (user data, image and key checks, Classic load balancers), and it knows no IAM."""
import asyncio
import http.client
import os
from urllib.parse import urlencode, urlsplit

from ministack import app

FORWARDED = ("ec2", "elasticloadbalancing")
# moto signs nothing in, but reads the service and the region from this header.
SIGNED = "AWS4-HMAC-SHA256 Credential=mirror/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
PER_HOP = {"host", "content-length", "connection", "transfer-encoding", "expect"}


def send(method, path, headers, body):
    """One exchange with moto: (status, headers, body)."""
    moto = urlsplit(os.environ["ACCOUNT_EMULATOR_URL"])
    connection = http.client.HTTPConnection(moto.hostname, moto.port, timeout=60)
    try:
        connection.request(method, path, body, {**{k: v for k, v in headers.items() if k.lower() not in PER_HOP}, "Host": moto.netloc})
        answer = connection.getresponse()
        kept = {k: v for k, v in answer.getheaders() if k.lower() in ("content-type", "x-amzn-requestid")}
        return answer.status, kept, answer.read()
    finally:
        connection.close()


def ask(service, **parameters):
    """A call of the Query protocol to moto in the mends' own name."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": SIGNED.format(service)}
    return send("POST", "/", headers, urlencode(parameters))


async def forward(method, path, headers, body, query_params):
    query = urlencode(query_params, doseq=True) if query_params else ""
    return await asyncio.to_thread(send, method, f"{path}?{query}" if query else path, headers, body)


def apply():
    for service in FORWARDED:
        if service not in app.SERVICE_HANDLERS:
            raise SystemExit(f"ministack no longer serves {service} under that name: review local/emulators/mends/account_emulator.py")
        app.SERVICE_HANDLERS[service] = forward
