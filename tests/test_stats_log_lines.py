"""Lines of logs: every format is read as it was written, and everything else is refused."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.stats.log_lines import INCOMPLETE_JSON, NOT_A_LOG_LINE, TRUNCATED, parse_lines
from tests.access_logs import FORMATS, START, LoggedRequest, format_line, parse_log

REQUEST = LoggedRequest("192.0.2.7", START, "GET", "/all.rss?x=1", 304, 0, "Miniflux/2.1", "")
LINE = format_line(REQUEST, "combined").encode()
# Text that a web server accepts: it refuses control characters and white space in a target.
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=30)
REQUESTS = st.builds(
    LoggedRequest,
    address=st.ip_addresses().map(str),
    second=st.integers(1, 4_000_000_000),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    target=TEXTS.map(lambda text: f"/{text}"),
    status=st.integers(100, 599),
    size=st.integers(0, 10**12),
    agent=st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40),
    coding=st.just(""),
)


def read(data: bytes) -> list[LoggedRequest]:
    assert parse_lines(data)[1] == []
    return list(parse_log(data))


def only(line: str) -> LoggedRequest:
    (request,) = read(line.encode())
    return request


@given(REQUESTS, st.sampled_from(FORMATS))
def test_a_request_is_read_as_it_was_written(request, form):
    got = only(format_line(request, form))
    if form.startswith("feedhub"):  # cuts long values
        assert (request.agent or "-").startswith(got.agent.rstrip("\ufffd"))
        got = got._replace(agent=request.agent)
    if form == "caddy":  # a 200 without a coding has none, that of a 304 is unknown
        assert got.coding == ("" if request.status == 304 else "identity")
        got = got._replace(coding="")
    if form == "combined" and not request.agent:
        assert got.agent == ""
    assert got == request


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25)
@given(st.lists(REQUESTS, max_size=6))
def test_lines_read_together_equal_lines_read_one_by_one(form, requests):
    lines = [format_line(request, form).encode() for request in requests]
    assert list(parse_log(b"".join(lines))) == [only(line.decode()) for line in lines]


def test_the_coding_is_read_if_the_log_has_it():
    coded = REQUEST._replace(coding="br")
    assert only(format_line(coded, "nginx")) == coded
    assert only(format_line(coded, "caddy")) == coded
    assert only(format_line(REQUEST, "caddy")).coding == ""
    assert only(format_line(REQUEST._replace(status=200), "caddy")).coding == "identity"


@pytest.mark.parametrize(
    ("time", "second"),
    [
        ("01/Nov/2026:00:00:00 +0000", START),
        ("31/Oct/2026:19:30:00 -0430", START),
        ("01/Nov/2026:05:30:05 +0530", START + 5),
        ("29/Feb/2028:23:59:60 +0000", 1_835_481_600),
        ("31/Feb/2026:00:00:00 +0000", 1_772_496_000),
    ],
)
def test_a_time_is_read_with_its_zone(time, second):
    line = LINE.replace(b"01/Nov/2026:00:00:00 +0000", time.encode())
    assert read(line)[0].second == second
    text = json.dumps({"time": time, "client": "a", "request": "GET / HTTP/1.0", "status": 200})
    assert read(text.encode())[0].second == second


@pytest.mark.parametrize(
    ("time", "second"),
    [
        ("2026-11-01T00:00:00Z", START),
        ("2026-11-01T02:00:00+02:00", START),
        ("2026-11-01T00:00:00.9", START),
        (START + 0.7, START),
    ],
)
def test_other_forms_of_time_in_json(time, second):
    line = {"ts": time, "remote_addr": "a", "request": "GET /x HTTP/2.0", "status": "200"}
    assert only(json.dumps(line)) == LoggedRequest("a", second, "GET", "/x", 200, 0, "")


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
def test_variants_of_the_combined_format_are_read(change):
    assert read(LINE.replace(*change)) == [REQUEST]


def test_caddy_before_2_7_logs_one_address():
    line = json.loads(format_line(REQUEST, "caddy"))
    assert line["request"].pop("client_ip") == REQUEST.address
    assert only(json.dumps(line)).address == "10.255.0.1"


def test_escaped_quotes_do_not_end_a_user_agent():
    for escaped in (rb"\x22x\x22 \x5C", rb"\"x\" \\"):
        line = LINE.replace(b"Miniflux/2.1", b"A " + escaped + b" B")
        assert read(line)[0].agent == 'A "x" \\ B'


def test_ipv6_addresses_host_names_and_empty_requests_are_read():
    behind = LINE.replace(b"192.0.2.7", b"feeds.example.org 2001:db8::7")
    assert read(behind) == [REQUEST._replace(address="2001:db8::7")]
    named = LINE.replace(b"192.0.2.7 - - ", b"reader.example facade - ")
    assert read(named) == [REQUEST._replace(address="reader.example")]
    line = LINE.replace(b"192.0.2.7", b"2001:db8::7").replace(b"GET /all.rss?x=1 HTTP/2.0", b"-")
    assert read(line) == [REQUEST._replace(address="2001:db8::7", method="-", target="")]


def test_invalid_utf_8_is_replaced():
    assert read(LINE.replace(b"Miniflux", b"M\xff"))[0].agent == "M\ufffd/2.1"
    nginx = format_line(REQUEST, "nginx").encode()
    assert read(nginx.replace(b"Miniflux", b"M\xff"))[0].agent == "M\ufffd/2.1"


BAD = [
    (b"", None),
    (b" \t", None),
    (b"feedhub: listening on http://127.0.0.1:8000", NOT_A_LOG_LINE),
    (b"\x00\x01\xff", NOT_A_LOG_LINE),
    (LINE[:40], TRUNCATED),
    (LINE[:-20], TRUNCATED),
    (LINE.replace(b"01/Nov", b"99/Nov").strip(), TRUNCATED),
    (LINE.replace(b"2026", b"1969").strip(), TRUNCATED),
    (LINE.replace(b":00 +", b":61 +").strip(), TRUNCATED),
    (LINE.partition(b' "-" ')[0], TRUNCATED),
    (b'{"time": "2026', TRUNCATED),
    (b'{"status": {}}', TRUNCATED),
    (b"{}", INCOMPLETE_JSON),
    (b'{"level":"info","ts":1.5,"msg":"serving"}', INCOMPLETE_JSON),
    (b'{"ts":1.5,"request":{"method":"GET","uri":"/"},"status":200}', INCOMPLETE_JSON),
    (b'{"ts":1.5,"remote_addr":"a","status":200}', INCOMPLETE_JSON),
    (b'{"ts":"soon","remote_addr":"a","request":"GET /","status":200}', INCOMPLETE_JSON),
    (b'{"ts":-5,"remote_addr":"a","request":"GET /","status":200}', INCOMPLETE_JSON),
    (b'{"ts":1e300,"remote_addr":"a","request":"GET /","status":200}', INCOMPLETE_JSON),
    (b'{"ts":5,"remote_addr":"a","request":"GET /","status":"ok"}', INCOMPLETE_JSON),
    (b'{"ts":5,"remote_addr":"a","request":"GET /","status":20}', INCOMPLETE_JSON),
    (
        b'{"ts":5,"remote_addr":"a","request":"GET /","status":200,"size":1000000000000001}',
        INCOMPLETE_JSON,
    ),
    (
        b'{"ts":5,"remote_addr":"a","request":"GET /","status":200,"size":"%b"}' % (b"9" * 400),
        INCOMPLETE_JSON,
    ),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_an_unreadable_line_is_reported_and_the_others_are_read(line, message):
    for form in FORMATS:
        good = format_line(REQUEST, form).encode()
        rows, bad = parse_lines(good + line + b"\n" + good)
        assert len(rows) == 2
        assert bad == ([] if message is None else [(1, message)])


def test_formats_may_change_within_a_log():
    lines = [format_line(REQUEST, form).encode() for form in FORMATS]
    assert read(b"".join(lines)) == [REQUEST] * len(FORMATS)


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda line, at, junk: line[:at] + junk + line[at + 3 :],
        st.sampled_from([format_line(REQUEST, form).encode() for form in FORMATS]),
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
    ).map(lambda tree: json.dumps(tree).encode()),
)


@given(st.lists(GARBAGE, max_size=5))
def test_garbage_never_raises(parts):
    data = b"\n".join(parts)
    rows, bad = parse_lines(data)
    assert len(rows) + len(bad) <= data.count(b"\n") + 1
    for request in parse_log(data):
        assert 100 <= request.status <= 599
        assert request.size >= 0


def test_hostile_lines_of_megabytes_are_refused_quickly():
    hostile = [b'"' * 2_000_000, b"\\" * 2_000_000, LINE[:60] + b'\\"' * 500_000, b"1 " * 1_000_000]
    for line in hostile:
        assert parse_lines(line)[0] == []


def test_messages_quote_nothing_of_the_line():
    for _, message in BAD:
        assert message is None or not re.search(r"[0-9{}]", message)
