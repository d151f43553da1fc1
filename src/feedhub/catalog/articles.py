"""Bringing articles and their labels up to date: only changed files are read and written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial

from feedhub.catalog.claims import PUT_RECORD, ClaimSync, claim_problems
from feedhub.catalog.cpu_limit import MAX_SECONDS, CpuLimit
from feedhub.catalog.database import Database
from feedhub.catalog.feed_names import Spellings
from feedhub.catalog.labels import LabelSync
from feedhub.catalog.records import (
    ArticleRow,
    FileRow,
    StoredFile,
    decode_problems,
    encode_problems,
    row_of,
)
from feedhub.catalog.state import ScanProblems, read_record, write_record
from feedhub.dates import format_day, from_timestamp
from feedhub.errors import Problem
from feedhub.fork_map import fork_map
from feedhub.sources import ComparingSource, ReadResult, Source, SourceFile
from feedhub.sources.file_rules import is_asset


def too_slow(path: str) -> ReadResult:
    """Return what is known of a file that takes too long to read."""
    message = f"reading takes more than {MAX_SECONDS:g} seconds of CPU time; shorten the file"
    problem = Problem(path=path, code="too-slow", message=message)
    return ReadResult(state="rejected", problems=(problem,))


class ArticleSync:
    """One pass over a source, inside one transaction of the caller's; `read` counts files.

    `renamed` counts articles that readers know, and by another id than the one adopted for them.
    With `unique_addresses` only one of several articles with one address is published.
    """

    def __init__(
        self,
        database: Database,
        source: Source,
        now: datetime,
        *,
        kinds: tuple[str, ...],
        language: str,
        generation: int,
        unique_addresses: bool,
    ) -> None:
        self._database = database
        self._source = source
        self._now = now.replace(microsecond=0)
        self._kinds, self._language = kinds, language
        self._labels = LabelSync(database, generation)
        self._claims = ClaimSync(
            database,
            self._labels,
            self._now,
            kinds=kinds,
            language=language,
            unique_addresses=unique_addresses,
        )
        self._scan_problems: tuple[Problem, ...] = ()
        self._written: set[int] = set()
        self.read = 0
        self.renamed = 0

    @property
    def written(self) -> set[int]:
        """The numbers of the articles that this pass has written or removed."""
        return self._written | self._labels.articles

    @property
    def changed(self) -> set[str]:
        """The ids of which readers may have something else now."""
        return self._claims.changed

    @property
    def left(self) -> Mapping[tuple[int, str], int]:
        """When each id came into a feed that it has left, by feed number and id."""
        return self._labels.left

    @property
    def spellings(self) -> Mapping[int, Spellings]:
        """How the spellings of labels changed, by feed number."""
        return self._labels.spellings

    @property
    def touched(self) -> dict[int, set[str]]:
        """The months of feeds that must be computed again, by feed number."""
        return self._labels.touched

    def run(
        self,
        *,
        paths: Collection[str] | None,
        reread: bool,
        relabel: bool,
        processes: int,
        on_progress: Callable[[], object],
    ) -> None:
        """Bring articles and labels up to date; files are read by so many processes.

        `paths` are the files that may have changed, None stands for all. `reread` reads every file
        though none changed: then a different digest is our doing and no update. `relabel` labels
        every article known before again. `on_progress` is called for each file.
        """
        changed, missing = self._scan(paths, reread=reread, on_progress=on_progress)
        if any(stored.id is not None for stored in map(self._fetch, missing) if stored):
            self._source.settle()
            first_missed = missing
            changed, missing = self._scan(None, reread=reread, on_progress=lambda: None)
            # Only what both scans missed is gone: a checkout may have moved on to other files.
            missing &= first_missed

        changed += self._linking_to({file.path for file in changed} | missing)

        def read(file: SourceFile) -> FileRow:  # perhaps in another process, without the database
            result = limit.run(partial(self._source.read, file.path, self._now))
            return row_of(result or too_slow(file.path), self._kinds, self._language)

        with (
            closing(CpuLimit()) as limit,
            closing(fork_map(read, changed, processes, limit.start)) as rows,
        ):
            limit.start()
            for file, row in zip(changed, rows, strict=True):
                self._put(file, row, silent=reread)
                on_progress()
        for stored in filter(None, map(self._fetch, sorted(missing))):
            self._remove(stored)
        if relabel:
            self._claims.reopen()
        self._claims.settle()
        self._labels.forget_history()
        self._labels.store_counts()

    def problems(self) -> tuple[Problem, ...]:
        """Return every problem of every file, in order of path, with the path a person knows."""
        stored = self._database.iterate(_ALL_PROBLEMS)
        every = [problem for row in stored for problem in decode_problems(row[0])]
        every += claim_problems(self._database, self._source.locate)
        every += self._scan_problems
        every.sort(key=lambda problem: (problem.path, problem.line))
        return tuple(replace(problem, path=self._source.locate(problem.path)) for problem in every)

    def _scan(
        self,
        paths: Collection[str] | None,
        *,
        reread: bool,
        on_progress: Callable[[], object],
    ) -> tuple[list[SourceFile], set[str]]:
        """Return the files that must be read, and the paths of known files that are not there."""
        if paths is not None:
            due = self._database.fetch_all(_DUE, (self._now.timestamp(),))
            paths = {*paths, *(row[0] for row in due)}
        known = self._known(paths, reread=reread)
        scan_problems: list[Problem] = []
        changed: list[SourceFile] = []
        if isinstance(self._source, ComparingSource):
            items = self._source.compare(known, paths, on_progress)
        else:
            items = compare(self._source, known, on_progress)
        for item in items:
            if isinstance(item, Problem):
                scan_problems.append(item)
                take_below(known, item.path)
            else:
                changed.append(item)
        self._store_problems(paths, scan_problems)
        self.read = sum(not is_asset(file.path) for file in changed)
        return changed, set(known)

    def _store_problems(self, paths: Collection[str] | None, found: list[Problem]) -> None:
        """Keep the problems of a scan, and those of an earlier one that it has not looked at."""
        earlier: tuple[Problem, ...] = ()
        if paths is not None:
            earlier = read_record(self._database, ScanProblems).problems
        kept = [problem for problem in earlier if problem.path not in (paths or ())]
        self._scan_problems = tuple(dict.fromkeys([*kept, *found]))
        write_record(self._database, ScanProblems(problems=self._scan_problems))

    def _known(self, paths: Collection[str] | None, *, reread: bool) -> dict[str, bytes]:
        """Return the stamps of known files by path; b"" stands for one that must be read."""
        if paths is not None:
            rows = [(path, self._database.fetch_value(_STAMP_OF, (path,))) for path in paths]
            known = {path: stamp for path, stamp in rows if stamp is not None}
        else:
            known = dict(self._database.iterate(_STAMPS))
        if reread:
            return dict.fromkeys(known, b"")
        for (path,) in self._database.fetch_all(_DUE, (self._now.timestamp(),)):
            known[path] = b""
        return known

    def _fetch(self, path: str) -> StoredFile | None:
        row = self._database.fetch_one(_FILE, (path,))
        return StoredFile._make(row) if row else None

    def _linking_to(self, paths: set[str]) -> list[SourceFile]:
        """Return the unchanged files whose articles show the address of one at these paths."""
        numbers = {row[0] for path in paths for row in self._database.fetch_all(_LINKING, (path,))}
        files = [
            SourceFile._make(row)
            for number in sorted(numbers)
            for row in self._database.fetch_all(_FILE_OF, (number,))
        ]
        found = [file for file in files if file.path not in paths]
        self.read += len(found)
        return found

    def _put(self, file: SourceFile, row: FileRow, *, silent: bool) -> None:
        """Store what was read of a file."""
        stored = self._fetch(file.path)
        if row.retry:
            file = file._replace(stamp=b"")
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
            values = (file.stamp, row.state, row.due, rejected, row.problems, *[None] * 7)
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
        published = self._claims.prepare(stored, article)
        if row.replaced_id and self._claims.is_renamed(article.id, row.replaced_id):
            self.renamed += 1
        if published:
            article = article.updated_at(published.updated_with(article, self._now, silent=silent))
        values = (file.stamp, "shown", row.due, 0, row.problems, *article.columns)
        number = self._write(stored, file.path, values)
        if row.links:
            links = [(target, number, row.copies.get(target)) for target in row.links]
            self._database.execute_many(_ADD_LINK, links)
        self._database.execute(PUT_RECORD, (number, article.record))
        self._claims.claim(number, stored, article)

    def _write(self, stored: StoredFile | None, path: str, values: tuple[object, ...]) -> int:
        """Write the row of a file and return its number."""
        if stored is None:
            number = int(self._database.fetch_value(_ADD_FILE, (path, *values)))
        else:
            number = stored.number
            self._database.execute(_CHANGE_FILE, (*values, number))
            self._database.execute(_DELETE_LINKS, (number,))
        self._written.add(number)
        return number

    def _withdraw(self, stored: StoredFile) -> None:
        """Delete an article from its feeds; another file may claim its id."""
        if stored.id is not None:
            self._labels.remove(stored.number)
            self._database.execute("DELETE FROM records WHERE number = ?", (stored.number,))
            self._claims.release(stored)

    def _remove(self, stored: StoredFile) -> None:
        self._withdraw(stored)
        self._written.add(stored.number)
        self._database.execute("DELETE FROM articles WHERE number = ?", (stored.number,))
        self._database.execute(_DELETE_LINKS, (stored.number,))


def compare(
    source: Source, known: dict[str, bytes], on_progress: Callable[[], object]
) -> Iterator[SourceFile | Problem]:
    """Yield what a ComparingSource would of a source that lists all its files."""
    for item in source.scan():
        if isinstance(item, Problem):
            yield item
        elif known.pop(item.path, None) == item.stamp != b"":
            on_progress()
        else:
            yield item


def take_below(known: dict[str, bytes], path: str) -> None:
    """Take out what may still be there though a scan has a problem with its path."""
    known.pop(path, None)
    if path == ".":
        known.clear()
    elif path.endswith("/"):
        for other in [other for other in known if other.startswith(path)]:
            del known[other]


_STAMPS = "SELECT path, stamp FROM articles"
_STAMP_OF = "SELECT stamp FROM articles WHERE path = ?"
_DUE = "SELECT path FROM articles WHERE due <= ?"
_FILE = """
SELECT number, stamp, state, due, id, substr(digest, 1, 16), updated, address FROM articles
WHERE path = ?
"""
_FILE_OF = "SELECT path, stamp FROM articles WHERE number = ?"
_ALL_PROBLEMS = "SELECT problems FROM articles WHERE problems IS NOT NULL"
_KEEP_EARLIER = "UPDATE articles SET stamp = ?, rejected = 1, problems = ? WHERE number = ?"
_ADD_FILE = """
INSERT INTO articles
    (path, stamp, state, due, rejected, problems,
     id, digest, published, updated, size, address, own_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number
"""
_CHANGE_FILE = """
UPDATE articles SET
    stamp = ?, state = ?, due = ?, rejected = ?, problems = ?,
    id = ?, digest = ?, published = ?, updated = ?, size = ?, address = ?, own_id = ?
WHERE number = ?
"""
_LINKING = "SELECT article FROM links WHERE target = ?"
_ADD_LINK = "INSERT INTO links (target, article, place) VALUES (?, ?, ?)"
_DELETE_LINKS = "DELETE FROM links WHERE article = ?"


def _lost_front_matter(path: str) -> Problem:
    message = "the front matter is gone: restore it or remove the file"
    return Problem(path=path, code="front-matter-lost", message=message)


def _still_published(problem: Problem, stored: StoredFile) -> Problem:
    """Return the problem of a file of which an earlier version stays, with the date of that."""
    message = problem.message
    if stored.state == "shown" and stored.updated is not None:
        message += f"; the version of {format_day(from_timestamp(stored.updated))} stays published"
    return replace(problem, message=message)
