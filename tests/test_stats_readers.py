"""Who asks: real User-Agents, and what anybody may write into one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.stats import readers
from feedhub.stats.readers import KINDS, ROBOTS, Agent, agent_of, shown

TABLE = Path(readers.__file__).with_name("readers.toml")
BROWSER = "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (
            "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )",
            Agent("Feedly", "service", 462),
        ),
        (
            "Mozilla/5.0 (compatible; inoreader.com; 114 subscribers)",
            Agent("Inoreader", "service", 114),
        ),
        (
            "Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 195 subscribers; )",
            Agent("Inoreader", "service", 195),
        ),
        (
            "NewsBlur Feed Fetcher - 27 subscribers - https://www.newsblur.com/site/7704055/x "
            '("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/14.0.1 Safari/605.1.15")',
            Agent("NewsBlur", "service", 27, "7704055"),
        ),
        (
            "Feedbin feed-id:1697787 - 102 subscribers",
            Agent("Feedbin", "service", 102, "1697787"),
        ),
        (
            "Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers; "
            "feed-id=cead6c3a837650eeefd8fe4a)",
            Agent("The Old Reader", "service", 1, "cead6c3a837650eeefd8fe4a"),
        ),
        (
            "Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 1 subscribers)",
            Agent("BazQux", "service", 1),
        ),
        (
            "Netvibes (http://www.netvibes.com/; 5 subscribers; feedId: 5404723)",
            Agent("Netvibes", "service", 5, "5404723"),
        ),
        (
            "Bloglovin/1.0 (http://www.bloglovin.com; 12 subscribers)",
            Agent("Bloglovin", "service", 12),
        ),
        (
            "Dreamwidth Studios (webmaster@dreamwidth.org; for "
            "https://www.dreamwidth.org/users/vikingschoice_feed/; 2 readers)",
            Agent("Dreamwidth", "service", 2, "vikingschoice_feed"),
        ),
        (
            "Mozilla/5.0 (X11; U; Linux i686; rv:1.2.1; Rojo 1.0; Aggregating on behalf of 15 "
            "subscriber(s) online at http://www.rojo.com/?feed-id=abc)",
            Agent("Rojo", "service", 15, "abc"),
        ),
        (
            "Bloglines/3.1 (http://x.example; 1 subscriber)",
            Agent("Bloglines", "service", 1),
        ),
        ("xianguo-rssbot/0.1 (http://www.xianguo.com/; 1 subscribers)", None),
        ("New Service/2 (7 Readers)", Agent("New", "service", 7)),
        ("Blogtrottr/2.0", Agent("Blogtrottr", "service")),
        ("FreshRSS/1.29.1 (Linux; https://freshrss.org)", Agent("FreshRSS", "app")),
        ("NetNewsWire (RSS Reader; https://netnewswire.com/)", Agent("NetNewsWire", "app")),
        ("Mozilla/5.0 (X11; rv:91.0) Gecko/20100101 Thunderbird/91.8", Agent("Thunderbird", "app")),
        ("Reeder/5050001 CFNetwork/1410 Darwin/22.6.0", Agent("Reeder", "app")),
        (f"Mozilla/5.0 {BROWSER} Chrome/130.0.0.0 Safari/537.36", Agent("Chrome", "browser")),
        (f"Mozilla/5.0 {BROWSER} Chrome/130.0 Safari/537.36 Edg/130", Agent("Edge", "browser")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://x)", Agent("Googlebot", "bot")),
        ("Mozilla/5.0 (compatible; NewThingBot/0.1)", Agent("NewThingBot", "bot")),
        ("some crawler, 99 subscribers", Agent("some", "bot")),
        ("UptimeRobot/2.0", Agent("UptimeRobot", "monitor")),
        ("curl/8.5.0", Agent("curl", "tool")),
        ("MyFeedly/1.2", Agent("MyFeedly", "unknown")),
        ("MyReader/1.2 (by me)", Agent("MyReader", "unknown")),
        ("/((", Agent("(none)", "unknown")),
        ("-", Agent("(none)", "unknown")),
        ("(not ASCII)", Agent("(not ASCII)", "unknown")),
        ("x (compatible; +me.1@mail.example.org)", Agent("[address]", "unknown")),
        ("", Agent("(none)", "unknown")),
        ("192.0.2.7/1.0 x", Agent("[address]", "unknown")),
        ("x" * 100, Agent("x" * 39 + "\u2026", "unknown")),
    ],
)
def test_who_asks(text: str, agent: Agent | None):
    found = agent_of(text)
    if agent is None:
        agent = Agent("xianguo-rssbot", "bot")
    assert found == agent


def test_the_table_is_in_order():
    kinds = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    assert set(kinds) == set(KINDS) - {"unknown"}
    assert set(KINDS) >= ROBOTS
    tokens = [token for rows in kinds.values() for token in rows]
    assert len(tokens) == len(set(tokens)) > 200
    assert all(token == token.lower() and len(token) > 2 for token in tokens)


def test_every_token_can_be_met():
    for kind, rows in tomllib.loads(TABLE.read_text(encoding="utf-8")).items():
        for token, name in rows.items():
            found = agent_of(f"Mozilla/5.0 ({token} 1.0)")
            assert (found.name, found.kind) == (name, kind), token


ADDRESSES = st.ip_addresses().map(str)


@given(st.text(max_size=60), ADDRESSES, st.text(max_size=60))
def test_a_name_is_printable_short_and_nobodys_address(before, address, after):
    agent = agent_of(before + address + after)
    assert len(agent.name) <= 40
    assert agent.name.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", agent.name)
    assert address not in agent.name
    assert agent.kind in KINDS


@given(st.text(max_size=30), ADDRESSES)
def test_what_is_shown_holds_no_address(text, address):
    told = shown(f"{text}{address}{text}")
    assert address not in told
    assert "\x1b" not in told
