"""`feedhub serve` for operators: health, failing syncs, signals."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import CANARY, REJECTED, disguises, secret
from tests.kit import article_text
from tests.launching import NOBODY, open_folder, unprivileged
from tests.servers import Addressed, Response, Server, children, living, request, serve, until

pytestmark = pytest.mark.measured

ADMIN = ("/livez", "/readyz", "/metrics")


@pytest.fixture
def source(tmp_path) -> Path:
    """A folder `articles` of four good articles."""
    for number in range(4):
        write(tmp_path, f"Article {number}")
    return tmp_path / "articles"


@pytest.fixture
def server(tmp_path, source) -> Iterator[Server]:
    with serve(tmp_path, source, toml='[site]\ntitle = "First"\n') as server:
        yield server


@pytest.fixture
def unmeasured_server(tmp_path, source, monkeypatch) -> Iterator[Server]:
    """Serve without coverage, whose own files a limit would hit too."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    with serve(tmp_path, source) as server:
        yield server


def write(folder: Path, title: str, body: str = "", **fields: object) -> None:
    """Write an article file named by its title."""
    path = folder / "articles" / f"{title.replace(' ', '-').lower()}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(article_text(title, body, **fields), encoding="utf-8")


def titles(server: Addressed) -> list[str]:
    """Return the titles of the feed of everything, in alphabetical order."""
    answer = request(server, "GET", "/all.json")
    assert answer.status == 200
    return sorted(item["title"] for item in json.loads(answer.body)["items"])


def readyz(server: Server) -> dict[str, Any]:
    """Return what /readyz says; it must be 200."""
    answer = request(server.admin_address, "GET", "/readyz")
    assert answer.status == 200
    shown: dict[str, Any] = json.loads(answer.body)
    return shown


def metric(server: Server, name: str) -> float:
    """Return the value of a metric, labels and all; 0 where it is not there."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.metrics(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def logged(server: Server, words: str) -> list[str]:
    """Return the lines of standard error that contain some words."""
    return [line for line in server.stderr().splitlines() if words in line]


# The admin address


def assert_admin(server: Server, ask: Callable[[str], Response]) -> None:
    """Check the responses of the admin address, and that the public one has none of them."""
    answers = {path: ask(path) for path in ADMIN}
    assert {answer.status for answer in answers.values()} == {200}
    assert {answer["cache-control"] for answer in answers.values()} == {"no-store"}
    assert answers["/livez"].body == b"ok\n"
    assert json.loads(answers["/readyz"].body)["problem"] == ""
    assert answers["/metrics"]["content-type"].startswith("text/plain; version=0.0.4")
    assert b"feedhub_sync_failing 0.0\n" in answers["/metrics"].body
    assert {request(server, "GET", path).status for path in ADMIN} == {404}
    assert {ask(path).status for path in ("/", "/all.atom", "/feeds.opml")} == {404}


def test_health_and_metrics_have_their_own_address(server):
    assert_admin(server, lambda path: request(server.admin_address, "GET", path))


def test_the_admin_address_may_be_a_unix_socket(tmp_path, source):
    with serve(tmp_path, source, "--admin", "./admin.sock") as server:
        assert server.admin.startswith("unix:")
        assert_admin(server, lambda path: request(server.admin_address, "GET", path))
        assert server.stop() == 0
        assert not (tmp_path / "admin.sock").exists()


def test_without_an_admin_address_there_is_none(tmp_path, source):
    with serve(tmp_path, source, admin=False) as server:
        assert {request(server, "GET", path).status for path in ADMIN} == {404}


def test_answers_are_counted_by_format_and_status(server):
    tag = request(server, "GET", "/all.atom")["etag"]
    for _ in range(3):
        assert request(server, "GET", "/all.atom", [("If-None-Match", tag)]).status == 304
    request(server, "GET", "/nothing")
    assert metric(server, 'feedhub_requests_total{format="atom",status="200"}') == 1
    assert metric(server, 'feedhub_requests_total{format="atom",status="304"}') == 3
    assert metric(server, 'feedhub_requests_total{format="none",status="404"}') == 1
    assert metric(server, "feedhub_build_seconds_count") == 1
    until(
        lambda: metric(server, 'feedhub_articles{state="shown"}') == 4, "articles are not reported"
    )
    assert time.time() - metric(server, "feedhub_sync_timestamp_seconds") < 120


# A sync that fails


def lose_the_source(server: Server) -> Callable[[], object]:
    articles = server.folder / "articles"
    articles.rename(server.folder / "away")
    return lambda: (server.folder / "away").rename(articles)


def lose_every_article(server: Server) -> Callable[[], object]:
    saved = {path: path.read_bytes() for path in (server.folder / "articles").iterdir()}
    for path in saved:
        path.unlink()
    return lambda: [path.write_bytes(body) for path, body in saved.items()]


def lose_most_articles(server: Server) -> Callable[[], object]:
    saved = {path: path.read_bytes() for path in (server.folder / "articles").iterdir()}
    for path in list(saved)[:3]:
        path.unlink()
    return lambda: [path.write_bytes(body) for path, body in saved.items()]


@pytest.mark.parametrize("fail", [lose_the_source, lose_every_article, lose_most_articles])
def test_a_failed_sync_keeps_the_feeds_is_reported_and_recovers(server, fail):
    before = titles(server)
    repair = fail(server)
    until(lambda: metric(server, "feedhub_sync_failing") == 1, "no failure in the metrics")
    assert readyz(server)["problem"]
    assert titles(server) == before
    repair()
    write(server.folder, "Healed")
    until(lambda: "Healed" in titles(server), "it does not heal")
    until(lambda: metric(server, "feedhub_sync_failing") == 0, "the failure stays in the metrics")
    assert readyz(server)["problem"] == ""
    assert titles(server) == sorted([*before, "Healed"])


def test_a_catalog_that_cannot_be_written_is_reported_and_recovers():
    with open_folder() as folder:
        write(folder, "One")
        state = folder / "state"
        state.mkdir()
        if os.geteuid() == 0:
            os.chown(state, NOBODY, NOBODY)
        arguments = ["articles", "--catalog", "state/catalog.db", "--admin", "127.0.0.1:0"]
        flags = ["--base-url", "https://feeds.example.org", "--port", "0"]
        with unprivileged(folder, ["serve", *arguments, *flags]) as server:
            server.wait_until_ready()
            protect(state, protected=True)
            write(folder, "Unheard")
            until(lambda: metric(server, "feedhub_sync_failing") == 1, "no failure in the metrics")
            assert readyz(server)["problem"]
            # The log of the catalog is open, and may take the edit.
            assert "One" in titles(server)
            protect(state, protected=False)
            write(folder, "Healed")
            until(lambda: "Healed" in titles(server), "it does not heal")
            until(lambda: readyz(server)["problem"] == "", "the failure stays")


def protect(folder: Path, *, protected: bool) -> None:
    """Make a folder and its files read-only, or writable by their owner."""
    for path in folder.iterdir():
        path.chmod(0o444 if protected else 0o644)
    folder.chmod(0o555 if protected else 0o755)


def limit_files(server: Server, size: int) -> None:
    """Let no process of the server write behind this offset of a file, as on a full disk."""
    for pid in (server.process.pid, *children(server.process.pid)):
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk_of_the_catalog_is_told_until_there_is_room(unmeasured_server):
    server = unmeasured_server
    assert readyz(server)["state"] == "ready"
    limit_files(server, 4_000)
    (server.folder / "articles" / "article-1.md").unlink()
    why = "feedhub sync cannot use the catalog; its message is in the log"
    until(lambda: why in readyz(server)["problem"], "the problem is not reported")
    assert readyz(server)["state"] == "degraded"
    assert metric(server, "feedhub_sync_failing") == 1
    synced = metric(server, "feedhub_sync_timestamp_seconds")
    assert "Article 1" in titles(server)
    assert logged(server, "catalog.db: the catalog cannot be")
    assert not logged(server, "Traceback")
    limit_files(server, resource.RLIM_INFINITY)
    until(lambda: "Article 1" not in titles(server), "the withdrawal stays undone")
    until(lambda: readyz(server)["state"] == "ready", "the failure stays")
    # The report of a sync follows its commit: the new feeds may be visible a moment before.
    until(lambda: metric(server, "feedhub_sync_timestamp_seconds") > synced, "no sync is reported")


def test_a_server_goes_on_beside_a_damaged_catalog_and_picks_up_the_new_one(server):
    catalog = server.folder / "catalog.db"
    before, size = titles(server), catalog.stat().st_size // 4096 * 4096
    with catalog.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    assert titles(server) == before
    write(server.folder, "Later")
    for pid in children(server.process.pid):
        os.kill(pid, signal.SIGHUP)  # or it looks at everything within a minute
    until(lambda: "Later" in titles(server), "the new catalog is not read")
    until(lambda: readyz(server)["state"] == "ready", "the failure stays")
    # None where SQLite's log still held every page: then nothing damaged was read.
    assert len(logged(server, "the catalog was damaged and is made anew")) <= 1
    assert not logged(server, "Traceback")


def test_the_first_start_says_nothing_of_another_version(server):
    assert not logged(server, "version")


def test_a_sync_that_dies_is_restarted(server):
    (sync_pid,) = children(server.process.pid)
    os.kill(sync_pid, signal.SIGKILL)
    words = "feedhub sync exited with status -9"
    until(lambda: words in readyz(server)["problem"], "the problem is not reported")
    assert len(logged(server, words)) == 1
    assert titles(server) == [f"Article {number}" for number in range(4)]
    until(lambda: children(server.process.pid), "it is not started again")
    write(server.folder, "After")
    until(lambda: "After" in titles(server), "the new one does not follow")
    assert not living(sync_pid)
    until(lambda: readyz(server)["problem"] == "", "the failure stays")


# Signals


def configure(server: Server, toml: str) -> None:
    (server.folder / "feedhub.toml").write_text(toml, encoding="utf-8")
    server.process.send_signal(signal.SIGHUP)


def test_sighup_reloads_the_configuration(server):
    assert json.loads(request(server, "GET", "/all.json").body)["title"] == "First"
    before = request(server, "GET", "/all.atom")
    configure(server, '[site]\ntitle = "Second"\n[http]\nmax_age = 1234\n')
    until(
        lambda: b">Second<" in request(server, "GET", "/all.atom").body, "the title stays as it was"
    )
    after = request(server, "GET", "/all.atom")
    assert after["cache-control"].startswith("public, max-age=1234,")
    assert after["etag"] != before["etag"]
    assert readyz(server)["problem"] == ""
    configure(server, '[site]\ntitle = "Second"\n[http]\nmax_age = 1234\nstale_if_error = 7\n')
    until(
        lambda: "stale-if-error=7" in request(server, "GET", "/all.atom")["cache-control"],
        "what only the server needs stays as it was",
    )
    assert request(server, "GET", "/all.atom")["etag"] == after["etag"]


def test_sighup_with_a_wrong_configuration_changes_nothing_and_logs_one_line(server):
    before = request(server, "GET", "/all.atom")
    configure(server, '[site]\ntitle = "Second"\n[http]\nmax_age = "soon"\n')
    until(lambda: logged(server, "the previous configuration stays in use"), "it is not logged")
    write(server.folder, "Later")
    until(lambda: "Later" in titles(server), "it does not go on")
    after = request(server, "GET", "/all.atom")
    assert after["cache-control"] == before["cache-control"]
    assert b"Second" not in after.body
    (line,) = logged(server, "the previous configuration stays in use")
    assert "feedhub.toml:4: http.max_age" in line
    configure(server, '[site]\ntitle = "Third"\n')
    until(lambda: b">Third<" in request(server, "GET", "/all.atom").body, "it does not recover")


def test_sigterm_lets_a_slow_client_finish(tmp_path, source):
    for number in range(46):
        write(tmp_path, f"Long {number}", "x" * 200_000)
    toml = "[feeds]\nlimit = 100\nmax_bytes = 100_000_000\n"
    with serve(tmp_path, source, toml=toml) as server:
        slow, path = socket.socket(), ("127.0.0.1", server.port)
        slow.settimeout(30)
        with slow, socket.create_connection(path) as idle:
            slow.connect(path)
            slow.sendall(b"GET /all.json HTTP/1.1\r\nHost: x\r\n\r\n")
            received = slow.recv(1024)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: not accepts(server), "it listens on")
            time.sleep(0.5)
            while more := slow.recv(1 << 20):
                received += more
            assert idle.recv(1) == b""
        head, _, document = received.partition(b"\r\n\r\n")
        assert f"content-length: {len(document)}".encode() in head
        assert len(json.loads(document)["items"]) == 50
        assert server.process.wait(20) == 0
        assert server.left() == []


def accepts(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


# Secrets


def test_nothing_of_a_hidden_article_reaches_a_log_or_the_operator(tmp_path, source):
    for number, line in enumerate(REJECTED.values()):
        (source / f"rejected-{number}.md").write_text(secret(line), encoding="utf-8")
    (source / "hidden.md").write_text(secret("published: false"), encoding="utf-8")
    with serve(tmp_path, source) as server:
        (source / "later.md").write_text(secret("publishDate: 2998-01-01"), encoding="utf-8")
        until(lambda: metric(server, 'feedhub_articles{state="scheduled"}') == 1, "not scheduled")
        lose_every_article(server)
        until(lambda: metric(server, "feedhub_sync_failing") == 1, "no failure in the metrics")
        shown = [request(server.admin_address, "GET", path).body for path in ADMIN]
    shown += [server.stdout().encode(), server.stderr().encode()]
    assert any(b"rejected-" in text for text in shown)
    assert not [text for text in shown if any(map(CANARY.search, disguises(text)))]
