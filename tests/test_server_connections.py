"""Connections that break the rules of HTTP: one line in the log, one in the count, no traceback."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import article_text
from tests.servers import Server, request, serve, until

pytestmark = pytest.mark.measured

HEAD = b"GET /all.rss HTTP/1.1\r\nHost: canary.example\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ATTACKS = {
    "a negative chunk": [CHUNKED + b"-1\r\ncanary"],
    "a negative chunk after the response": [CHUNKED, b"-1\r\ncanary"],
    "a posted chunk that is none": [CHUNKED.replace(b"GET", b"POST") + b"canary\r\n"],
    "pipelined and nothing read": [(HEAD + b"\r\n") * 40],
    "pipelined lists and nothing read": [(HEAD.replace(b"all.rss", b"none") + b"\r\n") * 4_000],
    "half a body": [HEAD + b"Content-Length: 90\r\n\r\ncanary"],
    "bytes after a body": [HEAD + b"Content-Length: 1\r\n\r\nxcanary \x00\r\n\r\n"],
    "an upgrade": [HEAD + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81canary"],
    "an endless field": [HEAD + b"Canary: " + b"x" * 300_000],
}
# What each parser stumbles over today; the others it refuses in good order.
ERRORS = {
    ("h11", "a negative chunk"),
    ("h11", "a negative chunk after the response"),
    ("httptools", "pipelined and nothing read"),
}


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request, tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "articles").mkdir()
    for number in range(20):
        text = article_text(f"Number {number}", "word " * 8_000)
        (folder / "articles" / f"{number}.md").write_text(text, encoding="utf-8")
    toml = f'[http]\nparser = "{request.param}"\n'
    with serve(folder, folder / "articles", "--log", "json", toml=toml) as server:
        yield server


def parser_of(server: Server) -> str:
    return "h11" if "h11" in (server.folder / "feedhub.toml").read_text() else "httptools"


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port))


def counted(server: Server) -> float:
    found = re.search(r"^feedhub_connection_errors_total (\S+)$", server.metrics(), re.MULTILINE)
    assert found
    return float(found[1])


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_connection_that_fails_is_one_line_and_is_counted(server, attack):
    request(server, "GET", "/all.rss")  # the document is built
    before, errors = len(server.stderr()), counted(server)
    with connected(server) as client:
        for part in ATTACKS[attack]:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(part)
            time.sleep(0.2)
    if (parser_of(server), attack) in ERRORS:
        until(lambda: counted(server) > errors, "the error is not counted")
    assert request(server, "GET", "/all.rss").status == 200
    time.sleep(0.1)
    logged = server.stderr()[before:]
    lines = [json.loads(line)["event"] for line in logged.splitlines()]
    assert len(lines) == counted(server) - errors <= 1
    for line in lines:
        assert re.fullmatch(r"an error ended a connection: \w+, \w+\.\w+:\d+", line)


def test_a_text_log_has_one_line_too(tmp_path: Path):
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "a.md").write_text(article_text("A"), encoding="utf-8")
    with serve(tmp_path, tmp_path / "articles", toml='[http]\nparser = "h11"\n') as server:
        request(server, "GET", "/all.rss")
        until(lambda: "articles: 1 found" in server.stderr(), "no sync")
        before = len(server.stderr())
        with connected(server) as client:
            client.sendall(CHUNKED + b"-1\r\n")
            until(lambda: len(server.stderr()) > before, "nothing is logged")
        assert server.stop() == 0
        assert server.stderr()[before:].count("\n") == 1
        assert server.stderr()[before:].startswith("feedhub: an error ended a connection: ")
