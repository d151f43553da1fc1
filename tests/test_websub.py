"""WebSub from end to end: feedhub, a hub that follows the W3C text, and a subscriber."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hubs import Hub, http_server, running_hub, running_subscriber
from tests.kit import article_text
from tests.proxies import nginx_proxy
from tests.servers import Server, children, free_port, request, serve, start, until

ONE = {f"/{feed}.{suffix}" for feed in ("all", "topics/one") for suffix in ("rss", "atom", "json")}
TWO = {path.replace("topics/one", "topics/two") for path in ONE}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def write(folder: Path, name: str, title: str, **fields: object) -> None:
    """Write an article with a topic of the same name, in one rename."""
    (folder / "articles").mkdir(exist_ok=True)
    text = article_text(title, "", webUrl=f"https://news.example/{name}", topics=[name], **fields)
    (folder / "articles/.new").write_text(text, encoding="utf-8")
    (folder / "articles/.new").replace(folder / f"articles/{name}.md")


@pytest.fixture
def folder(tmp_path: Path, hub: Hub) -> Path:
    """A folder of two articles and a configuration."""
    write(tmp_path, "one", "One")
    write(tmp_path, "two", "Two")
    toml = f'[websub]\nhub = "{hub.url}"\n[feeds]\nkinds = ["all", "topic"]\n'
    (tmp_path / "feedhub.toml").write_text(toml, encoding="utf-8")
    return tmp_path


def serving(folder: Path, *more: str) -> Server:
    port = free_port()
    options = ["--port", str(port), *more]
    return serve(folder, folder / "articles", *options, base_url=f"http://127.0.0.1:{port}")


def titles(server: Server, feed: str = "all") -> list[str]:
    answer = request(server, "GET", f"/{feed}.json")
    if answer.status == 503:
        return []
    return sorted(item["title"] for item in json.loads(answer.body)["items"])


def wait_until_served(server: Server, title: str) -> None:
    until(lambda: title in titles(server), f"{title} is not served")


def hub_status(server: Server) -> dict[str, object]:
    status: dict[str, object] = json.loads(request(server.admin_address, "GET", "/readyz").body)
    return dict(status["hub"])  # type: ignore[call-overload]


def wait_for_pings(hub: Hub, paths: set[str], times: int = 1) -> None:
    """Wait until the hub has so many pings for each of these paths, and for no others."""
    until(lambda: hub.counts() == dict.fromkeys(paths, times), lambda: str(hub.counts()))


def test_a_subscriber_gets_a_change_once_and_only_changed_feeds_are_pinged(folder: Path, hub: Hub):
    with running_subscriber() as reader, serving(folder, "--workers", "2") as server:
        topics = [reader.subscribe(hub, f"{server.url}{path}") for path in sorted(ONE)]
        write(folder, "one", "One, edited")
        wait_for_pings(hub, ONE)
        until(lambda: len(reader.received) == len(ONE), "the hub does not hand it on")
        assert sorted(topic for topic, _ in reader.received) == sorted(topics)
        assert all(b"One, edited" in body for _, body in reader.received)
        write(folder, "two", "Two", secured=True)  # no reader sees this
        write(folder, "three", "Three")  # a new topic has no subscribers yet
        new = {path for path in ONE if path.startswith("/all")}
        every = dict.fromkeys(ONE, 1) | dict.fromkeys(new, 2)
        until(lambda: hub.counts() == every, lambda: str(hub.counts()))
        until(lambda: len(reader.received) == len(ONE) + len(new), "the hub does not hand it on")
        until(lambda: hub_status(server)["waiting"] == 0, "something waits still")
        assert hub_status(server)["problem"] == ""
        assert re.search(r"feedhub_ping_timestamp_seconds 1\.\d+e\+09\n", server.metrics())
    assert hub.counts() == every
    assert len(reader.received) == len(ONE) + len(new)
    assert hub.stale == []  # never before the new bytes were served
    agents = {fields["user-agent"].partition("/")[0] for fields, _ in hub.forms}
    assert agents == {"feedhub"}


def test_a_hub_that_hangs_delays_nothing(folder: Path, hub: Hub):
    hub.reply = hub.hang
    with serving(folder) as server:
        write(folder, "one", "One, edited")
        until(lambda: hub.pings, "the hub was not pinged")
        for number in range(3):
            write(folder, "two", f"Two, edited {number}")
            wait_until_served(server, f"Two, edited {number}")
        assert hub_status(server)["waiting"] == len(ONE | TWO)
        assert not hub.released.is_set()
        assert server.stop() == 0  # nor the shutdown


def test_a_change_committed_before_a_crash_is_pinged_after_the_restart(folder: Path, hub: Hub):
    options = ["--catalog", "catalog.db", "--base-url", "http://127.0.0.1:1"]
    with start(folder, ["sync", "articles", *options, "--watch", "--json"]) as sync:
        until(lambda: sync.stdout().count("\n") == 1, "no first sync")
        write(folder, "one", "One, edited")
        until(lambda: sync.stdout().count("\n") == 2, "no second sync")
        sync.kill()
    with serving(folder) as server:
        wait_for_pings(hub, ONE)
        until(lambda: hub_status(server)["waiting"] == 0, "something waits still")
    assert hub.stale == []


def test_a_ping_process_that_dies_before_the_reply_pings_again(folder: Path, hub: Hub):
    """At least once: the process may die between the hub's reply and the record of it."""
    hub.reply = hub.hang
    with serving(folder) as server:
        write(folder, "one", "One, edited")
        until(lambda: hub.pings, "the hub was not pinged")
        (pinging,) = [pid for pid in children(server.process.pid) if b"ping" in arguments(pid)]
        assert os.getpriority(os.PRIO_PROCESS, pinging) > os.getpriority(os.PRIO_PROCESS, 0)
        os.kill(pinging, signal.SIGKILL)
        until(
            lambda: 'restarts_total{process="feedhub ping"} 1.0' in server.metrics(), "no restart"
        )
        assert "feedhub_sync_failing 0.0\n" in server.metrics()
        hub.reply = None
        until(lambda: hub.counts().keys() == ONE, lambda: str(hub.counts()))
        until(lambda: hub_status(server)["waiting"] == 0, "something waits still")
        assert "feedhub ping exited with status -9; restarting it" in server.stderr()
    counts = hub.counts().values()
    assert max(counts) == 2
    assert sum(counts) <= len(ONE) + 4  # as many as are sent in parallel


def arguments(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def ignores_hangup(server: Server) -> bool:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(ignored >> (signal.SIGHUP - 1) & 1)


def test_sync_serve_and_ping_as_three_commands(folder: Path, hub: Hub):
    """`sync` needs no network, `serve` only reads, `ping` alone speaks to the hub."""
    port = free_port()
    base = ["--base-url", f"http://127.0.0.1:{port}", "--catalog", "catalog.db"]
    with (
        start(folder, ["ping", *base, "--watch"]) as ping,
        start(folder, ["sync", "articles", *base, "--watch"]),
        start(folder, ["serve", *base, "--port", str(port)]) as server,
    ):
        until(lambda: titles(server) == ["One", "Two"], "nothing is served")
        until(lambda: ignores_hangup(ping), "a reload of the server would end it")
        write(folder, "one", "One, edited")
        wait_for_pings(hub, ONE)
        assert ping.stop() == 0
        assert ping.stderr() == ""


def test_a_cache_in_front_is_refreshed_before_the_hub_comes(folder: Path, hub: Hub):
    """nginx may keep the old bytes for a quarter of an hour: the hub must not find them."""
    port = free_port()
    with nginx_proxy(folder / "nginx", [("127.0.0.1", port)]) as proxy:
        options = ["--port", str(port)]
        with serve(folder, folder / "articles", *options, base_url=proxy.url) as server:
            codings = ("identity", "gzip", "br")
            for path in ONE | TWO:
                for coding in codings:
                    assert request(proxy, "GET", path, [("Accept-Encoding", coding)]).status == 200
            write(folder, "one", "One, edited")
            wait_for_pings(hub, ONE)
            until(lambda: hub_status(server)["waiting"] == 0, "something waits still")
            for coding in codings:
                answer = request(proxy, "GET", "/all.json", [("Accept-Encoding", coding)])
                assert answer["cache-status"] == "feedhub; hit"
                assert (
                    answer["etag"]
                    == request(server, "GET", "/all.json", [("Accept-Encoding", coding)])["etag"]
                )
    assert hub.stale == []


def test_ping_sends_what_render_queued_once_the_folder_is_public(folder: Path, hub: Hub):
    public = folder / "public"

    def answer(method: str, path: str, fields: dict[str, str], body: bytes):
        file = public / path.lstrip("/")
        return (200, {}, file.read_bytes()) if file.is_file() else (404, {}, b"")

    def feedhub(*command: str) -> tuple[int, str, str]:
        ran = start(folder, [*command, "--base-url", base])
        return ran.process.wait(60), ran.stdout(), ran.stderr()

    with http_server(answer) as base:
        assert feedhub("render", "articles", "out")[0] == 0
        (folder / "out").rename(public)
        assert feedhub("ping", "articles") == (0, "addresses: 0 sent, 0 waiting\n", "")
        write(folder, "one", "One, edited")
        assert feedhub("render", "articles", "out")[0] == 0
        code, out, err = feedhub("ping", "articles")  # before the upload
        assert (code, out) == (1, f"addresses: 0 sent, {len(ONE)} waiting\n")
        assert "does not show the change yet" in err
        assert hub.pings == []
        public.rename(folder / "old")
        (folder / "out").rename(public)
        hub.reply = lambda: (200, {}, b"")  # a folder has no header fields for the hub to check
        assert feedhub("ping", "articles") == (0, f"addresses: {len(ONE)} sent, 0 waiting\n", "")
        assert hub.counts() == dict.fromkeys(ONE, 1)
        assert feedhub("ping", "articles", "--all")[1] == "addresses: 9 sent, 0 waiting\n"
        assert hub.counts() == dict.fromkeys(ONE, 2) | dict.fromkeys(TWO - ONE, 1)
