"""Webhooks: what a program is told, that it can check it, that nothing is lost or out of order."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from feedhub.cli import main
from feedhub.delivery import DeliveryReport, deliver, enqueue_all
from feedhub.delivery.retries import MAX_AGE
from feedhub.delivery.signing import read_secret
from feedhub.http_client import HttpClient
from feedhub.server.admin import format_metrics, status_of
from feedhub.server.metrics import Metrics
from feedhub.server.processes import PING, ProcessStatus
from feedhub.webhook import MAX_CHANGES, SESSIONS
from tests.fronts import bench_on_disk, reader_of
from tests.hubs import Fields, Reply, http_server, response
from tests.kit import NOW, Bench
from tests.sites import later

BASE = "https://feeds.example.org"
SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()
START = NOW.timestamp() + 60
HOOKS: list[dict[str, Any]] = [
    {"name": "all", "url": "https://hooks.example.org/all"},
    {"name": "law-only", "url": "https://hooks.example.org/law", "feeds": ["topics/law"]},
]


@dataclass
class Receiver:
    """What receives messages: it checks them with the library of the standard."""

    status: Callable[[str], int] = lambda path: 204
    attempts: list[tuple[str, str]] = field(default_factory=list)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/json"
        Webhook(SECRET).verify(request.content, dict(request.headers))
        path, status = request.url.path, self.status(request.url.path)
        self.attempts.append((path, request.headers["webhook-id"]))
        if status < 300:
            self.told.setdefault(path, []).append(json.loads(request.content)["data"])
        return response(status)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    # The library refuses messages that are old by its own clock.
    monkeypatch.setattr("standardwebhooks.webhooks.timedelta", lambda minutes: timedelta(9_999))
    bench = bench_on_disk(tmp_path, notify__webhook=HOOKS, websub__look=False)
    monkeypatch.setenv("FEEDHUB_WEBHOOK_SECRET_ALL", SECRET)
    monkeypatch.setenv("FEEDHUB_WEBHOOK_SECRET_LAW_ONLY", SECRET)
    bench.write("a.md", title="A", topics=["AI", "Law"])
    bench.sync()
    bench.catalog.release_changes(START - 60)
    yield bench
    bench.catalog.close()


def send(bench: Bench, receiver: Receiver, seconds: float = 0, **options: Any) -> DeliveryReport:
    """Send what is due so many seconds after the start."""

    async def run() -> DeliveryReport:
        async with HttpClient(transport=httpx.MockTransport(receiver)) as client:
            clock = lambda: START + seconds  # noqa: E731
            return await deliver(SESSIONS, bench.catalog, client, clock, **options)

    return asyncio.run(run())


def sync(bench: Bench, seconds: int = 1) -> None:
    bench.sync(later(seconds))
    bench.catalog.release_changes(NOW.timestamp() + seconds)


def article(name: str, *feeds: str) -> dict[str, Any]:
    return {
        "id": f"tag:feeds.example.org,2026:articles/{name}",
        "url": f"https://news.example/{name}",
        "feeds": [f"{BASE}/{feed}.rss" for feed in feeds],
    }


def test_each_webhook_is_told_what_it_wants(bench: Bench, receiver: Receiver):
    bench.write("b.md", title="B", topics=["AI"])
    bench.write("c.md", title="C", topics=["Law"])
    bench.write("a.md", title="A", topics=["AI", "Law"], excerpt="Other words.")
    sync(bench)
    report = send(bench, receiver)

    assert (report.sent, report.waiting, report.errors) == (2, 0, [])
    (everything,), (law,) = receiver.told["/all"], receiver.told["/law"]
    assert everything == {
        "generation": 2,
        "feeds": [
            {"path": path, "url": f"{BASE}/{path}.rss"}
            for path in ("all", "topics/ai", "topics/law")
        ],
        "articles": {
            "new": [article("b", "all", "topics/ai"), article("c", "all", "topics/law")],
            "changed": [article("a", "all", "topics/ai", "topics/law")],
            "withdrawn": [],
        },
        "complete": True,
    }
    assert [feed["path"] for feed in law["feeds"]] == ["topics/law"]
    assert [one["url"][-1] for one in law["articles"]["new"]] == ["c"]


def test_a_withdrawal_names_the_address_alone(bench: Bench, receiver: Receiver):
    bench.write("b.md", title="B", topics=["AI"])
    sync(bench)
    (bench.root / "a.md").unlink()
    sync(bench, 2)
    send(bench, receiver)

    first, second = receiver.told["/all"]
    assert first["articles"]["withdrawn"] == []
    assert second["articles"] == {
        "new": [],
        "changed": [],
        "withdrawn": [{"url": "https://news.example/a"}],
    }


def test_what_was_never_told_is_not_withdrawn(bench: Bench, receiver: Receiver):
    path = bench.write("b.md", title="Secret")
    sync(bench)
    path.unlink()
    sync(bench, 2)
    send(bench, receiver)

    assert "ecret" not in json.dumps(receiver.told)


def test_what_may_have_been_told_is_withdrawn(bench: Bench, receiver: Receiver):
    receiver.status = lambda path: 500
    path = bench.write("b.md", title="B")
    sync(bench)
    send(bench, receiver)
    path.unlink()
    sync(bench, 2)
    receiver.status = lambda path: 204
    send(bench, receiver, 60)

    told = receiver.told["/all"][-1]["articles"]
    assert told == {"new": [], "changed": [], "withdrawn": [{"url": "https://news.example/b"}]}


def test_a_message_is_sent_again_with_its_id_and_before_later_ones(
    bench: Bench, receiver: Receiver
):
    receiver.status = lambda path: 500 if path == "/all" else 204
    bench.write("b.md", title="B", topics=["Law"])
    sync(bench)
    report = send(bench, receiver)
    assert report.errors == ["the webhook all fails: 500 Internal Server Error; trying again"]
    bench.write("c.md", title="C")
    sync(bench, 2)
    send(bench, receiver, 1)
    assert [path for path, _ in receiver.attempts] == ["/all", "/law"], "the older one comes first"
    receiver.status = lambda path: 204
    send(bench, receiver, 20)

    titles = [[one["url"][-1] for one in told["articles"]["new"]] for told in receiver.told["/all"]]
    assert titles == [["b"], ["c"]]
    ids = [message for path, message in receiver.attempts if path == "/all"]
    assert ids[0] == ids[1] != ids[2]


def test_a_webhook_that_fails_for_a_day_is_given_up(bench: Bench, receiver: Receiver):
    receiver.status = lambda path: 404
    bench.write("b.md", title="B")
    sync(bench)
    send(bench, receiver)
    report = send(bench, receiver, MAX_AGE + 100)

    assert report.waiting == 0
    assert any("accepted nothing for a day" in line for line in report.errors)


def test_a_webhook_that_is_gone_is_told_no_more(bench: Bench, receiver: Receiver):
    receiver.status = lambda path: 410
    bench.write("b.md", title="B", topics=["Law"])
    sync(bench)
    report = send(bench, receiver)

    assert report.waiting == 0
    assert "the webhook all wants no messages: 410 Gone; remove it" in report.errors


def test_nobody_is_told_before_the_change_is_public(bench: Bench, receiver: Receiver):
    bench.write("b.md", title="B")
    sync(bench, 60)
    report = send(bench, receiver, 1)
    assert (report.waiting_reason, receiver.attempts) == ("all.rss has only just changed", [])
    send(bench, receiver, 4)
    assert receiver.attempts


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_x", "whsec_" + "QUJD" * 40])
def test_without_a_good_secret_nothing_is_sent(
    bench: Bench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, secret: str
):
    monkeypatch.setenv("FEEDHUB_WEBHOOK_SECRET_ALL", secret)
    bench.write("b.md", title="B")
    sync(bench)
    report = send(bench, receiver)

    assert [path for path, _ in receiver.attempts] in (["/law"], [])
    assert "secret" in report.errors[0]
    assert not secret.removeprefix("whsec_") or secret not in report.errors[0]


def test_the_secret_may_lie_in_a_file(tmp_path: Path, bench: Bench, receiver: Receiver):
    path = tmp_path / "secret"
    hooks = [HOOKS[0] | {"secret_file": str(path)}]
    again = bench_on_disk(tmp_path, notify__webhook=hooks, websub__look=False)
    again.write("b.md", title="B")
    sync(again)
    assert "cannot be read" in send(again, receiver).errors[0]
    path.write_text(f"{SECRET}\n")
    assert send(again, receiver, 60).sent == 1
    again.catalog.close()


def test_the_message_of_a_large_sync_is_not_complete(bench: Bench, receiver: Receiver):
    for number in range(MAX_CHANGES):
        bench.write(f"{number:03}.md", title=f"N{number:03}")
    sync(bench)
    send(bench, receiver)

    (told,) = receiver.told["/all"]
    assert not told["complete"]
    assert len(told["feeds"]) + len(told["articles"]["new"]) == MAX_CHANGES


def test_a_webhook_that_is_configured_no_more_leaves_nothing(bench: Bench, receiver: Receiver):
    bench.write("b.md", title="B")
    sync(bench)
    again = bench_on_disk(bench.root.parent, notify__webhook=HOOKS[:1], websub__look=False)
    again.write("c.md", title="C")
    sync(again, 2)
    assert send(again, receiver).waiting == 0
    assert "/law" not in receiver.told
    again.catalog.close()


def test_everything_is_in_the_feeds(bench: Bench, receiver: Receiver):
    enqueue_all(SESSIONS, bench.catalog, START)
    assert send(bench, receiver, by_hand=True).sent == 0


def test_a_signature_of_another_secret_is_refused():
    other = "whsec_" + base64.b64encode(b"y" * 32).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify("{}", {"webhook-id": "m", "webhook-timestamp": "0"})
    assert read_secret(SECRET) == b"x" * 32


def test_a_server_shows_the_state_of_webhooks(bench: Bench, receiver: Receiver):
    reader = reader_of(bench)
    reader.refresh()
    assert status_of(reader, START).to_json()["webhook"]["waiting"] == 0
    bench.write("b.md", title="B", topics=["Law"])
    sync(bench)
    reader.refresh()
    waiting = status_of(reader, NOW.timestamp() + 11).webhook
    assert waiting == (6, 0.0, 10.0, "")
    late = status_of(reader, START + 600).webhook
    assert late
    assert late.problem == "6 changes wait for feedhub ping: is it running?"
    receiver.status = lambda path: 500
    send(bench, receiver)
    reader.refresh()
    text = format_metrics(Metrics(), lambda: status_of(reader, START)).decode()
    assert "feedhub_webhook_failing 1.0\n" in text
    assert "feedhub_webhook_waiting_seconds 59.0\n" in text
    dead = {PING: ProcessStatus(1, "it ended")}
    ended = status_of(reader, START, dead).webhook
    assert ended
    assert ended.problem == "it ended"
    reader.close()


def test_the_command_tells_webhooks_of_what_a_sync_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    told: list[dict[str, Any]] = []

    def answer(method: str, path: str, fields: Fields, body: bytes) -> Reply:
        told.append(Webhook(SECRET).verify(body, dict(fields)))
        return 204, {}, b""

    monkeypatch.setenv("FEEDHUB_WEBHOOK_SECRET_PROGRAM", SECRET)
    with http_server(answer) as url:
        hooks = [{"name": "program", "url": url}]
        bench = bench_on_disk(tmp_path, notify__webhook=hooks, websub__look=False)
        bench.write("a.md", title="A")
        bench.sync()
        bench.write("b.md", title="B")
        sync(bench)
        bench.catalog.close()
        assert main(["ping", "--catalog", str(tmp_path / "catalog.sqlite")]) == 0
    (message,) = told
    assert message["type"] == "feeds.changed"
    assert [one["url"] for one in message["data"]["articles"]["new"]] == ["https://news.example/b"]
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
