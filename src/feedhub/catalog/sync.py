"""Bringing the catalog up to date: only changed files are read, only changed rows written."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from feedhub.catalog.records import decode_article, decode_problems, encode_problems
from feedhub.catalog.rows import ArticleRow, FileRow, row_of
from feedhub.dates import month_of
from feedhub.errors import Problem
from feedhub.feed import labels_of
from feedhub.fork_map import fork_map

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from feedhub.feed import Label
    from feedhub.sources import Source, SourceFile


class _Known(NamedTuple):
    """What the catalog knows of a file before it is read again."""

    number: int
    stamp: str
    state: str
    due: int | None
    id: str | None
    digest: bytes | None
    updated: int | None

    def shows(self, article: ArticleRow) -> bool:
        """Tell whether subscribers see no difference."""
        shown = (self.state, self.id, self.digest, self.updated)
        return shown == ("shown", article.id, article.digest, article.updated)


class ArticleSync:
    """One pass over a source, inside one transaction of the caller's.

    `touched` are the months of feeds that must be looked at again, by feed number.
    """

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
        self._ids = {known.id for known in self._known.values()}
        self._feeds: dict[tuple[str, str], int] = {}  # numbers by kind and key
        self._dirty: dict[str, None] = {}  # ids to settle, in order of path
        self._scan_problems: list[Problem] = []
        self._left: set[tuple[int, str]] = set()  # a feed and the id that it has no more
        self.read = 0
        self.touched: defaultdict[int, set[str]] = defaultdict(set)

    def run(
        self, *, reread: bool, relabel: bool, processes: int, on_progress: Callable[[], object]
    ) -> None:
        """Bring articles and labels up to date; files are read by so many processes.

        `reread` reads every file though none changed: then a different digest is our doing and no
        update. `relabel` settles every article known before again. `on_progress` is called for each
        file.
        """
        kept, changed = self._look(reread=reread, on_progress=on_progress)
        with closing(fork_map(self._row, changed, processes)) as rows:
            for found, row in zip(changed, rows, strict=True):
                self._put(found, row, silent=reread)
                on_progress()
        self._forget(self._known.keys() - kept)
        if relabel:
            self._dirty |= {known.id: None for _, known in sorted(self._known.items()) if known.id}
        for identity in self._dirty:
            self._settle(identity)
        for feed in {feed for feed, _ in self._left}:
            # What is withdrawn cannot be said by a delta, and its id is not kept.
            self._sql.execute("DELETE FROM history WHERE feed = ?", (feed,))

    def _look(
        self, *, reread: bool, on_progress: Callable[[], object]
    ) -> tuple[set[str], list[SourceFile]]:
        """Return the paths that are still there, and the files that must be read."""
        kept: set[str] = set()
        changed: list[SourceFile] = []
        for item in self._source.scan():
            if isinstance(item, Problem):
                self._scan_problems.append(item)
                kept.update(self._below(item.path))
            else:
                kept.add(item.path)
                if reread or self._is_new(item):
                    changed.append(item)
                    continue
            on_progress()
        self.read = len(changed)
        return kept, changed

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

    def _is_new(self, found: SourceFile) -> bool:
        known = self._known.get(found.path)
        return not found.stamp or not known or known.stamp != found.stamp or self._is_due(known)

    def _is_due(self, known: _Known) -> bool:
        return known.due is not None and known.due <= self._now.timestamp()

    def _row(self, found: SourceFile) -> FileRow:
        """Read one file; the catalog is not asked, for this may happen in another process."""
        return row_of(self._source.read(found.path, self._now), self._kinds)

    def _put(self, found: SourceFile, row: FileRow, *, silent: bool) -> None:
        known = self._known.get(found.path)
        if known and _keeps_earlier(known, row) and not self._is_due(known):
            self._keep(known, found, row)
        elif row.article is None:
            self._hide(known, found, row)
        else:
            self._show(known, found, row, row.article, silent=silent)

    def _keep(self, known: _Known, found: SourceFile, row: FileRow) -> None:
        """Keep the last good article of a file that cannot be read: it may be half-written.

        Its `due` stays too: past it, nobody knows whether the article may still be shown.
        """
        problems = row.problems or encode_problems((_lost_front_matter(found.path),))
        self._sql.execute(_KEEP, (found.stamp, problems, known.number))

    def _hide(self, known: _Known | None, found: SourceFile, row: FileRow) -> None:
        if known and known.id is not None:
            self._unlabel(known.number)
            self._sql.execute("DELETE FROM records WHERE number = ?", (known.number,))
            self._dirty[known.id] = None
        rejected = row.state == "rejected"
        values = (found.stamp, row.state, row.due, rejected, row.problems, *[None] * 5)
        self._write(known, found.path, values)

    def _show(
        self,
        known: _Known | None,
        found: SourceFile,
        row: FileRow,
        article: ArticleRow,
        *,
        silent: bool,
    ) -> None:
        article = article.updated_at(self._updated(known, article, silent=silent))
        values = (found.stamp, "shown", row.due, False, row.problems, *article.columns)
        number = self._write(known, found.path, values)
        self._sql.execute(_PUT_RECORD, (number, article.record))
        same = known and known.shows(article)
        if known and known.id not in (None, article.id):
            self._unlabel(number)
            self._dirty[known.id] = None
        if article.id not in self._ids:
            self._ids.add(article.id)
            self._label(number, article.id, article.published, article.labels)
        elif not same:
            self._dirty[article.id] = None

    def _updated(self, known: _Known | None, article: ArticleRow, *, silent: bool) -> int:
        """Return when the article last changed for a subscriber (RFC 4287, 4.2.9)."""
        if article.dated or known is None or known.updated is None:
            return article.updated
        if known.digest == article.digest or silent:
            return max(article.published, known.updated)
        return max(article.published, int(self._now.timestamp()))

    def _write(self, known: _Known | None, path: str, values: tuple[object, ...]) -> int:
        """Write the row of a file and return its number."""
        if known is None:
            return self._sql.execute(_ADD, (path, *values)).lastrowid or 0
        self._sql.execute(_CHANGE, (*values, known.number))
        return known.number

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
            labels = labels_of(decode_article(record), self._kinds)
            self._label(number, identity, published, labels)

    def _unlabel(self, number: int) -> None:
        for feed, published, identity in self._sql.execute(_LABELS_OF, (number,)).fetchall():
            self.touched[feed].add(month_of(published))
            self._left.add((feed, identity))
        self._sql.execute("DELETE FROM labels WHERE article = ?", (number,))

    def _label(self, number: int, identity: str, published: int, labels: Iterable[Label]) -> None:
        month, feeds = month_of(published), [self._feed(label) for label in labels]
        rows = [(feed, published, identity, number, self._generation) for feed in feeds]
        self._sql.executemany(_ADD_LABEL, rows)
        for feed in feeds:
            self.touched[feed].add(month)
            self._left.discard((feed, identity))

    def _feed(self, label: Label) -> int:
        number = self._feeds.get(label[:2])
        if number is None:
            row = self._sql.execute(_FIND_FEED, label[:2]).fetchone()
            row = row or self._sql.execute(_ADD_FEED, label).fetchone()
            number = self._feeds[label[:2]] = int(row[0])
        return number


_WITH_ARTICLE = ("shown", "duplicate")
_ALL_PROBLEMS = "SELECT problems FROM articles WHERE problems IS NOT NULL"
_KEEP = "UPDATE articles SET stamp = ?, rejected = 1, problems = ? WHERE number = ?"
_ADD = """
INSERT INTO articles
    (path, stamp, state, due, rejected, problems, id, digest, published, updated, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CHANGE = """
UPDATE articles SET
    stamp = ?, state = ?, due = ?, rejected = ?, problems = ?,
    id = ?, digest = ?, published = ?, updated = ?, size = ?
WHERE number = ?
"""
_PUT_RECORD = """
INSERT INTO records VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET record = excluded.record
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
        "SELECT path, number, stamp, state, due, id, substr(digest, 1, 16), updated FROM articles"
    )
    return {row[0]: _Known._make(row[1:]) for row in rows}


def _keeps_earlier(known: _Known, row: FileRow) -> bool:
    unread = row.state == "plain" or (row.state == "rejected" and not row.withdraws)
    return unread and known.state in _WITH_ARTICLE


def _lost_front_matter(path: str) -> Problem:
    message = "the front matter is gone; the last good version stays: restore it or remove the file"
    return Problem(path=path, code="front-matter-lost", message=message)


def _duplicate_id(path: str, first: str) -> Problem:
    message = f"the id is that of {first}, which stays: give this article another id or file name"
    return Problem(path=path, code="duplicate-id", message=message)
