"""The command line: arguments in, messages and an exit code out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from feedhub.cli.arguments import parse
from feedhub.errors import FeedhubError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done; 1 articles were rejected, the rest is published; 2 usage, configuration or output cannot be used;
    3 refused, because too little would be left to publish.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments)
    from feedhub.cli import commands  # `feedhub --version` needs none of it

    try:
        code: int = getattr(commands, options.command)(options)
        sys.stdout.flush()
    except FeedhubError as error:
        print(f"feedhub: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to tell anybody
        return 141
    except KeyboardInterrupt:
        return 130
    return code
