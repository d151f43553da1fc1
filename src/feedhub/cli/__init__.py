"""The command line: arguments in, messages and an exit code out."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from feedhub.cli import console
from feedhub.cli.arguments import parse
from feedhub.errors import FeedhubError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done; 1 articles were rejected, the rest is published; 2 usage, configuration or output cannot
    be used; 3 refused, because too little would be left to publish. 130 after Ctrl-C, 141 where
    nobody reads the output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - until the end
    if isinstance(sys.stdout, io.TextIOWrapper):  # what the terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _answered(arguments)
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            _leave(sys.stderr)


def _answered(arguments: Sequence[str] | None) -> int:
    """Run one command, and make an exit code of whatever stops it."""
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except FeedhubError as error:
        return _failed(str(error), error.exit_code)
    except BrokenPipeError:
        _leave(sys.stdout)
        return 141
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _failed(_refused(error), 2)
    except Exception as error:  # exit code 1 would say that the rest is published
        if isinstance(error, UnicodeEncodeError) and sys.getfilesystemencoding() != "utf-8":
            return _failed("this locale cannot name every file: set LC_ALL=C.UTF-8", 2)
        import traceback

        traceback.print_exc()
        return _failed("this is a fault of feedhub: please report the lines above", 2)


def _run(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    console.set_volume(options)
    from feedhub.cli import commands  # `feedhub --version` needs none of it

    code: int = getattr(commands, options.command)(options)
    return code


def _refused(error: OSError) -> str:
    """Return what the system refused; where it names no file, it is the output or where we are."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return "the current folder does not exist any more: change to another"
    _leave(sys.stdout)
    return f"the output cannot be written: {error.strerror or error}"


def _leave(stream: TextIO) -> None:
    """Send to nowhere what could not be written, or Python tries at its end and exits with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _failed(message: str, code: int) -> int:
    console.wrong(message)
    return code
