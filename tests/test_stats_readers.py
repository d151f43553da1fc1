"""User agents: real ones, and arbitrary text in one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub import user_agents
from feedhub.user_agents import KINDS, ROBOTS, UserAgent, anonymize, parse_user_agent

TABLE = Path(user_agents.__file__).with_name("readers.toml")
BROWSER = "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (
            "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )",
            UserAgent("Feedly", "service", 462),
        ),
        (
            "Mozilla/5.0 (compatible; inoreader.com; 114 subscribers)",
            UserAgent("Inoreader", "service", 114),
        ),
        (
            "Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 195 subscribers; )",
            UserAgent("Inoreader", "service", 195),
        ),
        (
            "NewsBlur Feed Fetcher - 27 subscribers - https://www.newsblur.com/site/7704055/x "
            '("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/14.0.1 Safari/605.1.15")',
            UserAgent("NewsBlur", "service", 27, "7704055"),
        ),
        (
            "Feedbin feed-id:1697787 - 102 subscribers",
            UserAgent("Feedbin", "service", 102, "1697787"),
        ),
        (
            "Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers; "
            "feed-id=cead6c3a837650eeefd8fe4a)",
            UserAgent("The Old Reader", "service", 1, "cead6c3a837650eeefd8fe4a"),
        ),
        (
            "Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 1 subscribers)",
            UserAgent("BazQux", "service", 1),
        ),
        (
            "Netvibes (http://www.netvibes.com/; 5 subscribers; feedId: 5404723)",
            UserAgent("Netvibes", "service", 5, "5404723"),
        ),
        (
            "Bloglovin/1.0 (http://www.bloglovin.com; 12 subscribers)",
            UserAgent("Bloglovin", "service", 12),
        ),
        (
            "Dreamwidth Studios (webmaster@dreamwidth.org; for "
            "https://www.dreamwidth.org/users/vikingschoice_feed/; 2 readers)",
            UserAgent("Dreamwidth", "service", 2, "vikingschoice_feed"),
        ),
        (
            "Mozilla/5.0 (X11; U; Linux i686; rv:1.2.1; Rojo 1.0; Aggregating on behalf of 15 "
            "subscriber(s) online at http://www.rojo.com/?feed-id=abc)",
            UserAgent("Rojo", "service", 15, "abc"),
        ),
        (
            "Bloglines/3.1 (http://x.example; 1 subscriber)",
            UserAgent("Bloglines", "service", 1),
        ),
        ("xianguo-rssbot/0.1 (http://www.xianguo.com/; 1 subscribers)", None),
        ("New Service/2 (7 Readers)", UserAgent("New", "service", 7)),
        ("Blogtrottr/2.0", UserAgent("Blogtrottr", "service")),
        ("FreshRSS/1.29.1 (Linux; https://freshrss.org)", UserAgent("FreshRSS", "app")),
        ("NetNewsWire (RSS Reader; https://netnewswire.com/)", UserAgent("NetNewsWire", "app")),
        (
            "Mozilla/5.0 (X11; rv:91.0) Gecko/20100101 Thunderbird/91.8",
            UserAgent("Thunderbird", "app"),
        ),
        ("Reeder/5050001 CFNetwork/1410 Darwin/22.6.0", UserAgent("Reeder", "app")),
        (f"Mozilla/5.0 {BROWSER} Chrome/130.0.0.0 Safari/537.36", UserAgent("Chrome", "browser")),
        (f"Mozilla/5.0 {BROWSER} Chrome/130.0 Safari/537.36 Edg/130", UserAgent("Edge", "browser")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://x)", UserAgent("Googlebot", "bot")),
        ("Mozilla/5.0 (compatible; NewThingBot/0.1)", UserAgent("NewThingBot", "bot")),
        ("some crawler, 99 subscribers", UserAgent("some", "bot")),
        ("UptimeRobot/2.0", UserAgent("UptimeRobot", "monitor")),
        ("curl/8.5.0", UserAgent("curl", "tool")),
        ("MyFeedly/1.2", UserAgent("MyFeedly", "unknown")),
        ("MyReader/1.2 (by me)", UserAgent("MyReader", "unknown")),
        ("/((", UserAgent("(none)", "unknown")),
        ("-", UserAgent("(none)", "unknown")),
        ("(not ASCII)", UserAgent("(not ASCII)", "unknown")),
        ("x (compatible; +me.1@mail.example.org)", UserAgent("[address]", "unknown")),
        ("", UserAgent("(none)", "unknown")),
        ("192.0.2.7/1.0 x", UserAgent("[address]", "unknown")),
        ("x" * 100, UserAgent("x" * 39 + "\u2026", "unknown")),
    ],
)
def test_user_agents_are_recognized(text: str, agent: UserAgent | None):
    found = parse_user_agent(text)
    if agent is None:
        agent = UserAgent("xianguo-rssbot", "bot")
    assert found == agent


def test_the_table_is_consistent():
    kinds = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    assert set(kinds) == {*KINDS, "search", "preview"} - {"unknown"}
    assert set(KINDS) >= ROBOTS
    tokens = [token for rows in kinds.values() for token in rows]
    assert len(tokens) == len(set(tokens)) > 200
    assert all(token == token.lower() and len(token) > 2 for token in tokens)


def test_every_token_can_match():
    for kind, rows in tomllib.loads(TABLE.read_text(encoding="utf-8")).items():
        for token, name in rows.items():
            found = parse_user_agent(f"Mozilla/5.0 ({token} 1.0)")
            kind = "bot" if kind in ("search", "preview") else kind
            assert (found.name, found.kind) == (name, kind), token


ADDRESSES = st.ip_addresses().map(str)


@given(st.text(max_size=60), ADDRESSES, st.text(max_size=60))
def test_a_name_is_printable_short_and_without_address(before, address, after):
    agent = parse_user_agent(before + address + after)
    assert len(agent.name) <= 40
    assert agent.name.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", agent.name)
    assert address not in agent.name
    assert agent.kind in KINDS


@given(st.text(max_size=30), ADDRESSES)
def test_anonymized_text_contains_no_address(text, address):
    clean = anonymize(f"{text}{address}{text}")
    assert address not in clean
    assert "\x1b" not in clean
