"""Access logs for tests: lines as each web server writes them, and logs with known totals."""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from feedhub.server.logs import AccessLog, AccessRecord
from feedhub.stats import SiteFeeds, TrafficReport
from feedhub.stats.counters import TrafficCounter
from feedhub.stats.log_lines import minute_to_seconds, parse_lines, parse_request, unescape
from feedhub.stats.report import DocumentStats, build_report

START = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
DAY = 86_400
FORMATS = ("combined", "nginx", "feedhub", "feedhub-json", "caddy")
FEEDLY = "Feedly/1.0 ({} subscribers)"
APP = "Miniflux/2.2.3"
TITLES = SiteFeeds(titles={"all": "", "topics/ai": "AI", "topics/law": "Law"})


class LoggedRequest(NamedTuple):
    """A line of a log, decoded; `second` since 1970, `size` in bytes, `coding` "" if unknown."""

    address: str
    second: int
    method: str
    target: str
    status: int
    size: int
    agent: str
    coding: str = ""


def parse_log(data: bytes) -> list[LoggedRequest]:
    """Return the requests of a log that can be read."""
    requests = []
    for address, minute, second, zone, request, status, size, agent in parse_lines(data)[0]:
        time = minute_to_seconds(minute, zone) + int(second)
        method, target, coding = parse_request(request)
        fields = (unescape(address), time, method, target, int(status), int(size or 0))
        requests.append(LoggedRequest(*fields, unescape(agent), coding))
    return requests


def poll(second: int = 0, path: str = "all.rss", agent: str = APP, **fields: Any) -> LoggedRequest:
    """Return a request for a feed that was answered with 304, unless `fields` say otherwise."""
    defaults = {"address": "192.0.2.7", "status": 304, "size": 0, "method": "GET"}
    values: dict[str, Any] = {"target": f"/{path}"} | defaults | fields
    return LoggedRequest(second=START + second, agent=agent, **values)


def download(second: int, size: int = 500, **fields: Any) -> LoggedRequest:
    """Return a request that was answered with a feed of a size in bytes."""
    return poll(second, status=200, size=size, **fields)


def report_of(
    requests: list[LoggedRequest],
    form: str = "combined",
    feeds: SiteFeeds = TITLES,
    days: int = 7,
) -> TrafficReport:
    """Return the report of a log with these requests."""
    counter = TrafficCounter(feeds)
    rows, errors = parse_lines("".join(format_line(one, form) for one in requests).encode())
    assert errors == []
    counter.add(rows)
    counter.close()
    return build_report(counter, days=days)


def by_document(report: TrafficReport) -> dict[tuple[str, str], DocumentStats]:
    """Return the rows of documents by feed and format."""
    return {(feed.feed, row.format): row for feed in report.feeds for row in feed.documents}


def as_combined(request: LoggedRequest) -> str:
    r"""nginx's `combined`: what is not printable ASCII, quotes and backslashes are `\xNN`."""

    def escaped(text: str) -> str:
        return "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}"
            for byte in text.encode()
        )

    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.second))
    return (
        f'{request.address} - - [{moment}] "{request.method} {escaped(request.target)} HTTP/2.0" '
        f'{request.status} {request.size} "-" "{escaped(request.agent)}"\n'
    )


def as_nginx(request: LoggedRequest) -> str:
    """The JSON of deploy/nginx."""
    fields = {
        "time": datetime.fromtimestamp(request.second, UTC).isoformat(),
        "client": request.address,
        "method": request.method,
        "target": request.target,
        "status": request.status,
        "bytes": request.size,
        "seconds": 0.001,
        "cache": "HIT",
        "coding": request.coding,
        "agent": request.agent,
    }
    return json.dumps(fields) + "\n"


def as_caddy(request: LoggedRequest) -> str:
    """The JSON of Caddy 2 with `format json`."""
    headers = {"User-Agent": [request.agent], "Accept-Encoding": ["gzip"]}
    fields = {
        "level": "info",
        "ts": request.second + 0.25,
        "logger": "http.log.access.log0",
        "msg": "handled request",
        "request": {
            "remote_ip": "10.255.0.1",
            "remote_port": "41930",
            "client_ip": request.address,
            "proto": "HTTP/2.0",
            "method": request.method,
            "host": "feeds.example.org",
            "uri": request.target,
            "headers": headers,
            "tls": {"resumed": False},
        },
        "bytes_read": 0,
        "user_id": "",
        "duration": 0.0003,
        "size": request.size,
        "status": request.status,
        "resp_headers": {"Content-Encoding": [request.coding]} if request.coding else {},
    }
    return json.dumps(fields) + "\n"


class TextOutput:
    """An output without a file descriptor that keeps what is written to it."""

    def __init__(self) -> None:
        self.text = ""

    def fileno(self) -> int:
        raise OSError

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


def as_feedhub(request: LoggedRequest, form: str) -> str:
    """The text or JSON of `feedhub serve`."""
    output = TextOutput()
    log = AccessLog(output, form)  # type: ignore[arg-type]
    record = AccessRecord(
        method=request.method,
        target=request.target.encode().decode("latin-1"),
        version="1.1",
        referer="",
        user_agent=request.agent.encode().decode("latin-1"),
        status=request.status,
        size=request.size,
    )
    log.add([(log.line_parts(record, request.second), (request.address, 40_000), 0.0001)])
    log.flush()
    return output.text


def format_line(request: LoggedRequest, form: str) -> str:
    """Return the line of a request in one of FORMATS."""
    if form.startswith("feedhub"):
        return as_feedhub(request, "json" if form == "feedhub-json" else "text")
    return {"combined": as_combined, "nginx": as_nginx, "caddy": as_caddy}[form](request)


@dataclass
class GeneratedLog:
    """A log, and the totals that its report must state."""

    requests: list[LoggedRequest] = field(default_factory=list)
    reported: dict[tuple[str, str], int] = field(default_factory=dict)
    individuals: dict[tuple[str, str], int] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    not_modified: dict[tuple[str, str], int] = field(default_factory=dict)
    bytes_sent: dict[tuple[str, str], int] = field(default_factory=dict)
    bytes_saved: dict[tuple[str, str], int] = field(default_factory=dict)
    readers: dict[str, int] = field(default_factory=dict)
    robots: dict[str, int] = field(default_factory=dict)
    days: dict[int, list[int]] = field(default_factory=dict)


SERVICES = (
    ("Feedly", "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like Feed)"),
    ("Feedbin", "Feedbin feed-id:1697787 - {} subscribers"),
    ("The Old Reader", "Mozilla/5.0 (compatible; theoldreader.com; {} subscribers; feed-id=cead6)"),
)
APPS = (
    ("NetNewsWire", "NetNewsWire (RSS Reader; https://netnewswire.com/)"),
    ("Miniflux", "Mozilla/5.0 (compatible; Miniflux/2.2.3; +https://miniflux.app)"),
    ("Odd-Reader", 'Odd-Reader/0.1 "quoted" \\ (\u00e9)'),
)
ROBOTS = (
    ("Googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("UptimeRobot", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"),
)
FEEDS = (("all", "rss"), ("all", "atom"), ("topics/ai", "json"), ("topics/k\u00fcnstlich", "atom"))


class LogGenerator:
    """Generates a log of ten days, of which the last seven count for readers."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.log = GeneratedLog()
        self.end = START + 10 * DAY
        self.people = 0

    def add_request(
        self, feed: tuple[str, str], second: int, address: str, agent: str, size: int
    ) -> None:
        """Add a request; two of three are answered with 304."""
        log = self.log
        new = self.dice.random() < 1 / 3
        status, sent = (200, size) if new else (304, 0)
        path = re.sub("[^ -~]+", lambda m: "".join(f"%{b:02x}" for b in m[0].encode()), feed[0])
        query = self.dice.choice(["", "", "?utm_source=x", "?b=%22"])
        fields = ("GET", f"/{path}.{feed[1]}{query}", status, sent, agent, "gzip")
        log.requests.append(LoggedRequest(address, second, *fields))
        for totals, more in ((log.counts, 1), (log.not_modified, not new), (log.bytes_sent, sent)):
            totals[feed] = totals.get(feed, 0) + more
        log.bytes_saved[feed] = log.bytes_saved.get(feed, 0) + (0 if new else size)
        day = log.days.setdefault(second // DAY, [0, 0])
        day[0] += 1
        day[1] += not new

    def add_feed(self, feed: tuple[str, str], size: int) -> None:
        """Add the requests of services, people and robots for one feed."""
        log, dice = self.log, self.dice
        for _, agent in SERVICES:
            subscribers = 0
            for second in [*sorted(dice.sample(range(START, self.end), 30)), self.end]:
                subscribers = dice.randrange(1, 500)
                self.add_request(feed, second, "203.0.113.9", agent.format(subscribers), size)
            log.reported[feed] = log.reported.get(feed, 0) + subscribers
        self.add_request(feed, START, "203.0.113.9", "Gone/1.0 (900 subscribers)", size)
        for _ in range(dice.randrange(5, 40)):
            name, agent = dice.choice(APPS)
            self.people += 1
            address = f"10.0.{self.people}.1"
            recent = dice.random() < 0.7
            first = self.end - 7 * DAY + 1 if recent else START
            last = self.end if recent else self.end - 7 * DAY
            for _ in range(dice.randrange(1, 6)):
                self.add_request(feed, dice.randrange(first, last), address, agent, size)
            log.individuals[feed] = log.individuals.get(feed, 0) + recent
            log.readers[name] = log.readers.get(name, 0) + recent
        for name, agent in ROBOTS:
            self.add_request(feed, dice.randrange(START, self.end), "192.0.2.1", agent, size)
            log.robots[name] = log.robots.get(name, 0) + 1


def generate_log(seed: int) -> GeneratedLog:
    """Return a log in order of time with its totals; the same for the same seed."""
    generator = LogGenerator(seed)
    for number, feed in enumerate(FEEDS):
        generator.add_feed(feed, 10_000 + number)
    page = ("GET", "/style.css", 200, 5, "Firefox/140.0", "")
    generator.log.requests.append(LoggedRequest("198.51.100.1", generator.end, *page))
    generator.log.requests.sort(key=lambda request: request.second)
    return generator.log
