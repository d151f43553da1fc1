"""What `feedhub serve` writes down of its requests: one line each, whatever strangers send."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import article_text
from tests.servers import ClosedError, Server, exchange, request, serve, until

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
    "a very long word": b"x" * 4_000,
    "JSON": b'", "status": 200, "x": "',
}
LINE_ENDS = {"CR": b"a\rb", "LF": b"a\nb", "NUL": b"a\0b", "folding": b"a\r\n b"}


@pytest.fixture(params=["text", "json"])
def form(request) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def server(tmp_path, form) -> Iterator[Server]:
    with serve(tmp_path, source(tmp_path), "--log", form) as server:
        yield server


def source(folder: Path) -> Path:
    (folder / "articles").mkdir()
    (folder / "articles" / "one.md").write_text(article_text("One"), encoding="utf-8")
    return folder / "articles"


def lines(server: Server, form: str, expected: int) -> list[dict[str, str]]:
    """Wait for so many lines of the access log, and return their fields as text."""
    until(
        lambda: server.stdout().count("\n") >= expected,
        lambda: f"{expected} lines are not there:\n{server.stdout()}",
    )
    found = server.stdout().splitlines()
    assert len(found) == expected, found
    for line in found:
        assert re.fullmatch(r"[ -~]+", line), line
        assert len(line) < 4_000
    return [fields(line, form) for line in found]


def fields(line: str, form: str) -> dict[str, str]:
    if form == "json":
        return {name: str(value) for name, value in json.loads(line).items()}
    match = COMBINED.fullmatch(line)
    assert match, line
    return match.groupdict()


def test_each_request_is_one_line_that_says_what_was_answered(server, form):
    whole = request(server, "GET", "/all.atom?utm_source=x", [("User-Agent", "Reader/1.0")])
    conditions = [("If-None-Match", whole["etag"]), ("Referer", "https://a.example/")]
    request(server, "GET", "/all.atom", conditions)
    request(server, "HEAD", "/all.rss", version="1.0")
    missing = request(server, "GET", "/nothing")
    request(server, "POST", "/all.atom")
    written = lines(server, form, 5)
    assert [
        (line["method"], line["target"], line["version"], line["status"]) for line in written
    ] == [
        ("GET", "/all.atom?utm_source=x", "1.1", "200"),
        ("GET", "/all.atom", "1.1", "304"),
        ("HEAD", "/all.rss", "1.0", "200"),
        ("GET", "/nothing", "1.1", "404"),
        ("POST", "/all.atom", "1.1", "405"),
    ]
    sizes = [int(line["size"]) for line in written]
    assert sizes[:4] == [len(whole.body), 0, 0, len(missing.body)]
    assert written[0]["user_agent"] == "Reader/1.0"
    assert written[1]["referer"] == "https://a.example/"
    assert {line["client"] for line in written} == {"127.0.0.1"}


@pytest.mark.parametrize("word", NASTY)
def test_the_words_of_strangers_are_escaped_and_cut(server, form, word):
    nasty = NASTY[word]
    answer = request(server, "GET", "/all.atom", [("User-Agent", nasty), ("Referer", nasty)])
    assert answer.status in (200, 400)
    expected = 1 if answer.status == 200 else 0
    request(server, "GET", "/all.rss", [("User-Agent", "the end")])
    written = lines(server, form, expected + 1)
    assert written[-1]["user_agent"] == "the end"
    for line in written[:-1]:
        assert (line["target"], line["status"]) == ("/all.atom", "200")
        assert len(line["user_agent"]) <= 1_000
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", server.stdout() + server.stderr())


@pytest.mark.parametrize("word", LINE_ENDS)
def test_no_stranger_writes_a_line_of_his_own(server, form, word):
    raw = b"GET /all.atom HTTP/1.1\r\nHost: x\r\nUser-Agent: %b\r\nConnection: close\r\n\r\n"
    try:
        answered = exchange(server.address, raw % LINE_ENDS[word]).status
    except ClosedError:
        answered = 0
    request(server, "GET", "/all.rss", [("User-Agent", "the end")])
    written = lines(server, form, 2 if answered == 200 else 1)
    assert written[-1]["user_agent"] == "the end"


@pytest.mark.parametrize(
    "target", [b"/%1b[2J", b"/%22%0a%0d", b"/\x1b[2J", b'/"quoted"', "/é\u202e".encode()]
)
def test_targets_are_escaped_too(server, form, target):
    answer = request(server, "GET", target)
    assert answer.status in (400, 404)
    request(server, "GET", "/all.rss", [("User-Agent", "the end")])
    lines(server, form, 2 if answer.status == 404 else 1)


def test_several_workers_write_whole_lines_into_one_log(tmp_path, form):
    with serve(tmp_path, source(tmp_path), "--log", form, "--workers", "2") as server:
        tag = request(server, "GET", "/all.atom")["etag"]
        for _ in range(20):
            request(server, "GET", "/all.atom", [("If-None-Match", tag)])
            request(server, "GET", "/nothing")
        written = lines(server, form, 41)
    assert Counter(line["status"] for line in written) == {"200": 1, "304": 20, "404": 20}


def test_what_was_answered_last_is_written_before_the_end(server, form):
    for _ in range(10):
        request(server, "GET", "/all.atom")
    assert server.stop() == 0
    assert len(lines(server, form, 10)) == 10


def test_events_are_lines_of_the_same_kind(server, form):
    told = [line for line in server.stderr().splitlines() if "listening on" in line]
    assert len(told) == 1
    if form == "json":
        said = json.loads(told[0])
        assert said["event"].startswith("listening on http://127.0.0.1:")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["time"])
    else:
        assert told[0].startswith("feedhub: listening on http://127.0.0.1:")
