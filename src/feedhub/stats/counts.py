"""What is counted while a log is read, in memory that has a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedhub.stats.documents import Astray, Coded, Document, Reader
from feedhub.stats.lines import DAY, minute_of, request_of
from feedhub.stats.readers import ROBOTS
from feedhub.stats.visitors import Visitor, Visitors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedhub.stats.addresses import Addresses, Asked
    from feedhub.stats.lines import Row

# Readers of all documents together who are known one by one.
_MOST_READERS = 300_000
# Services of one document, and of all together.
_MOST_SERVICES, _MOST_ASKING = 5_000, 100_000
_MOST_DOCUMENTS, _MOST_ASTRAY, _MOST_NAMES = 20_000, 4_000, 100
# What was decoded once is not decoded again; longer words are not worth the room.
_MOST_PLACES, _LONGEST_KEPT = 16_384, 500
# Bytes that pairs may take before they are closed, and those of one without its words.
_ROOM, _PAIR = 64_000_000, 500
# A status is bytes in a row of the combined format.
_FULL, _UNCHANGED = frozenset({200, b"200"}), frozenset({304, b"304"})
_PARTIAL = frozenset({206, 226, b"206", b"226"})
_SECONDS: dict[object, int] = {0: 0} | {b"%02d" % number: number for number in range(62)}
_CODINGS = frozenset({"br", "gzip", "zstd", "deflate", "identity"})
# Who tries addresses at random mostly says that it is a browser.
_SCANNERS = frozenset({"browser", *ROBOTS})


class _Place:
    """Where a request goes; a document is opened by its first good answer."""

    __slots__ = ("asked", "coded", "coding", "document")

    def __init__(self, asked: Asked, coding: str) -> None:
        self.asked = asked
        self.coding = coding
        self.document: Document | None = None
        self.coded: Coded | None = None


class _Pair:
    """Who asks for what: answers of 304 are counted here, and handed on when it is closed."""

    __slots__ = ("coded", "place", "reader", "second", "sent", "unchanged", "who")

    def __init__(self, place: _Place, who: Visitor) -> None:
        self.place = place
        self.who = who
        self.coded = place.coded
        self.reader: Reader | None = None
        self.second = self.sent = self.unchanged = 0


class Tally:
    """All that one run counts: add rows, then close it."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.documents: dict[tuple[str, str], Document] = {}
        self.astray: dict[tuple[Asked, int], Astray] = {}
        self.days: dict[int, list[int]] = {}
        self.visitors = Visitors()
        self.others = self.archives = 0
        self.oldest, self.newest = 1 << 62, 0
        self._readers = self._services = self._taken = 0
        self._places: dict[Any, _Place | None] = {}
        self._pairs: dict[tuple[Any, Any, Any], _Pair | None] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Count rows, in any order."""
        pairs, newest = self._pairs, self.newest
        told: Any = None
        where: Any = None
        base, day = 0, [0, 0]
        for address, minute, moment, zone, request, status, size, agent in rows:
            if minute != told or zone != where:
                told, where, base = minute, zone, minute_of(minute, zone)
                day = self._day(base)
            second = base + _SECONDS[moment]
            if second > newest:
                newest = second
            try:
                pair = pairs[request, address, agent]
            except KeyError:
                pair = self._pair(request, address, agent)
            if pair is None:
                self.others += 1
            elif pair.reader is not None and status in _UNCHANGED:
                pair.unchanged += 1
                pair.sent += int(size or 0)
                if second > pair.second:
                    pair.second = second
                day[0] += 1
                day[1] += 1
            elif self._seldom(pair, second, status, int(size or 0)):
                day[0] += 1
                day[1] += status in _UNCHANGED
        self.newest = newest

    def close(self) -> None:
        """Hand on what is counted by pairs."""
        for pair in self._pairs.values():
            if pair is not None and pair.coded is not None and pair.reader is not None:
                self._settle(pair, pair.coded, pair.reader)
        self._pairs.clear()
        self._taken = 0

    def _day(self, second: int) -> list[int]:
        """Return the counts of a day: requests, and answers of 304 among them."""
        self.oldest = min(self.oldest, second - second % 60)
        return self.days.setdefault(second // DAY, [0, 0])

    def _pair(self, request: Any, address: Any, agent: Any) -> _Pair | None:
        if self._taken >= _ROOM:
            self.close()
        place = self._places[request] if request in self._places else self._place(request)
        pair = _Pair(place, self.visitors.visitor(address, agent)) if place else None
        if pair is not None and pair.coded is not None:
            pair.reader = self._reader(pair)
        self._pairs[request, address, agent] = pair
        self._taken += _PAIR + len(address) + len(agent) + _length(request)
        return pair

    def _place(self, request: Any) -> _Place | None:
        """Return where a request goes, None where that is no feed or nobody reads it."""
        method, target, coding = request_of(request)
        asked = self.addresses.asked(target) if method == "GET" else None
        place = _Place(asked, coding if coding in _CODINGS else "") if asked else None
        if _length(request) <= _LONGEST_KEPT:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            self._places[request] = place
        return place

    def _seldom(self, pair: _Pair, second: int, status: Any, size: int) -> bool:
        """Count any answer but a 304 for a known feed; return whether it was a feed's."""
        if not (status in _FULL or status in _UNCHANGED or status in _PARTIAL):
            self._go_astray(pair, int(status), second)
            return False
        if pair.coded is None or pair.reader is None:
            opened = self._open(pair.place)
            if opened is None:
                return False
            pair.coded, pair.reader = opened, self._reader(pair)
        pair.second = max(pair.second, second)
        if status in _UNCHANGED:
            pair.unchanged += 1
            pair.sent += size
            return True
        pair.who.software.requests += 1
        pair.who.software.sent += size
        pair.coded.sent += size
        if status in _FULL:
            pair.coded.got(size)
            pair.reader.got(size)
        else:
            pair.coded.partial += 1
        return True

    def _settle(self, pair: _Pair, coded: Coded, reader: Reader) -> None:
        reader.came(pair.second, pair.who.subscribers)
        reader.unchanged += pair.unchanged
        coded.newest = max(coded.newest, pair.second)
        for counted in (coded, pair.who.software):
            counted.unchanged += pair.unchanged
            counted.sent += pair.sent
        coded.sent_unchanged += pair.sent
        pair.who.software.requests += pair.unchanged

    def _open(self, place: _Place) -> Coded | None:
        """Return the counts of a place's document; None where there is none to be counted."""
        asked = place.asked
        if asked.archive:
            self.archives += 1
            return None
        key = (asked.feed, asked.format)
        full = key not in self.documents and len(self.documents) >= _MOST_DOCUMENTS
        if not asked.format or full:
            self.others += 1
            return None
        place.document = self.documents.setdefault(key, Document(*key))
        place.coded = place.document.coded.setdefault(place.coding, Coded())
        return place.coded

    def _reader(self, pair: _Pair) -> Reader:
        """Return what is known of a reader of a document.

        Robots, and those for whom there is no room, are noted where nobody looks.
        """
        document, who = pair.place.document, pair.who
        assert document  # noqa: S101 - the place is open
        known = document.services if who.many else document.singles.states
        reader = known.get(who.identity)
        if reader is not None:
            return reader
        reader = Reader(who.software.name)
        if who.many and len(known) < _MOST_SERVICES and self._services < _MOST_ASKING:
            known[who.identity] = reader
            self._services += 1
        elif who.identity and not who.many:
            self._readers += document.singles.add(who.identity, reader)
            if self._readers > _MOST_READERS:
                self._make_room()
        return reader

    def _make_room(self) -> None:
        """Leave out readers of the largest feeds, so that those of small ones stay exact."""
        samples = [document.singles for document in self.documents.values()]
        self._readers = sum(len(sample.states) for sample in samples)
        while self._readers > _MOST_READERS * 3 // 4:
            largest = max(samples, key=lambda sample: len(sample.states))
            self._readers -= len(largest.states)
            largest.halve()
            self._readers += len(largest.states)

    def _go_astray(self, pair: _Pair, status: int, second: int) -> None:
        """Count an answer without a feed, unless it is a robot's or a scanner's."""
        self.others += 1
        if pair.who.software.kind in _SCANNERS:
            return
        astray = self.astray.setdefault((pair.place.asked, status), Astray())
        astray.requests += 1
        astray.newest = max(astray.newest, second)
        if len(astray.names) < _MOST_NAMES:
            astray.names.add(pair.who.software.name)
        if len(self.astray) > _MOST_ASTRAY:
            often = sorted(self.astray.items(), key=lambda item: -item[1].requests)
            self.astray = dict(often[: _MOST_ASTRAY // 2])


def _length(request: bytes | tuple[str, str, str]) -> int:
    return len(request) if isinstance(request, bytes) else sum(map(len, request))
