"""The files of deploy/ that repeat what feedhub says: types, ages, guesses must not drift."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from feedhub.config import load_config
from feedhub.formats import SUBSCRIBED
from feedhub.formats.pages import CSP
from feedhub.server.fallback import GUESSED_FEEDS
from feedhub.server.responses import ALLOWED_METHODS, options_response, redirect, text_response
from feedhub.server.run import KEEP_ALIVE, SHUTDOWN_TIMEOUT
from feedhub.server.snapshot import CORS_HEADERS, FEED_CSP, SECURITY_HEADERS, CachePolicy
from feedhub.site.indexes import MEDIA_TYPES, OPML_PATH, WELL_KNOWN_LIST

DEPLOY = Path(__file__).parent.parent / "deploy"
TYPES = {row.suffix: row.media_type for row in SUBSCRIBED.values()}
TYPES |= {f".{suffix}": media_type for suffix, media_type in MEDIA_TYPES.items()}
HTTP = load_config(None, {}, {"site.base_url": "https://feeds.example.org"}).http
# One header must do for every version: the hash of the page's own style changes with feedhub.
PAGE_POLICY = re.sub(r"'sha256-[^']*'", "'unsafe-inline'", CSP)
FILES = [
    "nginx/static.conf", "caddy/static.Caddyfile", "apache/static.conf", "static-hosts/_headers",
]  # fmt: skip


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def lasting(max_age: int) -> str:
    """Return the Cache-Control of a document that may be kept so long."""
    return CachePolicy(HTTP).format(max_age).decode()


def header(answer, name: str) -> str:
    return dict(answer.headers)[name.encode()].decode()


def hosts_rules() -> dict[str, dict[str, str]]:
    """Return the rules of _headers, by pattern, as Netlify and Cloudflare read them."""
    rules: dict[str, dict[str, str]] = {}
    for line in text("static-hosts/_headers").splitlines():
        if line.startswith("/"):
            fields = rules.setdefault(line.strip(), {})
        elif line.startswith("  "):
            name, _, value = line.strip().partition(": ")
            fields[name] = value
        else:
            assert not line or line.startswith("#"), line
    return rules


def test_nginx_serves_every_format_with_its_type():
    block = re.search(r"    types \{\n(.*?)\n    \}", text("nginx/static.conf"), re.DOTALL)
    assert block
    rows = re.findall(r'^ +"?([^"\n]*?)"? +([a-z]+);$', block[1], re.MULTILINE)
    found = {f".{suffix}": media_type for media_type, suffix in rows}
    assert {suffix: found.get(suffix) for suffix in TYPES} == TYPES


def test_caddy_serves_every_format_with_its_type():
    caddy = text("caddy/static.Caddyfile")
    for suffix, media_type in TYPES.items():
        name = suffix[1:]
        assert re.search(rf"@{name} path .*\*\{suffix}$", caddy, re.MULTILINE), name
        given = re.search(rf"header @{name} (?:\{{\s*)?Content-Type \"?([^\"\n]*)\"?$", caddy, re.M)
        assert given, name
        assert given[1] == media_type


def test_apache_serves_every_format_with_its_type():
    pattern = r'<FilesMatch "\\(\.\w+)\(.*\n +ForceType "?([^"\n]*)"?\n'
    found = dict(re.findall(pattern, text("apache/static.conf")))
    assert {suffix: found.get(suffix) for suffix in TYPES} == TYPES


def test_static_hosts_serve_every_feed_with_its_type():
    rules = hosts_rules()
    for suffix, media_type in TYPES.items():
        if suffix != ".html":  # they know that one
            assert rules[f"/*{suffix}"] == {"Content-Type": media_type}


def test_no_two_rules_of_a_static_host_name_the_same_field():
    rules = hosts_rules()
    everywhere = set(rules.pop("/*"))
    assert not [name for fields in rules.values() for name in fields if name in everywhere]


@pytest.mark.parametrize("name", FILES)
def test_a_feed_is_cached_as_long_as_by_feedhub(name: str):
    assert lasting(HTTP.max_age) in text(name)


@pytest.mark.parametrize("name", FILES[:3])
def test_an_archive_is_cached_as_long_as_by_feedhub(name: str):
    assert lasting(HTTP.archive_max_age) in text(name)


@pytest.mark.parametrize("name", FILES[:3])
def test_other_responses_have_the_fields_of_feedhub(name: str):
    assert f'"{header(text_response(404), "cache-control")}"' in text(name)
    assert f'"{header(options_response(), "cache-control")}"' in text(name)
    assert f'"{header(options_response(), "access-control-allow-headers")}"' in text(name)
    assert f'"{ALLOWED_METHODS}"' in text(name)
    if name.startswith("nginx"):
        assert f'"{header(redirect("/"), "cache-control")}"' in text(name)


@pytest.mark.parametrize("name", FILES)
def test_the_fields_that_keep_browsers_safe_are_feedhubs(name: str):
    for key, value in (*SECURITY_HEADERS, *CORS_HEADERS):
        pattern = (
            rf'{key.decode()}:? "?{re.escape(value.decode())}\b' if value != b"*" else key.decode()
        )
        assert re.search(pattern, text(name), re.IGNORECASE), key
    assert PAGE_POLICY in text(name)
    if not name.startswith("static"):
        assert FEED_CSP in text(name)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("nginx/static.conf", r"location = /(\S+) +\{ return 301 /all\.(\w+); \}"),
        ("caddy/static.Caddyfile", r"redir /(\S+) /all\.(\w+) 301$"),
        ("static-hosts/_redirects", r"^/(\S+) +/all\.(\w+) +301$"),
        ("apache/static.conf", r"RewriteRule \^/(\S+)\$ /all\.(\w+) \[R=301,L\]$"),
    ],
)
def test_the_addresses_that_readers_guess_are_feedhubs(name: str, pattern: str):
    found = re.findall(pattern, text(name), re.MULTILINE)
    assert {guess.replace("\\.", "."): name for guess, name in found} == GUESSED_FEEDS


def test_nginx_stores_responses_for_their_stale_time():
    (hours,) = set(re.findall(r"inactive=(\d+)h", text("nginx/proxy.conf")))
    assert int(hours) * 3600 > HTTP.max_age + max(HTTP.stale_if_error, HTTP.stale_while_revalidate)


def test_the_proxies_close_an_idle_connection_before_feedhub_does():
    """The other way round a request meets a connection that is just being closed."""
    upstream = text("nginx/proxy.conf").partition("upstream feedhub {")[2].partition("\n}")[0]
    (nginx,) = re.findall(r"keepalive_timeout (\d+)s;", upstream)
    (caddy,) = re.findall(r"^\t+keepalive (\d+)s$", text("caddy/Caddyfile"), re.MULTILINE)
    assert max(int(nginx), int(caddy)) < KEEP_ALIVE


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("systemd/feedhub-serve.service", r"^TimeoutStopSec=(\d+)$"),
        ("kubernetes/feedhub.yaml", r"terminationGracePeriodSeconds: (\d+)$"),
        ("container/compose.yaml", r"stop_grace_period: (\d+)s$"),
    ],
)
def test_a_stopping_server_has_time_to_finish(name: str, pattern: str):
    (seconds,) = re.findall(pattern, text(name), re.MULTILINE)
    assert int(seconds) > SHUTDOWN_TIMEOUT + 5


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("nginx/static.conf", "location = /.well-known/feeds { return 301 /feeds.opml; }"),
        ("caddy/static.Caddyfile", "redir /.well-known/feeds /feeds.opml 301"),
        ("static-hosts/_redirects", "/.well-known/feeds  /feeds.opml  301"),
        ("apache/static.conf", r"RewriteRule ^/\.well-known/feeds$ /feeds.opml [R=301,L]"),
    ],
)
def test_the_list_of_feeds_is_at_its_well_known_address(name: str, rule: str):
    assert rule in text(name)
    assert WELL_KNOWN_LIST in rule.replace("\\", "")
    assert OPML_PATH in rule
