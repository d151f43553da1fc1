"""The admin address: whether the server is alive, whether it is ready, and its metrics."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from feedhub import __version__
from feedhub.catalog import ReceiverState, SyncReport
from feedhub.server.catalog_reader import CatalogReader
from feedhub.server.metrics import MULTIPROCESS_FOLDER, Metrics
from feedhub.server.processes import PING, SYNC, ProcessStatus

# Seconds after which `feedhub ping`, if it runs, has sent or deferred a ping that is due.
MAX_PING_DELAY = 300.0
# The same for a purge: until then the cache shows what was withdrawn.
MAX_PURGE_DELAY = 30.0
# What the server serves is behind the articles if a sync takes longer.
MAX_SYNC_SECONDS = 30.0
_HEADERS = {"cache-control": "no-store"}
_PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_NO_PROCESSES: Mapping[str, ProcessStatus] = MappingProxyType({})


class HubStatus(NamedTuple):
    """The state of the hub: the number of addresses that wait to be sent, and the last success.

    `pinged` is a Unix time. `problem` is "" if all is well.
    """

    waiting: int
    pinged: float
    problem: str


class PurgeStatus(NamedTuple):
    """The state of the cache that is purged: the number of tags that wait, and for how long.

    `purged` is the Unix time of the last success, `seconds` the age of the oldest that waits, or 0.
    `problem` is "" if all is well.
    """

    waiting: int
    purged: float
    seconds: float
    problem: str


class WebhookStatus(NamedTuple):
    """The state of the webhooks: the number of changes that wait, and for how long.

    `sent` is the Unix time of the last success, `seconds` the age of the oldest that waits, or 0.
    `problem` is "" if all is well.
    """

    waiting: int
    sent: float
    seconds: float
    problem: str


class Status(NamedTuple):
    """The state of a server; `ready` is false until something can be served.

    `problem` is "", or says why the documents do not follow the articles any more. `synced` is the
    Unix time of the last good sync, `seconds` its duration. `hub`, `purge` and `webhook` are None
    if none is configured. `processes` are those that the server has started, by name.
    """

    ready: bool
    problem: str
    generation: int
    feeds: Mapping[str, int]
    articles: Mapping[str, int]
    rejected: int
    synced: float
    seconds: float
    hub: HubStatus | None = None
    purge: PurgeStatus | None = None
    webhook: WebhookStatus | None = None
    processes: Mapping[str, ProcessStatus] = _NO_PROCESSES

    def to_json(self) -> dict[str, Any]:
        """Return the fields as /readyz shows them, those of receivers only if there is one."""
        state = "starting" if not self.ready else "degraded" if self.problem else "ready"
        fields: dict[str, Any] = {"state": state, **self._asdict()}
        fields["processes"] = {name: state._asdict() for name, state in self.processes.items()}
        receivers = {"hub": self.hub, "purge": self.purge, "webhook": self.webhook}
        for name, receiver in receivers.items():
            del fields[name]
            if receiver is not None:
                fields[name] = receiver._asdict()
        return fields


def status_of(
    reader: CatalogReader, now: float, processes: Mapping[str, ProcessStatus] = _NO_PROCESSES
) -> Status:
    """Return the state of a server at the Unix time `now`."""
    snapshot, report = reader.snapshot, reader.sync_report
    sync_problem = processes[SYNC].problem if SYNC in processes else ""
    return Status(
        ready=snapshot is not None,
        problem=reader.problem or sync_problem or late_sync_problem(report, now),
        generation=snapshot.generation if snapshot else 0,
        feeds=feeds_of(reader),
        articles=report.articles,
        rejected=report.rejected,
        synced=report.ended_at,
        seconds=report.seconds,
        hub=hub_status(reader, now, processes),
        purge=purge_status(reader, now, processes),
        webhook=webhook_status(reader, now, processes),
        processes=processes,
    )


def feeds_of(reader: CatalogReader) -> dict[str, int]:
    """Return how many feeds of labels have articles, by each kind that is published."""
    kinds = reader.snapshot.config.feeds.kinds if reader.snapshot else ()
    listed = reader.counts.listed
    return {kind: listed[kind] for kind in kinds if kind in listed}


def hub_status(
    reader: CatalogReader, now: float, processes: Mapping[str, ProcessStatus]
) -> HubStatus | None:
    """Return the state of the hub, or None if none is configured."""
    hub = reader.snapshot.config.websub.hub if reader.snapshot else ""
    if not hub:
        return None
    count, due = reader.pings
    problem = processes[PING].problem if PING in processes else ""
    state = reader.hub if reader.hub.address == hub else ReceiverState()  # it may be of another hub
    problem = problem or state.problem
    # A running `feedhub ping` would have sent what is due, or put it off.
    if not problem and due is not None and now - due > MAX_PING_DELAY:
        problem = f"{count} addresses wait for feedhub ping: is it running?"
    return HubStatus(count, state.notified_at, problem)


def purge_status(
    reader: CatalogReader, now: float, processes: Mapping[str, ProcessStatus]
) -> PurgeStatus | None:
    """Return the state of the cache that is purged, or None if none is configured."""
    if reader.snapshot is None or not reader.snapshot.config.purge.service:
        return None
    count, due = reader.purges
    problem = processes[PING].problem if PING in processes else ""
    problem = problem or reader.purge.problem
    if not problem and due is not None and now - due > MAX_PURGE_DELAY:
        problem = f"{count} purges wait for feedhub ping: is it running?"
    oldest = now if reader.oldest_purge is None else reader.oldest_purge
    return PurgeStatus(count, reader.purge.notified_at, round(max(0.0, now - oldest), 3), problem)


def webhook_status(
    reader: CatalogReader, now: float, processes: Mapping[str, ProcessStatus]
) -> WebhookStatus | None:
    """Return the state of the webhooks, or None if none is configured."""
    if reader.snapshot is None or not reader.snapshot.config.notify.webhook:
        return None
    count, due = reader.messages
    problem = processes[PING].problem if PING in processes else ""
    problem = problem or reader.webhook.problem
    if not problem and due is not None and now - due > MAX_PING_DELAY:
        problem = f"{count} changes wait for feedhub ping: is it running?"
    oldest = now if reader.oldest_message is None else reader.oldest_message
    seconds = round(max(0.0, now - oldest), 3)
    return WebhookStatus(count, reader.webhook.notified_at, seconds, problem)


def late_sync_problem(report: SyncReport, now: float) -> str:
    """Return what is wrong if a sync takes long, or has missed two reports with --watch, or ""."""
    if report.began_at and now - report.began_at > MAX_SYNC_SECONDS:
        return f"behind: the sync under way has taken {int(now - report.began_at)} seconds"
    silent = now - report.ended_at
    if not report.interval or silent <= 3 * report.interval:
        return ""
    return f"feedhub sync has reported nothing for {int(silent)} seconds: is it running?"


class StatusCollector(Collector):
    """The state of the server at the moment of the request, as metrics."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        status = self._status()
        versions = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("feedhub_build", "1; its labels are the versions.", versions)
        gauges = {
            "feedhub_ready": ("1 if there is something to serve.", status.ready),
            "feedhub_sync_failing": (
                "1 if the documents do not follow the articles.",
                bool(status.problem),
            ),
            "feedhub_sync_timestamp_seconds": (
                "Unix time of the last successful sync.",
                status.synced,
            ),
            "feedhub_sync_seconds": ("Duration of the last successful sync.", status.seconds),
            "feedhub_generation": ("Number of syncs that changed a feed.", status.generation),
            "feedhub_rejected_files": ("Number of files with errors.", status.rejected),
        }
        if status.hub is not None:
            hub = status.hub
            gauges |= {
                "feedhub_hub_failing": ("1 if the hub cannot be notified.", bool(hub.problem)),
                "feedhub_ping_timestamp_seconds": (
                    "Unix time at which the hub was last notified.",
                    hub.pinged,
                ),
                "feedhub_pings_waiting": (
                    "Number of addresses that the hub must still be notified of.",
                    hub.waiting,
                ),
            }
        if status.purge is not None:
            purge = status.purge
            gauges |= {
                "feedhub_purge_failing": ("1 if the cache cannot be purged.", bool(purge.problem)),
                "feedhub_purge_timestamp_seconds": (
                    "Unix time at which the cache was last purged.",
                    purge.purged,
                ),
                "feedhub_purges_waiting": (
                    "Number of tags that the cache must still drop.",
                    purge.waiting,
                ),
                "feedhub_purge_waiting_seconds": (
                    "Age of the oldest change that the cache must still drop.",
                    purge.seconds,
                ),
            }
        if status.webhook is not None:
            webhook = status.webhook
            gauges |= {
                "feedhub_webhook_failing": (
                    "1 if a webhook cannot be told of changes.",
                    bool(webhook.problem),
                ),
                "feedhub_webhook_timestamp_seconds": (
                    "Unix time at which a webhook last accepted a message.",
                    webhook.sent,
                ),
                "feedhub_webhook_changes_waiting": (
                    "Number of changes that webhooks must still be told of.",
                    webhook.waiting,
                ),
                "feedhub_webhook_waiting_seconds": (
                    "Age of the oldest change that a webhook must still be told of.",
                    webhook.seconds,
                ),
            }
        for name, (help_text, value) in gauges.items():
            yield GaugeMetricFamily(name, help_text, value=float(value))
        articles = GaugeMetricFamily(
            "feedhub_articles", "Number of files by state.", labels=["state"]
        )
        for state, count in status.articles.items():
            articles.add_metric([state], count)
        yield articles
        feeds = GaugeMetricFamily(
            "feedhub_feeds", "Number of feeds with articles, by kind.", labels=["kind"]
        )
        for kind, count in status.feeds.items():
            feeds.add_metric([kind], count)
        yield feeds
        restarts = CounterMetricFamily(
            "feedhub_process_restarts",
            "How often a process that the server runs had to be restarted.",
            labels=["process"],
        )
        for name, process in status.processes.items():
            restarts.add_metric([name], process.restarts)
        yield restarts


def format_metrics(own: Metrics, status: Callable[[], Status]) -> bytes:
    """Return all metrics in the text format of Prometheus."""
    own.flush()
    counts = own.registry
    if MULTIPROCESS_FOLDER in os.environ:
        counts = CollectorRegistry()
        MultiProcessCollector(counts)  # type: ignore[no-untyped-call]
    present = CollectorRegistry()
    present.register(StatusCollector(status))
    ProcessCollector(registry=present)
    PlatformCollector(registry=present)
    return generate_latest(counts) + generate_latest(present)


def make_admin(metrics: Metrics, status: Callable[[], Status]) -> Starlette:
    """Return the application of the admin address."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def readyz(_: Request) -> Response:
        now = status()
        return JSONResponse(now.to_json(), 200 if now.ready else 503, headers=_HEADERS)

    async def metricsz(_: Request) -> Response:
        body = format_metrics(metrics, status)
        return Response(body, headers=_HEADERS | {"content-type": _PROMETHEUS_TEXT})

    app = Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metricsz)]
    )
    app.router.redirect_slashes = False
    return app
