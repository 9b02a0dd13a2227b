"""Instance metadata service: one per VPC at 169.254.169.254, which knows its caller by the address it calls from.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html"""
import asyncio
import re
import secrets
import socket
import time

from forward import listen

ADDRESS = "169.254.169.254"
VERSIONS = ("2009-04-04", "2018-09-24", "2021-03-23", "latest")
# Every date is a version here, and all say the same.
VERSION = re.compile(r"\d{4}-\d\d-\d\d|latest")
TOKEN = "x-aws-ec2-metadata-token"
TTL = "x-aws-ec2-metadata-token-ttl-seconds"
LONGEST_SECONDS = 21600
ORDINARY_HOPS = 64
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}


class MetadataService:
    """`machines()` maps an address to `{"options": {...}, "tree": {path: text}, "userData": bytes or None}`."""

    def __init__(self, space, machines):
        self.machines = machines
        self.tokens = {}
        self.sock = listen(space, ADDRESS, 80)
        self.server = None

    async def start(self):
        self.server = await asyncio.start_server(self.converse, sock=self.sock)
        return self

    def close(self):
        self.server.close()

    async def converse(self, reader, writer):
        sock = writer.get_extra_info("socket")
        caller = writer.get_extra_info("peername")[0]
        try:
            while request := await asyncio.wait_for(read_request(reader), 60):
                method, path, headers = request
                status, body, extra, hops = self.answer(caller, method, path, headers)
                # A token that must not travel further than the hop limit dies on its way.
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
                writer.write(response(status, body, extra))
                await writer.drain()
                if headers.get("connection", "").lower() == "close":
                    break
        except (asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    def answer(self, caller, method, path, headers):
        """(status, body, headers, IP hops that the answer may travel)"""
        machine = self.machines().get(caller)
        if machine is None:
            return 404, b"", {}, ORDINARY_HOPS
        options = machine["options"]
        if options["endpoint"] != "enabled":
            return 403, b"", {}, ORDINARY_HOPS
        if method == "PUT" and path == "/latest/api/token":
            return (*self.give_token(caller, headers), options["hopLimit"])
        if method != "GET":
            return 405, b"", {"Allow": "GET, PUT"}, ORDINARY_HOPS
        if not self.admitted(caller, options, headers):
            return 401, b"", {}, ORDINARY_HOPS
        body = find(machine, path)
        return (200 if body is not None else 404), body or b"", {}, ORDINARY_HOPS

    def give_token(self, caller, headers):
        if "x-forwarded-for" in headers:
            return 403, b"", {}
        lifetime = headers.get(TTL, "")
        if not lifetime.isdigit() or not 1 <= int(lifetime) <= LONGEST_SECONDS:
            return 400, b"", {}
        now = time.monotonic()
        self.tokens = {token: held for token, held in self.tokens.items() if held[1] > now}
        token = secrets.token_urlsafe(42)
        self.tokens[token] = (caller, now + int(lifetime))
        return 200, token.encode(), {"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": lifetime}

    def admitted(self, caller, options, headers):
        token = headers.get(TOKEN)
        if token is None:
            return options["tokens"] != "required"
        owner, ends = self.tokens.get(token, (None, 0))
        return owner == caller and ends > time.monotonic()


def find(machine, path):
    version, _, rest = path.partition("?")[0].lstrip("/").partition("/")
    if not version:
        return "\n".join(VERSIONS).encode()
    if not VERSION.fullmatch(version):
        return None
    tree, user_data = machine["tree"], machine["userData"]
    if not rest:
        return listing([*tree, *(["user-data"] if user_data is not None else [])], "").encode()
    if rest == "user-data":
        return user_data
    folder = rest if rest.endswith("/") else f"{rest}/"
    for leaf in (rest, folder):
        if leaf in tree:
            return tree[leaf].encode()
    names = listing(tree, folder)
    return names.encode() if names else None


def listing(paths, folder):
    """Members of a folder, a line each; a folder among them ends with a slash."""
    below = (path[len(folder):] for path in paths if path.startswith(folder) and path != folder)
    names = {first + slash for first, slash, _ in (rest.partition("/") for rest in below)}
    return "\n".join(sorted(names))


async def read_request(reader):
    """(method, path, headers in lower case), or None at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return method, path, headers


def response(status, body, extra):
    headers = {"Content-Type": "text/plain", "Content-Length": str(len(body)), "Server": "EC2ws", **extra}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {REASONS[status]}\r\n{lines}\r\n".encode() + body
