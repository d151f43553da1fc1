"""A terminal for a program under test."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def terminal(columns: int = 80) -> tuple[int, int]:
    """Return the file descriptors of both ends of a terminal; the program gets the second."""
    main_end, screen = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return main_end, screen


def read_all(descriptor: int) -> str:
    """Return all output of a terminal until the program has closed it."""
    parts: list[bytes] = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # Linux says EIO then
        pass
    os.close(descriptor)
    return b"".join(parts).decode()


def on_terminal(*arguments: str, columns: int = 80, **env: str) -> tuple[int, str]:
    """Run feedhub on a terminal; return its exit code and its output with LF line ends."""
    main_end, screen = terminal(columns)
    inherited = {
        name: value for name, value in os.environ.items() if name not in TERMINAL_VARIABLES
    }
    with subprocess.Popen(
        [sys.executable, "-m", "feedhub", *arguments],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        env=inherited | {"TERM": "xterm-256color"} | env,
    ) as process:
        os.close(screen)
        shown = read_all(main_end)
    return process.returncode, shown.replace("\r\n", "\n")


TERMINAL_VARIABLES = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "CLICOLOR",
    "TERM",
    "COLUMNS",
    "LINES",
)
