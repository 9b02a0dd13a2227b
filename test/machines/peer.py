"""The two ends of a connection, for tests: each prints one line and ends, but for the servers, which print `ready` and stay.

    peer.py serve PORT NAME             answers each TCP connection with `NAME sees CLIENT`
    peer.py ask ADDRESS PORT [SOURCE]   prints the answer, or why there is none
    peer.py hear PORT                   prints `SOURCE: TEXT` of each datagram
    peer.py say ADDRESS PORT SOURCE TEXT
"""
import socket
import sys

SECONDS = 1.5


def bound(kind, address, port):
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # IP_TRANSPARENT: the source may be an address that this machine does not have.
    sock.setsockopt(socket.IPPROTO_IP, 19, 1)
    sock.bind((address, port))
    return sock


def serve(port, name):
    sock = bound(socket.SOCK_STREAM, "", int(port))
    sock.listen()
    print("ready", flush=True)
    while True:
        connection, (client, _) = sock.accept()
        connection.sendall(f"{name} sees {client}".encode())
        connection.close()


def ask(address, port, source=""):
    sock = bound(socket.SOCK_STREAM, source, 0)
    sock.settimeout(SECONDS)
    try:
        sock.connect((address, int(port)))
        print(sock.recv(200).decode() or "closed")
    except (OSError, TimeoutError) as error:
        print("timed out" if isinstance(error, TimeoutError) else error.strerror)


def hear(port):
    sock = bound(socket.SOCK_DGRAM, "", int(port))
    print("ready", flush=True)
    while True:
        text, (source, _) = sock.recvfrom(2000)
        print(f"{source}: {text.decode()}", flush=True)


def say(address, port, source, text):
    bound(socket.SOCK_DGRAM, source, 0).sendto(text.encode(), (address, int(port)))
    print("said")


{"serve": serve, "ask": ask, "hear": hear, "say": say}[sys.argv[1]](*sys.argv[2:])
