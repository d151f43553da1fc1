"""Bringing the catalog up to date: only changed files are read, only changed rows written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from feedhub.catalog.months import month_of
from feedhub.catalog.records import (
    decode_article,
    decode_problems,
    digest_of,
    encode_article,
    encode_problems,
    size_of,
)
from feedhub.errors import Problem
from feedhub.feed import labels_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from feedhub.article import Article
    from feedhub.feed import Label
    from feedhub.sources import Found, Reading, Source


class _Known(NamedTuple):
    """What the catalog knows of a file before it is read again."""

    number: int
    stamp: str
    state: str
    due: int | None
    id: str | None
    digest: bytes | None
    updated: int | None


@dataclass(slots=True)
class Touched:
    """What a sync has moved: the months of feeds that must be looked at again, by feed number."""

    months: dict[int, set[str]] = field(default_factory=dict)

    def add(self, feed: int, published: int) -> None:
        """Note that an entry of `feed`, published at this Unix time, came, went or changed."""
        self.months.setdefault(feed, set()).add(month_of(published))


class ArticleSync:
    """One pass over a source, inside one transaction of the caller's."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        source: Source,
        now: datetime,
        *,
        kinds: tuple[str, ...],
        generation: int,
    ) -> None:
        self._sql = connection
        self._source = source
        self._now = now.replace(microsecond=0)
        self._kinds = kinds
        self._generation = generation
        self._known = _load_known(connection)
        self._dirty: dict[str, None] = {}  # ids to settle, in order of path
        self._scan_problems: list[Problem] = []
        self._left: set[tuple[int, str]] = set()  # a feed and the id that it had
        self._joined: set[tuple[int, str]] = set()
        self.read = 0
        self.touched = Touched()

    def run(self, *, reread: bool, relabel: bool, step: Callable[[], object]) -> None:
        """Bring articles and labels up to date.

        `reread` reads every file though none changed: then a different digest is our doing and no
        update. `relabel` settles every article again. `step` is called for each file.
        """
        kept: set[str] = set()
        for item in self._source.scan():
            step()
            if isinstance(item, Problem):
                self._scan_problems.append(item)
                kept.update(self._below(item.path))
            else:
                kept.add(item.path)
                self._visit(item, reread=reread)
        self._forget(self._known.keys() - kept)
        if relabel:
            self._dirty.update((row[0], None) for row in self._sql.execute(_ALL_IDS))
        for identity in self._dirty:
            self._settle(identity)
        for feed in {feed for feed, _ in self._left - self._joined}:
            # What is withdrawn cannot be said by a delta, and its id is not kept.
            self._sql.execute("DELETE FROM history WHERE feed = ?", (feed,))

    def problems(self) -> tuple[Problem, ...]:
        """Return every problem of every file, in order of path, with the place a person knows."""
        rows = self._sql.execute(_ALL_PROBLEMS)
        stored = [problem for row in rows for problem in decode_problems(row[0])]
        every = sorted(
            [*stored, *self._scan_problems], key=lambda problem: (problem.path, problem.line)
        )
        return tuple(replace(problem, path=self._source.locate(problem.path)) for problem in every)

    def _below(self, path: str) -> Iterable[str]:
        """What lies in a folder that cannot be looked into is not gone."""
        return [p for p in self._known if path in (".", p) or p.startswith(f"{path.rstrip('/')}/")]

    def _visit(self, found: Found, *, reread: bool) -> None:
        known = self._known.get(found.path)
        due = known and known.due is not None and known.due <= self._now.timestamp()
        if known and known.stamp == found.stamp and found.stamp and not due and not reread:
            return
        self.read += 1
        reading = self._source.read(found.path, self._now)
        if known and known.state in _WITH_ARTICLE and _keeps_earlier(reading) and not due:
            self._keep(known, found, reading)
        elif reading.article is None:
            self._hide(known, found, reading)
        else:
            self._show(known, found, reading, reading.article, silent=reread)

    def _keep(self, known: _Known, found: Found, reading: Reading) -> None:
        """Keep the last good article of a file that cannot be read: it may be half-written.

        Its `due` stays too: past it, nobody knows whether the article may still be shown.
        """
        problems = reading.problems or (_lost_front_matter(found.path),)
        self._sql.execute(_KEEP, (found.stamp, encode_problems(problems), known.number))

    def _hide(self, known: _Known | None, found: Found, reading: Reading) -> None:
        if known and known.id is not None:
            self._unlabel(known.number)
            self._sql.execute("DELETE FROM records WHERE number = ?", (known.number,))
            self._dirty[known.id] = None
        rejected = reading.state == "rejected"
        due = _seconds(reading.due)
        problems = encode_problems(reading.problems)
        self._sql.execute(
            _UPSERT,
            (found.path, found.stamp, reading.state, due, rejected, problems, *[None] * 5),
        )

    def _show(
        self,
        known: _Known | None,
        found: Found,
        reading: Reading,
        article: Article,
        *,
        silent: bool,
    ) -> None:
        digest = digest_of(article)
        article = replace(article, updated=self._updated(known, reading, article, digest, silent))
        updated = int(article.updated.timestamp())
        shown = ("shown", article.id, digest, updated)
        same = known and (known.state, known.id, known.digest, known.updated) == shown
        self._sql.execute(
            _UPSERT,
            (
                found.path,
                found.stamp,
                "shown",
                _seconds(reading.due),
                False,
                encode_problems(reading.problems),
                article.id,
                digest,
                int(article.published.timestamp()),
                updated,
                size_of(article),
            ),
        )
        self._sql.execute(_PUT_RECORD, (encode_article(article), found.path))
        if not same:
            self._dirty.update(dict.fromkeys(filter(None, (known and known.id, article.id))))

    def _updated(
        self, known: _Known | None, reading: Reading, article: Article, digest: bytes, silent: bool
    ) -> datetime:
        """Return when the article last changed for a subscriber (RFC 4287, 4.2.9)."""
        if reading.dated_update or known is None or known.updated is None:
            return article.updated
        if known.digest == digest or silent:
            return max(article.published, datetime.fromtimestamp(known.updated, UTC))
        return max(article.published, self._now)

    def _forget(self, paths: Iterable[str]) -> None:
        for path in paths:
            known = self._known[path]
            self._unlabel(known.number)
            self._sql.execute("DELETE FROM records WHERE number = ?", (known.number,))
            self._sql.execute("DELETE FROM articles WHERE number = ?", (known.number,))
            if known.id is not None:
                self._dirty[known.id] = None

    def _settle(self, identity: str) -> None:
        """Give an id to the first of the files that claim it, and label that one."""
        claims = self._sql.execute(_CLAIMS, (identity,)).fetchall()
        for number, *_ in claims:
            self._unlabel(number)
        for number, path, *_ in claims[1:]:
            problem = _duplicate_id(path, self._source.locate(claims[0][1]))
            self._sql.execute(_SET_DUPLICATE, (encode_problems((problem,)), number))
        for number, _, published, record in claims[:1]:
            self._sql.execute(_SET_SHOWN, (number,))
            self._label(number, identity, published, decode_article(record))

    def _unlabel(self, number: int) -> None:
        for feed, published, identity in self._sql.execute(_LABELS_OF, (number,)).fetchall():
            self.touched.add(feed, published)
            self._left.add((feed, identity))
        self._sql.execute("DELETE FROM labels WHERE article = ?", (number,))

    def _label(self, number: int, identity: str, published: int, article: Article) -> None:
        for label in labels_of(article, self._kinds):
            feed = self._feed(label)
            self._sql.execute(_ADD_LABEL, (feed, published, identity, number, self._generation))
            self.touched.add(feed, published)
            self._joined.add((feed, identity))

    def _feed(self, label: Label) -> int:
        row = self._sql.execute(_FIND_FEED, (label.kind, label.key)).fetchone()
        if row is None:
            row = self._sql.execute(_ADD_FEED, label).fetchone()
        number: int = row[0]
        return number


_WITH_ARTICLE = ("shown", "duplicate")
_ALL_IDS = "SELECT id FROM articles WHERE id IS NOT NULL ORDER BY path"
_ALL_PROBLEMS = "SELECT problems FROM articles WHERE problems IS NOT NULL"
_KEEP = "UPDATE articles SET stamp = ?, rejected = 1, problems = ? WHERE number = ?"
_UPSERT = """
INSERT INTO articles
    (path, stamp, state, due, rejected, problems, id, digest, published, updated, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    stamp = excluded.stamp, state = excluded.state, due = excluded.due,
    rejected = excluded.rejected, problems = excluded.problems, id = excluded.id,
    digest = excluded.digest, published = excluded.published, updated = excluded.updated,
    size = excluded.size
"""
_PUT_RECORD = """
INSERT INTO records (record, number) SELECT ?, number FROM articles WHERE path = ?
ON CONFLICT (number) DO UPDATE SET record = excluded.record
"""
_CLAIMS = """
SELECT articles.number, path, published, record FROM articles JOIN records USING (number)
WHERE id = ? ORDER BY path
"""
# A duplicate that comes first at last: its complaint goes, and its own warnings come with the next
# reading.
_SET_SHOWN = """
UPDATE articles SET state = 'shown', rejected = 0, problems = NULL, stamp = ''
WHERE number = ? AND state = 'duplicate'
"""
_SET_DUPLICATE = (
    "UPDATE articles SET state = 'duplicate', rejected = 1, problems = ? WHERE number = ?"
)
_LABELS_OF = "SELECT feed, published, id FROM labels WHERE article = ?"
_ADD_LABEL = """
INSERT INTO labels (feed, published, id, article, generation) VALUES (?, ?, ?, ?, ?)
"""
_FIND_FEED = "SELECT number FROM feeds WHERE kind = ? AND key = ?"
_ADD_FEED = "INSERT INTO feeds (kind, key, label) VALUES (?, ?, ?) RETURNING number"


def _load_known(connection: sqlite3.Connection) -> dict[str, _Known]:
    rows = connection.execute(
        "SELECT path, number, stamp, state, due, id, digest, updated FROM articles"
    )
    return {row[0]: _Known._make(row[1:]) for row in rows}


def _keeps_earlier(reading: Reading) -> bool:
    return reading.state == "plain" or (reading.state == "rejected" and not reading.withdraws)


def _seconds(moment: datetime | None) -> int | None:
    """Round up: a file is not read again before its time has come."""
    return None if moment is None else -int(-moment.timestamp() // 1)


def _lost_front_matter(path: str) -> Problem:
    message = "the front matter is gone; the last good version stays: restore it or remove the file"
    return Problem(path=path, code="front-matter-lost", message=message)


def _duplicate_id(path: str, first: str) -> Problem:
    message = f"the id is that of {first}, which stays: give this article another id or file name"
    return Problem(path=path, code="duplicate-id", message=message)
