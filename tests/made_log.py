"""Records of answers, written as each web server writes them, and logs whose truth is known."""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from feedhub.server.logs import AccessLog, AccessRecord
from feedhub.stats.lines import Record

START = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
DAY = 86_400
FORMATS = ("combined", "nginx", "feedhub", "feedhub-json", "caddy")


def as_combined(record: Record) -> str:
    r"""nginx's `combined`: what is not printable ASCII, quotes and backslashes are `\xNN`."""

    def escaped(text: str) -> str:
        return "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}"
            for byte in text.encode()
        )

    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(record.second))
    return (
        f'{record.address} - - [{moment}] "{record.method} {escaped(record.target)} HTTP/2.0" '
        f'{record.status} {record.size} "-" "{escaped(record.agent)}"\n'
    )


def as_nginx(record: Record) -> str:
    """The JSON of deploy/nginx."""
    fields = {
        "time": datetime.fromtimestamp(record.second, UTC).isoformat(),
        "client": record.address,
        "method": record.method,
        "target": record.target,
        "status": record.status,
        "bytes": record.size,
        "seconds": 0.001,
        "cache": "HIT",
        "coding": record.coding,
        "agent": record.agent,
    }
    return json.dumps(fields) + "\n"


def as_caddy(record: Record) -> str:
    """What Caddy 2 writes with `format json`."""
    headers = {"User-Agent": [record.agent], "Accept-Encoding": ["gzip"]}
    fields = {
        "level": "info",
        "ts": record.second + 0.25,
        "logger": "http.log.access.log0",
        "msg": "handled request",
        "request": {
            "remote_ip": "10.255.0.1",
            "remote_port": "41930",
            "client_ip": record.address,
            "proto": "HTTP/2.0",
            "method": record.method,
            "host": "feeds.example.org",
            "uri": record.target,
            "headers": headers,
            "tls": {"resumed": False},
        },
        "bytes_read": 0,
        "user_id": "",
        "duration": 0.0003,
        "size": record.size,
        "status": record.status,
        "resp_headers": {"Content-Encoding": [record.coding]} if record.coding else {},
    }
    return json.dumps(fields) + "\n"


class _Lines:
    """Where an access log goes that has no descriptor."""

    def __init__(self) -> None:
        self.text = ""

    def fileno(self) -> int:
        raise OSError

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


def as_own(record: Record, form: str) -> str:
    """What `feedhub serve` writes."""
    out = _Lines()
    log = AccessLog(out, form)  # type: ignore[arg-type]
    exchange = AccessRecord(
        method=record.method,
        target=record.target.encode().decode("latin-1"),
        version="1.1",
        referer="",
        user_agent=record.agent.encode().decode("latin-1"),
        status=record.status,
        size=record.size,
    )
    log.add([(log.line_parts(exchange, record.second), (record.address, 40_000), 0.0001)])
    log.flush()
    return out.text


def written(record: Record, form: str) -> str:
    """Return the line of a record in one of FORMATS."""
    if form.startswith("feedhub"):
        return as_own(record, "json" if form == "feedhub-json" else "text")
    return {"combined": as_combined, "nginx": as_nginx, "caddy": as_caddy}[form](record)


@dataclass
class Truth:
    """What a made log must tell."""

    records: list[Record] = field(default_factory=list)
    reported: dict[tuple[str, str], int] = field(default_factory=dict)
    single: dict[tuple[str, str], int] = field(default_factory=dict)
    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    unchanged: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: dict[tuple[str, str], int] = field(default_factory=dict)
    saved: dict[tuple[str, str], int] = field(default_factory=dict)
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


class _Maker:
    """Makes a log of ten days, in which only the last seven count for readers."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.truth = Truth()
        self.last = START + 10 * DAY
        self.people = 0

    def answer(self, feed: tuple[str, str], second: int, address: str, agent: str, size: int):
        """Add an answer, a 304 for two of three."""
        truth = self.truth
        new = self.chance.random() < 1 / 3
        status, sent = (200, size) if new else (304, 0)
        path = re.sub("[^ -~]+", lambda m: "".join(f"%{b:02x}" for b in m[0].encode()), feed[0])
        query = self.chance.choice(["", "", "?utm_source=x", "?b=%22"])
        target = f"/{path}.{feed[1]}{query}"
        truth.records.append(Record(address, second, "GET", target, status, sent, agent, "gzip"))
        for counts, more in ((truth.requests, 1), (truth.unchanged, not new), (truth.sent, sent)):
            counts[feed] = counts.get(feed, 0) + more
        truth.saved[feed] = truth.saved.get(feed, 0) + (0 if new else size)
        day = truth.days.setdefault(second // DAY, [0, 0])
        day[0] += 1
        day[1] += not new

    def feed(self, feed: tuple[str, str], size: int) -> None:
        """Add all that ask for one feed."""
        truth, chance = self.truth, self.chance
        for _, agent in SERVICES:
            told = 0
            for second in [*sorted(chance.sample(range(START, self.last), 30)), self.last]:
                told = chance.randrange(1, 500)
                self.answer(feed, second, "203.0.113.9", agent.format(told), size)
            truth.reported[feed] = truth.reported.get(feed, 0) + told
        self.answer(feed, START, "203.0.113.9", "Gone/1.0 (900 subscribers)", size)
        for _ in range(chance.randrange(5, 40)):
            name, agent = chance.choice(APPS)
            self.people += 1
            address = f"10.0.{self.people}.1"
            late = chance.random() < 0.7
            begins = self.last - 7 * DAY + 1 if late else START
            ends = self.last if late else self.last - 7 * DAY
            for _ in range(chance.randrange(1, 6)):
                self.answer(feed, chance.randrange(begins, ends), address, agent, size)
            truth.single[feed] = truth.single.get(feed, 0) + late
            truth.readers[name] = truth.readers.get(name, 0) + late
        for name, agent in ROBOTS:
            self.answer(feed, chance.randrange(START, self.last), "192.0.2.1", agent, size)
            truth.robots[name] = truth.robots.get(name, 0) + 1


def made_log(seed: int) -> Truth:
    """Return a log in order of time, and its truth; the same for the same seed."""
    maker = _Maker(seed)
    for place, feed in enumerate(FEEDS):
        maker.feed(feed, 10_000 + place)
    other = Record("198.51.100.1", maker.last, "GET", "/style.css", 200, 5, "Firefox/140.0", "")
    maker.truth.records.append(other)
    maker.truth.records.sort(key=lambda record: record.second)
    return maker.truth
