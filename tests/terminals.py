"""A terminal for a program under test: what it shows there, and how it is run there."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def terminal(columns: int = 80) -> tuple[int, int]:
    """Return the two ends of a terminal of so many columns."""
    main_end, screen = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return main_end, screen


def read_all(descriptor: int) -> str:
    """Read a terminal until the program on its other end is gone."""
    parts: list[bytes] = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # Linux says EIO then
        pass
    os.close(descriptor)
    return b"".join(parts).decode()


def on_terminal(*arguments: str, columns: int = 80, **env: str) -> tuple[int, str]:
    """Run feedhub on a terminal; return its exit code and all that it shows, lines ending in LF."""
    main_end, screen = terminal(columns)
    kept = {name: value for name, value in os.environ.items() if name not in _ABOUT}
    with subprocess.Popen(
        [sys.executable, "-m", "feedhub", *arguments],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        env=kept | {"TERM": "xterm-256color"} | env,
    ) as process:
        os.close(screen)
        shown = read_all(main_end)
    return process.returncode, shown.replace("\r\n", "\n")


_ABOUT = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "TERM", "COLUMNS", "LINES")
