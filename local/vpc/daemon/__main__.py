"""The emulated account's networks, made real in network namespaces. Run as root: `python daemon`. One JSON request a line on standard
input, `{"id": 1, "apply": {...}}`; one JSON line each for an answer, `{"id": 1}` or `{"id": 1, "error": "..."}`, and for an event. It ends
with its standard input and takes everything away; what a run that was killed had left, the next one takes away at its start."""
import asyncio
import base64
import json
import os
import resource
import signal
import sys

import namespaces
from fabric import Fabric


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def decoded(wanted):
    for vpc in wanted["vpcs"]:
        for machine in vpc["machines"].values():
            text = machine["userData"]
            machine["userData"] = None if text is None else base64.b64decode(text)
    return wanted


async def serve(requests, fabric):
    while line := await requests.readline():
        request = json.loads(line)
        try:
            await fabric.apply(decoded(request["apply"]))
            say({"id": request["id"]})
        except Exception as error:
            say({"id": request["id"], "error": f"{type(error).__name__}: {error}"})


async def main():
    # A terminal sends these to the whole group; the end of standard input is what ends this one, with everything taken away.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    lock, lock_name = namespaces.hold_lock()
    fabric = Fabric(say)
    requests = asyncio.StreamReader(limit=1 << 26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    try:
        removed = await namespaces.remove_dead_runs()
        await fabric.start()
        say({"event": "ready", "pid": os.getpid(), "removed": removed})
        work = asyncio.ensure_future(serve(requests, fabric))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        await work
    except asyncio.CancelledError:
        pass
    finally:
        await fabric.stop()
        os.unlink(lock_name)
        lock.close()


asyncio.run(main())
