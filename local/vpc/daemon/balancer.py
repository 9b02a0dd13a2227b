"""Load balancers: a listener forwards TCP to the registered targets that pass the health check.
https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/elb-healthchecks.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html"""
import asyncio
import itertools
import ssl

from forward import Listener, connect


async def probe(space, target, check):
    """Raises what keeps the target from passing. Certificates are not looked at, as AWS does not."""
    port = check["port"] or target["port"]
    sock = await connect(target["address"], port, space, check["timeout"])
    protocol = check["protocol"]
    if protocol == "TCP":
        sock.close()
        return
    context = None
    if protocol in ("SSL", "HTTPS"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname="" if context else None)
    try:
        if protocol != "SSL":
            writer.write(f"GET {check['path']} HTTP/1.1\r\nHost: {target['address']}\r\nConnection: close\r\n\r\n".encode())
            status = (await reader.readline()).split(b" ")[1:2]
            if status not in [[b"%d" % code] for code in range(200, 400 if check["redirects"] else 300)]:
                raise OSError(f"HTTP status {b''.join(status).decode()}")
    finally:
        writer.transport.abort()


class Target:
    """One target and how it stands; `healthy` changes after as many answers in a row as the check asks."""

    def __init__(self, target, check, space, tell):
        self.target, self.check, self.space, self.tell = target, check, space, tell
        self.healthy = False
        self.known = False
        self.task = asyncio.ensure_future(self.watch())

    async def watch(self):
        in_a_row, last = 0, None
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(probe(self.space, self.target, self.check), self.check["timeout"])
                passed, reason = True, ""
            except (OSError, asyncio.TimeoutError) as error:
                passed, reason = False, str(error) or "timed out"
            in_a_row = in_a_row + 1 if passed == last else 1
            last = passed
            if passed != self.healthy and in_a_row >= self.check["healthy" if passed else "unhealthy"] or not self.known:
                self.healthy = passed and in_a_row >= self.check["healthy"]
                self.known = True
                self.tell(self.target["id"], self.healthy, reason)
            await asyncio.sleep(max(0, self.check["interval"] - (asyncio.get_running_loop().time() - began)))


class Pool:
    """Targets of one listener, taken in turn."""

    def __init__(self, space, tell):
        self.space, self.tell = space, tell
        self.targets = {}
        self.fail_open = False
        self.turn = itertools.count()

    def apply(self, pool):
        self.fail_open = pool["failOpen"]
        wanted = {repr((target, pool["check"])): target for target in pool["targets"]}
        for key in [key for key in self.targets if key not in wanted]:
            self.targets.pop(key).task.cancel()
        for key, target in wanted.items():
            if key not in self.targets:
                self.targets[key] = Target(target, pool["check"], self.space, self.tell)

    async def reach(self):
        """A connection to a healthy target; to any where none is healthy and the balancer fails open."""
        all_targets = list(self.targets.values())
        chosen = [one for one in all_targets if one.healthy] or (all_targets if self.fail_open else [])
        first = next(self.turn)
        for number in range(len(chosen)):
            target = chosen[(first + number) % len(chosen)].target
            try:
                return await connect(target["address"], target["port"], self.space)
            except (OSError, asyncio.TimeoutError):
                continue
        return None

    def close(self):
        for target in self.targets.values():
            target.task.cancel()


class Balancer:
    def __init__(self, name, space, say):
        self.name, self.space, self.say = name, space, say
        self.pools = {}
        self.listeners = {}

    def apply(self, address, listeners):
        wanted = {listener["port"]: listener["pool"] for listener in listeners}
        for port in [port for port in self.listeners if port not in wanted]:
            self.listeners.pop(port).close()
            self.pools.pop(port).close()
        for port, pool in wanted.items():
            if port not in self.listeners:
                self.pools[port] = Pool(self.space, self.tell)
                self.listeners[port] = Listener(self.space, address, port, self.pools[port].reach)
            self.pools[port].apply(pool)

    def tell(self, target, healthy, reason):
        self.say({"event": "health", "balancer": self.name, "target": target, "healthy": healthy, "reason": reason})

    def close(self):
        for one in [*self.listeners.values(), *self.pools.values()]:
            one.close()
