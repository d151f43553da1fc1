"""What can go wrong, as one small tree of errors; the problem of a file; a hint at a wrong name.

FeedhubError            ends a command; carries the command's exit code
  x ArticleError        one article file is unusable: it is reported and skipped
  x ConfigError         the configuration or the command line is wrong
  x CatalogError        the catalog cannot be used
  x OutputError         the output folder cannot be written, or must not be
  x ShrinkError         publishing would withdraw most of what is published: nothing is touched
  x NewIdsError         the ids of published articles would change: nothing is touched
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem at one line of one file.

    `message` says what is wrong and what to do. It never quotes the file's values: the article may
    be hidden. `line` and `column` count from 1; `code` is a stable name such as `yaml-alias`.
    """

    path: str
    line: int = 1
    column: int = 1
    level: Level = "error"
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.level} {self.code} {self.message}"


class FeedhubError(Exception):
    """An error that ends a command; its message is one line for the user."""

    exit_code = 2


class ArticleError(FeedhubError):
    """One article file is unusable; `at` makes a Problem of it once the path is known.

    `withdraws` is true if the file could be read but its visibility flags could not be trusted:
    then no earlier version of the article may stay published either.
    """

    def __init__(
        self, code: str, message: str, *, line: int = 1, column: int = 1, withdraws: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.column = column
        self.withdraws = withdraws

    def named(self, field: str) -> ArticleError:
        """Return the error with the name of the front-matter field that it is about."""
        message = name_field(field, str(self))
        place = {"line": self.line, "column": self.column, "withdraws": self.withdraws}
        return ArticleError(self.code, message, **place)  # type: ignore[arg-type]

    def at(self, path: str) -> Problem:
        """Return the error as a problem of the file at `path`."""
        return Problem(
            path=path, line=self.line, column=self.column, code=self.code, message=str(self)
        )


def name_field(field: str, message: str) -> str:
    """Return a message with the name of its front-matter field, unless it has none or says it."""
    says_it = f"the {field} " in message or f"the key {field}" in message
    return f"{field}: {message}" if field and not says_it else message


class ConfigError(FeedhubError):
    """The configuration or the command line is wrong; names file, line and key where possible."""


class CatalogError(FeedhubError):
    """The catalog cannot be opened, locked or written."""


class NoCatalogError(CatalogError):
    """There is no catalog, or its first sync has not ended."""


class DamagedError(CatalogError):
    """The catalog is damaged; who may write it makes it anew."""


class OutputError(FeedhubError):
    """The output folder cannot be written, or holds files that feedhub did not write."""


class ShrinkError(FeedhubError):
    """Nothing, or less than half of what was published before, is left to publish.

    `problems` are those of the files, which may be the reason.
    """

    exit_code = 3

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class NewIdsError(FeedhubError):
    """The ids of published articles would change, and every reader would show them again."""

    exit_code = 3


@contextmanager
def output_errors(path: Path | str) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the file, `path` if the system does not."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or path
        raise OutputError(f"{where}: cannot be written: {error.strerror}") from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean NAME?` with the known name nearest to `word`, or "" if none is near.

    Case does not count. A name that is the same behind its last dot comes first: the key may only
    be in the wrong section of the configuration.
    """
    # Imported here because a command without mistakes does not need it.
    from difflib import get_close_matches

    names: dict[str, str] = {}
    for name in known:
        names.setdefault(name.casefold(), name)
    wanted = word.casefold()
    key = wanted.rpartition(".")[2]
    same_key = [name for name in names if name.rpartition(".")[2] == key]
    nearest = same_key or get_close_matches(wanted, names, n=1)
    return f"; did you mean {names[nearest[0]]}?" if nearest else ""
