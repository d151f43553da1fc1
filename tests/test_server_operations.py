"""What operators see: metrics, readiness, events, messages to the service manager."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import os
import platform
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from feedhub import __version__
from feedhub.server import metrics as metrics_module
from feedhub.server.admin import Status, format_metrics, make_admin
from feedhub.server.logs import AccessLog, AccessRecord, EventLog
from feedhub.server.metrics import REQUEST_BUCKETS, BatchHistogram, Metrics
from feedhub.server.processes import ProcessStatus
from feedhub.server.recorder import RequestRecorder
from feedhub.server.sockets import notify, watchdog_seconds
from tests.fronts import Reply, call_app, scope_of

WELL = Status(
    ready=True,
    problem="",
    generation=7,
    feeds={"topic": 12},
    articles={"shown": 5, "hidden": 2},
    rejected=1,
    synced=1_591_700_000.5,
    seconds=0.25,
)
RECORD = AccessRecord("GET", "/all.rss", "1.1", "", "", 200, 1_000)


def record(metrics: Metrics, name: str = "rss", status: int = 200, size: int = 1_000) -> None:
    """Record a response that took two milliseconds."""
    recorder = RequestRecorder(AccessLog(io.StringIO()), metrics)
    exchange = RECORD._replace(status=status, size=size)
    recorder.record(recorder.labels(exchange, name, 0), None, 0.002)
    recorder.flush()


def samples(body: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the text format as Prometheus does."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def single(body: bytes, name: str, **labels: str) -> float:
    return samples(body)[name, tuple(sorted(labels.items()))]


def test_answers_are_counted_by_format_and_status():
    metrics = Metrics()
    for name, status in (("rss", 200), ("rss", 304), ("rss", 304), ("", 404)):
        record(metrics, name, status, size=10)
    body = format_metrics(metrics, lambda: WELL)

    assert single(body, "feedhub_requests_total", format="rss", status="304") == 2
    assert single(body, "feedhub_requests_total", format="none", status="404") == 1
    assert single(body, "feedhub_response_bytes_total") == 40
    assert single(body, "feedhub_request_seconds_sum") == pytest.approx(0.008)


def test_log_lines_are_written_in_small_batches_and_in_order():
    """The next request waits for each batch; a crash loses the pending lines."""
    out, metrics, number = io.StringIO(), Metrics(), 3_000
    recorder = RequestRecorder(AccessLog(out), metrics)
    written = [0]
    for path in range(number):
        exchange = RECORD._replace(target=f"/{path}")
        recorder.record(recorder.labels(exchange, "rss", 0), None, 0.002)
        written.append(out.getvalue().count("\n"))
        assert path + 1 - written[-1] < 256
    steps = [after - before for before, after in itertools.pairwise(written)]
    recorder.flush_all()

    assert max(steps) <= 256
    assert len([step for step in steps if step]) < number / 20
    targets = [line.split()[6] for line in out.getvalue().splitlines()]
    assert targets == [f"/{path}" for path in range(number)]
    body = format_metrics(metrics, lambda: WELL)
    assert single(body, "feedhub_request_seconds_sum") == pytest.approx(number * 0.002)
    assert single(body, "feedhub_request_seconds_count") == number
    assert single(body, "feedhub_request_seconds_bucket", le="0.001") == 0
    assert single(body, "feedhub_request_seconds_bucket", le="0.0025") == number


def test_flushed_counts_are_not_counted_again():
    metrics = Metrics()
    counts = metrics.counts("rss", 200)
    record(metrics)
    metrics.flush()
    metrics.flush()
    record(metrics)
    assert metrics.counts("rss", 200) is counts
    body = format_metrics(metrics, lambda: WELL)

    assert single(body, "feedhub_requests_total", format="rss", status="200") == 2


def test_the_status_is_that_of_the_moment():
    now = [WELL]
    metrics = Metrics()
    body = format_metrics(metrics, lambda: now[0])

    assert single(body, "feedhub_ready") == 1
    assert single(body, "feedhub_sync_failing") == 0
    assert single(body, "feedhub_sync_timestamp_seconds") == 1_591_700_000.5
    assert single(body, "feedhub_generation") == 7
    assert single(body, "feedhub_feeds", kind="topic") == 12
    assert single(body, "feedhub_rejected_files") == 1
    assert single(body, "feedhub_articles", state="shown") == 5
    assert single(body, "feedhub_articles", state="hidden") == 2

    now[0] = WELL._replace(ready=False, problem="the source is away")
    body = format_metrics(metrics, lambda: now[0])
    assert (single(body, "feedhub_ready"), single(body, "feedhub_sync_failing")) == (0, 1)


def test_restarts_of_processes_are_counted_by_name():
    """A process that exits again and again shows in its count; it is no failure of the sync."""
    processes = {
        "feedhub sync": ProcessStatus(0, ""),
        "feedhub ping": ProcessStatus(3, "it ended with 2"),
    }
    status = WELL._replace(processes=processes)
    body = format_metrics(Metrics(), lambda: status)

    assert single(body, "feedhub_process_restarts_total", process="feedhub sync") == 0
    assert single(body, "feedhub_process_restarts_total", process="feedhub ping") == 3
    assert single(body, "feedhub_sync_failing") == 0
    shown = json.loads(admin("/readyz", status=status).body)["processes"]
    assert shown["feedhub ping"] == {"restarts": 3, "problem": "it ended with 2"}


@given(st.lists(st.floats(0, 10) | st.sampled_from([0.0005, 0.0025, 5.0]), max_size=300))
def test_a_batch_of_values_counts_as_each_of_them(values):
    one, all_at_once = (
        BatchHistogram("seconds", "Seconds.", buckets=REQUEST_BUCKETS, registry=None)
        for _ in range(2)
    )
    for value in values:
        one.observe(value)
    all_at_once.observe_all(list(values))
    (expected,), (found,) = one.collect(), all_at_once.collect()

    *buckets, total = found.samples
    assert buckets == expected.samples[:-1]
    assert total.name == "seconds_sum"
    assert total.value == pytest.approx(expected.samples[-1].value)


def test_the_version_is_a_metric():
    body = format_metrics(Metrics(), lambda: WELL)
    python = platform.python_version()

    assert single(body, "feedhub_build_info", version=__version__, python=python) == 1


def test_every_metric_has_a_help_text():
    families = list(
        text_string_to_metric_families(format_metrics(Metrics(), lambda: WELL).decode())
    )
    ours = [family for family in families if family.name.startswith("feedhub_")]

    assert len(ours) >= 12
    assert all(family.documentation.endswith(".") for family in ours)
    assert any(family.name == "process_resident_memory_bytes" for family in families)


COUNT = """
import sys
from feedhub.server.admin import format_metrics
from feedhub.server.metrics import REQUEST_BUCKETS, BatchHistogram, Metrics
from tests.test_server_operations import WELL, record
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    record(metrics)
metrics.cache_bytes.set(100)
sys.stdout.buffer.write(format_metrics(metrics, lambda: WELL))
"""


def test_metrics_of_several_processes_are_added_up(tmp_path):
    environ = os.environ | {metrics_module.MULTIPROCESS_FOLDER: str(tmp_path)}

    def count(times: int) -> bytes:
        return subprocess.run(
            [sys.executable, "-c", COUNT, str(times)], env=environ, check=True, capture_output=True
        ).stdout

    count(3)
    body = count(4)

    assert single(body, "feedhub_requests_total", format="rss", status="200") == 7
    assert single(body, "feedhub_cache_bytes") == 200
    assert single(body, "feedhub_ready") == 1


def test_metrics_of_several_processes_are_read_from_their_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(metrics_module.MULTIPROCESS_FOLDER, str(tmp_path))
    body = format_metrics(Metrics(), lambda: WELL)

    assert single(body, "feedhub_ready") == 1
    assert ("feedhub_build_seconds_count", ()) not in samples(body)


def admin(target: str, method: str = "GET", status: Status = WELL) -> Reply:
    metrics = Metrics()
    recorder = RequestRecorder(AccessLog(io.StringIO()), metrics)
    recorder.record(recorder.labels(RECORD, "rss", 0), None, 0.002)
    app = make_admin(metrics, lambda: status)
    return asyncio.run(call_app(app, scope_of(target, method, host="127.0.0.1")))


def test_livez_says_ok():
    reply = admin("/livez")

    assert (reply.status, reply.body) == (200, b"ok\n")
    assert reply.fields["cache-control"] == "no-store"


@pytest.mark.parametrize("ready", [True, False])
def test_readyz_is_503_until_there_is_something_to_serve(ready):
    reply = admin("/readyz", status=WELL._replace(ready=ready, problem="late"))
    shown = json.loads(reply.body)

    assert reply.status == (200 if ready else 503)
    assert reply.fields["cache-control"] == "no-store"
    assert (shown["ready"], shown["problem"], shown["articles"]["shown"]) == (ready, "late", 5)


def test_metrics_are_in_the_text_format_of_prometheus():
    reply = admin("/metrics")

    assert reply.status == 200
    assert reply.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.fields["cache-control"] == "no-store"
    assert single(reply.body, "feedhub_feeds", kind="topic") == 12
    assert single(reply.body, "feedhub_requests_total", format="rss", status="200") == 1


@pytest.mark.parametrize("target", ["/", "/livez/", "/metrics/", "/all.rss", "/readyz/x"])
def test_the_admin_address_has_nothing_else_and_redirects_nowhere(target):
    assert admin(target).status == 404


def test_the_admin_address_is_read_only():
    assert admin("/metrics", "POST").status == 405


def test_an_event_is_one_line(capsys):
    EventLog().log("the source\nis away \x1b[31m")

    output = capsys.readouterr().err
    assert output.startswith("feedhub: the source is away")
    assert output.count("\n") == 1


def test_an_event_may_be_a_line_of_json(capsys):
    EventLog("json").log('a "quoted"\nword')
    line = json.loads(capsys.readouterr().err)

    assert line["event"] == 'a "quoted" word'
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("closed")])
def test_events_that_cannot_be_written_stop_nothing(monkeypatch, error):
    class Closed:
        def write(self, _: str) -> None:
            raise error

        def flush(self) -> None:
            raise error

    monkeypatch.setattr(sys, "stderr", Closed())
    EventLog().log("not written")


def test_a_state_is_sent_to_the_service_manager(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        notify("READY=1", {"NOTIFY_SOCKET": path})
        assert manager.recv(100) == b"READY=1"


def test_the_service_manager_may_listen_on_an_abstract_address():
    name = f"feedhub-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(10)
        notify("STOPPING=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert manager.recv(100) == b"STOPPING=1"


def test_without_a_service_manager_nothing_happens(tmp_path):
    notify("READY=1", {})
    notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "nobody")})


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "30000000"}, 15),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
    ],
)
def test_the_watchdog_is_notified_in_half_the_time_allowed(environ, seconds):
    assert watchdog_seconds(environ) == seconds
