"""deploy/nginx/proxy.conf with the purge module, before a server that purges it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.http_table import decoded
from tests.kit import article_text
from tests.origin import Origin
from tests.proxies import CACHE_PURGE, DEPLOY, Proxy, nginx_proxy
from tests.servers import Response, free_port, request, serve, until

CODINGS = ("identity", "gzip", "br")


def with_purges(allowed: str = "127.0.0.1") -> str:
    """Return the shipped file with the location that is a comment there."""
    if not CACHE_PURGE.exists():
        pytest.skip("a module is missing: apt-get install libnginx-mod-http-cache-purge")
    text = (DEPLOY / "nginx/proxy.conf").read_text(encoding="utf-8")
    begin, end = text.index("    # location ~ ^/purge"), text.index("    # }\n") + len("    # }\n")
    shown = text[begin:end].replace("    # ", "    ").replace("allow 127.0.0.1", f"allow {allowed}")
    return text[:begin] + shown + text[end:]


def ask(proxy: Proxy, target: str, coding: str = "identity", method: str = "GET") -> Response:
    return request(proxy, method, target, [("Accept-Encoding", coding)])


def test_only_this_machine_may_purge(tmp_path: Path, behind: Origin):
    behind.cache_control = "public, max-age=600"
    for number, (allowed, status) in enumerate([("127.0.0.1", 200), ("192.0.2.1", 403)]):
        with nginx_proxy(tmp_path / f"{number}", [behind.address], text=with_purges(allowed)) as it:
            ask(it, "/all.atom")
            assert ask(it, "/purge/all.atom", method="PURGE").status == status
            hit = ask(it, "/all.atom")["cache-status"] == "feedhub; hit"
            assert hit is (status == 403)
            if status == 200:
                assert ask(it, "/purge/nothing.atom", method="PURGE").status == 404


def test_a_change_and_a_withdrawal_pass_a_cache_that_keeps_documents_for_a_day(tmp_path: Path):
    articles = tmp_path / "articles"
    articles.mkdir()

    def write(name: str, title: str, topic: str) -> None:
        text = article_text(title, topics=[topic])
        (tmp_path / "new").write_text(text, encoding="utf-8")
        (tmp_path / "new").replace(articles / f"{name}.md")

    write("a", "First", "AI")
    write("b", "Second", "Robots")
    port = free_port()
    with nginx_proxy(tmp_path / "nginx", [("127.0.0.1", port)], text=with_purges()) as proxy:
        toml = (
            f'[purge]\nservice = "nginx"\nendpoint = ["{proxy.url}/purge/"]\n[http]\nmax_age = 1\n'
        )
        toml += "stale_while_revalidate = 0\n"
        with serve(tmp_path, articles, "--port", str(port), toml=toml) as server:

            def is_purged() -> bool:
                ready = json.loads(request(server.admin_address, "GET", "/readyz").body)
                return ready["purge"]["purged"] > 0 and not ready["purge"]["waiting"]

            until(is_purged, "the first sync was not purged")
            robots = ask(proxy, "/topics/robots.rss")
            assert "x-accel-expires" not in dict(robots.headers)
            for path in ("/all.atom", "/all/"):
                for coding in CODINGS:
                    ask(proxy, path, coding)

            def shown(title: bytes) -> list[bool]:
                pages = ("/all.atom", "/all/")
                return [
                    title in decoded(ask(proxy, p, coding)) for p in pages for coding in CODINGS
                ]

            write("c", "Third", "AI")
            until(lambda: all(shown(b"Third")), "no change")
            until(is_purged, "something waits")
            (articles / "c.md").unlink()
            until(lambda: not any(shown(b"Third")), "still there")
            assert ask(proxy, "/topics/robots.rss")["cache-status"] == "feedhub; hit"
