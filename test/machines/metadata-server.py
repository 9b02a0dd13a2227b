"""Instance metadata of one instance, version 2, for a network namespace: `metadata-server.py INSTANCE-ID USER-DATA-FILE`. Ends with its input."""
import http.server
import json
import os
import sys
import threading

INSTANCE, USER_DATA = sys.argv[1:]
with open(USER_DATA, "rb") as script:
    LEAVES = {"user-data": script.read()}
LEAVES["dynamic/instance-identity/document"] = json.dumps({"instanceId": INSTANCE, "region": "us-east-1"}).encode()
for name, value in {"instance-id": INSTANCE, "local-hostname": "ip-10-99-0-2.ec2.internal", "ami-id": "ami-0"}.items():
    LEAVES["meta-data/" + name] = value.encode()


class Metadata(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.answer(200, b"token")

    def do_GET(self):
        if self.headers["X-aws-ec2-metadata-token"] != "token":
            return self.answer(401)
        path = self.path.split("/", 2)[2].rstrip("/")
        if path in LEAVES:
            return self.answer(200, LEAVES[path])
        below = {leaf[len(path) + 1:].split("/")[0] for leaf in LEAVES if leaf.startswith(path + "/")}
        self.answer(200 if below else 404, "\n".join(sorted(below)).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("169.254.169.254", 80), Metadata)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
os.read(0, 1)
