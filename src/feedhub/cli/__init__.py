"""The command line: arguments in, messages and an exit code out."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

from feedhub.cli import console, registry
from feedhub.errors import FeedhubError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done; 1 articles were rejected, the rest is published; 2 usage, configuration or output cannot
    be used; 3 refused: too little would be left to publish, or ids would change. 130 after Ctrl-C,
    141 when the reader of the output is gone.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the caller has closed it
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - until the end
    if isinstance(sys.stdout, io.TextIOWrapper):  # escape what the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    if arguments is None and sys.argv[1:2] in (["serve"], ["sync"], ["ping"]):
        # A reload must not end them before they have a handler for it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        return _run_command(sys.argv[1:] if arguments is None else arguments)
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            _discard(sys.stderr)


def _run_command(arguments: Sequence[str]) -> int:
    """Run one command; turn whatever stops it into a message and an exit code."""
    try:
        try:
            options = registry.parse(arguments)
            console.set_verbosity(options)
            return registry.run(options)
        finally:
            # Python would report an error of the output only at its end, with exit code 120.
            sys.stdout.flush()
    except FeedhubError as error:
        console.error(str(error))
        return error.exit_code
    except BrokenPipeError:
        _discard(sys.stdout)
        return 141  # 128 + SIGPIPE, as shells report it
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT
    except OSError as error:
        console.error(_describe(error))
    except ImportError as error:  # commands import as late as they can
        name = error.name or "a module"
        console.error(f"{name} cannot be imported: feedhub was changed meanwhile? Install it anew")
    except Exception as error:  # Python would exit with 1: "the rest is published"
        if isinstance(error, UnicodeEncodeError) and sys.getfilesystemencoding() != "utf-8":
            console.error("this locale cannot represent every file name: set LC_ALL=C.UTF-8")
        else:
            # Imported here because only a bug needs it.
            import traceback

            traceback.print_exc()
            console.error("this is a bug in feedhub: please report the lines above")
    return 2


def _describe(error: OSError) -> str:
    """Return a message for an error of the system.

    Without a file name it is about standard output or the current folder.
    """
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return "the current folder no longer exists: change to another one"
    _discard(sys.stdout)
    return f"the output cannot be written: {error.strerror or error}"


def _discard(stream: TextIO) -> None:
    """Drop what could not be written: Python would try again at its end, and exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
