"""The names that a VPC's own resolver answers (RFC 1035, A records over UDP): those of its machines and load balancers, nothing of the world.
https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"""
import asyncio
import socket
import struct

A, ANY_CLASS, NAME_ERROR = 1, 1, 3
TTL_SECONDS = 5


def answer(query, names):
    """The reply to one datagram, or None where it is no query."""
    if len(query) < 17 or query[2] & 0x80:
        return None
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
        at += 1 + query[at]
    question = query[12:at + 5]
    kind, _ = struct.unpack("!HH", question[-4:])
    addresses = names.get(".".join(labels))
    found = [socket.inet_aton(address) for address in addresses or ()] if kind == A else []
    flags = 0x8180 | (0 if addresses is not None else NAME_ERROR)
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
    return header + question + b"".join(struct.pack("!HHHIH", 0xC00C, A, ANY_CLASS, TTL_SECONDS, 4) + address for address in found)


class Resolver(asyncio.DatagramProtocol):
    def __init__(self, names):
        self.names = names
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, client):
        try:
            reply = answer(query, self.names())
        except (IndexError, struct.error):
            return
        if reply:
            self.transport.sendto(reply, client)


async def serve(space, address, names):
    """Answers at port 53 of the address with what `names()` says at that moment."""
    with space.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 53))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Resolver(names), sock=sock)
    return transport
