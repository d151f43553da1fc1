"""A server on a bare socket that can break every rule of HTTP, and a name server beside it."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Respond = Callable[[socket.socket], None]


def reply(status: str = "200 OK", body: bytes = b"", **fields: object) -> bytes:
    """Return a response as the bytes of a connection; a field of None is left out."""
    named = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in fields.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in named.items() if v is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class RawServer:
    """A server on 127.0.0.1.

    `replies` are by request, such as `HEAD /a.png`, or by path for any method; the rest is 404.
    `requests` has the first line and the header fields of each request, `connections` is how many
    there were, and `open` has the threads of those that are open.
    """

    port: int = 0
    connections: int = 0
    open: set[threading.Thread] = field(default_factory=set)
    replies: dict[str, bytes | Respond] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/a.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def lines(self) -> list[str]:
        """Return the method and path of each request."""
        return [line.removesuffix(" HTTP/1.1") for line, _ in self.requests]

    def serve(self, connection: socket.socket) -> None:
        """Reply to the requests of one connection."""
        with connection, suppress(OSError), connection.makefile("rb") as reader:
            while line := reader.readline().decode().strip():
                fields = {}
                while text := reader.readline().decode().strip():
                    name, _, value = text.partition(": ")
                    fields[name.lower()] = value
                self.requests.append((line, fields))
                self._reply(line, connection)

    def _reply(self, line: str, connection: socket.socket) -> None:
        method, path, _ = line.split()
        known = self.replies.get(f"{method} {path}") or self.replies.get(path)
        known = reply("404 Not Found") if known is None else known
        if callable(known):
            known(connection)
            connection.shutdown(socket.SHUT_RDWR)
        else:
            head, end, _ = known.partition(b"\r\n\r\n")
            connection.sendall(head + end if method == "HEAD" else known)


def _with_tls(connection: socket.socket, certificate: tuple[Path, Path]) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context.wrap_socket(connection, server_side=True)


@contextmanager
def raw_server(certificate: tuple[Path, Path] | None = None) -> Iterator[RawServer]:
    """Run a server while the block runs; with a certificate and its key it speaks TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(port=listener.getsockname()[1])

        def handle(connection: socket.socket) -> None:
            server.open.add(threading.current_thread())
            with suppress(OSError):
                server.serve(_with_tls(connection, certificate) if certificate else connection)
            server.open.discard(threading.current_thread())

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    server.connections += 1
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


class Resolver:
    """A name server with other addresses for each look-up, in the end always the last."""

    def __init__(self, *addresses: list[str]) -> None:
        self._addresses = list(addresses)
        self.names: list[str] = []

    def __call__(self, host: str | bytes, port: int, *_: object, **__: object) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        try:
            found = [str(ipaddress.ip_address(name))]  # an IP address is not looked up
        except ValueError:
            self.names.append(name)
            found = self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(one).version], socket.SOCK_STREAM, 6, "", (one, port))
            for one in found
        ]
