"""The HTTP table: its documents, the ways to the server, and where these differ.

The rows are those of the table "HTTP: requests and exact answers". F is a topic's Atom
feed, E its entity tag, Z the one of its gzip coding, L its Last-Modified.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import brotli

from tests.kit import article_text
from tests.proxies import caddy_proxy, nginx_proxy
from tests.servers import Addressed, ClosedError, Response, Server, request, serve, until

BASE = "https://feeds.example.org"
F = "/topics/computer-vision.atom"
DOCUMENTS = {
    F: "application/atom+xml; charset=utf-8",
    "/all.rss": "application/rss+xml; charset=utf-8",
    "/providers/news-co.json": "application/feed+json",
    "/feeds.opml": "text/x-opml; charset=utf-8",
    "/": "text/html; charset=utf-8",
}
NAMES = dict(zip(DOCUMENTS, ("atom", "rss", "json", "opml", "html"), strict=True))
CACHE_CONTROL = "public, max-age=900, stale-while-revalidate=300, stale-if-error=3600"
SMALL = 512  # bytes that an error may have at most
FRONTS = ("httptools", "h11", "nginx", "caddy")
DIRECT = ("httptools", "h11")
CLOSED = 0  # stands for a connection closed without an answer


class Difference(NamedTuple):
    """The different response of one front, a status or a coding, and the reason."""

    answer: int | str
    why: str


_NO_METHOD = Difference(400, "the parser behind it knows the registered methods and no other")
_NO_NAME = Difference(
    421, "it serves the one name it is configured for, and keeps nothing for another"
)
_BAD_NAME = Difference(400, "it refuses what cannot be a name")
_WIDE = Difference(400, "it takes header lines and request lines of 8 KB at most")
_NGINX_DATE = Difference(
    304, "nginx knows a month by its first letters, and stops at the end of a date"
)
# (row, front, case): where the answer differs from the one the test names. Case "" is every case.
DIFFERENCES: dict[tuple[int, str, str], Difference] = {
    (5, "nginx", "gzip;q=1.0, br;q=0.5"): Difference(
        "br", "nginx asks for br wherever it is accepted"
    ),
    (5, "nginx", "br;q=0, *"): Difference("", "nginx asks for a coding only where it is named"),
    (9, "nginx", ""): Difference(400, "nginx refuses a second line of what may be there once"),
    (14, "nginx", ""): Difference(
        200, "nginx answers from its cache, and compares tags with quotes only"
    ),
    (16, "nginx", ""): Difference(
        200, "nginx answers from its cache, and wants tag and date to agree"
    ),
    (20, "nginx", "Wed, 01 Foo 2098 00:00:00 GMT"): _NGINX_DATE,
    (20, "nginx", "Wed, 01 Jan 2098 00:00:00 GMT, Wed, 01 Jan 2098 00:00:00 GMT"): _NGINX_DATE,
    (24, "nginx", "*"): Difference(400, "nginx knows no request for a server as a whole"),
    (24, "caddy", "*"): Difference(
        200, "Go's server answers for the whole by itself, with nothing"
    ),
    (25, "httptools", "FOO"): _NO_METHOD,
    (25, "nginx", "FOO"): _NO_METHOD,
    (25, "caddy", "FOO"): _NO_METHOD,
    (26, "nginx", ""): _NO_NAME,
    (26, "caddy", ""): _NO_NAME,
    (31, "nginx", "/."): Difference(
        200, "nginx resolves dots first: this is the address of the index"
    ),
    (36, "httptools", "70000"): Difference(400, "the parser takes a request line of 64 KB at most"),
    (36, "caddy", "70000"): Difference(431, "Caddy takes 32 KB of header at most"),
    (42, "nginx", "If-Unmodified-Since: yesterday"): Difference(
        412, "nginx takes no date for an old one"
    ),
    (44, "caddy", ""): _NO_NAME,
    (46, "nginx", "evil.example"): _NO_NAME,
    (46, "nginx", "evil.example:8000"): _NO_NAME,
    (46, "nginx", "feeds.example.org@evil.example"): _NO_NAME,
    (46, "nginx", "x/y?z"): _BAD_NAME,
    (46, "caddy", "evil.example"): _NO_NAME,
    (46, "caddy", "evil.example:8000"): _NO_NAME,
    (46, "caddy", "feeds.example.org@evil.example"): _BAD_NAME,
    (46, "caddy", "x/y?z"): _BAD_NAME,
    (48, "nginx", "long"): _WIDE,
}


@dataclass(frozen=True)
class Front:
    """One way to the documents: uvicorn with either parser, or a proxy in front of it."""

    name: str
    server: Addressed
    _cache: dict[tuple[str, str], Response] = field(default_factory=dict)

    @property
    def direct(self) -> bool:
        """Whether there is no proxy."""
        return self.name in DIRECT

    def ask(
        self, method: str, target: str | bytes = F, /, *lines: tuple[str, str], **options: object
    ) -> Response:
        """Send one request on its own connection."""
        try:
            return request(self.server, method, target, list(lines), **options)  # type: ignore[arg-type]
        except ClosedError:
            return Response(CLOSED, "", [], b"")

    def get(self, target: str | bytes = F, /, **headers: str) -> Response:
        """GET with header fields by name, `_` for `-`."""
        lines = ((name.replace("_", "-"), value) for name, value in headers.items())
        return self.ask("GET", target, *lines)

    def plain(self, target: str = F, coding: str = "") -> Response:
        """Return the 200 of a document in a coding, requested only once."""
        if (target, coding) not in self._cache:
            headers = {"Accept_Encoding": coding} if coding else {}
            self._cache[target, coding] = self.get(target, **headers)
            assert self._cache[target, coding].status == 200
        return self._cache[target, coding]

    def etag(self, target: str = F, coding: str = "") -> str:
        """Return a document's entity tag: E, or Z for gzip."""
        return self.plain(target, coding)["etag"]

    @cached_property
    def modified(self) -> datetime:
        """L, the Last-Modified of F."""
        return parsedate_to_datetime(self.plain()["last-modified"])

    def since(self, **shift: int) -> str:
        """Return L, moved by a timedelta's arguments, as an HTTP date."""
        return http_date(self.modified + timedelta(**shift))

    def says(self, usual: int | str, row: int, case: str = "") -> int | str:
        """Return the response of this front to a row: the usual one, or its own."""
        difference = DIFFERENCES.get((row, self.name, case)) or DIFFERENCES.get(
            (row, self.name, "")
        )
        if difference is None:
            return usual
        assert difference.answer != usual, f"{self.name} does not differ in row {row}"
        return difference.answer

    def refuses(self, answer: Response, status: int, other: int, *secrets: str) -> bool:
        """Assert a small refusal: by feedhub with a status, by a proxy with this or the other."""
        assert answer.status in ({status} if self.direct else {status, other})
        return small_and_silent(answer, *secrets)


def http_date(moment: datetime) -> str:
    """Return a moment as an HTTP date of the first form."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def decoded(response: Response) -> bytes:
    """Return the body without its content coding."""
    coding = response.header("content-encoding")
    if coding == "br":
        body: bytes = brotli.decompress(response.body)
        return body
    return gzip.decompress(response.body) if coding == "gzip" else response.body


def small_and_silent(response: Response, *secrets: str) -> bool:
    """Return whether an error is small, redirects nowhere and repeats nothing of the request."""
    shown = repr((response.body, response.headers))
    return (
        len(response.body) <= SMALL
        and response.header("location") is None
        and not [secret for secret in secrets if secret in shown]
    )


def without_date(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the header fields that equal responses share: not Date, nor those of proxies."""
    ignored = {"date", "server", "via", "age", "cache-status"}
    return sorted(pair for pair in headers if pair[0] not in ignored)


def is_304(answer: Response, of: Response) -> bool:
    """Assert that a 304 repeats the fields of the 200, and has no body (RFC 9110, 15.4.5)."""
    assert answer.status == 304
    assert answer.body == b""
    for name in ("etag", "vary", "cache-control", "last-modified"):
        assert answer[name] == of[name]
    assert answer["date"]
    assert answer.header("content-encoding") is None
    assert answer.header("content-length") in {None, of["content-length"]}
    return True


def write_articles(root: Path, count: int = 12) -> Path:
    """Write articles for every document of the table, and return their folder."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = article_text(
            f"Article {number}",
            body=f"The text of article {number}, with some words about *vision*.\n",
            publishedDateTime=f"2020-06-{number + 1:02}T11:00:00Z",
            topics=["Computer Vision", "AI"] if number % 2 else ["AI"],
            provider={"name": "News & Co", "domain": "news.example"},
        )
        (root / f"{number}.md").write_text(text, encoding="utf-8")
    return root


@dataclass(frozen=True)
class Living:
    """A server and its articles, which change."""

    server: Server
    articles: Path

    def get(self, target: str = F, /, **headers: str) -> Response:
        """GET with header fields by name, `_` for `-`."""
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return request(self.server, "GET", target, lines)

    def write(self, name: str, title: str, **fields: object) -> None:
        """Write an article of the topic, in one step."""
        text = article_text(title, "", topics=["Computer Vision"], **fields)
        (self.articles / ".new").write_text(text, encoding="utf-8")
        (self.articles / ".new").replace(self.articles / name)

    def after(self, etag: str, target: str = F) -> Response:
        """Wait for the document that follows the one with this tag."""
        wanted = {"If_None_Match": etag}

        def changed() -> Response | None:
            answer = self.get(target, **wanted)
            return answer if answer.status == 200 else None

        return until(changed, f"{target} does not change")


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Front]:
    """Start a front and the server behind it."""
    articles = write_articles(folder / "articles")
    parser = name if name in DIRECT else "httptools"
    with serve(folder, articles, toml=f'[http]\nparser = "{parser}"\n') as server:
        origin = ("127.0.0.1", server.port)
        if name == "nginx":
            with nginx_proxy(folder / "nginx", [origin]) as proxy:
                yield Front(name, proxy)
        elif name == "caddy":
            with caddy_proxy(folder / "caddy", origin) as proxy:
                yield Front(name, proxy)
        else:
            yield Front(name, server)
