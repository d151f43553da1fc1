"""The command line: arguments in, messages and an exit code out."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from feedhub.cli import voice
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
    for name in ("stdout", "stderr"):  # closed by whoever started us
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - until the end
    if isinstance(sys.stdout, io.TextIOWrapper):  # what the terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except FeedhubError as error:
        return _failed(str(error), error.exit_code)
    except BrokenPipeError:
        _leave_output()
        return 141
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.filename is None:
            _leave_output()
            return _failed(f"the output cannot be written: {error.strerror or error}", 2)
        return _failed(f"{error.filename}: {error.strerror}", 2)
    except Exception:  # exit code 1 would say that the rest is published
        import traceback

        traceback.print_exc()
        return _failed("this is a fault of feedhub: please report the lines above", 2)


def _run(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    voice.set_volume(options)
    from feedhub.cli import commands  # `feedhub --version` needs none of it

    code: int = getattr(commands, options.command)(options)
    return code


def _leave_output() -> None:
    """Send to nowhere what could not be written, or Python tries and complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str, code: int) -> int:
    with suppress(OSError):  # nobody reads it; the code says the rest
        voice.wrong(message)
    return code
