"""Several workers on one socket: equal responses, replacement, shutdown, metrics."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.http_table import DOCUMENTS, F, Living, write_articles
from tests.servers import Response, Server, children, living, serve, until

COUNT = 3
MANY = 90  # connections: enough for every worker to get some


@contextmanager
def opened(folder: Path) -> Iterator[Living]:
    """Start a server of three workers."""
    articles = write_articles(folder / "articles")
    with serve(folder, articles, "--workers", str(COUNT)) as server:
        yield Living(server, articles)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory) -> Iterator[Living]:
    """A server whose workers are not killed."""
    with opened(tmp_path_factory.mktemp("lasting")) as site:
        until(lambda: all(site.get().status == 200 for _ in range(MANY)), "they do not start")
        yield site


@pytest.fixture
def site(tmp_path) -> Iterator[Living]:
    """A server whose processes may be killed."""
    with opened(tmp_path) as site:
        until(lambda: all(site.get().status == 200 for _ in range(MANY)), "they do not start")
        yield site


def workers(server: Server) -> list[int]:
    """Return the child processes that hold the listening socket."""
    wanted = f":{server.port:04X} "
    rows = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    inodes = {row.split()[9] for row in rows if wanted in row[:24] and row.split()[3] == "0A"}
    sockets = {f"socket:[{inode}]" for inode in inodes}
    return [pid for pid in children(server.process.pid) if open_files(pid) & sockets]


def open_files(pid: int) -> set[str]:
    """Return the open files of a process."""
    found = set()
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(path.readlink()))
    return found


@contextmanager
def alone(worker: int, server: Server) -> Iterator[None]:
    """Stop all workers but one, so that it answers."""
    others = [pid for pid in workers(server) if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def seen(answer: Response) -> tuple[str, str, bytes]:
    return answer["etag"], answer["last-modified"], answer.body


def test_the_server_is_ready_when_every_worker_is(tmp_path):
    with opened(tmp_path) as site:
        assert {site.get().status for _ in range(MANY)} == {200}


def test_every_worker_gives_the_same_bytes_and_validators(lasting):
    for target in DOCUMENTS:
        for coding in ("identity", "gzip", "br"):
            answers = set()
            for worker in workers(lasting.server):
                with alone(worker, lasting.server):
                    answers.add(seen(lasting.get(target, Accept_Encoding=coding)))
            assert len(answers) == 1


def test_after_an_edit_all_workers_give_the_new_version(lasting):
    old = lasting.get()
    lasting.write("1.md", "Edited", publishedDateTime="2020-06-02T11:00:00Z")
    lasting.after(old["etag"])
    until(
        lambda: old["etag"] not in {lasting.get()["etag"] for _ in range(MANY)},
        "some worker stays behind",
    )
    answers = {seen(lasting.get()) for _ in range(MANY)}
    for worker in workers(lasting.server):
        with alone(worker, lasting.server):
            answers.add(seen(lasting.get()))
    assert len(answers) == 1
    assert b"Edited" in answers.pop()[2]


def test_a_killed_worker_is_replaced_without_a_failed_request(site):
    expected = seen(site.get())
    for _ in range(2):
        before = workers(site.server)
        os.kill(before[0], signal.SIGKILL)
        until(lambda before=before: replaced(site, before, expected), "no new worker comes")  # type: ignore[misc]
    for worker in workers(site.server):
        with alone(worker, site.server):
            assert seen(site.get()) == expected


def replaced(site: Living, before: list[int], expected: tuple[str, str, bytes]) -> bool:
    """Return whether there is a new worker; every response meanwhile must be right."""
    new = set(workers(site.server)) - set(before)
    assert seen(site.get()) == expected
    for worker in new:
        with alone(worker, site.server):  # its very first answer
            assert seen(site.get()) == expected
    return len(new) == 1 and len(workers(site.server)) == COUNT


def test_the_others_answer_while_a_worker_hangs(lasting):
    expected = seen(lasting.get())
    hanging = workers(lasting.server)[0]
    os.kill(hanging, signal.SIGSTOP)
    try:
        assert {seen(lasting.get()) for _ in range(MANY)} == {expected}
    finally:
        os.kill(hanging, signal.SIGCONT)


def test_sigterm_ends_all_workers(site):
    all_of_them = [site.server.process.pid, *children(site.server.process.pid)]
    assert len(all_of_them) >= COUNT + 2  # the one that syncs is a process too
    assert site.server.stop() == 0, site.server.stderr()
    until(lambda: not any(living(pid) for pid in all_of_them), "some process is left")
    assert site.server.left() == []
    assert "Traceback" not in site.server.stderr()


@pytest.mark.parametrize("sign", ["admin on", "listening on", ""])
def test_sigterm_during_the_start_leaves_no_process(tmp_path, sign):
    articles = write_articles(tmp_path / "articles")
    with serve(tmp_path, articles, "--workers", str(COUNT), wait=False) as server:
        until(lambda: sign in server.stderr() and children(server.process.pid), "nothing starts")
        assert server.stop() in {0, -signal.SIGTERM}
        until(lambda: not server.left(), "some process is left")
    assert "Traceback" not in server.stderr()


def test_sigterm_before_a_restart_leaves_no_process(site):
    os.kill(workers(site.server)[0], signal.SIGKILL)
    until(lambda: "restarting it" in site.server.stderr(), "the loss is not logged")
    assert site.server.stop() == 0
    until(lambda: not site.server.left(), "some process is left")


def test_no_worker_outlives_a_killed_parent(site):
    all_of_them = children(site.server.process.pid)
    site.server.kill()
    until(lambda: not any(living(pid) for pid in all_of_them), "some process is left")


def requests_total(server: Server, status: int) -> float:
    """Sum feedhub_requests_total of Atom documents with a status."""
    rows = re.findall(r"^feedhub_requests_total\{([^}]*)\} (\S+)$", server.metrics(), re.MULTILINE)
    return sum(
        float(value)
        for labels, value in rows
        if 'format="atom"' in labels and f'status="{status}"' in labels
    )


def test_metrics_are_added_up_over_workers(lasting):
    etag = lasting.get()["etag"]
    until(lambda: requests_total(lasting.server, 200) >= 1, "the first request is not counted")
    before = {status: requests_total(lasting.server, status) for status in (200, 304)}
    for worker in workers(lasting.server):
        with alone(worker, lasting.server):
            for _ in range(10):
                assert lasting.get().status == 200
                assert lasting.get(If_None_Match=etag).status == 304
    for status, count in before.items():
        until(
            lambda status=status, count=count: (
                requests_total(lasting.server, status)  # type: ignore[misc]
                >= count + COUNT * 10  # counts of the moment before may come late
            ),
            f"not every {status} is counted\n{lasting.server.metrics()}",
        )
    assert lasting.get(F).status == 200


def test_the_counts_of_a_killed_worker_remain(site):
    site.get()
    until(lambda: requests_total(site.server, 200) >= 1, "the first request is not counted")
    before = requests_total(site.server, 200)
    for worker in workers(site.server):
        with alone(worker, site.server):
            assert site.get().status == 200
    until(lambda: requests_total(site.server, 200) >= before + COUNT, "not every one is counted")
    os.kill(workers(site.server)[0], signal.SIGKILL)
    until(lambda: len(workers(site.server)) == COUNT, "no new worker comes")
    assert requests_total(site.server, 200) >= before + COUNT
