"""The logs of `feedhub serve`: one line for each request, whatever it holds."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit import article_text
from tests.servers import ClosedError, Response, Server, exchange, request, serve, until

Field = tuple[str, str | bytes]
# As nginx and Apache write it, and as every log analyser reads it.
COMBINED = re.compile(
    r"(?P<client>\S+) - - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "
    r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/(?P<version>1\.[01])" '
    r'(?P<status>\d{3}) (?P<size>\d+) "(?P<referer>[^"]*)" "(?P<user_agent>[^"]*)"'
)
NASTY = {
    "an escape sequence": b"\x1b[2J\x1b]0;owned\x07",
    "quotes": b'" 200 0 "-" "-"',
    "a backslash": b'\\" \\x22 \\n',
    "a bidi override": "\u202egnp.exe".encode(),
    "a C1 control": "\x9b2J\x85".encode(),
    "bytes that are no text": b"\xff\xfe\xc0\xaf",
    "a tab": b"a\tb",
    "a very long case": b"x" * 4_000,
    "JSON": b'", "status": 200, "x": "',
}
LINE_ENDS = {"CR": b"a\rb", "LF": b"a\nb", "NUL": b"a\0b", "folding": b"a\r\n b"}


@dataclass
class Log:
    """A server and its access log; each test sees only its own lines."""

    server: Server
    log_format: str
    read: int = 0

    def lines(self, expected: int) -> list[dict[str, str]]:
        """Wait for so many new lines, and return their fields as text."""
        until(
            lambda: self.server.stdout().count("\n") >= self.read + expected,
            lambda: f"{expected} lines are not there:\n{self.server.stdout()}",
        )
        found = self.server.stdout().splitlines()[self.read :]
        self.read += len(found)
        assert len(found) == expected, found
        for line in found:
            assert re.fullmatch(r"[ -~]+", line), line
            assert len(line) < 4_000
        return [fields(line, self.log_format) for line in found]

    def send(
        self, method: str, target: str | bytes, *fields: Field, version: str = "1.1"
    ) -> Response:
        """Send one request."""
        return request(self.server, method, target, list(fields), version=version)


@pytest.fixture(scope="module", params=["text", "json"])
def log_format(request) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def log(tmp_path_factory, log_format) -> Iterator[Log]:
    folder = tmp_path_factory.mktemp("logs")
    with serve(folder, source(folder), "--log", log_format) as server:
        yield Log(server, log_format)


def source(folder: Path) -> Path:
    (folder / "articles").mkdir()
    (folder / "articles" / "one.md").write_text(article_text("One"), encoding="utf-8")
    return folder / "articles"


def fields(line: str, log_format: str) -> dict[str, str]:
    if log_format == "json":
        return {name: str(value) for name, value in json.loads(line).items()}
    match = COMBINED.fullmatch(line)
    assert match, line
    return match.groupdict()


def test_each_request_is_one_line_with_its_response(log):
    whole = log.send("GET", "/all.atom?utm_source=x", ("User-Agent", "Reader/1.0"))
    tag = ("If-None-Match", whole["etag"])
    log.send("GET", "/all.atom", tag, ("Referer", "https://a.example/"))
    log.send("HEAD", "/all.rss", version="1.0")
    missing = log.send("GET", "/nothing")
    log.send("POST", "/all.atom")
    written = log.lines(5)
    logged = [(row["method"], row["target"], row["version"], row["status"]) for row in written]
    assert logged == [
        ("GET", "/all.atom?utm_source=x", "1.1", "200"),
        ("GET", "/all.atom", "1.1", "304"),
        ("HEAD", "/all.rss", "1.0", "200"),
        ("GET", "/nothing", "1.1", "404"),
        ("POST", "/all.atom", "1.1", "405"),
    ]
    sizes = [int(row["size"]) for row in written]
    assert sizes[:4] == [len(whole.body), 0, 0, len(missing.body)]
    assert written[0]["user_agent"] == "Reader/1.0"
    assert written[1]["referer"] == "https://a.example/"
    assert {row["client"] for row in written} == {"127.0.0.1"}


@pytest.mark.parametrize("case", NASTY)
def test_fields_of_a_request_are_escaped_and_cut(log, case):
    text = NASTY[case]
    answer = log.send("GET", "/all.atom", ("User-Agent", text), ("Referer", text))
    assert answer.status in (200, 400)
    log.send("GET", "/all.rss", ("User-Agent", "the end"))
    *before, last = log.lines(2 if answer.status == 200 else 1)
    assert last["user_agent"] == "the end"
    for row in before:
        assert (row["target"], row["status"]) == ("/all.atom", "200")
        assert 0 < len(row["user_agent"]) <= 1_000


@pytest.mark.parametrize("case", LINE_ENDS)
def test_no_request_adds_a_line_of_its_own(log, case):
    raw = b"GET /all.atom HTTP/1.1\r\nHost: x\r\nUser-Agent: %b\r\nConnection: close\r\n\r\n"
    try:
        answered = exchange(log.server.address, raw % LINE_ENDS[case]).status
    except ClosedError:
        answered = 0
    log.send("GET", "/all.rss", ("User-Agent", "the end"))
    assert log.lines(2 if answered == 200 else 1)[-1]["user_agent"] == "the end"


@pytest.mark.parametrize(
    "target", [b"/%1b[2J", b"/%22%0a%0d", b"/\x1b[2J", b'/"quoted"', "/é\u202e".encode()]
)
def test_targets_are_escaped_too(log, target):
    answer = log.send("GET", target)
    assert answer.status in (400, 404)
    log.send("GET", "/all.rss", ("User-Agent", "the end"))
    assert log.lines(2 if answer.status == 404 else 1)[-1]["user_agent"] == "the end"


def test_several_workers_write_whole_lines_into_one_log(tmp_path, log_format):
    with serve(tmp_path, source(tmp_path), "--log", log_format, "--workers", "2") as server:
        log = Log(server, log_format)
        tag = ("If-None-Match", log.send("GET", "/all.atom")["etag"])
        for _ in range(20):
            log.send("GET", "/all.atom", tag)
            log.send("GET", "/nothing")
        written = log.lines(41)
    assert Counter(row["status"] for row in written) == {"200": 1, "304": 20, "404": 20}


def test_the_last_responses_are_logged_before_the_end(tmp_path, log_format):
    with serve(tmp_path, source(tmp_path), "--log", log_format) as server:
        log = Log(server, log_format)
        for _ in range(10):
            log.send("GET", "/all.atom")
        assert server.stop() == 0
        assert server.stdout().count("\n") == 10


def test_events_are_lines_of_the_same_kind(log):
    lines = [line for line in log.server.stderr().splitlines() if "listening on" in line]
    assert len(lines) == 1
    if log.log_format == "json":
        logged = json.loads(lines[0])
        assert logged["event"].startswith("listening on http://127.0.0.1:")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", logged["time"])
    else:
        assert lines[0].startswith("feedhub: listening on http://127.0.0.1:")
