"""Bringing articles and their labels up to date: only changed files are read and written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial

from feedhub.catalog.claims import PUT_RECORD, ClaimSync, claim_problems
from feedhub.catalog.cpu_limit import MAX_SECONDS, CpuLimit
from feedhub.catalog.database import Database
from feedhub.catalog.labels import LabelSync
from feedhub.catalog.records import (
    ArticleRow,
    FileRow,
    StoredFile,
    decode_problems,
    encode_problems,
    row_of,
)
from feedhub.dates import format_day, from_timestamp
from feedhub.errors import Problem
from feedhub.fork_map import fork_map
from feedhub.sources import ReadResult, Source, SourceFile
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
        generation: int,
        unique_addresses: bool,
    ) -> None:
        self._database = database
        self._source = source
        self._now = now.replace(microsecond=0)
        self._kinds = kinds
        self._stored = {row[0]: StoredFile._make(row[1:]) for row in database.iterate(_FILES)}
        self._labels = LabelSync(database, generation)
        self._claims = ClaimSync(
            database,
            self._stored,
            self._labels,
            self._now,
            kinds=kinds,
            unique_addresses=unique_addresses,
        )
        self._scan_problems: list[Problem] = []
        self.read = 0
        self.renamed = 0

    @property
    def touched(self) -> dict[int, set[str]]:
        """The months of feeds that must be computed again, by feed number."""
        return self._labels.touched

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

        changed += self._linking_to({file.path for file in changed} | missing)

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
            self._claims.reopen()
        self._claims.settle()
        self._labels.forget_history()

    def problems(self) -> tuple[Problem, ...]:
        """Return every problem of every file, in order of path, with the path a person knows."""
        stored = self._database.iterate(_ALL_PROBLEMS)
        every = [problem for row in stored for problem in decode_problems(row[0])]
        every += claim_problems(self._database, self._source.locate)
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
        self.read = sum(not is_asset(file.path) for file in changed)
        return present, changed

    def _linking_to(self, paths: set[str]) -> list[SourceFile]:
        """Return the unchanged files whose articles show the address of one at these paths."""
        numbers = {row[0] for path in paths for row in self._database.fetch_all(_LINKING, (path,))}
        if not numbers:
            return []
        found = [
            SourceFile(path, stored.stamp)
            for path, stored in self._stored.items()
            if stored.number in numbers and path not in paths
        ]
        self.read += len(found)
        return found

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
        if row.replaced_id and self._claims.is_renamed(article.id, row.replaced_id):
            self.renamed += 1
        published = self._claims.published_before(article.id)
        if published:
            article = article.updated_at(published.updated_with(article, self._now, silent=silent))
        values = (file.stamp, "shown", row.due, 0, row.problems, *article.columns)
        number = self._write(stored, file.path, values)
        links = [(target, number, row.copies.get(target)) for target in row.links]
        self._database.execute_many(_ADD_LINK, links)
        self._database.execute(PUT_RECORD, (number, article.record))
        self._claims.claim(number, stored, article)

    def _write(self, stored: StoredFile | None, path: str, values: tuple[object, ...]) -> int:
        """Write the row of a file and return its number."""
        if stored is None:
            return int(self._database.fetch_value(_ADD_FILE, (path, *values)))
        self._database.execute(_CHANGE_FILE, (*values, stored.number))
        self._database.execute(_DELETE_LINKS, (stored.number,))
        return stored.number

    def _withdraw(self, stored: StoredFile) -> None:
        """Delete an article from its feeds; another file may claim its id."""
        if stored.id is not None:
            self._labels.remove(stored.number)
            self._database.execute("DELETE FROM records WHERE number = ?", (stored.number,))
            self._claims.release(stored)

    def _remove(self, stored: StoredFile) -> None:
        self._withdraw(stored)
        self._database.execute("DELETE FROM articles WHERE number = ?", (stored.number,))
        self._database.execute(_DELETE_LINKS, (stored.number,))


_FILES = """
SELECT path, number, stamp, state, due, id, substr(digest, 1, 16), updated, address FROM articles
"""
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
