"""A file that takes too long to read is rejected, and the sync goes on."""

from __future__ import annotations

import re
import signal
import threading
import time
from functools import partial

import pytest

from feedhub.catalog import cpu_limit
from feedhub.catalog.cpu_limit import CpuLimit
from feedhub.site import source_of
from feedhub.sources import assembly
from tests.kit import NOW, make_bench

SLOW = "A slow one"


@pytest.fixture
def slow_reader(monkeypatch):
    """Have the article with the title SLOW take two seconds of CPU time."""
    make = assembly.make_article

    def make_slowly(file, *dates):
        if file.fields.node("title").text == SLOW:
            spin(2.0)
        return make(file, *dates)

    monkeypatch.setattr("feedhub.sources.reading.make_article", make_slowly)
    monkeypatch.setattr(cpu_limit, "MAX_SECONDS", 0.2)


def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return "read"


@pytest.mark.usefixtures("slow_reader")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_slow_file_is_rejected_and_the_others_are_published(tmp_path, processes):
    bench = make_bench(tmp_path)
    for number in range(80):
        bench.write(f"{number:02}.md", title=SLOW if number == 40 else f"Title {number}")
    start = time.monotonic()

    site = bench.site
    changes = site.sync(source_of(bench.root, bench.config, drafts=False), NOW, processes=processes)

    assert changes.published == 79
    [problem] = changes.problems
    assert (problem.path[-5:], problem.level, problem.code) == ("40.md", "error", "too-slow")
    assert "seconds of CPU time; shorten the file" in problem.message
    assert time.monotonic() - start < 60


@pytest.fixture
def limit(monkeypatch):
    """A limit of 0.2 seconds, started."""
    monkeypatch.setattr(cpu_limit, "MAX_SECONDS", 0.2)
    limit = CpuLimit()
    limit.start()
    yield limit
    limit.close()
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0


def test_an_exception_that_is_lost_inside_a_library_counts(limit):
    def read():
        try:
            return spin(1.0)
        except BaseException:  # as a callback of a library
            return "half of it"

    assert limit.run(read) is None


def test_time_is_counted_for_each_file(limit):
    assert [limit.run(partial(spin, 0.1)) for _ in range(5)] == ["read"] * 5
    assert limit.run(partial(spin, 1.0)) is None
    assert spin(0.4) == "read"
    assert limit.run(partial(spin, 0.1)) == "read"


def test_a_pattern_is_interrupted(limit):
    start = time.process_time()
    assert limit.run(lambda: re.match(r"(?:a|aa)+b", "a" * 60)) is None
    assert time.process_time() - start < 2


def test_errors_pass(limit):
    with pytest.raises(ZeroDivisionError):
        limit.run(lambda: 1 / 0)


def test_another_thread_reads_without_the_bound(monkeypatch):
    monkeypatch.setattr(cpu_limit, "MAX_SECONDS", 0.1)
    results = []

    def read():
        limit = CpuLimit()
        limit.start()
        results.append(limit.run(partial(spin, 0.3)))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()

    assert results == ["read"]
