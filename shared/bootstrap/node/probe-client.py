"""The client outside Calico: enters NodePorts for the collector, and for nobody who does not know the run's nonce.

    probe-client.py [CONFIG]      CONFIG: /opt/clowder/probe-client.json

POST /probe {"targets": [{"host", "port"}], "attempts": n} -> {"instanceId", "address", "results": [{"host", "port", "attempts": […]}]}
"""
import hmac
import http.client
import ipaddress
import json
import os
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE_PORTS = range(30000, 32768)
TIME_OUT = 1.5
MOST_ATTEMPTS = 20
MOST_TARGETS = 2500
IMDS = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def instance_id():
    """IMDSv2: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html"""
    ask = urllib.request.Request(IMDS + "/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    token = DIRECT.open(ask, timeout=5).read().decode()
    ask = urllib.request.Request(IMDS + "/latest/meta-data/instance-id", headers={"X-aws-ec2-metadata-token": token})
    return DIRECT.open(ask, timeout=5).read().decode().strip()


def enter(host, port):
    """One fresh TCP connection; netexec's /clientip echoes whom the backend took us for."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(host, port, timeout=TIME_OUT)
    try:
        connection.request("GET", "/clientip", headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(200).decode("utf-8", "replace").strip()
        refused = {"ok": False, "error": "answered %d" % answer.status}
        seen = {"ok": True, "clientAddress": body.rsplit(":", 1)[0]} if answer.status == 200 else refused
    except (OSError, http.client.HTTPException) as error:
        seen = {"ok": False, "error": str(error) or type(error).__name__}
    finally:
        connection.close()
    return dict(seen, seconds=round(time.monotonic() - began, 4))


def refusal(asked, network):
    """Why this is not done for anyone, or None: only NodePorts of this VPC, and not without end."""
    targets, attempts = asked["targets"], asked["attempts"]
    if not 1 <= attempts <= MOST_ATTEMPTS or not 1 <= len(targets) <= MOST_TARGETS:
        return "1 to %d attempts at 1 to %d targets" % (MOST_ATTEMPTS, MOST_TARGETS)
    for target in targets:
        if ipaddress.ip_address(target["host"]) not in network:
            return "%s is outside %s" % (target["host"], network)
        if target["port"] not in NODE_PORTS:
            return "port %s is no NodePort" % target["port"]
    return None


class Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self):
        given = self.headers.get("clowder-nonce", "")
        if self.path != "/probe" or not hmac.compare_digest(given.encode(), self.server.nonce.encode()):
            return self.answer(403, {"error": "not for you"})
        try:
            asked = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1000000)).decode())
            why = refusal(asked, self.server.network)
        except (ValueError, KeyError, TypeError) as error:
            why = "unreadable: %r" % error
        if why:
            return self.answer(400, {"error": why})
        running = [(t, [self.server.pool.submit(enter, t["host"], t["port"]) for _ in range(asked["attempts"])]) for t in asked["targets"]]
        results = [{"host": t["host"], "port": t["port"], "attempts": [one.result() for one in tries]} for t, tries in running]
        return self.answer(200, {"instanceId": self.server.instance_id, "address": self.server.server_address[0], "results": results})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(path="/opt/clowder/probe-client.json"):
    with open(path) as file:
        config = json.load(file)
    server = ThreadingHTTPServer((config["address"], config["port"]), Handler)
    server.nonce = config["nonce"]
    server.network = ipaddress.ip_network(config["vpcCidr"])
    server.instance_id = instance_id()
    server.pool = ThreadPoolExecutor(64)
    print("listening on %s:%d" % server.server_address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
