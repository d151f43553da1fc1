"""Bringing articles and their labels up to date: only changed files are read and written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from feedhub.catalog.cpu_limit import MAX_SECONDS, CpuLimit
from feedhub.catalog.database import Database, upsert
from feedhub.catalog.feed_names import find_or_add_feed
from feedhub.catalog.records import (
    ArticleRow,
    FileRow,
    decode_article,
    decode_problems,
    encode_problems,
    row_of,
)
from feedhub.dates import format_day, from_timestamp, month_of
from feedhub.errors import Problem
from feedhub.feed import Label, labels_of
from feedhub.fingerprint import digest
from feedhub.fork_map import fork_map
from feedhub.sources import ReadResult, Source, SourceFile

# The newest tombstones stay, about 80 bytes each: what left before them gets the date of a new
# article when it returns. A number, not an age: the clock may jump.
MAX_TOMBSTONES = 100_000


class StoredFile(NamedTuple):
    """What the catalog has of a file before it is read again; `due` is a Unix time."""

    number: int
    stamp: str
    state: str
    due: int | None
    id: str | None
    digest: bytes | None
    updated: int | None

    def is_due(self, now: datetime) -> bool:
        """Return whether the file must be read again though it has not changed."""
        return self.due is not None and self.due <= now.timestamp()

    def looks_like(self, article: ArticleRow) -> bool:
        """Return whether subscribers see no difference."""
        shown = (self.state, self.id, self.digest, self.updated)
        return shown == ("shown", article.id, article.digest, article.updated)

    def outlasts(self, row: FileRow) -> bool:
        """Return whether the last good article stays: the file may be half-written."""
        unread = row.state in ("plain", "rejected") and not row.withdraws
        return unread and self.state in ("shown", "duplicate")

    def updated_with(self, article: ArticleRow, now: datetime, *, silent: bool = False) -> int:
        """Return when the article last changed for a subscriber (RFC 4287, 4.2.9).

        Never earlier than they have, though a file may state so or the clock may have gone back.
        """
        if article.by_build and self.digest == article.digest:
            return max(article.published, self.updated or 0)
        if article.dated or silent or self.digest == article.digest:
            return max(article.updated, self.updated or 0)
        return max(article.published, int(now.timestamp()), (self.updated or 0) + 1)


def too_slow(path: str) -> ReadResult:
    """Return what is known of a file that takes too long to read."""
    message = f"reading takes more than {MAX_SECONDS:g} seconds of CPU time; shorten the file"
    problem = Problem(path=path, code="too-slow", message=message)
    return ReadResult(state="rejected", problems=(problem,))


class ArticleSync:
    """One pass over a source, inside one transaction of the caller's.

    `touched` are the months of feeds that must be computed again, by feed number; `read` is how
    many files were read.
    """

    def __init__(
        self,
        database: Database,
        source: Source,
        now: datetime,
        *,
        kinds: tuple[str, ...],
        generation: int,
    ) -> None:
        self._database = database
        self._source = source
        self._now = now.replace(microsecond=0)
        self._kinds = kinds
        self._generation = generation
        self._stored = {row[0]: StoredFile._make(row[1:]) for row in database.iterate(_FILES)}
        self._ids = {stored.id for stored in self._stored.values()}
        shown = (stored for stored in self._stored.values() if stored.state == "shown")
        self._published = {stored.id: stored for stored in shown}
        self._feeds: dict[tuple[str, str], int] = {}  # numbers by kind and key
        self._claimed: dict[str, None] = {}  # ids to settle, in order of path
        self._scan_problems: list[Problem] = []
        self._left: set[tuple[int, str]] = set()  # feeds, each with an id that has left it
        self.read = 0
        self.touched: defaultdict[int, set[str]] = defaultdict(set)

    def run(
        self, *, reread: bool, relabel: bool, processes: int, on_progress: Callable[[], object]
    ) -> None:
        """Bring articles and labels up to date; files are read by so many processes.

        `reread` reads every file though none changed: then a different digest is our doing and no
        update. `relabel` labels every article known before again. `on_progress` is called for each
        file.
        """
        present, changed = self._scan(reread=reread, on_progress=on_progress)
        missing = self._stored.keys() - present
        if any(self._stored[path].id is not None for path in missing):
            self._source.settle()
            present, changed = self._scan(reread=reread, on_progress=lambda: None)
            # Only what both scans missed is gone: a checkout may have moved on to other files.
            missing -= present

        def read(file: SourceFile) -> FileRow:  # perhaps in another process, without the database
            result = limit.run(partial(self._source.read, file.path, self._now))
            return row_of(result or too_slow(file.path), self._kinds)

        with (
            closing(CpuLimit()) as limit,
            closing(fork_map(read, changed, processes, limit.start)) as rows,
        ):
            limit.start()
            for file, row in zip(changed, rows, strict=True):
                self._put(file, row, silent=reread)
                on_progress()
        for path in missing:
            self._remove(self._stored[path])
        if relabel:
            stored = sorted(self._stored.items())
            self._claimed |= {file.id: None for _, file in stored if file.id is not None}
        for identity in self._claimed:
            self._settle(identity)
        for feed in {feed for feed, _ in self._left}:
            # A delta cannot express a withdrawal, and the id of what is withdrawn is not stored.
            self._database.execute("DELETE FROM history WHERE feed = ?", (feed,))
        self._database.execute(_PRUNE_TOMBSTONES, (MAX_TOMBSTONES,))

    def problems(self) -> tuple[Problem, ...]:
        """Return every problem of every file, in order of path, with the path a person knows."""
        stored = self._database.iterate(_ALL_PROBLEMS)
        every = [problem for row in stored for problem in decode_problems(row[0])]
        every += self._scan_problems
        every.sort(key=lambda problem: (problem.path, problem.line))
        return tuple(replace(problem, path=self._source.locate(problem.path)) for problem in every)

    def _scan(
        self, *, reread: bool, on_progress: Callable[[], object]
    ) -> tuple[set[str], list[SourceFile]]:
        """Return the paths that are still there, and the files that must be read."""
        self._scan_problems.clear()
        present: set[str] = set()
        changed: list[SourceFile] = []
        for item in self._source.scan():
            if isinstance(item, Problem):
                self._scan_problems.append(item)
                # What lies in a folder that cannot be read may still be there.
                above = item.path
                present.update(
                    path
                    for path in self._stored
                    if above in (".", path) or path.startswith(f"{above.rstrip('/')}/")
                )
            else:
                present.add(item.path)
                stored = self._stored.get(item.path)
                unchanged = stored and item.stamp and stored.stamp == item.stamp
                if reread or not unchanged or (stored and stored.is_due(self._now)):
                    changed.append(item)
                    continue
            on_progress()
        self.read = len(changed)
        return present, changed

    # A file first becomes a row; ids are given out when all rows are there, by `_settle`, for
    # two files may claim one id or swap theirs.

    def _put(self, file: SourceFile, row: FileRow, *, silent: bool) -> None:
        """Store what was read of a file."""
        stored = self._stored.get(file.path)
        if row.retry:
            file = file._replace(stamp="")
        if stored and stored.outlasts(row) and not stored.is_due(self._now):
            # `due` stays too: past it the article might have to be hidden.
            found = row.problems if row.state == "rejected" else None
            problem = decode_problems(found)[0] if found else None
            problem = _still_published(problem or _lost_front_matter(file.path), stored)
            problems = encode_problems((problem,))
            self._database.execute(_KEEP_EARLIER, (file.stamp, problems, stored.number))
        elif row.article is None:
            if stored:
                self._withdraw(stored)
            rejected = int(row.state == "rejected")
            values = (file.stamp, row.state, row.due, rejected, row.problems, *[None] * 5)
            self._write(stored, file.path, values)
        else:
            self._publish(stored, file, row, row.article, silent=silent)

    def _publish(
        self,
        stored: StoredFile | None,
        file: SourceFile,
        row: FileRow,
        article: ArticleRow,
        *,
        silent: bool,
    ) -> None:
        published = self._published_before(article.id)
        if published:
            article = article.updated_at(published.updated_with(article, self._now, silent=silent))
        values = (file.stamp, "shown", row.due, 0, row.problems, *article.columns)
        number = self._write(stored, file.path, values)
        self._database.execute(_PUT_RECORD, (number, article.record))
        if stored and stored.id not in (None, article.id):
            self._unlabel(number)
            self._claimed[stored.id] = None
        if article.id not in self._ids:  # nearly always: then there is nothing to settle
            self._ids.add(article.id)
            self._label(number, article.id, article.published, article.labels)
        elif not (stored and stored.looks_like(article)):
            self._claimed[article.id] = None

    def _write(self, stored: StoredFile | None, path: str, values: tuple[object, ...]) -> int:
        """Write the row of a file and return its number."""
        if stored is None:
            return int(self._database.fetch_value(_ADD_FILE, (path, *values)))
        self._database.execute(_CHANGE_FILE, (*values, stored.number))
        return stored.number

    def _withdraw(self, stored: StoredFile) -> None:
        """Delete an article from its feeds; another file may claim its id."""
        if stored.id is not None:
            self._unlabel(stored.number)
            self._database.execute("DELETE FROM records WHERE number = ?", (stored.number,))
            self._claimed[stored.id] = None

    def _remove(self, stored: StoredFile) -> None:
        self._withdraw(stored)
        self._database.execute("DELETE FROM articles WHERE number = ?", (stored.number,))

    def _published_before(self, identity: str) -> StoredFile | None:
        """Return what subscribers have of an id, though its article may be hidden now."""
        if identity not in self._ids:
            row = self._database.fetch_one(_TOMBSTONE, (digest(identity),))
            if row:
                self._published[identity] = StoredFile(0, "", "hidden", None, identity, *row)
                self._database.execute(_DELETE_TOMBSTONE, (digest(identity),))
        return self._published.get(identity)

    def _settle(self, identity: str) -> None:
        """Give an id to the first of the files that claim it, and label that one.

        An id that no file claims any more leaves a tombstone.
        """
        claims = self._database.fetch_all(_CLAIMS, (identity,))
        before = self._published.get(identity)
        if before and not claims:
            self._database.execute(
                _PUT_TOMBSTONE, (digest(identity), before.digest, before.updated)
            )
        for number, *_ in claims:
            self._unlabel(number)
        for number, path, *_ in claims[1:]:
            problem = _duplicate_id(path, self._source.locate(claims[0][1]))
            self._database.execute(_SET_DUPLICATE, (encode_problems((problem,)), number))
        for number, _, published, digest_, updated, size, record in claims[:1]:
            self._database.execute(_SET_SHOWN, (number,))
            if before and before.number not in (0, number) and updated <= (before.updated or 0):
                row = ArticleRow(identity, digest_, published, updated, size, False, record, ())
                later = row.updated_at(before.updated_with(row, self._now))
                self._database.execute(_SET_UPDATED, (later.updated, number))
                self._database.execute(_PUT_RECORD, (number, later.record))
            labels = labels_of(decode_article(record), self._kinds)
            self._label(number, identity, published, labels)

    def _unlabel(self, number: int) -> None:
        for feed, published, identity in self._database.fetch_all(_LABELS_OF, (number,)):
            self.touched[feed].add(month_of(published))
            self._left.add((feed, identity))
        self._database.execute("DELETE FROM labels WHERE article = ?", (number,))

    def _label(self, number: int, identity: str, published: int, labels: Iterable[Label]) -> None:
        month, spellings = month_of(published), {self._feed(label): label.text for label in labels}
        rows = [
            (feed, published, identity, number, self._generation, spelling)
            for feed, spelling in spellings.items()
        ]
        self._database.execute_many(ADD_LABEL, rows)
        for feed in spellings:
            self.touched[feed].add(month)
            self._left.discard((feed, identity))

    def _feed(self, label: Label) -> int:
        """Return the number of a label's feed, which is added if it is new."""
        number = self._feeds.get(label[:2])
        if number is None:
            number = find_or_add_feed(self._database, label)
            self._feeds[label[:2]] = number
        return number


_FILES = "SELECT path, number, stamp, state, due, id, substr(digest, 1, 16), updated FROM articles"
_ALL_PROBLEMS = "SELECT problems FROM articles WHERE problems IS NOT NULL"
_KEEP_EARLIER = "UPDATE articles SET stamp = ?, rejected = 1, problems = ? WHERE number = ?"
_ADD_FILE = """
INSERT INTO articles
    (path, stamp, state, due, rejected, problems, id, digest, published, updated, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number
"""
_CHANGE_FILE = """
UPDATE articles SET
    stamp = ?, state = ?, due = ?, rejected = ?, problems = ?,
    id = ?, digest = ?, published = ?, updated = ?, size = ?
WHERE number = ?
"""
_PUT_RECORD = upsert("records", "number", "record")
_CLAIMS = """
SELECT articles.number, path, published, substr(digest, 1, 16), updated, size, record
FROM articles JOIN records USING (number) WHERE id = ? ORDER BY path
"""
_SET_UPDATED = "UPDATE articles SET updated = ? WHERE number = ?"
_TOMBSTONE = "SELECT digest, updated FROM tombstones WHERE id = ?"
_PUT_TOMBSTONE = upsert("tombstones", "id", "digest updated")
_DELETE_TOMBSTONE = "DELETE FROM tombstones WHERE id = ?"
_PRUNE_TOMBSTONES = """
DELETE FROM tombstones WHERE number <= (SELECT MAX(number) FROM tombstones) - ?
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
ADD_LABEL = """
INSERT INTO labels (feed, published, id, article, generation, spelling) VALUES (?, ?, ?, ?, ?, ?)
"""


def _lost_front_matter(path: str) -> Problem:
    message = "the front matter is gone: restore it or remove the file"
    return Problem(path=path, code="front-matter-lost", message=message)


def _still_published(problem: Problem, stored: StoredFile) -> Problem:
    """Return the problem of a file of which an earlier version stays, with the date of that."""
    message = problem.message
    if stored.state == "shown" and stored.updated is not None:
        message += f"; the version of {format_day(from_timestamp(stored.updated))} stays published"
    return replace(problem, message=message)


def _duplicate_id(path: str, first: str) -> Problem:
    message = f"the id is that of {first}, which stays: give this article another id or file name"
    return Problem(path=path, code="duplicate-id", message=message)
