"""The rules that stop robots: made from the table of readers, and run by real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from feedhub.user_agents import agent_tables, parse_user_agent
from tests.bot_rules import DEPLOY, PASSED, STOPPED, files
from tests.origin import Origin, origin
from tests.proxies import Proxy, caddy_proxy, nginx_proxy
from tests.servers import request

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 "
    "Safari/537.36"
)
# What programs really send, beside a User-Agent made of each row of the table.
LET_THROUGH = (
    "", BROWSER, "Miniflux/2.2", "python-requests/2.31", "curl/8", "Go-http-client/2.0",
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 3 subscribers)",
    "Mozilla/5.0 (compatible; inoreader.com; 9 subscribers)",
    "FreshRSS/1.24 (Linux; https://freshrss.org)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "MyClaudeBot-free reader", "notgptbot",  # a token begins a word
)  # fmt: skip
TURNED_AWAY = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)", "Mozilla/5.0 zgrab/0.x", "ClaudeBot",
    "Mozilla/5.0 (Macintosh) Chrome/131.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
)  # fmt: skip


@contextmanager
def stopping(name: str, folder: Path, behind: Origin) -> Iterator[Proxy]:
    """Run a proxy whose rules against robots are switched on."""
    made = (
        nginx_proxy(folder, [behind.address], bots=True)
        if name == "nginx"
        else caddy_proxy(folder, behind.address, bots=True)
    )
    with made as proxy:
        yield proxy


def test_the_rules_are_those_of_the_table():
    """`make docs` writes them."""
    assert {name: (DEPLOY / name).read_text(encoding="utf-8") for name in files()} == files()


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_readers_are_let_through_and_robots_are_not(name: str, tmp_path: Path):
    tables = agent_tables()
    passed = [f"Mozilla/5.0 ({token} 1.0)" for table in PASSED for token in tables[table]]
    passed += [token for table in ("service", "app") for token in tables[table]]
    stopped = [f"Mozilla/5.0 (X11; {token} 1.0)" for token in tables[STOPPED]]
    with (
        origin() as behind,
        stopping(name, tmp_path / "proxy", behind) as proxy,
        ThreadPoolExecutor(16) as pool,
    ):

        def status(agent: str, target: str = "/all.atom") -> int:
            return request(proxy, "GET", target, [("User-Agent", agent)] if agent else []).status

        def others(agents: list[str], expected: int) -> list[str]:
            found = zip(agents, pool.map(status, agents), strict=True)
            return [agent for agent, number in found if number != expected]

        assert others([*passed, *LET_THROUGH], 200) == []
        assert others([*stopped, *TURNED_AWAY], 403) == []
        assert {status(agent, "/robots.txt") for agent in TURNED_AWAY} == {200}


def test_nginx_limits_full_polls_as_the_page_says(tmp_path: Path):
    page = (DEPLOY.parent / "docs/bots.md").read_text(encoding="utf-8")
    section = page.partition("**Behind the cache")[2]
    above, inside = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    text = (DEPLOY / "nginx/proxy.conf").read_text(encoding="utf-8")
    text = text.replace("\nserver {", f"\n{above}\nserver {{", 1)
    text = re.sub(r"^    limit_req zone=feedhub_searches.*\n", rf"\g<0>{inside}", text, flags=re.M)
    with origin() as behind, nginx_proxy(tmp_path, [behind.address], text=text) as proxy:
        behind.cache_control = "public, max-age=60"
        answers = [request(proxy, "GET", "/all.atom") for _ in range(6)]
        tag = [("If-None-Match", answers[0]["etag"])]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        assert (answers[5]["retry-after"], answers[5]["cache-control"]) == ("60", "no-store")
        assert {request(proxy, "GET", "/all.atom", tag).status for _ in range(9)} == {304}
        assert request(proxy, "GET", "/all.rss").status == 200


def test_what_is_stopped_is_no_reader_in_the_statistics():
    stopped = [*agent_tables()[STOPPED], *TURNED_AWAY]
    assert {parse_user_agent(agent).kind for agent in stopped} == {"bot"}
    assert "bot" not in {parse_user_agent(agent).kind for agent in LET_THROUGH[:-3]}
