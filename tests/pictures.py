"""Pictures of 40 by 30 pixels in every format, and a server of pictures that can misbehave."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


def png(width: int = 40, height: int = 30) -> bytes:
    """Return a whole picture, all black."""
    rows = zlib.compress((b"\0" + b"\0" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    checked = name + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


# As Pillow writes them; of the JPEG as far as its first scan. The camera lay on its side.
TURNED_JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAFA3PEY8MlBG"
    "QUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////////////////////////2wBDAVVaWnhpeOuC"
    "guv/////////////////////////////////////////////////////////////////////////wAARCAAeACgDASIA"
    "AhEBAxEB"
)
GIF = b64decode(
    "R0lGODdhKAAeAIEAAMgeHgAAAAAAAAAAACwAAAAAKAAeAEAIOgABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsaLFixgzatzI"
    "saPHjyBDihxJsqTJkyhTqlzJsqXLlzAxBgQAOw=="
)
WEBP = b64decode(
    "UklGRkIAAABXRUJQVlA4IDYAAAAwAwCdASooAB4AP3G202G0ryqmJWgCkC4JZwDRgA8KmggAAP7fgC5u9pr/bb34eavg"
    "Lfk20AA="
)
AVIF = b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAA"
    "AAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAKAAAAChpaW5mAAAAAAABAAAA"
    "GmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAKAAAAB4AAAAQcGl4aQAA"
    "AAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAMG1kYXQS"
    "AAoJGBUn60QENBoQMhkex4eFWd///+LAAADcqMEFWzAxenfdHGxQ"
)
SVG = b'<?xml version="1.0"?>\n<!-- > -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def jpeg() -> bytes:
    """Return the JPEG without what the camera says."""
    start = TURNED_JPEG.index(b"\xff\xe1")
    length = struct.unpack(">H", TURNED_JPEG[start + 2 : start + 4])[0]
    return TURNED_JPEG[:start] + TURNED_JPEG[start + 2 + length :]


def boxes(*given: bytes) -> bytes:
    """Return an AVIF with these boxes of its metadata, and nothing else."""
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", bytes(4) + b"".join(given))


def box(name: bytes, body: bytes) -> bytes:
    """Return one box (ISO 14496-12, 4.2)."""
    return struct.pack(">I", 8 + len(body)) + name + body


Say = Callable[[socket.socket], None]


def answer(status: str = "200 OK", body: bytes = b"", **fields: object) -> bytes:
    """Return an answer as it goes over the wire; a field of None is left out."""
    named = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in fields.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in named.items() if v is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Origin:
    """A server on 127.0.0.1: what it answers to `HEAD /a.png` or, for any method, to `/a.png`.

    What is not there answers 404. `asked` holds every request: its first line and its fields;
    `connections` is how many there were, `speaking` how many are open.
    """

    port: int = 0
    connections: int = 0
    speaking: set[threading.Thread] = field(default_factory=set)
    answers: dict[str, bytes | Say] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/a.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def lines(self) -> list[str]:
        """Return the method and path of each request."""
        return [line.removesuffix(" HTTP/1.1") for line, _ in self.asked]

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with connection, suppress(OSError), connection.makefile("rb") as reader:
            while line := reader.readline().decode().strip():
                fields = {}
                while text := reader.readline().decode().strip():
                    name, _, value = text.partition(": ")
                    fields[name.lower()] = value
                self.asked.append((line, fields))
                self._answer(line, connection)

    def _answer(self, line: str, connection: socket.socket) -> None:
        method, path, _ = line.split()
        found = self.answers.get(f"{method} {path}") or self.answers.get(path)
        found = answer("404 Not Found") if found is None else found
        if callable(found):
            found(connection)
            connection.shutdown(socket.SHUT_RDWR)
        else:
            head, end, _ = found.partition(b"\r\n\r\n")
            connection.sendall(head + end if method == "HEAD" else found)


def _secured(connection: socket.socket, certificate: tuple[Path, Path]) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context.wrap_socket(connection, server_side=True)


@contextmanager
def origin(certificate: tuple[Path, Path] | None = None) -> Iterator[Origin]:
    """Run a server for as long as the block lasts; with a certificate and its key it speaks TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Origin(port=listener.getsockname()[1])

        def speak(connection: socket.socket) -> None:
            server.speaking.add(threading.current_thread())
            with suppress(OSError):
                server.serve(_secured(connection, certificate) if certificate else connection)
            server.speaking.discard(threading.current_thread())

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    server.connections += 1
                    threading.Thread(target=speak, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
