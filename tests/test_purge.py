"""Purges: each changed document has a tag that is purged, and a cache hears of it in time."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from feedhub.catalog import Change
from feedhub.cli import main, options
from feedhub.cli.registry import parse
from feedhub.config import load_config
from feedhub.delivery import DeliveryReport, deliver, enqueue_all
from feedhub.errors import ConfigError
from feedhub.formats import FORMATS
from feedhub.http_client import HttpClient
from feedhub.purge import SESSIONS
from feedhub.purge.aws import Credentials, sign_request
from feedhub.purge.services import SERVICES
from feedhub.selection import make_selection
from feedhub.server.admin import format_metrics, status_of
from feedhub.server.catalog_reader import CatalogReader
from feedhub.server.metrics import Metrics
from feedhub.server.processes import PING, ProcessStatus
from feedhub.site import Planned, Site
from feedhub.site.cache_tags import FIELDS, MAX_NAMES, changed_names, tag_of
from feedhub.websub import SESSIONS as WEBSUB
from tests.caches import KEY_ID, PATHS, SECRET, TOKEN, HostedCache, cloudflare_error, hosted_cache
from tests.fronts import bench_on_disk, front_of
from tests.hubs import response
from tests.kit import NOW, Bench, article_text, make_bench

BASE = "https://feeds.example.org"
START = NOW.timestamp() + 600
HOSTED = sorted(PATHS)
ENDPOINT = "http://127.0.0.1:1/"


# Which tags a sync has purged


def queued(bench: Bench) -> set[str]:
    """Return the names that the last syncs queued, and empty the queue."""
    bench.catalog.release_changes(0)
    changes = bench.catalog.changes("purge").due(None)
    bench.catalog.changes("purge").remove(changes)
    return {change.path for change in changes}


def documents(site: Site) -> dict[str, Planned]:
    """Return every document, and some searches."""
    plan = site.plan()
    for parameters in ({"topic": ["t1"]}, {"q": ["word"]}, {"min_quality": ["3"]}):
        selection = site._catalog.resolve(make_selection(parameters))
        planned = site.on_demand(selection, FORMATS["atom"])
        assert planned
        plan[planned.path] = planned
    return plan


def stale(before: dict[str, Planned], after: dict[str, Planned]) -> list[Planned]:
    """Return the documents that a cache must not keep."""
    return [
        planned for path, planned in before.items()
        if path not in after or after[path].fingerprint != planned.fingerprint
    ]  # fmt: skip


LABELS = ("T1", "T2", "Ünïcode", "a very long label " * 4)


def change(bench: Bench, chance: random.Random) -> None:
    """Write, edit, move or remove an article."""
    path = bench.root / f"{chance.randrange(24)}.md"
    if chance.random() < 0.25:
        path.unlink(missing_ok=True)
        return
    bench.write(
        path.name,
        body=chance.choice(["word", "other"]),
        title=f"Title {path.stem} {chance.randrange(2)}",
        publishedDateTime=f"2020-0{chance.randint(1, 6)}-1{chance.randrange(9)}T10:00:00Z",
        topics=chance.sample([*LABELS, f"Rare {chance.randrange(9)}", "C#", "C sharp"], 2),
        author="Jane" if chance.random() < 0.05 else "",
        quality=chance.randrange(6),
        draft=chance.random() < 0.15,
        related=[{"url": "https://x.example/", "title": "X"}] if chance.random() < 0.3 else [],
    )


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_sync_changes_has_a_tag_that_is_purged(tmp_path, seed):
    chance = random.Random(seed)
    bench = make_bench(
        tmp_path, purge__service="webhook", purge__endpoint=[ENDPOINT], feeds__limit=6,
        feeds__days=0, feeds__search="yes", feeds__stories="yes", feeds__builder="yes",
        feeds__keep_empty=1, feeds__month_pages=["all", "topic"], site__news=True,
    )  # fmt: skip
    for _ in range(12):
        change(bench, chance)
    bench.sync()
    assert queued(bench) == {"feedhub"}, "of a new catalog nothing is known"
    site, purged_in_vain = bench.site, 0
    before = documents(site)
    for step in range(1, 26):
        for _ in range(chance.randint(0, 2)):
            change(bench, chance)
        bench.sync_with(site, NOW + timedelta(hours=7 * step))
        names, after = queued(bench), documents(site)
        changed = stale(before, after)
        missed = [planned.path for planned in changed if names.isdisjoint(planned.cache_names)]
        assert missed == []
        assert "feedhub" not in names
        purged = [
            planned for planned in before.values() if not names.isdisjoint(planned.cache_names)
        ]
        purged_in_vain += len(purged) - len(changed)
        assert bool(names) == bool(changed) or names <= {"on-demand"}
        before = after
    assert purged_in_vain < 25 * len(before) / 3


def make_topics(folder: Path, **overrides: object) -> Bench:
    keys: dict[str, Any] = {"purge__service": "webhook", "purge__endpoint": [ENDPOINT]}
    bench = make_bench(folder, **(keys | overrides))
    bench.write("a.md", title="First", topics=["AI"])
    bench.write("b.md", title="Second", topics=["Robots"])
    bench.sync()
    queued(bench)
    return bench


def test_a_withdrawal_purges_its_feeds_and_the_lists_alone(tmp_path):
    bench = make_topics(tmp_path)
    bench.write("c.md", title="Third", topics=["AI"])
    bench.sync(NOW + timedelta(hours=1))
    names = queued(bench)
    assert {"all", "topics/ai", "index.html", "topics/index.html", "on-demand"} <= names
    assert names.isdisjoint({"topics/robots", "feedhub", "topics", "pages", "404.html"})
    (bench.root / "c.md").unlink()
    bench.sync(NOW + timedelta(hours=2))
    assert queued(bench) == names
    bench.sync(NOW + timedelta(hours=3))
    assert queued(bench) == set(), "nothing has changed"


def test_other_settings_or_very_many_changes_purge_everything(tmp_path):
    bench = make_topics(tmp_path)
    keys = {"site.base_url": BASE, "purge.service": "webhook", "purge.endpoint": [ENDPOINT]}
    bench.config = load_config(None, {}, keys | {"site.title": "Another"})
    bench.sync(NOW + timedelta(hours=1))
    assert queued(bench) == {"feedhub"}
    states = [("topic", f"t{number}", "") for number in range(MAX_NAMES)]
    assert len(changed_names(states, [], pages=False, searches=False)) == MAX_NAMES
    assert changed_names(states, ["x"], pages=False, searches=False) == ["feedhub"]
    bench.config = load_config(None, {}, {"site.base_url": BASE})
    bench.write("a.md", title="Edited", topics=["AI"])
    bench.sync(NOW + timedelta(hours=2))
    assert queued(bench) == set(), "nobody is to be told"


# Header fields


def test_a_document_has_its_tags_in_both_responses(tmp_path):
    bench = bench_on_disk(tmp_path, purge__service="cloudflare", purge__endpoint=[ENDPOINT])
    bench.write("a.md", title="First", topics=["AI"])
    bench.sync()
    with front_of(bench) as front:
        for coding in ("identity", "gzip", "br"):
            reply = front.get("/topics/ai.atom", accept_encoding=coding)
            assert reply.fields["cache-tag"] == "feedhub,topics,topics/ai"
            assert reply.fields["cache-groups"] == '"feedhub", "topics", "topics/ai"'
            assert reply.fields["cdn-cache-control"] == (
                "public, max-age=86400, stale-while-revalidate=300, stale-if-error=3600"
            )
            assert reply.fields["cache-control"].startswith("public, max-age=900")
            again = front.get(
                "/topics/ai.atom", accept_encoding=coding, if_none_match=reply.fields["etag"]
            )
            assert again.status == 304
            for name in ("cache-tag", "cache-groups", "cdn-cache-control", "cache-control"):
                assert again.fields[name] == reply.fields[name]
        assert front.get("/topics/ai/").fields["cache-tag"] == "feedhub,pages,topics,topics/ai"
        assert front.get("/feeds.opml").fields["cache-tag"] == "feedhub,feeds.opml"
        assert "cache-tag" not in front.get("/nothing.atom").fields
        bench.config = load_config(
            None,
            {},
            {"site.base_url": BASE, "purge.service": "varnish", "purge.endpoint": [ENDPOINT]},
        )
        bench.sync(NOW + timedelta(hours=1))
        front.refresh()
        assert front.get("/all.rss").fields["xkey"] == "feedhub all"
        keys: dict[str, object] = {"purge.service": "cloudfront", "purge.endpoint": [ENDPOINT]}
        bench.config = load_config(None, {}, {"site.base_url": BASE} | keys)
        bench.sync(NOW + timedelta(hours=2))
        front.refresh()
        assert front.get("/all.rss").fields["cache-control"] == (
            "public, max-age=900, s-maxage=86400, stale-while-revalidate=300, stale-if-error=3600"
        )


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ({}, {}),
        ({"service": "nginx"}, {"X-Accel-Expires": "86400"}),
        ({"service": "nginx", "edge_max_age": 0}, {}),
        ({"service": "fastly", "edge_max_age": 0}, {"Surrogate-Key": "feedhub all"}),
        (
            {"service": "fastly", "edge_max_age": 9},
            {
                "Surrogate-Control": "public, max-age=9, stale-while-revalidate=300, "
                "stale-if-error=3600",
                "Surrogate-Key": "feedhub all",
            },
        ),
        ({"service": "cloudfront"}, {"Cache-Tag": "feedhub,all"}),
        ({"service": "webhook", "tags": "xkey"}, {"xkey": "feedhub all"}),
    ],
)  # fmt: skip
def test_fields_follow_the_configuration(tmp_path, keys, fields):
    given = {f"purge__{name}": value for name, value in keys.items()}
    bench = make_topics(tmp_path, **({"purge__service": "", "purge__endpoint": []} | given
                        | ({"purge__endpoint": [ENDPOINT]} if keys else {})))  # fmt: skip
    site = bench.site
    found = dict(site.edge_headers(site.plan()["all.rss"]))
    found.pop("Cache-Groups", None)
    if keys.get("service") == "webhook":
        assert found.pop("CDN-Cache-Control")
    assert found == fields
    bench.drafts = True
    assert bench.site.edge_headers(site.plan()["all.rss"]) == ()


def test_nginx_keeps_no_search_for_a_day_for_it_cannot_be_purged(tmp_path):
    bench = make_topics(tmp_path, purge__service="nginx", feeds__search="yes")
    planned = bench.site.on_demand(make_selection({"topic": ["ai"]}), FORMATS["atom"])
    assert planned
    assert bench.site.edge_headers(planned) == ()


def test_tags_are_short_and_safe_whatever_the_labels_are(tmp_path):
    labels = ["C++", "新闻", "x" * 300, 'a, b; "c"', "Ärger\u202e", "..", "A" * 24]
    bench = make_topics(tmp_path, feeds__stories="yes")
    for number, label in enumerate(labels):
        bench.write(
            f"{number}.md",
            title=f"T {number}",
            topics=[label],
            related=[{"url": "https://x.example/"}],
        )
    bench.sync(NOW + timedelta(hours=1))
    plan = bench.site.plan()
    tags = {name: tag_of(name) for planned in plan.values() for name in planned.cache_names}
    assert len(set(tags.values())) == len(tags)
    for tag in tags.values():
        assert tag == tag.lower()
        assert 0 < len(tag) <= 32
        assert tag.isascii()
        assert not set(tag) & set(' ,"\\')
    for planned in plan.values():
        assert sum(len(name) + len(value) for name, value in bench.site.edge_headers(planned)) < 512
    assert tags["topics/ai"] == "topics/ai"


def test_a_service_needs_an_address_and_an_address_a_service():
    for keys in ({"purge.service": "varnish"}, {"purge.endpoint": [ENDPOINT]}):
        with pytest.raises(ConfigError, match=r"purge\.service and purge\.endpoint need"):
            load_config(None, {}, keys)
    with pytest.raises(ConfigError, match=r"purge\.endpoint must be a list of absolute"):
        load_config(None, {}, {"purge.endpoint": ["nowhere"]})
    assert TOKEN not in repr(load_config(None, {"FEEDHUB_PURGE_TOKEN": TOKEN}))


# Sessions


@dataclass
class World:
    """A site with a cache, and a clock."""

    bench: Bench
    now: float = START

    def edit(self, title: str) -> None:
        self.bench.write("a.md", title=title, topics=["AI"])
        self.bench.sync(NOW + timedelta(hours=1))
        self.bench.catalog.release_changes(self.now)

    def enqueue(self, *names: str) -> None:
        self.bench.catalog.changes("purge").enqueue_released(names, 1, self.now)

    def send(self, kinds: Any = SESSIONS, transport: Any = None, **more: Any) -> DeliveryReport:
        async def run() -> DeliveryReport:
            async with HttpClient(transport=transport, allowed=lambda _: True) as client:
                return await deliver(kinds, self.bench.catalog, client, lambda: self.now, **more)

        return asyncio.run(run())


@pytest.fixture
def _environment(monkeypatch):
    monkeypatch.setenv("FEEDHUB_PURGE_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def make_world(folder: Path, cache: HostedCache, **keys: object) -> World:
    world = World(
        make_topics(folder, purge__service=cache.service, purge__endpoint=[cache.url], **keys)
    )
    world.now += 1
    return world


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize("service", HOSTED)
def test_each_service_is_told_as_its_documents_say(tmp_path, service):
    with hosted_cache(service) as cache:
        world = make_world(tmp_path, cache)
        world.enqueue("all", "topics/新闻", *(f"topics/t{number}" for number in range(298)))
        world.now += 5
        assert world.send() == DeliveryReport(sent=300)
        limit = SERVICES[service].limit
        assert max(map(len, cache.purged)) <= limit
        assert len(cache.purged) == -(-300 // limit)
        tags = {tag for purged in cache.purged for tag in purged}
        assert {"all", "topics/t7", tag_of("topics/新闻")} <= tags
        assert len(tags) == 300
        world.enqueue("feedhub", "all")
        cache.purged.clear()
        world.send(by_hand=True)
        assert cache.purged == [["feedhub"]]


@pytest.mark.usefixtures("_environment")
def test_a_change_is_purged_when_servers_have_followed_and_once_more(tmp_path):
    with hosted_cache("webhook") as cache:
        world = make_world(tmp_path, cache)
        world.edit("Edited")
        assert world.send().sent == 0, "servers still have the old bytes"
        world.now += 0.31
        count = world.send().sent
        assert count == len(cache.purged[0]) > 3
        assert world.send() == DeliveryReport(waiting=count)
        world.now += 1.7
        assert world.send() == DeliveryReport(sent=count)
        assert [sorted(tags) for tags in cache.purged] == [sorted(cache.purged[0])] * 2
        world.edit("Edited again")
        assert world.send(by_hand=True) == DeliveryReport(sent=count), "it is public: once"
        assert len(cache.purged) == 3


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("service", "reply", "reason"),
    [
        (
            "cloudflare", (403, {}, cloudflare_error(10000, "Authentication error")),
            "403 Forbidden; may this machine purge, and is FEEDHUB_PURGE_TOKEN right?",
        ),
        ("fastly", (404, {}, b"{}"), "404 Not Found; is purge.endpoint right?"),
        ("webhook", (500, {}, b""), "500 Internal Server Error"),
        (
            "cloudfront",
            (400, {}, b"<Error><Code>TooManyInvalidationsInProgress</Code></Error>"),
            "400 Bad Request",
        ),
    ],
)  # fmt: skip
def test_failures_and_refusals_are_tried_again_for_a_day(tmp_path, service, reply, reason, caplog):
    with hosted_cache(service) as cache:
        world = make_world(tmp_path, cache)
        world.enqueue("all")
        world.now += 5
        cache.reply = reply
        report = world.send()
        line = f"the cache {cache.url} cannot be notified: {reason}; trying again"
        assert report == DeliveryReport(waiting=1, errors=[line])
        assert world.bench.catalog.changes("purge").state().problem == line
        assert TOKEN not in line + caplog.text
        assert world.send() == DeliveryReport(waiting=1)
        world.now += 5
        cache.reply = (429, {"Retry-After": "60"}, b"")
        world.send()
        world.now += 59
        assert "asks to be left alone" in world.send(by_hand=True).waiting_reason
        world.now += 1
        cache.reply = None
        assert world.send() == DeliveryReport(sent=1)
        state = world.bench.catalog.changes("purge").state()
        assert (state.problem, state.notified_at) == ("", world.now)
        world.enqueue("all")
        world.now += 86_500
        cache.reply = (503, {}, b"")
        assert "changes given up: 1" in world.send().errors[0]


@pytest.mark.usefixtures("_environment")
def test_a_redirect_is_not_followed_for_the_token_is_for_one_address(tmp_path):
    with hosted_cache("fastly") as cache, hosted_cache("fastly") as other:
        world = make_world(tmp_path, cache)
        world.enqueue("all")
        world.now += 5
        cache.reply = (307, {"Location": other.url}, b"")
        assert world.send().waiting == 1
        assert other.requests == 0


@pytest.mark.usefixtures("_environment")
def test_all_caches_must_accept(tmp_path):
    with hosted_cache("webhook") as cache, hosted_cache("webhook") as other:
        world = make_world(tmp_path, cache)
        keys = {"site.base_url": BASE, "purge.service": "webhook"}
        world.bench.config = load_config(
            None, {}, keys | {"purge.endpoint": [cache.url, other.url]}
        )
        world.bench.sync()
        queued(world.bench)
        other.reply = (500, {}, b"")
        enqueue_all(SESSIONS, world.bench.catalog, world.now)
        assert (world.send(by_hand=True).sent, cache.purged) == (0, [["feedhub"]])
        other.reply = None
        assert world.send(by_hand=True).sent == 1
        assert other.purged == [["feedhub"]]


def test_requests_to_aws_are_signed_as_its_test_suite_does(tmp_path, monkeypatch):
    """The vector get-vanilla of the test suite for signatures of version 4."""
    signed = sign_request(
        "GET", "https://example.amazonaws.com/", {}, b"", scope=("us-east-1", "service"),
        credentials=Credentials(KEY_ID, SECRET), now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )  # fmt: skip
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with hosted_cache("cloudfront") as cache:
        world = make_world(tmp_path, cache)
        world.enqueue("all")
        world.now += 5
        with pytest.raises(ConfigError, match="set AWS_ACCESS_KEY_ID"):
            world.send()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "of a role")
        assert world.send() == DeliveryReport(sent=1)


@pytest.mark.usefixtures("_environment")
def test_a_hub_is_pinged_after_the_purge_and_waits_no_longer_than_half_a_minute(tmp_path):
    hub = "https://hub.example/"
    with hosted_cache("webhook") as cache:
        world = make_world(tmp_path, cache, websub__hub=hub)
        pinged: list[str] = []
        purges: list[httpx.Request] = []
        status = 304

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.host == "hub.example":
                pinged.append(request.content.decode())
                return response(204)
            if request.url.host == "127.0.0.1":
                purges.append(request)
                return response(204 if working else 500)
            return response(status, b"old")

        def send(*kinds: Any, **more: Any) -> DeliveryReport:
            return world.send(kinds or WEBSUB, httpx.MockTransport(answer), **more)

        working = True
        world.edit("Edited")
        world.now += 2.5
        assert send().waiting_reason.endswith(" is not purged yet")
        world.now += 1
        assert send(*SESSIONS).sent
        world.now += 2
        assert send().sent == 6
        status = 200  # a cache that shows the old bytes all the same
        world.edit("Edited again")
        world.now += 2.5
        send(*SESSIONS)
        assert send().waiting_reason.endswith("does not show the change yet")
        world.now += 30 + 61
        assert send().sent == 6, "nobody can have it for longer"
        working = False
        world.edit("Edited once more")
        world.now += 100
        send(*SESSIONS)
        assert send().waiting_reason.endswith("does not show the change yet")
        world.now += 86_400 - 200
        assert send(*SESSIONS, *WEBSUB, by_hand=True).sent == 0
        assert world.send(()) == DeliveryReport()
        assert len(pinged) == 12
        assert len(purges) > 3


def test_varnish_is_asked_with_all_tags_and_a_webhook_may_have_no_token(tmp_path, monkeypatch):
    monkeypatch.delenv("FEEDHUB_PURGE_TOKEN", raising=False)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return response(200)

    for service in ("varnish", "webhook"):
        world = World(make_topics(tmp_path / service, purge__service=service))
        world.enqueue("all", "topics/ai")
        world.now += 5
        assert world.send(transport=httpx.MockTransport(answer)) == DeliveryReport(sent=2)
    varnish, webhook = asked
    assert (varnish.method, varnish.headers["xkey-purge"]) == ("PURGE", "all topics/ai")
    assert webhook.content == b'{"type":"purge","data":{"tags":["all","topics/ai"]}}'
    assert "webhook-signature" not in webhook.headers
    monkeypatch.setenv("FEEDHUB_PURGE_TOKEN", "short")
    world.enqueue("all")
    with pytest.raises(ConfigError, match="FEEDHUB_PURGE_TOKEN: its secret must be whsec_"):
        world.send(by_hand=True)


def test_nginx_is_asked_for_each_address_and_each_response_of_it(tmp_path):
    asked: list[tuple[str, str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "PURGE"
        fields = request.headers
        asked.append((request.url.path, fields["accept-encoding"], fields["accept"]))
        return response(404 if "gone" in request.url.path else 200)

    bench = make_topics(tmp_path, purge__service="nginx", purge__endpoint=["http://127.0.0.1:80"])
    world = World(bench)
    world.enqueue("topics/ai", "topics/gone", "feeds.opml")
    world.now += 5
    assert world.send(transport=httpx.MockTransport(answer)) == DeliveryReport(sent=3)
    paths = {path for path, *_ in asked}
    ai = {"/topics/ai.rss", "/topics/ai.atom", "/topics/ai.json", "/topics/ai/"}
    assert ai | {"/feeds.opml", "/topics/gone.rss", "/topics/gone/"} <= paths
    assert not any("robots" in path for path in paths)
    codings = {"identity", "gzip", "br"}
    expected = {
        (path, coding, accept)
        for path in paths
        for coding in codings
        for accept in ("*/*", "text/html")
    }
    assert set(asked) == expected
    asked.clear()
    keys: dict[str, object] = {
        "purge.service": "nginx",
        "purge.endpoint": ["http://127.0.0.1:80/purge/"],
    }
    bench.config = load_config(None, {}, {"site.base_url": f"{BASE}/feeds"} | keys)
    bench.sync(NOW + timedelta(hours=1))
    queued(bench)
    world.enqueue("feedhub")
    world.send(transport=httpx.MockTransport(answer), by_hand=True)
    assert {"/purge/feeds/topics/robots.rss", "/purge/feeds/"} <= {path for path, *_ in asked}


def test_a_change_of_the_queue_is_as_old_as_its_release(tmp_path):
    bench = make_topics(tmp_path)
    queue = bench.catalog.changes("purge")
    assert queue.oldest() is None
    queue.enqueue_released(["a"], 1, 5.0)
    queue.enqueue(["b"], 1, 3.0)
    assert (queue.oldest(), queue.has_older(4.9), queue.has_older(5.0)) == (5.0, False, True)
    assert queue.due(None) == [Change("a", 1, 5.0, 0)]
    assert FIELDS.keys() == {"Surrogate-Key", "xkey", "Cache-Tag"}


@pytest.mark.usefixtures("_environment")
def test_the_command_purges_and_says_so_and_a_server_shows_the_state(tmp_path, capsys):
    with hosted_cache("webhook") as cache:
        bench = bench_on_disk(tmp_path, purge__service="webhook", purge__endpoint=[cache.url])
        bench.write("a.md", title="First", topics=["AI"])
        bench.sync()
        bench.catalog.release_changes(START)
        reader = CatalogReader(tmp_path / "catalog.sqlite", lambda: None)
        reader.refresh()
        status = status_of(reader, START + 5)
        assert status.to_json()["purge"] == {
            "waiting": 1, "purged": 0.0, "seconds": 5.0, "problem": "",
        }  # fmt: skip
        late = status_of(reader, START + 60).purge
        assert late
        assert late.problem == "1 purges wait for feedhub ping: is it running?"
        text = format_metrics(Metrics(), lambda: status_of(reader, START + 60)).decode()
        assert "feedhub_purge_waiting_seconds 60.0\n" in text
        assert "feedhub_purge_failing 1.0\n" in text
        bench.catalog.close()
        assert main(["ping", "--catalog", str(tmp_path / "catalog.sqlite"), "--all"]) == 0
        assert (
            capsys.readouterr().out == "purges: 1 sent, 0 waiting\naddresses: 0 sent, 0 waiting\n"
        )
        assert cache.purged == [["feedhub"]]
        reader.refresh()
        after = status_of(reader, START + 60, {PING: ProcessStatus(1, "it ended")}).purge
        assert after
        assert (after.waiting, after.seconds, after.problem) == (0, 0.0, "it ended")
        assert after.purged > START
        cache.reply = (403, {}, b"")
        assert main(["ping", "--catalog", str(tmp_path / "catalog.sqlite"), "--all"]) == 1
        printed = capsys.readouterr()
        assert TOKEN not in printed.out + printed.err
        reader.refresh()
        failing = status_of(reader, START).purge
        assert failing
        assert "is FEEDHUB_PURGE_TOKEN right?; trying again" in failing.problem
        reader.close()


def test_the_picture_of_a_withdrawn_article_is_purged_too(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 0)
    bench = bench_on_disk(
        tmp_path, source__assets="copy", purge__service="fastly", purge__endpoint=[ENDPOINT]
    )
    (bench.root / "pic.png").write_bytes(b"\x89PNG a picture")
    text = article_text("A", "![x](pic.png)")
    bench.write("a.md", text)

    def sync(now: datetime) -> None:
        source = bench.source()
        site = bench.site
        site.sync(source, now, accept=lambda *_: list(bench.catalog.assets.copy_from(source)))
        site.outbox.enqueue_copies(bench.catalog.assets.prune(), int(now.timestamp()))

    sync(NOW)
    queued(bench)
    (place,) = bench.catalog.assets.shown()
    with front_of(bench) as front:
        fields = front.get(f"/assets/{place}").fields
        assert fields["surrogate-key"] == f"feedhub {tag_of(f'assets/{place}')}"
        assert "max-age=86400" in fields["surrogate-control"]
        bench.write("a.md", text.replace("title: A", "title: A\ndraft: true"))
        sync(NOW + timedelta(hours=1))
        assert f"assets/{place}" in queued(bench)
        front.refresh()
        assert front.get(f"/assets/{place}").status == 404
    bench.config = load_config(None, {}, {"site.base_url": BASE})
    bench.site.outbox.enqueue_copies(["x"], 0)
    assert queued(bench) == set()


def test_a_token_alone_is_no_configuration_of_a_server(tmp_path, monkeypatch):
    """A server without one of its own obeys the [http] of the catalog."""
    monkeypatch.chdir(tmp_path)
    arguments = parse(["serve", "--catalog", "c.sqlite"])
    monkeypatch.setenv("FEEDHUB_PURGE_TOKEN", TOKEN)
    assert not options.is_configured(arguments)
    monkeypatch.setenv("FEEDHUB_SITE_TITLE", "A title")
    assert options.is_configured(arguments)
