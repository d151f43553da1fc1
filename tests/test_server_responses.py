"""Cache-Control of documents, and the responses without a document."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.config import HttpConfig
from feedhub.server.responses import (
    KNOWN_METHODS,
    method_not_allowed,
    options_response,
    redirect,
    text_response,
)
from feedhub.server.snapshot import CachePolicy

NOW = 1_591_700_000.0
FEED: Any = SimpleNamespace(format="rss", state=SimpleNamespace(period="", newer=""))
NEWEST_MONTH: Any = SimpleNamespace(format="rss", state=SimpleNamespace(period="2020-06", newer=""))
MONTH: Any = SimpleNamespace(format="rss", state=SimpleNamespace(period="2020-05", newer="2020-06"))
LIST: Any = SimpleNamespace(format="opml", state=None)


def control(planned: Any, due: float | None = None, now: float = NOW, **http: Any) -> str:
    drafts = http.pop("drafts", False)
    return CachePolicy(HttpConfig(**http), drafts=drafts).header(planned, due, now).decode()


def max_age(text: str) -> int:
    return int(text.split("max-age=")[1].split(",")[0])


@pytest.mark.parametrize("planned", [FEED, LIST, NEWEST_MONTH])
def test_the_max_age_of_a_feed_is_configured(planned):
    assert control(planned) == (
        "public, max-age=900, stale-while-revalidate=300, stale-if-error=3600"
    )
    assert control(planned, max_age=60, stale_while_revalidate=1, stale_if_error=2) == (
        "public, max-age=60, stale-while-revalidate=1, stale-if-error=2"
    )


def test_a_finished_archive_has_a_max_age_of_a_day():
    assert max_age(control(MONTH)) == 86_400
    assert max_age(control(MONTH, archive_max_age=10)) == 900
    assert max_age(control(MONTH, NOW + 61)) == 86_400


@pytest.mark.parametrize(
    ("due", "seconds"),
    [(None, 900), (901, 900), (900, 900), (899, 899), (61.9, 61), (60, 60), (59, 60), (-100, 60)],
)
def test_max_age_ends_with_the_next_scheduled_article(due, seconds):
    """It is never below a minute: readers take less for a mistake."""
    assert max_age(control(FEED, None if due is None else NOW + due)) == seconds


def test_a_short_configured_max_age_is_not_raised():
    assert max_age(control(FEED, NOW + 5, max_age=30)) == 30
    assert max_age(control(FEED, NOW + 5, max_age=0)) == 0


@given(st.integers(0, 86_400), st.floats(-1e6, 1e6))
def test_a_scheduled_article_only_shortens_max_age(seconds, due):
    assert max_age(control(FEED, NOW + due, max_age=seconds)) <= seconds


@pytest.mark.parametrize("planned", [FEED, LIST, MONTH])
def test_drafts_are_never_cached(planned):
    assert control(planned, NOW + 100, drafts=True) == "private, no-store"


@pytest.mark.parametrize(
    ("status", "cache_control"),
    [
        (301, "public, max-age=3600"),
        (400, "no-store"),
        (404, "public, max-age=60"),
        (410, "public, max-age=300"),
        (412, "no-store"),
        (414, "no-store"),
        (501, "no-store"),
        (503, "no-store"),
    ],
)
def test_a_text_response_has_its_status_and_nothing_else(status, cache_control):
    response = text_response(status, (b"retry-after", b"5"))
    fields = dict(response.headers)

    assert (response.status, response.format_name) == (status, "")
    assert response.body.startswith(f"{status} ".encode())
    assert len(response.body) < 64
    assert fields[b"content-length"] == str(len(response.body)).encode()
    assert fields[b"content-type"] == b"text/plain; charset=utf-8"
    assert fields[b"cache-control"] == cache_control.encode()
    assert fields[b"x-content-type-options"] == b"nosniff"
    assert fields[b"retry-after"] == b"5"
    assert not {b"etag", b"last-modified", b"set-cookie", b"server"} & fields.keys()


def test_a_redirect_has_its_location():
    response = redirect("https://feeds.example.org/all.rss")

    assert dict(response.headers)[b"location"] == b"https://feeds.example.org/all.rss"
    assert response.status == 301


@pytest.mark.parametrize("method", sorted(KNOWN_METHODS))
def test_a_known_method_is_405_with_allow(method):
    response = method_not_allowed(method)

    assert (response.status, dict(response.headers)[b"allow"]) == (405, b"GET, HEAD, OPTIONS")


def test_an_unknown_method_is_not_implemented():
    assert method_not_allowed("FOO").status == 501
    assert method_not_allowed("get").status == 501


def test_options_allows_validators():
    response = options_response()
    fields = dict(response.headers)

    assert (response.status, response.body) == (204, b"")
    assert fields[b"access-control-allow-origin"] == b"*"
    assert b"If-None-Match" in fields[b"access-control-allow-headers"]
    assert fields[b"allow"] == fields[b"access-control-allow-methods"] == b"GET, HEAD, OPTIONS"
    assert b"content-length" not in fields  # RFC 9110, 8.6
