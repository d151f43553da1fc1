"""deploy/apache/proxy.conf before an origin that a test holds in its hand, and before feedhub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange import Response
from tests.kit import article_text
from tests.origin import Origin
from tests.proxies import Proxy, apache_proxy
from tests.servers import free_port, request, serve, until

Fields = list[tuple[str, str | bytes]]
FEED = "/all.atom"


@pytest.fixture
def proxy(tmp_path: Path, behind: Origin) -> Iterator[Proxy]:
    with apache_proxy(tmp_path / "apache", behind.address) as running:
        yield running


def ask(proxy: Proxy, coding: str | None = None, target: str = FEED) -> Response:
    fields: Fields = [] if coding is None else [("Accept-Encoding", coding)]
    return request(proxy, "GET", target, fields)


@pytest.mark.parametrize("coding", [None, "gzip", "br"])
def test_a_coding_is_requested_only_for_a_client_that_accepts_it(
    proxy: Proxy, behind: Origin, coding: str | None
):
    answer = ask(proxy, coding)
    assert behind.seen[-1][2].get("accept-encoding") == coding
    assert answer.header("content-encoding") == coding
    assert answer["content-length"] == str(len(FEED))


def test_feedhub_gets_the_address_as_it_was_sent_and_the_client_that_apache_sees(
    proxy: Proxy, behind: Origin
):
    hostile: Fields = [
        ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "gopher"),
        ("Forwarded", "host=evil.example"), ("X-Forwarded-For", "1.2.3.4"),
    ]  # fmt: skip
    request(proxy, "GET", "/topics%2Fai.atom?q=%C3%A9", hostile)
    _, target, fields = behind.seen[-1]
    assert target == "/topics%2Fai.atom?q=%C3%A9"
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert "evil" not in str(fields)
    assert "gopher" not in str(fields)


def test_another_name_gets_nothing(proxy: Proxy, behind: Origin):
    answer = request(proxy, "GET", FEED, host="evil.example")
    assert (answer.status, answer["cache-control"]) == (421, "no-store")
    assert b"does not know that name" in answer.body
    assert behind.seen == []


def test_without_feedhub_a_request_gets_a_503_with_retry_after(tmp_path: Path):
    with apache_proxy(tmp_path / "apache", ("127.0.0.1", free_port())) as proxy:
        answer = ask(proxy)
    assert (answer.status, answer["retry-after"], answer["cache-control"]) == (
        503,
        "30",
        "no-store",
    )
    assert answer["content-type"] == "text/plain; charset=utf-8"


def test_the_503_of_feedhub_is_passed_on_as_it_is(proxy: Proxy, behind: Origin):
    behind.status, behind.cache_control = 503, "no-store"
    answer = ask(proxy)
    assert (answer.status, answer.body) == (503, FEED.encode())
    assert len(answer.all("cache-control")) == 1


def test_feedhub_answers_through_its_unix_socket_and_logs_the_client(tmp_path: Path):
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/one.md").write_text(article_text("One"), encoding="utf-8")
    path = tmp_path / "serve.sock"
    arguments = ("--uds", str(path), "--log", "json")
    with (
        serve(tmp_path, tmp_path / "articles", *arguments) as server,
        apache_proxy(tmp_path / "apache", path) as proxy,
    ):
        full = ask(proxy, "gzip")
        assert (full.status, full["content-encoding"]) == (200, "gzip")
        assert full["content-type"] == "application/atom+xml; charset=utf-8"
        fields: Fields = [("Accept-Encoding", "gzip"), ("If-None-Match", full["etag"])]
        again = request(proxy, "GET", FEED, fields)
        assert (again.status, again["etag"]) == (304, full["etag"])
        lines = until(
            lambda: len(found := server.stdout().splitlines()) == 2 and found, "two lines"
        )
    assert {json.loads(line)["client"] for line in lines} == {"127.0.0.1"}
    assert proxy.log().count(" 304 ") == 1
