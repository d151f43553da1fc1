"""`feedhub render --watch`: which changes it sees, which errors it survives, how it ends."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feedhub.cli import options, registry, render
from feedhub.cli import watch as watching
from feedhub.cli.watch import Round
from feedhub.errors import OutputError
from feedhub.sources import ReadOptions
from feedhub.sources.files import FilesSource
from tests.kit import article_text

TIMEOUT = 30.0  # seconds, for a busy machine
SCHEDULE_DELAY = 8.0  # seconds after which it certainly watches


class Watcher:
    """A process that watches `articles`, and the lines it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: dict[str, queue.Queue[str]] = {}
        for name in ("stdout", "stderr"):
            self._lines[name] = queue.Queue()
            threading.Thread(target=self._read, args=(name,), daemon=True).start()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, name):
            self._lines[name].put(line)

    def summary(self) -> dict[str, dict[str, Any]]:
        """Wait for the next summary on standard output."""
        return json.loads(self._lines["stdout"].get(timeout=TIMEOUT))

    def error_line(self) -> str:
        """Wait for the next line on standard error."""
        return self._lines["stderr"].get(timeout=TIMEOUT)

    def quiet_for(self, seconds: float) -> bool:
        """Tell whether nothing is printed for a while."""
        time.sleep(seconds)
        return all(lines.empty() for lines in self._lines.values())

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("one.md", "One")
    return tmp_path


def write(name: str, title: str, **fields: str) -> None:
    path = Path("articles") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(article_text(title, **fields), encoding="utf-8")


@contextmanager
def watcher(*more: str, out: str = "public") -> Iterator[Watcher]:
    """Watch `articles` in a process of its own."""
    arguments = ["render", "articles", out, "--watch", "--json", *more]
    with subprocess.Popen(
        [sys.executable, "-m", "feedhub", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"FEEDHUB_SITE_BASE_URL": "https://feeds.example.org"},
    ) as process:
        try:
            yield Watcher(process)
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def titles() -> list[str]:
    items = json.loads(Path("public/all.json").read_bytes())["items"]
    return [item["title"] for item in items]


def test_edited_new_and_removed_files_are_rendered():
    with watcher() as watched:
        assert watched.summary()["articles"]["published"] == 1
        write("two.md", "Two")
        assert watched.summary()["articles"]["published"] == 2
        write("one.md", "One again")
        watched.summary()
        assert sorted(titles()) == ["One again", "Two"]
        Path("articles/two.md").unlink()
        watched.summary()
        assert titles() == ["One again"]
        assert watched.end(signal.SIGTERM) == 0


def test_a_file_that_is_away_for_a_moment_never_leaves():
    """As in a checkout, which deletes a file before it writes it again."""
    write("two.md", "Two")
    with watcher() as watched:
        watched.summary()
        before = Path("public/all.json").read_bytes()
        Path("articles/two.md").rename("away")
        back = threading.Timer(1.5, lambda: Path("away").rename("articles/two.md"))
        back.start()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert Path("public/all.json").read_bytes() == before
            time.sleep(0.02)
        back.join()
        assert watched.summary()["documents"]["written"] == 0


def test_a_deleted_file_is_withdrawn_within_seconds():
    write("two.md", "Two")
    with watcher() as watched:
        watched.summary()
        start = time.monotonic()
        Path("articles/two.md").unlink()
        while titles() != ["One"]:
            time.sleep(0.02)
            assert time.monotonic() - start < TIMEOUT
        # Three on an idle machine.
        assert time.monotonic() - start < TIMEOUT / 5


def test_a_scheduled_article_appears_without_a_change():
    soon = datetime.now(UTC) + timedelta(seconds=SCHEDULE_DELAY)
    write("soon.md", "Soon", publishedDateTime=soon.isoformat())
    with watcher() as watched:
        assert watched.summary()["articles"]["hidden"] == {"scheduled": 1}
        assert watched.summary()["articles"]["published"] == 2
        assert datetime.now(UTC) - soon < timedelta(seconds=TIMEOUT / 2)
        assert "Soon" in titles()


def test_the_very_first_article_may_be_scheduled():
    Path("articles/one.md").unlink()
    soon = datetime.now(UTC) + timedelta(seconds=SCHEDULE_DELAY)
    write("soon.md", "Soon", publishedDateTime=soon.isoformat())
    with watcher() as watched:
        assert "none of 1 files can be published" in watched.error_line()
        assert watched.summary()["articles"]["published"] == 1


@pytest.mark.parametrize("out", ["public", "articles/public"])
def test_its_own_output_is_not_a_change(out: str):
    with watcher(out=out) as watched:
        watched.summary()
        assert watched.quiet_for(1.0)
        shutil.rmtree(Path(out) / "topics", ignore_errors=True)
        assert watched.quiet_for(1.0)


def test_changes_are_seen_in_a_source_inside_the_output():
    with watcher(out=".") as watched:
        watched.summary()
        write("two.md", "Two")
        assert watched.summary()["articles"]["published"] == 2


def test_hidden_files_are_not_a_change():
    with watcher() as watched:
        watched.summary()
        Path("articles/.one.md.swp").write_text("half", encoding="utf-8")
        assert watched.quiet_for(1.0)


def test_a_broken_configuration_is_reported_and_corrected_without_a_restart():
    Path("feedhub.toml").write_text('[site]\ntitle = "First"\n', encoding="utf-8")
    with watcher() as watched:
        watched.summary()
        Path("feedhub.toml").write_text('[site]\ntitel = "Wrong"\n', encoding="utf-8")
        assert watched.error_line().startswith("feedhub: feedhub.toml:2: ")
        Path("feedhub.toml").write_text('[site]\ntitle = "Second"\n', encoding="utf-8")
        watched.summary()
        assert json.loads(Path("public/all.json").read_bytes())["title"] == "Second"


def test_adopted_ids_are_taken_over_at_once_and_their_loss_is_refused():
    def ids() -> list[str]:
        items = json.loads(Path("public/all.json").read_bytes())["items"]
        return [item["id"] for item in items]

    with watcher() as watched:
        watched.summary()
        Path("known").write_text('{"id":"1","url":"https://news.example/one"}\n')
        Path("known").rename("ids.jsonl")
        assert "take the id of 1 article out of the file of source.ids" in watched.error_line()
        Path("ids.jsonl").write_text('{"id":"2","url":"https://news.example/two"}\n')
        write("two.md", "Two")
        while "2" not in ids():
            watched.summary()
        Path("ids.jsonl").unlink()
        assert "restore the file of source.ids, which lacks 1 id " in watched.error_line()
        assert "2" in ids()
        Path("feedhub.toml").write_text('[source]\nids = "other.jsonl"\n')
        assert "restore the file of source.ids" in watched.error_line()
        Path("other.jsonl").write_text('{"id":"2","url":"https://news.example/two"}\n')
        assert watched.summary()["documents"]["written"] == 0


def test_a_bad_file_is_reported_and_the_rest_is_rendered():
    with watcher() as watched:
        watched.summary()
        Path("articles/bad.md").write_text("---\npublished: perhaps\n---\n", encoding="utf-8")
        assert watched.error_line().startswith("articles/bad.md:2: ")
        assert watched.summary()["articles"]["rejected"] == 1


def test_a_source_that_is_replaced_is_followed():
    Path("articles").rename("v1")
    Path("articles").symlink_to("v1")
    shutil.copytree("v1", "v2")
    Path("v2/one.md").write_text(article_text("Of version 2"), encoding="utf-8")
    with watcher() as watched:
        watched.summary()
        Path("new").symlink_to("v2")
        Path("new").rename("articles")
        watched.summary()
        assert titles() == ["Of version 2"]
        Path("v2/two.md").write_text(article_text("Two"), encoding="utf-8")
        assert watched.summary()["articles"]["published"] == 2


def test_a_missing_source_keeps_the_output_until_it_is_back():
    with watcher() as watched:
        watched.summary()
        Path("articles").rename("away")
        assert "articles: does not exist" in watched.error_line()
        assert titles() == ["One"]
        Path("away").rename("articles")
        write("two.md", "Two")
        while watched.summary()["articles"]["published"] != 2:
            pass
        assert watched.end(signal.SIGTERM) == 0


@pytest.mark.usefixtures("default_sigint")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_quietly(number: int, code: int):
    with watcher() as watched:
        watched.summary()
        assert watched.end(number) == code
        assert watched.quiet_for(0.2)


def test_an_error_at_the_start_ends_it():
    with watcher("--config", "missing.toml") as watched:
        assert "missing.toml: cannot be read" in watched.error_line()
        assert watched.process.wait(TIMEOUT) == 2


# In this process: what a run returns decides when it comes again

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ALWAYS = timedelta(microseconds=-1)


def raising(error: Exception) -> watching.Run:
    def run(this: Round) -> tuple[int, datetime | None]:
        raise error

    return run


@pytest.mark.parametrize(
    ("due", "next_due"),
    [
        (None, None),
        (NOW + timedelta(seconds=1), NOW + timedelta(seconds=1)),
        (NOW, NOW + timedelta(minutes=1)),
        (NOW - timedelta(days=1), NOW + timedelta(minutes=1)),
    ],
)
@pytest.mark.parametrize(("code", "has_failed"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_run_that_stays_due_waits(
    code: int, has_failed: bool, due: datetime | None, next_due: datetime | None
):
    assert watching.run_once(lambda _: (code, due), Round(), NOW) == (has_failed, next_due)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Run the loop of `watch` for a number of rounds in which no file changes."""

    def loop(rounds: int, due: datetime | None = None, **options: Any) -> list[int]:
        runs: list[int] = []
        current_round = [0]

        def run(this: Round) -> tuple[int, datetime | None]:
            runs.append(current_round[0])
            return 0, due

        def changes() -> Iterator[set[str]]:
            for current_round[0] in range(rounds):
                yield set()

        assert watching.watch(source_of(changes(), monkeypatch), run, **options) == 0
        return runs

    return loop


def source_of(
    changes: Iterator[set[str]] | list[set[str] | None], monkeypatch: pytest.MonkeyPatch
) -> FilesSource:
    """Return a source that is watched with these changes, in this process."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    source = FilesSource(Path("articles"), ReadOptions())
    monkeypatch.setattr(source, "watch", lambda *_: iter(changes))
    return source


def test_without_a_change_it_runs_once(loop: Callable[..., list[int]]):
    assert loop(5) == [0]
    assert loop(5, due=datetime.now(UTC) + timedelta(days=1)) == [0]


def test_it_runs_at_least_once_per_max_interval(loop: Callable[..., list[int]]):
    assert loop(4, max_interval=ALWAYS) == [0, 1, 2, 3]
    assert loop(4, max_interval=timedelta(days=1)) == [0]
    assert loop(4, due=datetime.now(UTC) + timedelta(days=1), max_interval=ALWAYS) == [0, 1, 2, 3]


def test_it_runs_again_when_the_event_is_set(loop: Callable[..., list[int]]):
    again = threading.Event()
    again.set()
    assert loop(3, again=again) == [0]
    assert not again.is_set()

    def ask_again() -> bool:
        again.set()
        return True

    assert loop(4, again=again, keep_running=ask_again) == [0, 1, 2, 3]


def test_it_ends_when_keep_running_is_false(loop: Callable[..., list[int]]):
    answers = iter([True, True, False])
    assert loop(9, max_interval=ALWAYS, keep_running=lambda: next(answers)) == [0, 1]
    assert loop(9, keep_running=lambda: False) == []


def test_a_run_gets_the_paths_unless_anything_may_have_changed(monkeypatch: pytest.MonkeyPatch):
    changes: list[set[str] | None] = [set(), {"a.md"}, None, {"b.md"}, {"c.md"}, {"d.md"}, set()]
    codes = iter([0, 1, 0, 3, 0, 0])
    rounds: list[Round] = []

    def run(this: Round) -> tuple[int, datetime | None]:
        rounds.append(this)
        return next(codes), None

    assert watching.watch(source_of(changes, monkeypatch), run) == 0
    everything = Round(None, is_check=False)
    after_failure = [Round({"b.md"}), everything, Round({"d.md"})]
    assert rounds == [everything, Round({"a.md"}), everything, *after_failure]


def test_the_clock_may_be_set_back(monkeypatch: pytest.MonkeyPatch):
    """All files are looked at once a minute all the same."""
    clock = [1_000.0]
    rounds: list[Round] = []

    class OldClock:
        @staticmethod
        def now(_: object) -> datetime:
            return NOW - timedelta(hours=len(rounds))

    def run(this: Round) -> tuple[int, None]:
        rounds.append(this)
        return 0, None

    def changes() -> Iterator[set[str]]:
        for seconds in (0, 59, 2, 59, 2):
            clock[0] += seconds
            yield set()

    monkeypatch.setattr(watching, "datetime", OldClock)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert watching.watch(source_of(changes(), monkeypatch), run) == 0
    assert rounds == [Round(None), Round(None, is_check=True), Round(None, is_check=True)]


def test_what_is_due_is_looked_at_alone(monkeypatch: pytest.MonkeyPatch):
    rounds: list[Round] = []

    def run(this: Round) -> tuple[int, datetime | None]:
        rounds.append(this)
        return 0, datetime.now(UTC) + timedelta(milliseconds=1) if len(rounds) == 1 else None

    def changes() -> Iterator[set[str]]:
        for _ in range(3):
            yield set()
            time.sleep(0.01)

    assert watching.watch(source_of(changes(), monkeypatch), run) == 0
    assert rounds == [Round(None), Round(set(), is_check=True)]


def test_a_check_that_changes_nothing_is_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    args = registry.parse(
        ["render", "articles", "public", "--base-url", "https://x.example", "--json"]
    )
    config = options.config_of(args)
    monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", 0)  # every stamp is trusted
    catalog = options.OpenCatalog()
    for is_check, is_silent in ((True, False), (False, False), (True, True)):
        assert render.render(args, config, catalog, is_check=is_check)[0] == 0
        assert (capsys.readouterr().out == "") is is_silent
    catalog.close()


def test_an_error_is_printed_and_the_run_tried_again(capsys: pytest.CaptureFixture[str]):
    failed = watching.run_once(raising(OutputError("full")), Round(), NOW)
    assert failed == (True, NOW + timedelta(minutes=1))
    assert capsys.readouterr().err == "feedhub: full\n"


def test_an_error_of_the_system_is_printed_too(
    capsys: pytest.CaptureFixture[str],
):
    refused = raising(PermissionError(13, "Permission denied", "articles"))
    assert watching.run_once(refused, Round(), NOW) == (True, NOW + timedelta(minutes=1))
    assert capsys.readouterr().err == "feedhub: articles: Permission denied\n"


def test_it_ends_when_standard_output_is_closed():
    with pytest.raises(BrokenPipeError):
        watching.run_once(raising(BrokenPipeError(32, "Broken pipe")), Round(), NOW)


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        watching.run_once(raising(ZeroDivisionError()), Round(), NOW)
