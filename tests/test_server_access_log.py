"""The access log: one line for each response, whatever the request holds."""

from __future__ import annotations

import io
import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.server.logs import AccessLog, AccessRecord, Client, escape

SECOND = 1_591_700_000
CLIENT = ("192.0.2.7", 40_000)
RECORD = AccessRecord(
    method="GET",
    target="/all.rss?x=1",
    version="1.1",
    referer="",
    user_agent="Miniflux/2.1",
    status=304,
    size=0,
)
TEXT_FIELDS = ("method", "target", "referer", "user_agent")
COMBINED = re.compile(
    r'(\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "(\S+) (.*) HTTP/(\S+)" '
    r'(\d{3}) (\d+) "([^"]*)" "([^"]*)"\n'
)
NASTY = 'a"b\\c\n\x1b[31mé\x9b\xff'


def add(log: AccessLog, record: AccessRecord = RECORD, client: Client = CLIENT) -> None:
    log.add([(log.line_parts(record, SECOND), client, 0.00012345)])


def logged(record: AccessRecord, log_format="text", client: Client = CLIENT) -> str:
    out = io.StringIO()
    log = AccessLog(out, log_format)
    add(log, record, client)
    log.flush()
    return out.getvalue()


def test_a_line_has_the_combined_format():
    assert logged(RECORD) == (
        '192.0.2.7 - - [09/Jun/2020:10:53:20 +0000] "GET /all.rss?x=1 HTTP/1.1" 304 0 "-" '
        '"Miniflux/2.1"\n'
    )


def test_a_json_line_also_has_the_seconds():
    assert json.loads(logged(RECORD, "json")) == {
        "time": "2020-06-09T10:53:20Z",
        "client": "192.0.2.7",
        "method": "GET",
        "target": "/all.rss?x=1",
        "version": "1.1",
        "referer": "",
        "user_agent": "Miniflux/2.1",
        "status": 304,
        "size": 0,
        "seconds": 0.000123,
    }


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_a_request_cannot_break_out_of_its_field_or_line(log_format, name):
    line = logged(AccessRecord(**(RECORD._asdict() | {name: NASTY})), log_format)

    assert line.isascii()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    if log_format == "json":
        assert json.loads(line)[name] == escape(NASTY)
    else:
        assert COMBINED.fullmatch(line)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_client_is_escaped_too(log_format):
    """Behind a proxy it comes from a header field."""
    line = logged(RECORD, log_format, (NASTY, 1))

    assert line.isascii()
    assert line[:-1].isprintable()
    if log_format == "json":
        assert json.loads(line)["client"] == escape(NASTY)
    else:
        assert line.startswith(f"{escape(NASTY)} - - [")


TEXT = st.text(st.characters(max_codepoint=255))  # header bytes, decoded as Latin-1
ESCAPED = re.compile(r"(?:[ !#-\[\]-~]|\\x[0-9A-F]{2})*")


@given(TEXT, st.integers(0, 60))
def test_escaping_is_reversible_up_to_the_cut(text, max_length):
    escaped = escape(text, max_length)
    read = re.sub(r"\\x([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), escaped)

    assert len(escaped) <= max_length
    assert ESCAPED.fullmatch(escaped)
    assert text.startswith(read)
    assert len(escaped) > max_length - 4 or read == text


@given(st.text())
def test_any_text_is_escaped(text):
    assert ESCAPED.fullmatch(escape(text))


@given(TEXT, TEXT, TEXT)
def test_any_request_makes_one_line_that_can_be_parsed(target, referer, user_agent):
    record = RECORD._replace(target=target, referer=referer, user_agent=user_agent)
    found = COMBINED.fullmatch(logged(record))

    assert found
    assert found[3] == escape(target, 2_000)
    assert found[7] == (escape(referer) or "-")
    assert json.loads(logged(record, "json"))["user_agent"] == escape(user_agent)


def test_long_fields_are_cut():
    long = RECORD._replace(target="/" * 100_000, referer="r" * 100_000, user_agent="é" * 100_000)

    for log_format in ("text", "json"):
        line = logged(long, log_format)
        assert line.count("r" * 200) == 1
        assert "r" * 201 not in line
        assert "/" * 2_000 in line
        assert "/" * 2_001 not in line
        assert len(line) < 5_000


def test_ordinary_text_is_unchanged():
    assert escape("Feedly/1.0 (+http://www.feedly.com/fetcher.html; 3 subscribers)") == (
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 3 subscribers)"
    )


def test_the_time_is_that_of_the_response():
    out = io.StringIO()
    log = AccessLog(out)
    for second in (SECOND, SECOND, SECOND + 1):
        log.add([(log.line_parts(RECORD, second), CLIENT, 0.0)])
    log.flush()

    assert re.findall(r":(\d\d) \+0000", out.getvalue()) == ["20", "20", "21"]


class RecordingOutput(io.StringIO):
    """An output that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return super().write(text)


def test_lines_are_written_together_by_flush():
    out = RecordingOutput()
    log = AccessLog(out)
    for _ in range(10):
        add(log)
    assert out.pieces == []

    log.flush()
    log.flush()

    assert len(out.pieces) == 1
    assert out.getvalue().count("\n") == 10


def test_each_write_is_atomic_and_holds_whole_lines():
    """A pipe takes 4,096 bytes in one piece (pipe(7)); workers share one."""
    out = RecordingOutput()
    log = AccessLog(out)
    for number in range(500):
        add(log, RECORD._replace(target="/" * (number % 700)))
    log.flush()

    assert out.getvalue().count("\n") == 500
    assert 1 < len(out.pieces) < 500
    assert all(piece.endswith("\n") and len(piece) <= 4_096 for piece in out.pieces)
    assert sum(map(len, out.pieces[:-1])) > 0.8 * 4_096 * (len(out.pieces) - 1)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_request_makes_a_line_longer_than_an_atomic_write(log_format):
    max_length = "\xe9" * 70_000
    record = AccessRecord(**(RECORD._asdict() | dict.fromkeys(TEXT_FIELDS, max_length)))
    line = logged(record, log_format, (max_length, 1))

    assert len(line) <= 4_096


def test_a_line_longer_than_a_piece_is_written_alone(monkeypatch):
    monkeypatch.setattr("feedhub.server.logs.MAX_PIECE", 10)
    out = RecordingOutput()
    log = AccessLog(out)
    add(log)
    add(log)
    log.flush()

    assert [piece.count("\n") for piece in out.pieces] == [1, 1]


@pytest.mark.parametrize("length", [1, 2_000])
def test_pending_lines_are_bounded(monkeypatch, length):
    """However long the lines are that requests cause."""
    monkeypatch.setattr("feedhub.server.logs.MAX_PENDING", 10_000)
    out = RecordingOutput()
    log = AccessLog(out)
    for _ in range(300):
        add(log, RECORD._replace(target="/" * length))
    log.flush()
    written = len(out.getvalue())
    add(log)
    log.flush()

    assert 10_000 <= written < 12_500
    assert written < len(out.getvalue()) < written + 200


def test_lines_are_queued_again_after_a_write(pipe, monkeypatch):
    monkeypatch.setattr("feedhub.server.logs.MAX_PENDING", 200_000)
    reader, writer = pipe
    log = AccessLog(writer)
    read = 0
    for _ in range(20):
        for _ in range(3_000):
            add(log)
        log.flush()
        assert log._pending == sum(map(len, log._lines)) < 210_000
        read += len(os.read(reader.fileno(), 65_536))
        log.flush()

    assert read > 15 * 60_000


@pytest.fixture
def pipe():
    """The two ends of a pipe: the reader of the log, and its writer."""
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "w") as writer:  # noqa: PTH123
        yield reader, writer


def test_a_line_arrives_at_a_reader_at_once(pipe):
    reader, writer = pipe
    log = AccessLog(writer)
    add(log)
    log.flush()

    assert COMBINED.fullmatch(os.read(reader.fileno(), 65_536).decode())


def test_a_full_pipe_blocks_nothing_and_loses_nothing(pipe):
    reader, writer = pipe
    log = AccessLog(writer, "json")
    for number in range(2_000):
        add(log, RECORD._replace(target=f"/{number}"))
    log.flush()
    log.flush()  # the pipe is full, and must not block
    written = b""
    while written.count(b"\n") < 2_000:
        written += os.read(reader.fileno(), 65_536)
        log.flush()

    targets = [json.loads(line)["target"] for line in written.splitlines()]
    assert targets == [f"/{number}" for number in range(2_000)]


def test_a_closed_pipe_blocks_nothing_and_fills_no_memory(pipe):
    reader, writer = pipe
    log = AccessLog(writer)
    reader.close()
    for _ in range(3):
        add(log)
        log.flush()

    assert log._lines == []


def test_a_full_disk_blocks_nothing_and_fills_no_memory():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        log = AccessLog(full)
        add(log)
        log.flush()

    assert log._lines == []
