"""Pictures, audio and video of the source that published articles show, and their copies.

The copies of a server lie in a folder beside the catalog, each at a place that names its hash: so
several processes may read them while one writes, and who serves needs no access to the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from feedhub.catalog.database import CatalogAddress, Database
from feedhub.errors import ArticleError, Problem, output_errors
from feedhub.sources import AssetSource, Source
from feedhub.sources.assets import bounded, copy_place


class Assets:
    """What published articles show copies of, and the copies beside the file `catalog`.

    Beside a database of PostgreSQL there is no folder that all servers see, and so no copy.
    """

    def __init__(self, database: Database, catalog: CatalogAddress | None) -> None:
        self._database = database
        self._folder: Path | None = None
        if isinstance(catalog, Path):
            self._folder = catalog.with_name(f"{catalog.name}.assets")
        self._is_remote = isinstance(catalog, str)

    def shown(self) -> dict[str, str]:
        """Return the place of each copy that a published article shows, and the path of its file.

        Files with the same bytes and name share one.
        """
        return dict(self._database.iterate(_SHOWN))

    def file(self, place: str) -> Path | None:
        """Return the copy at a place, or None where no published article shows it."""
        if self._folder is None or not self._database.fetch_one(_IS_SHOWN, (place,)):
            return None
        return self._folder / place

    def copy_from(self, source: Source) -> Iterator[Problem]:
        """Add the copies that are missing; yield a problem for each file that has changed.

        Call it in the transaction of the sync: what is published has its copies. Raises
        OutputError.
        """
        if self._is_remote and (shown := self.shown()):
            yield not_held(source, next(iter(shown.values())), len(shown))
        if self._folder is None:
            return
        for place, path in self.shown().items():
            copy = self._folder / place
            if copy.exists():
                continue
            with output_errors(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                unfinished = copy.with_name(f".{copy.name}.new")
                with unfinished.open("wb") as file:
                    digest = write_copy(source, path, place, file)
                if digest:
                    unfinished.replace(copy)
                else:
                    unfinished.unlink()
                    yield moved(source, path)

    def prune(self) -> list[str]:
        """Remove each copy that no published article shows any more, and return their places.

        Raises OutputError.
        """
        if self._folder is None or not self._folder.is_dir():
            return []
        removed = []
        # Within a transaction, so that no other sync adds one meanwhile.
        with self._database.transaction(), output_errors(self._folder):
            shown = {self._folder / place for place in self.shown()}
            every = sorted(self._folder.rglob("*"), reverse=True)  # what a folder has comes first
            for path in [*every, self._folder]:
                if path.is_dir():
                    with suppress(OSError):  # it has something left
                        path.rmdir()
                elif path not in shown:
                    path.unlink()
                    removed.append(path.relative_to(self._folder).as_posix())
        return removed


def write_copy(source: Source, path: str, place: str, file: BinaryIO) -> str:
    """Write a file whose copy stands at `place`; return its SHA-256, "" if it has changed.

    Only errors of writing are raised.
    """
    hashed = hashlib.sha256()
    pieces = bounded(source.read_asset(path) if isinstance(source, AssetSource) else ())
    while True:
        try:
            piece = next(pieces, b"")
        except (OSError, ArticleError, KeyError):  # or the last scan did not find it
            return ""
        if not piece:
            break
        hashed.update(piece)
        file.write(piece)
    digest = hashed.hexdigest()
    return digest if copy_place(path, digest) == place else ""


def not_held(source: Source, path: str, count: int) -> Problem:
    """Return the problem of files that servers cannot send."""
    message = (
        f"articles show {count} files like this one, and a catalog in PostgreSQL has no copies"
    )
    message += ": put them on a web server and give their addresses, or render to a folder"
    return Problem(path=source.locate(path), code="no-copies", level="warning", message=message)


def moved(source: Source, path: str) -> Problem:
    """Return the problem of a file that has changed since the article that shows it was read."""
    message = "it has changed since its article was read: the next run copies it"
    return Problem(path=source.locate(path), code="not-copied", message=message)


_SHOWN = """
SELECT links.place, MIN(links.target) FROM links
JOIN articles ON articles.number = links.article
WHERE links.place IS NOT NULL AND articles.state = 'shown'
GROUP BY links.place ORDER BY links.place
"""
_IS_SHOWN = """
SELECT 1 FROM links JOIN articles ON articles.number = links.article
WHERE links.place = ? AND articles.state = 'shown'
"""
