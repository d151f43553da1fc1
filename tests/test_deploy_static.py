"""A rendered folder as deploy/nginx/static.conf and deploy/caddy/static.Caddyfile serve it."""

from __future__ import annotations

import gzip
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import brotli
import pytest

from feedhub.formats import SUBSCRIBED
from feedhub.site.indexes import FEED_MENU_PATH, MEDIA_TYPES
from tests.exchange import Response
from tests.kit import Bench, make_bench
from tests.proxies import Proxy, apache_static, caddy_static, nginx_static
from tests.renders import published, render_bench
from tests.servers import request
from tests.sites import configure

KINDS = ["nginx", "nginx with brotli", "caddy", "apache"]
MONTH = "/all/2020-06.atom"
# A document as a render without compressed copies leaves it.
UNCODED = "/uncoded.atom"
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}
TYPES = {row.suffix: row.media_type for row in SUBSCRIBED.values()}
MENU = f"/{FEED_MENU_PATH}"
TYPES |= {f".{suffix}": media_type for suffix, media_type in MEDIA_TYPES.items()}
STALE = "stale-while-revalidate=300, stale-if-error=3600"


def run(kind: str, folder: Path, public: Path) -> AbstractContextManager[Proxy]:
    if kind == "caddy":
        return caddy_static(folder, public)
    if kind == "apache":
        return apache_static(folder, public)
    return nginx_static(folder, public, brotli=kind == "nginx with brotli")


def make_articles(folder: Path) -> Bench:
    """Return a bench with pages, months and an address that is not ASCII."""
    bench = make_bench(folder, None, feeds__limit=1, feeds__days=0, render__compress=["gzip", "br"])
    configure(bench, "site", feed_menu=True)
    for number, month in enumerate(("2020-06", "2020-07", "2020-08")):
        moment = f"{month}-01T11:00:00Z"
        title = f"Of {month}"
        bench.write(f"{number}.md", title=title, topics=["Ai é"], publishedDateTime=moment)
    return bench


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    bench = make_articles(folder)
    render_bench(bench, folder / "public")
    bench.catalog.close()
    shutil.copy(folder / "public/all.atom", folder / f"public{UNCODED}")
    past = time.time() - 3_600  # the tag of a file written just now is weak with Apache
    for path in (folder / "public").rglob("*"):
        os.utime(path, (past, past))
    return folder / "public"


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory, public: Path) -> Iterator[Proxy]:
    with run(kind, tmp_path_factory.mktemp("server"), public) as running:
        yield running


def ask(server: Proxy, target: str, method: str = "GET", **fields: str) -> Response:
    headers: list[tuple[str, str | bytes]] = [
        (name.replace("_", "-"), value) for name, value in fields.items()
    ]
    return request(server, method, target, headers)


def addresses(public: Path) -> dict[str, Path]:
    """Return the file of each address; the page of a folder is at the folder's."""
    return {
        "/" + quote(path.removesuffix("index.html")): public / path
        for path in published(public)
        if (public / path).is_file() and not path.endswith((".gz", ".br"))
    }


def test_every_document_is_served_whole_and_by_its_address(server: Proxy, public: Path):
    places = addresses(public)
    assert {"/", MENU, MONTH, "/topics/ai-%C3%A9.rss", "/feeds.opml"} <= set(places)
    for address, place in places.items():
        answer = ask(server, address)
        assert (answer.status, answer.body) == (200, place.read_bytes()), address
        known = (
            {TYPES[place.suffix], "application/json"} if address == MENU else {TYPES[place.suffix]}
        )
        assert answer["content-type"] in known
        assert answer["vary"] == "Accept-Encoding"
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("accepted", "codings"),
    [
        ("gzip", {"gzip"}),
        ("br, gzip", {"br", "gzip"}),
        ("GZIP;q=0.5", {"gzip"}),
        ("gzip;q=0", {None}),
        ("br;q=0, gzip;q=0", {None}),
        ("identity", {None}),
    ],
)
def test_compressed_files_are_sent_to_clients_that_accept_them(
    server: Proxy, kind: str, accepted: str, codings: set[str | None]
):
    if kind != "nginx" and "br" in codings:
        codings = {"br"}
    plain = ask(server, "/all.atom")
    coded = ask(server, "/all.atom", Accept_Encoding=accepted)
    coding = coded.header("content-encoding")
    assert coding in codings
    assert coded["content-type"] == plain["content-type"]
    assert coded.all("vary") == ["Accept-Encoding"]
    if coding:
        assert UNPACK[coding](coded.body) == plain.body
        assert coded["etag"] != plain["etag"]


def test_a_document_without_compressed_copies_is_sent_as_it_is(server: Proxy, public: Path):
    coded = ask(server, UNCODED, Accept_Encoding="gzip, br")
    assert (coded.status, coded.header("content-encoding")) == (200, None)
    assert coded.body == (public / UNCODED[1:]).read_bytes()
    assert coded["etag"] == ask(server, UNCODED)["etag"]
    assert ask(server, UNCODED, If_None_Match=coded["etag"], Accept_Encoding="gzip").status == 304


@pytest.mark.parametrize("address", ["/all.rss", "/all.atom", "/all.json", "/feeds.opml", "/"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_client_with_the_current_version_gets_a_304_with_the_same_fields(
    server: Proxy, address: str, coding: str
):
    full = ask(server, address, Accept_Encoding=coding)
    later = formatdate(parsedate_to_datetime(full["last-modified"]).timestamp() + 9, usegmt=True)
    for fields in (
        {"If_None_Match": full["etag"]},
        {"If_None_Match": f'"a", W/{full["etag"]}'},
        {"If_None_Match": full["etag"], "If_Modified_Since": full["last-modified"]},
        {"If_Modified_Since": full["last-modified"]},
        {"If_Modified_Since": later},
    ):
        answer = ask(server, address, Accept_Encoding=coding, **fields)
        assert (answer.status, answer.body) == (304, b""), fields
        for name in ("cache-control", "vary", "etag"):
            assert answer[name] == full[name], name


def test_a_client_with_another_version_gets_the_full_document(server: Proxy):
    for fields in (
        {"If_None_Match": '"nope"'},
        {"If_None_Match": ask(server, "/all.atom", Accept_Encoding="gzip")["etag"]},
        {"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        assert ask(server, "/all.atom", **fields).status == 200


@pytest.mark.parametrize("address", ["/all.rss", "/topics/ai-%C3%A9.json", "/feeds.opml", "/"])
def test_a_feed_is_cached_for_a_quarter_of_an_hour(server: Proxy, address: str):
    assert ask(server, address)["cache-control"] == f"public, max-age=900, {STALE}"


@pytest.mark.parametrize("address", [MONTH, "/topics/ai-%C3%A9/2020-07.json"])
def test_a_complete_archive_is_cached_for_a_day(server: Proxy, address: str):
    assert ask(server, address)["cache-control"] == f"public, max-age=86400, {STALE}"


@pytest.mark.parametrize(
    ("target", "page"),
    [
        *(("/topics", "/topics/"), ("/topics/ai-%C3%A9", "/topics/ai-%C3%A9/"), ("/all", "/all/")),
        ("/index.html", "/"),
    ],
)
def test_near_misses_of_a_page_redirect_to_it(server: Proxy, kind: str, target: str, page: str):
    answer = ask(server, target)
    # Caddy adds the slash itself, always with 308.
    status = 308 if kind == "caddy" and target != "/index.html" else 301
    # Apache writes its own name before it.
    location = answer["location"].lower().removeprefix("http://feeds.example.org")
    assert (answer.status, location) == (status, page.lower())


def test_the_list_of_feeds_is_at_its_well_known_address(server: Proxy):
    answer = ask(server, "/.well-known/feeds")
    assert (answer.status, answer["location"].removeprefix("http://localhost")[-11:]) == (
        301,
        "/feeds.opml",
    )
    for target in ("/.well-known/", "/.well-known/other", "/.feedhub/manifest.json"):
        assert ask(server, target).status == 404


@pytest.mark.parametrize("target", ["/none", "/topics/none/", "/none.rss", "/.feedhub/x"])
def test_a_browser_gets_a_page_for_an_address_without_a_document(
    server: Proxy, public: Path, target: str
):
    answer = ask(server, target, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (answer.status, answer["content-type"]) == (404, "text/html; charset=utf-8")
    assert answer.body == (public / "404.html").read_bytes()
    assert (answer["cache-control"], "Accept" in answer["vary"]) == ("public, max-age=60", True)
    assert "style-src 'unsafe-inline'" in answer["content-security-policy"]
    plain = ask(server, target, Accept="application/rss+xml, text/html;q=0.9")
    assert (plain.status, len(plain.body) < 512) == (404, True)


@pytest.mark.parametrize("target", ["//all", "//topics", "/\\all", "//evil.example/index.html"])
def test_no_path_leads_to_another_host(server: Proxy, target: str):
    location = (ask(server, target).header("location") or "/").removeprefix("http://")
    location = location.removeprefix("feeds.example.org")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "target",
    [
        "/none", "/none.rss", "/all.atom/", "/ALL.atom", "/providers", "/providers/",
        "/.feedhub/manifest.json", "/.feedhub/", "/.feedhub", "/.git/config", "/topics/.x",
        "/all.atom.gz", "/all.atom.br", "/all.atom~", "/all.atom.bak", "/%2efeedhub/manifest.json",
        "/all.atom%0d%0aX-Injected:%201", "/all.atom%20", "/..%2f..%2fetc/passwd", "/%00", "//etc",
        "/index.html%0d%0aX-Injected:%201", "/feed%0d%0aX-Injected:%201", "/topics%2f.x",
    ],
)  # fmt: skip
def test_an_unknown_path_is_a_small_404(server: Proxy, target: str):
    answer = ask(server, target, If_None_Match="*")
    assert answer.header("x-injected") is None
    assert answer.header("location") is None
    assert len(answer.body) <= 512
    if answer.status == 400 and ("%00" in target or "..%2f" in target):
        return  # the server refuses it before it looks
    assert (answer.status, answer["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer["cache-control"] == "public, max-age=60"
    assert answer.header("etag") is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("target", ["/all.rss", "/"])
def test_a_feed_can_only_be_read(server: Proxy, method: str, target: str):
    answer = ask(server, target, method)
    # Apache adds a line of its own, an empty list.
    assert (answer.status, *filter(None, answer.all("allow"))) == (405, "GET, HEAD, OPTIONS")
    assert answer["cache-control"] == "no-store"


def test_a_head_has_the_fields_of_a_get(server: Proxy):
    full, head = ask(server, "/all.rss"), ask(server, "/all.rss", "HEAD")
    skipped = {"date"}
    assert [pair for pair in full.headers if pair[0] not in skipped] == [
        pair for pair in head.headers if pair[0] not in skipped
    ]


def test_a_query_changes_nothing(server: Proxy):
    assert ask(server, "/all.rss?utm_source=x").body == ask(server, "/all.rss").body


def test_a_foreign_name_is_not_served(server: Proxy):
    for target in ("/all.rss", "/topics", "/feed"):
        answer = request(server, "GET", target, host="evil.example")
        assert b"evil" not in answer.body
        assert answer.header("location") is None
        assert not answer.body or answer.status == 421


def republish(bench: Bench, public: Path, stop: threading.Event) -> set[bytes]:
    """Render again and again in place; return every body that all.atom had, as it lay there."""
    seen = {(public / "all.atom").read_bytes()}
    try:
        for number in range(40):
            bench.write("2.md", title=f"New {number}", publishedDateTime="2020-08-01T11:00:00Z")
            render_bench(bench, public)
            seen.add((public / "all.atom").read_bytes())
    finally:
        stop.set()
    return seen


def loop(server: Proxy, coding: str, stop: threading.Event) -> list[tuple[str, bytes]]:
    """Read until it stops; return tags and bodies."""
    found = []
    while not stop.is_set():
        answer = ask(server, "/all.atom", Accept_Encoding=coding)
        assert answer.status == 200
        unpack = UNPACK.get(answer.header("content-encoding") or "", bytes)
        found.append((answer["etag"], unpack(answer.body)))
    return found


def test_a_folder_that_is_rendered_again_and_again_is_never_seen_torn(tmp_path: Path, kind: str):
    if kind == "apache":
        return  # it looks at the size before it opens the file: docs/hosting.md says so
    bench = make_articles(tmp_path)
    public, stop = tmp_path / "public", threading.Event()
    render_bench(bench, public)
    with run(kind, tmp_path / "server", public) as server, ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(loop, server, each, stop) for each in ("identity", "gzip", "br")]
        bodies = republish(bench, public, stop)
        found = [pair for reader in readers for pair in reader.result()]
    bench.catalog.close()
    assert len(bodies) == 41
    assert {body for _, body in found} <= bodies
    assert len(found) > 10
    if kind != "caddy":  # it may give a new body its old tag once, and the next request heals it
        assert len({tag for tag, _ in found}) == len(set(found)), "a tag names one body"


def test_two_changes_within_a_second_have_two_tags(tmp_path: Path, kind: str):
    bench = make_articles(tmp_path)
    public = tmp_path / "public"
    tags = set()
    render_bench(bench, public)
    with run(kind, tmp_path / "server", public) as server:
        for number in range(5):
            bench.write("2.md", title=f"New {number}", publishedDateTime="2020-08-01T11:00:00Z")
            render_bench(bench, public)
            tags.add(ask(server, "/all.atom")["etag"])
            tags.add(ask(server, "/all.atom", Accept_Encoding="gzip")["etag"])
    bench.catalog.close()
    assert len(tags) == 10
