"""TCP from a socket of one namespace to a socket of another: forwarding only, nothing is read or changed."""
import asyncio
import socket

CHUNK = 1 << 18
CONNECT_SECONDS = 5


def listen(space, address, port):
    """A listening socket inside the namespace; what it accepts is served from here."""
    with space.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(512)
    sock.setblocking(False)
    return sock


def new_socket(space=None):
    if space is None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    else:
        with space.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


async def connect(address, port, space=None, seconds=CONNECT_SECONDS):
    sock = new_socket(space)
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (address, port)), seconds)
        return sock
    except BaseException:
        sock.close()
        raise


async def copy(source, sink):
    loop = asyncio.get_running_loop()
    while chunk := await loop.sock_recv(source, CHUNK):
        await loop.sock_sendall(sink, chunk)
    sink.shutdown(socket.SHUT_WR)


async def join(one, other):
    """Both ways until both have ended; a broken connection ends its partner."""
    ways = [asyncio.ensure_future(copy(one, other)), asyncio.ensure_future(copy(other, one))]
    try:
        await asyncio.gather(*ways)
    except OSError:
        pass
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        one.close()
        other.close()


class Listener:
    """Accepts and hands each connection to `reach`, which answers with the socket of its partner or None."""

    def __init__(self, space, address, port, reach):
        self.sock = listen(space, address, port)
        self.reach = reach
        self.connections = set()
        self.task = asyncio.ensure_future(self.accept())

    async def accept(self):
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self.sock)
            except OSError:
                # No more descriptors, or a client that left: the next one may do.
                await asyncio.sleep(0.1)
                continue
            client.setblocking(False)
            task = asyncio.ensure_future(self.serve(client))
            self.connections.add(task)
            task.add_done_callback(self.connections.discard)

    async def serve(self, client):
        try:
            partner = await self.reach()
            if partner:
                await join(client, partner)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            client.close()

    def close(self):
        self.task.cancel()
        for task in self.connections:
            task.cancel()
        self.sock.close()
