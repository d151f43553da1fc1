"""`feedhub sync` writes a catalog, an unprivileged `feedhub serve --catalog` reads it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from feedhub.catalog import Catalog, Changes, SyncReport
from feedhub.cli import main
from feedhub.site import Site
from tests.canaries import CANARY, REJECTED, disguises, secret
from tests.kit import article_text, files_below
from tests.launching import open_folder, unprivileged
from tests.servers import Server, request, serve, start, until

pytestmark = pytest.mark.measured

BASE = ("--base-url", "https://feeds.example.org")
CATALOG = ("--catalog", "data/catalog.db")
READING = ("serve", *CATALOG, *BASE, "--port", "0", "--admin", "127.0.0.1:0")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with two good `articles` and a folder `data` for the catalog."""
    with open_folder() as folder:
        monkeypatch.chdir(folder)
        Path("data").mkdir()
        write("one", "One")
        write("two", "Two")
        yield folder
        monkeypatch.undo()


def write(name: str, title: str, **fields: object) -> None:
    Path("articles").mkdir(exist_ok=True)
    text = article_text(title, "", topics=["AI"], **fields)
    (Path("articles") / f"{name}.md").write_text(text, encoding="utf-8")


def sync(*more: str) -> subprocess.CompletedProcess[str]:
    """Sync once, and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "feedhub", "sync", "articles", *CATALOG, *BASE, *more],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def titles(server: Server) -> list[str]:
    """Return the titles of the feed of all articles, sorted."""
    answer = request(server, "GET", "/all.json")
    assert answer.status == 200
    return sorted(item["title"] for item in json.loads(answer.body)["items"])


def readyz(server: Server) -> tuple[int, dict[str, Any]]:
    answer = request(server.admin_address, "GET", "/readyz")
    return answer.status, json.loads(answer.body)


# One sync


def test_a_good_source_is_exit_code_0_and_one_line():
    ran = sync()
    assert (ran.returncode, ran.stderr) == (0, "")
    articles = "articles: 2 found, 2 read, 2 published, 0 hidden, 0 rejected; feeds: "
    assert ran.stdout.startswith(articles)
    assert ran.stdout.count("\n") == 1


def test_a_second_sync_changes_nothing():
    sync()
    assert json.loads(sync("--json").stdout)["changed_feeds"] == 0


def test_the_summary_as_json():
    write("hidden", "Hidden", published=False)
    ran = sync("--json")
    facts = json.loads(ran.stdout)
    assert facts.pop("seconds") < 60
    assert facts.pop("changed_feeds") > 1
    assert facts == {"articles": {"shown": 2, "unpublished": 1}, "read": 3, "rejected": 0}


def test_a_rejected_file_is_exit_code_1_and_the_rest_is_published():
    Path("articles/bad.md").write_text("---\npublished: perhaps\n---\n", encoding="utf-8")
    ran = sync("--json")
    assert ran.returncode == 1
    assert "bad.md:2: " in ran.stderr
    assert json.loads(ran.stdout)["articles"]["shown"] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "nowhere.toml"],
        ["--base-url", "ftp://feeds.example.org"],
        ["--catalog", "articles"],
        ["--unknown"],
    ],
)
def test_wrong_arguments_are_exit_code_2_and_one_line(arguments):
    ran = sync(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("feedhub")
    assert ran.stderr.count("\n") == 1


def test_without_a_source_or_a_catalog_it_is_exit_code_2():
    for arguments in (["sync", "articles"], ["sync", "nowhere", *CATALOG], ["serve"]):
        command = [sys.executable, "-m", "feedhub", *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (ran.returncode, ran.stdout) == (2, ""), arguments
        assert "Traceback" not in ran.stderr, arguments


def test_a_shrunken_source_is_exit_code_3_unless_allowed():
    for number in range(4):
        write(f"more-{number}", f"More {number}")
    sync()
    for path in list(Path("articles").iterdir())[:4]:
        path.unlink()
    ran = sync()
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "only 2 of 6 articles are left" in ran.stderr
    with unprivileged(Path.cwd(), READING) as server:
        server.wait_until_ready()
        assert len(titles(server)) == 6
        assert "only 2 of 6" in readyz(server)[1]["problem"]
        assert sync("--allow-shrink").returncode == 0
        until(lambda: len(titles(server)) == 2, "the shrunken source does not appear")
        until(lambda: readyz(server)[1]["problem"] == "", "the problem stays")


def test_a_sync_says_when_it_began_and_that_it_has_ended(monkeypatch):
    seen = []

    def sync_and_look(site: Site, *args: Any, **kwargs: Any) -> Changes:
        with closing(Catalog(Path("data/catalog.db"))) as catalog:
            seen.append(catalog.read(SyncReport).began_at)
        return original(site, *args, **kwargs)

    original = Site.sync
    monkeypatch.setattr(Site, "sync", sync_and_look)
    for guarded in (False, True):
        if guarded:  # refused: nothing is left
            shutil.rmtree("articles")
            Path("articles").mkdir()
        before = time.time()
        code = main(["sync", "articles", *CATALOG, *BASE])
        assert code == (3 if guarded else 0)
        assert before - 1 <= seen[-1] <= time.time()
        with closing(Catalog(Path("data/catalog.db"))) as catalog:
            assert catalog.read(SyncReport).began_at == 0


def test_nothing_of_a_hidden_article_stays_in_the_catalog():
    withdrawn = "Withdrawn title"  # too long to stand in a digest by chance
    write("two", withdrawn)
    assert sync().returncode == 0
    for number, line in enumerate([*REJECTED.values(), "published: false", "removed: true"]):
        Path(f"articles/h{number}.md").write_text(secret(line), encoding="utf-8")
    Path("articles/two.md").write_text(secret("published: false"), encoding="utf-8")
    ran = sync("--json")
    written = files_below(Path("data")) | {"out": ran.stdout.encode(), "err": ran.stderr.encode()}
    found = [name for name, text in written.items() if any(map(CANARY.search, disguises(text)))]
    assert found == []
    assert ran.returncode == 1, ran.stderr
    found = [name for name, text in files_below(Path("data")).items() if withdrawn.encode() in text]
    assert found == []


# Two processes


@pytest.fixture
def reader(folder) -> Iterator[Server]:
    """A server that may only read the catalog, after a first sync."""
    assert sync().returncode == 0
    with unprivileged(folder, READING) as server:
        server.wait_until_ready()
        yield server


def test_an_unprivileged_server_follows_syncs_and_writes_nothing(reader):
    assert titles(reader) == ["One", "Two"]
    before = request(reader, "GET", "/all.atom")
    for number in range(3):
        write("one", f"One {number}")
        assert sync().returncode == 0
        until(lambda number=number: f"One {number}" in titles(reader), "a sync is not seen")  # type: ignore[misc]
    after = request(reader, "GET", "/all.atom")
    assert after["etag"] != before["etag"]
    assert parsedate_to_datetime(after["last-modified"]) > parsedate_to_datetime(
        before["last-modified"]
    )
    owners = {path.stat().st_uid for path in [Path("data"), *Path("data").iterdir()]}
    assert owners == {os.geteuid()}
    assert not [path for path in Path("data").iterdir() if path.stat().st_mode & 0o022]
    assert readyz(reader)[1]["problem"] == ""


def test_other_users_can_read_the_catalog_but_not_write_it(reader):
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path("data").iterdir()}
    assert {mode & 0o044 for mode in modes.values()} == {0o044}, modes


def test_an_unprivileged_server_follows_a_watching_sync(reader):
    with start(Path.cwd(), ["sync", "articles", *CATALOG, *BASE, "--watch"]) as watcher:
        write("three", "Three")
        until(lambda: "Three" in titles(reader), "a new article is not seen")
        Path("articles/two.md").unlink()
        until(lambda: titles(reader) == ["One", "Three"], "a removed article stays")
        Path("ids.jsonl").write_text('{"id":"earlier","url":"https://news.example/four"}\n')
        write("four", "Four")
        page = partial(request, reader, "GET", "/all.json")
        until(lambda: b'"earlier"' in page().body, "an adopted id is not seen")
        assert watcher.stop() == 0
    assert sorted(titles(reader)) == ["Four", "One", "Three"]
    names = {path.name for path in Path("data").iterdir()}
    assert names - {"catalog.db-wal", "catalog.db-shm"} == {"catalog.db", "catalog.db.ledger"}


def test_two_syncs_in_one_second_get_different_dates_and_none_in_the_future(reader):
    answer = request(reader, "GET", "/all.json")
    for number in range(4):
        write("one", f"One {number}")
        sync()
        since = [("If-Modified-Since", answer["last-modified"])]
        title = f'"One {number}"'.encode()
        until(
            lambda since=since, title=title: (  # type: ignore[misc]
                title in request(reader, "GET", "/all.json", since).body
            ),
            "a client that asks by date misses a change",
        )
        answer = request(reader, "GET", "/all.json")
        modified, date = (parsedate_to_datetime(answer[name]) for name in ("last-modified", "date"))
        assert modified <= date


def test_before_the_first_sync_the_server_answers_503(folder):
    with unprivileged(folder, READING) as server:
        until(lambda: server.admin, "no admin address")
        for path in ("/all.atom", "/", "/feeds.opml", "/nothing"):
            answer = request(server, "GET", path)
            assert answer.status == 503
            assert int(answer["retry-after"]) >= 1
            assert answer["cache-control"] == "no-store"
        status, state = readyz(server)
        assert status == 503
        assert state["problem"]
        assert request(server.admin_address, "GET", "/livez").status == 200
        assert sync().returncode == 0
        server.wait_until_ready()
        assert titles(server) == ["One", "Two"]


def test_documents_follow_the_configuration_of_the_sync(reader):
    write("one", "Elsewhere")
    assert sync("--base-url", "https://other.example", "--accept-new-ids").returncode == 0
    until(lambda: titles(reader) == ["Elsewhere", "Two"], "the new catalog is not taken")
    answer = request(reader, "GET", "/all.atom")
    assert answer["link"] == '<https://other.example/all.atom>; rel="self"'
    assert b"https://other.example/all.atom" in answer.body
    assert readyz(reader)[1]["problem"] == ""


def test_a_server_with_another_configuration_serves_the_catalog(folder):
    sync("--base-url", "https://other.example")
    with unprivileged(folder, READING) as server:
        server.wait_until_ready()
        answer = request(server, "GET", "/all.atom")
        assert answer["link"] == '<https://other.example/all.atom>; rel="self"'


def test_a_replaced_or_removed_catalog_is_no_error(reader):
    Path("data/catalog.db").rename("data/away.db")
    assert titles(reader) == ["One", "Two"]
    for suffix in ("-wal", "-shm"):
        Path(f"data/catalog.db{suffix}").unlink(missing_ok=True)
    write("one", "New")
    assert sync().returncode == 0
    until(lambda: titles(reader) == ["New", "Two"], "the new catalog is not taken")
    assert readyz(reader)[1]["problem"] == ""


def test_a_watching_sync_reads_its_configuration_again_at_sighup(folder):
    toml = folder / "feedhub.toml"
    toml.write_text('[site]\ntitle = "First"\n', encoding="utf-8")
    with (
        start(folder, ["sync", "articles", *CATALOG, *BASE, "--watch"]) as watcher,
        serve(folder, None, *CATALOG) as server,
    ):
        toml.write_text('[site]\ntitle = "Second"\n', encoding="utf-8")
        watcher.process.send_signal(signal.SIGHUP)
        until(
            lambda: json.loads(request(server, "GET", "/all.json").body)["title"] == "Second",
            "the title stays as it was",
        )
        assert readyz(server)[1]["problem"] == ""
