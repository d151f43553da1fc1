"""Lines of logs: every format is read as it was written, and nothing that is none is."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.stats.lines import CUT, NOT_A_LINE, NOT_AN_ANSWER, Record, records_of, rows_of
from tests.made_log import FORMATS, START, written

RECORD = Record("192.0.2.7", START, "GET", "/all.rss?x=1", 304, 0, "Miniflux/2.1", "")
LINE = written(RECORD, "combined").encode()
# What a web server can have been sent: it refuses control characters and white space in a target.
WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=30)
RECORDS = st.builds(
    Record,
    address=st.ip_addresses().map(str),
    second=st.integers(1, 4_000_000_000),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    target=WORDS.map(lambda text: f"/{text}"),
    status=st.integers(100, 599),
    size=st.integers(0, 10**12),
    agent=st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40),
    coding=st.just(""),
)


def read(data: bytes) -> list[Record]:
    assert rows_of(data)[1] == []
    return list(records_of(data))


def only(line: str) -> Record:
    (record,) = read(line.encode())
    return record


@given(RECORDS, st.sampled_from(FORMATS))
def test_a_record_is_read_as_it_was_written(record, form):
    got = only(written(record, form))
    if form.startswith("feedhub"):  # cuts what strangers send
        assert (record.agent or "-").startswith(got.agent.rstrip("\ufffd"))
        got = got._replace(agent=record.agent)
    if form == "caddy":  # a whole answer without a coding has none, of a 304 it is not known
        assert got.coding == ("" if record.status == 304 else "identity")
        got = got._replace(coding="")
    if form == "combined" and not record.agent:
        assert got.agent == ""
    assert got == record


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25)
@given(st.lists(RECORDS, max_size=6))
def test_many_at_once_are_read_as_one_by_one(form, records):
    lines = [written(record, form).encode() for record in records]
    assert list(records_of(b"".join(lines))) == [only(line.decode()) for line in lines]


def test_the_coding_is_known_where_the_log_tells_it():
    coded = RECORD._replace(coding="br")
    assert only(written(coded, "nginx")) == coded
    assert only(written(coded, "caddy")) == coded
    assert only(written(RECORD, "caddy")).coding == ""
    assert only(written(RECORD._replace(status=200), "caddy")).coding == "identity"


@pytest.mark.parametrize(
    ("moment", "second"),
    [
        ("01/Nov/2026:00:00:00 +0000", START),
        ("31/Oct/2026:19:30:00 -0430", START),
        ("01/Nov/2026:05:30:05 +0530", START + 5),
        ("29/Feb/2028:23:59:60 +0000", 1_835_481_600),
        ("31/Feb/2026:00:00:00 +0000", 1_772_496_000),
    ],
)
def test_a_moment_is_read_with_its_zone(moment, second):
    line = LINE.replace(b"01/Nov/2026:00:00:00 +0000", moment.encode())
    assert read(line)[0].second == second
    told = json.dumps({"time": moment, "client": "a", "request": "GET / HTTP/1.0", "status": 200})
    assert read(told.encode())[0].second == second


@pytest.mark.parametrize(
    ("told", "second"),
    [
        ("2026-11-01T00:00:00Z", START),
        ("2026-11-01T02:00:00+02:00", START),
        ("2026-11-01T00:00:00.9", START),
        (START + 0.7, START),
    ],
)
def test_json_may_tell_time_otherwise(told, second):
    line = {"ts": told, "remote_addr": "a", "request": "GET /x HTTP/2.0", "status": "200"}
    assert only(json.dumps(line)) == Record("a", second, "GET", "/x", 200, 0, "")


@pytest.mark.parametrize(
    "change",
    [
        (b"HTTP/2.0", b"HTTP/1.0"),
        (b'"-" "Mini', b'"https://a.example/?q=\\"x\\"" "Mini'),
        (b'2.1"\n', b'2.1" "203.0.113.1" 0.001\n'),
        (b'2.1"\n', b'2.1"\r\n'),
        (b" - - ", b" - some one "),
        (b" 304 0 ", b" 304 - "),
        (b"192.0.2.7", b"feeds.example.org 192.0.2.7"),
        (b"192.0.2.7", b"feeds.example.org:443 192.0.2.7"),
        (b" - - ", b" 10.0.0.1 - "),
        (b" - - ", b" facade - "),
    ],
)
def test_what_servers_change_in_the_combined_format_changes_nothing(change):
    assert read(LINE.replace(*change)) == [RECORD]


def test_caddy_before_2_7_tells_one_address():
    line = json.loads(written(RECORD, "caddy"))
    assert line["request"].pop("client_ip") == RECORD.address
    assert only(json.dumps(line)).address == "10.255.0.1"


def test_quotes_in_a_user_agent_do_not_end_it():
    for escaped in (rb"\x22x\x22 \x5C", rb"\"x\" \\"):
        line = LINE.replace(b"Miniflux/2.1", b"A " + escaped + b" B")
        assert read(line)[0].agent == 'A "x" \\ B'


def test_addresses_of_other_kinds_and_an_empty_request():
    behind = LINE.replace(b"192.0.2.7", b"feeds.example.org 2001:db8::7")
    assert read(behind) == [RECORD._replace(address="2001:db8::7")]
    named = LINE.replace(b"192.0.2.7 - - ", b"reader.example facade - ")
    assert read(named) == [RECORD._replace(address="reader.example")]
    line = LINE.replace(b"192.0.2.7", b"2001:db8::7").replace(b"GET /all.rss?x=1 HTTP/2.0", b"-")
    assert read(line) == [RECORD._replace(address="2001:db8::7", method="-", target="")]


def test_bytes_that_are_no_text_are_read_all_the_same():
    assert read(LINE.replace(b"Miniflux", b"M\xff"))[0].agent == "M\ufffd/2.1"
    nginx = written(RECORD, "nginx").encode()
    assert read(nginx.replace(b"Miniflux", b"M\xff"))[0].agent == "M\ufffd/2.1"


BAD = [
    (b"", None),
    (b" \t", None),
    (b"feedhub: listening on http://127.0.0.1:8000", NOT_A_LINE),
    (b"\x00\x01\xff", NOT_A_LINE),
    (LINE[:40], CUT),
    (LINE[:-20], CUT),
    (LINE.replace(b"01/Nov", b"99/Nov").strip(), CUT),
    (LINE.replace(b"2026", b"1969").strip(), CUT),
    (LINE.replace(b":00 +", b":61 +").strip(), CUT),
    (LINE.partition(b' "-" ')[0], CUT),
    (b'{"time": "2026', CUT),
    (b'{"status": {}}', CUT),
    (b"{}", NOT_AN_ANSWER),
    (b'{"level":"info","ts":1.5,"msg":"serving"}', NOT_AN_ANSWER),
    (b'{"ts":1.5,"request":{"method":"GET","uri":"/"},"status":200}', NOT_AN_ANSWER),
    (b'{"ts":1.5,"remote_addr":"a","status":200}', NOT_AN_ANSWER),
    (b'{"ts":"soon","remote_addr":"a","request":"GET /","status":200}', NOT_AN_ANSWER),
    (b'{"ts":-5,"remote_addr":"a","request":"GET /","status":200}', NOT_AN_ANSWER),
    (b'{"ts":1e300,"remote_addr":"a","request":"GET /","status":200}', NOT_AN_ANSWER),
    (b'{"ts":5,"remote_addr":"a","request":"GET /","status":"ok"}', NOT_AN_ANSWER),
    (b'{"ts":5,"remote_addr":"a","request":"GET /","status":20}', NOT_AN_ANSWER),
    (
        b'{"ts":5,"remote_addr":"a","request":"GET /","status":200,"size":1000000000000001}',
        NOT_AN_ANSWER,
    ),
    (
        b'{"ts":5,"remote_addr":"a","request":"GET /","status":200,"size":"%b"}' % (b"9" * 400),
        NOT_AN_ANSWER,
    ),
]


@pytest.mark.parametrize(("line", "what"), BAD)
def test_a_line_that_cannot_be_read_is_told_and_the_others_are_read(line, what):
    for form in FORMATS:
        good = written(RECORD, form).encode()
        rows, bad = rows_of(good + line + b"\n" + good)
        assert len(rows) == 2
        assert bad == ([] if what is None else [(1, what)])


def test_formats_may_change_within_a_log():
    lines = [written(RECORD, form).encode() for form in FORMATS]
    assert read(b"".join(lines)) == [RECORD] * len(FORMATS)


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda line, at, junk: line[:at] + junk + line[at + 3 :],
        st.sampled_from([written(RECORD, form).encode() for form in FORMATS]),
        st.integers(0, 300),
        st.binary(max_size=8),
    ),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.dictionaries(
            st.sampled_from(["ts", "time", "request", "status", "size", "client", "headers"]),
            inner,
        ),
        max_leaves=8,
    ).map(lambda told: json.dumps(told).encode()),
)


@given(st.lists(GARBAGE, max_size=5))
def test_garbage_never_raises(parts):
    data = b"\n".join(parts)
    rows, bad = rows_of(data)
    assert len(rows) + len(bad) <= data.count(b"\n") + 1
    for record in records_of(data):
        assert 100 <= record.status <= 599
        assert record.size >= 0


def test_a_line_of_megabytes_takes_no_time_to_refuse():
    hostile = [b'"' * 2_000_000, b"\\" * 2_000_000, LINE[:60] + b'\\"' * 500_000, b"1 " * 1_000_000]
    for line in hostile:
        assert rows_of(line)[0] == []


def test_reasons_quote_nothing_of_the_line():
    for _, what in BAD:
        assert what is None or not re.search(r"[0-9{}]", what)
