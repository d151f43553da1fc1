"""Rows 23-49 of the HTTP table, through every front: methods, addresses, hosts and long fields."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
from lxml import etree, html

from tests.http_table import (
    BASE,
    DOCUMENTS,
    FRONTS,
    NAMES,
    F,
    Front,
    decoded,
    is_304,
    opened,
    small_and_silent,
    without_date,
)
from tests.servers import exchange

pytestmark = pytest.mark.measured

EVIL = "evil.example"


@pytest.fixture(scope="module", params=FRONTS)
def front(request, tmp_path_factory) -> Iterator[Front]:
    with opened(request.param, tmp_path_factory.mktemp(request.param)) as front:
        yield front


documents = pytest.mark.parametrize("target", DOCUMENTS)


def test_row_23_options_allows_validators_from_other_origins(front):
    answer = front.ask(
        "OPTIONS",
        F,
        ("Origin", "https://reader.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "if-none-match"),
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer["allow"] == "GET, HEAD, OPTIONS"
    assert answer["access-control-allow-origin"] == "*"
    allowed = answer["access-control-allow-headers"].lower()
    assert {"if-none-match", "if-modified-since"} <= {name.strip() for name in allowed.split(",")}
    methods = {name.strip() for name in answer["access-control-allow-methods"].split(",")}
    assert methods >= {"GET", "HEAD"}
    assert answer.header("access-control-allow-credentials") is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_row_24_a_writing_method_is_405_with_any_precondition(front, method):
    answer = front.ask(method, F, ("If-None-Match", "*"), ("Content-Length", "0"))
    assert answer.status == front.says(405, 24, method)
    assert answer["allow"] == "GET, HEAD, OPTIONS"
    assert small_and_silent(answer)


@pytest.mark.parametrize(("method", "status"), [("POST", 404), ("OPTIONS", 404), ("HEAD", 404)])
def test_row_24_a_missing_document_allows_no_method(front, method, status):
    answer = front.ask(method, "/none", ("Content-Length", "0"))
    assert (answer.status, answer.header("allow")) == (status, None)
    assert small_and_silent(answer, "none")


def test_row_24_options_of_the_whole_server(front):
    answer = front.ask("OPTIONS", "*")
    assert answer.status == front.says(204, 24, "*")
    if answer.status == 204:
        assert answer["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["TRACE", "FOO"])
def test_row_25_trace_and_unknown_methods_are_refused_and_not_echoed(front, method):
    answer = front.ask(method, F, ("X-Canary", "canary-in-a-header"))
    assert answer.status == front.says({"TRACE": 405, "FOO": 501}[method], 25, method)
    assert small_and_silent(answer, "canary", "computer-vision", "FOO")


@pytest.mark.parametrize("target", [f"{F}/", "/topics/none/", "/all.rss/"])
def test_row_26_a_trailing_slash_is_another_address(front, target):
    answer = front.ask("GET", target, host=EVIL)
    assert answer.status == front.says(404, 26)
    assert small_and_silent(answer, EVIL)


@pytest.mark.parametrize(
    "target", ["/topics/none.atom", "/none", "/all.xml", "/alle", "/all.rss.gz"]
)
def test_row_27_a_missing_document_is_404_with_any_precondition(front, target):
    answer = front.get(target, If_None_Match="*")
    assert answer.status == 404
    assert answer["content-type"].startswith("text/plain")
    assert answer["cache-control"] == "public, max-age=60"
    assert answer.header("etag") is None
    assert small_and_silent(answer, target)


@pytest.mark.parametrize(
    "target",
    [
        "/topics/computer%2Dvision.atom",
        "/topics/computer%2dvision.atom",
        "/topics/%63omputer-vision.atom",
        "/topics/computer-vision%2Eatom",
    ],
)
def test_row_29_an_address_may_be_percent_encoded(front, target):
    answer = front.get(target)
    assert (answer.status, answer["etag"]) == (200, front.etag())
    assert answer.body == front.plain().body
    assert answer["link"] == front.plain()["link"]


@pytest.mark.parametrize(
    "target", ["/topics/Computer-Vision.atom", "/TOPICS/computer-vision.atom", F[:-4] + "ATOM"]
)
def test_row_30_another_case_is_another_address(front, target):
    answer = front.get(target)
    assert answer.status == 404
    assert small_and_silent(answer, target)


@pytest.mark.parametrize(
    "target",
    [
        "/..",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/topics/..%2f..%2f..%2fetc%2fpasswd",
        "/topics/..%5c..%5cetc%5cpasswd",
        "/%252e%252e/etc/passwd",
        "/%c0%ae%c0%ae/etc/passwd",
        "//etc/passwd",
        "//evil.example/%2f..",
        "/\\evil.example/",
        "/" * 50,
        "/.",
        "/%2f%2fevil.example/",
    ],
)
def test_row_31_a_path_with_dots_is_404(front, target):
    answer = front.get(target)
    if front.says(404, 31, target) == 200:
        assert (answer.status, answer.body) == (200, front.plain("/").body)
    else:
        assert front.refuses(answer, 404, 400, "passwd", EVIL)


@pytest.mark.parametrize("target", [f"{F}%00", "/%00", "/all.rss%00.html"])
def test_row_32_an_encoded_nul_is_404(front, target):
    assert front.refuses(front.get(target), 404, 400, "%00", "\0")


def test_row_32_a_nul_is_400(front):
    assert front.refuses(front.get(b"/all.rss\0"), 400, 404, "\0")


@pytest.mark.parametrize("target", ["/%0d%0aX-Injected:%201", "/%0d%0aX-Injected:%201/"])
def test_row_33_an_encoded_line_end_injects_nothing(front, target):
    for address in (target, F + target[1:]):
        answer = front.get(address)
        assert answer.header("x-injected") is None
        assert front.refuses(answer, 404, 400, "njected")


@pytest.mark.parametrize("target", ["/%zz", "/%", "/%FF%FE"])
def test_row_34_invalid_utf_8_is_refused(front, target):
    assert front.refuses(front.get(target), 404, 400, "zz", "FE")


@pytest.mark.parametrize("target", [b"/caf\xe9.rss", b"/\xff\xfe"])
def test_row_34_bytes_that_are_not_ascii_are_refused(front, target):
    assert front.refuses(front.get(target), 400, 404, "caf")


@pytest.mark.parametrize(
    "target",
    [
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        f"{F};x=1",
        f"{F}.bak",
        f"{F}~",
        "/.git/config",
        "/.env",
    ],
)
def test_row_35_a_guess_is_404_and_not_echoed(front, target):
    answer = front.get(target)
    assert answer.status == 404
    assert small_and_silent(answer, "script", "x=1", ".bak", "~", ".git", ".env")


@pytest.mark.parametrize(
    ("length", "status"), [(2_000, 404), (8_100, 404), (8_193, 414), (9_000, 414), (70_000, 414)]
)
def test_row_36_a_long_path_is_refused_briefly(front, length, status):
    answer = front.get("/" + "a" * (length - 1))
    assert answer.status == front.says(status, 36, str(length))
    assert small_and_silent(answer, "aaaaaaaa")


@pytest.mark.parametrize(
    "query", ["?utm_source=x", "?", "?null", "?a=%00&b=%FF", "?x=" + "y" * 900]
)
def test_row_37_a_query_changes_nothing(front, query):
    answer = front.get(F + query)
    assert (answer.status, answer["etag"]) == (200, front.etag())
    assert answer.body == front.plain().body
    assert answer["link"] == front.plain()["link"]


@pytest.mark.parametrize(
    "accept",
    [
        "application/xml, application/atom+xml, application/rss+xml, application/rdf+xml, "
        "application/feed+json, text/html, */*;q=0.9",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "image/png",
        "",
        ";;;q=,",
    ],
)
def test_row_38_accept_changes_nothing(front, accept):
    answer = front.get(Accept=accept)
    assert (answer.status, answer["etag"]) == (200, front.etag())
    assert (answer["content-type"], answer["vary"]) == (DOCUMENTS[F], "Accept-Encoding")


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-99",
        "bytes=99999999-",
        "lines=0-1",
        "bytes=abc",
        "bytes=-5",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(500)),
    ],
)
def test_rows_39_and_40_a_range_request_gets_the_document(front, wanted):
    answer = front.get(Range=wanted)
    row = 39 if wanted == "bytes=0-99" else 40
    assert answer.status == front.says(200, row, wanted[:14])
    assert (answer.body, answer["etag"]) == (front.plain().body, front.etag())
    assert answer.header("content-range") is None


def test_row_41_if_range_gets_the_document(front):
    answer = front.get(Range="bytes=0-99", If_Range='"nope"')
    assert (answer.status, answer.body) == (200, front.plain().body)
    answer = front.get(Range="bytes=0-99", Accept_Encoding="gzip")
    assert (answer.status, answer["etag"]) == (200, front.etag(coding="gzip"))
    assert decoded(answer) == front.plain().body


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (("If-Match", '"nope"'), 412),
        (("If-Match", "*"), 200),
        (("If-Match", "{E}"), 200),
        (("If-Match", "W/{E}"), 412),
        (("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), 412),
        (("If-Unmodified-Since", "{L}"), 200),
        (("If-Unmodified-Since", "yesterday"), 200),
    ],
)
def test_row_42_the_other_preconditions_hold_too(front, line, status):
    name, value = line
    value = value.replace("{E}", front.etag()).replace("{L}", front.since())
    answer = front.ask("GET", F, (name, value))
    assert answer.status == front.says(status, 42, f"{name}: {line[1]}")
    if answer.status == 412:
        assert small_and_silent(answer, "nope")


def test_row_43_a_delta_is_not_offered_unless_configured(front):
    answer = front.get(A_IM="feed", If_None_Match='"nope"')
    assert (answer.status, answer.header("im"), answer.body) == (200, None, front.plain().body)
    assert answer["vary"] == "Accept-Encoding"
    assert is_304(front.get(A_IM="feed", If_None_Match=front.etag()), front.plain())


@documents
def test_row_44_http_1_0_without_host_is_200_and_not_chunked(front, target):
    answer = front.ask("GET", target, version="1.0", host=None)
    assert answer.status == front.says(200, 44)
    assert answer.header("transfer-encoding") is None
    if answer.status == 200:
        assert answer.body == front.plain(target).body
    else:
        assert small_and_silent(answer)


def test_row_45_http_1_1_without_host_is_400(front):
    answer = front.ask("GET", F, host=None)
    assert answer.status == front.says(400, 45)
    assert small_and_silent(answer)


@pytest.mark.parametrize(
    "line",
    [
        ("X-Forwarded-Host", EVIL),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Server", EVIL),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Original-URL", "/evil"),
        ("X-Rewrite-URL", "/evil"),
        ("Forwarded", f"host={EVIL};proto=https"),
        ("X-Host", EVIL),
    ],
)
def test_row_46_forwarded_headers_change_nothing(front, line):
    for target in DOCUMENTS:
        answer = front.ask("GET", target, line)
        assert (answer.status, answer.body) == (200, front.plain(target).body)
        assert without_date(answer.headers) == without_date(front.plain(target).headers)


@pytest.mark.parametrize("host", [EVIL, f"feeds.example.org@{EVIL}", "evil.example:8000", "x/y?z"])
def test_row_46_another_host_changes_nothing(front, host):
    for target in DOCUMENTS:
        answer = front.ask("GET", target, host=host)
        assert answer.status == front.says(200, 46, host)
        if answer.status == 200:
            assert answer.body == front.plain(target).body
            assert without_date(answer.headers) == without_date(front.plain(target).headers)
        else:
            assert small_and_silent(answer, host)


@pytest.mark.parametrize("target", [*DOCUMENTS, "/topics/computer%2Dvision.atom", "/all.rss?x=1"])
def test_row_46_a_target_may_name_the_host(front, target):
    """RFC 9112, 3.2.2: the absolute form, which clients send to proxies."""
    plain = front.get(target)
    answer = front.ask("GET", f"http://feeds.example.org{target}")
    assert (answer.status, answer.body) == (200, plain.body)
    assert without_date(answer.headers) == without_date(plain.headers)
    tag = ("If-None-Match", plain["etag"])
    assert is_304(front.ask("GET", f"HTTP://feeds.example.org{target}", tag), plain)
    assert front.ask("HEAD", f"http://feeds.example.org{target}").status == 200


@pytest.mark.parametrize("host", [EVIL, "evil.example:8000"])
def test_row_46_another_host_in_the_target_changes_nothing(front, host):
    for target in (*DOCUMENTS, "/feed"):
        answer = front.ask("GET", f"http://{host}{target}")
        status = 301 if target == "/feed" else 200
        assert answer.status == front.says(status, 46, host)
        if answer.status == status:
            assert answer.body == front.get(target).body
        assert host not in repr((answer.headers, answer.body))


def test_row_45_a_host_in_the_target_does_not_replace_the_field(front):
    if front.direct:
        for lines in ((), (("Host", "feeds.example.org"), ("Host", "feeds.example.org"))):
            answer = front.ask("GET", f"http://feeds.example.org{F}", *lines, host=None)
            assert answer.status == 400


@pytest.mark.parametrize(
    "target", [f"http://{F}", f"http:/{F}", f"http:{F}", f"//feeds.example.org{F}", "x://h/none"]
)
def test_row_46_what_only_resembles_an_absolute_target_is_no_document(front, target):
    if front.direct:
        assert front.ask("GET", target).status in {400, 404}


def test_row_47_a_request_body_is_ignored(front):
    answer = front.ask("GET", F, ("Content-Length", "5"), body=b"12345")
    assert answer.status == front.says(200, 47)
    assert answer.body == front.plain().body


def test_row_47_a_request_after_a_body_is_read(front):
    head = f"GET {F} HTTP/1.1\r\nHost: feeds.example.org\r\n"
    first, second = f"{head}Content-Length: 5\r\n\r\n12345", f"{head}Connection: close\r\n\r\n"
    answer = exchange(front.server.address, (first + second).encode())
    assert (answer.status, answer.body) == (200, front.plain().body)
    assert answer.rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.rest.endswith(b"\r\n\r\n" + front.plain().body)


def test_row_47_pipelined_requests_are_answered_in_order(front):
    """Cached and uncached responses, quick ones and such as must be built (RFC 9112, 9.3.2)."""
    targets = [*DOCUMENTS, "/none", F, "/all.rss?x", "/feed", F, *DOCUMENTS, "/alle"] * 3
    heads = [f"GET {target} HTTP/1.1\r\nHost: feeds.example.org\r\n" for target in targets]
    raw = "\r\n".join(heads) + "Connection: close\r\n\r\n"
    first = exchange(front.server.address, raw.encode())
    assert (first.status, first.body) == (200, front.plain(targets[0]).body)

    rest = Unclosed(first.rest)
    for target in targets[1:]:
        alone, answer = front.get(target), HTTPResponse(rest)  # type: ignore[arg-type]
        answer.begin()
        assert (answer.status, answer.getheader("etag")) == (alone.status, alone.header("etag"))
        assert answer.read() == alone.body
    assert rest.read() == b""


class Unclosed(io.BytesIO):
    """A connection that has been read, one response after the other."""

    def makefile(self, mode: str) -> Unclosed:
        return self

    def close(self) -> None:
        """Who has read one answer would close it."""


@pytest.mark.parametrize("count", [600, 1_800])
def test_row_48_many_tags_are_compared(front, count):
    case = "long" if count > 600 else "short"
    tags = ", ".join(f'"{n}"' for n in range(count))
    assert front.get(If_None_Match=tags).status == front.says(200, 48, case)
    answer = front.get(If_None_Match=f"{tags}, {front.etag()}")
    assert answer.status == front.says(304, 48, case)


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("If-None-Match", 'W/"' * 2_250),
        ("If-None-Match", '"' * 6_750),
        ("If-None-Match", "," * 6_750),
        ("If-Modified-Since", "Wed, " * 1_350),
        ("Accept-Encoding", ",".join(f"x{n};q=0.5" for n in range(600))),
    ],
)
def test_row_48_long_invalid_fields_are_ignored(front, name, value, times):
    answer = front.ask("GET", F, (name, ",".join([value] * times)))
    assert answer.status == front.says(200, 48, "long" if times > 1 else "short")
    if answer.status == 200:
        assert (answer["etag"], answer.body) == (front.etag(), front.plain().body)


@documents
def test_row_49_every_document_matches_its_type(front, target):
    body = front.plain(target).body
    root = {
        "atom": lambda: etree.fromstring(body).tag == "{http://www.w3.org/2005/Atom}feed",
        "rss": lambda: etree.fromstring(body).tag == "rss",
        "opml": lambda: etree.fromstring(body).tag == "opml",
        "json": lambda: json.loads(body)["feed_url"] == BASE + target,
        "html": lambda: html.fromstring(body).tag == "html",
    }
    assert root[NAMES[target]]()


def test_row_49_no_two_documents_or_codings_share_a_tag(front):
    tags = [front.etag(target, coding) for target in DOCUMENTS for coding in ("", "gzip", "br")]
    assert len(set(tags)) == len(tags) == 15
