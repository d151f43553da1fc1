"""A PostgreSQL server that the tests start, with a new database for each test."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
# Nothing that a test writes must outlive the machine.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


class Cluster:
    """A running server, which listens in its folder alone, and on `port` of this machine."""

    def __init__(self, folder: Path, binaries: Path, port: int = 0) -> None:
        self._folder = folder
        self._binaries = binaries
        self._port = port
        self._names = itertools.count()
        self._server: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL to its end."""
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True,
            capture_output=True,
            **as_user(),  # type: ignore[call-overload]
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = SETTINGS | {"unix_socket_directories": str(self._folder)}
        if self._port:
            settings |= {"listen_addresses": "127.0.0.1", "port": str(self._port)}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._folder / "data", *words],
                stdout=log,
                stderr=log,
                **as_user(),  # type: ignore[call-overload]
            )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(psycopg.OperationalError), psycopg.connect(self.address("postgres")):
                return
            time.sleep(0.02)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        """Stop the server at once: every session ends."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(60)
            self._server = None

    def address(self, database: str, user: str = "postgres") -> str:
        """Return the address of a database."""
        port = self._port or 5432
        return f"postgresql:///{database}?host={self._folder}&port={port}&user={user}"

    def tcp_address(self, database: str, port: int = 0) -> str:
        """Return the address of a database by way of a port of this machine."""
        return f"postgresql://postgres@127.0.0.1:{port or self._port}/{database}"

    def new_database(self) -> str:
        """Create a database and return its name."""
        name = f"test_{os.getpid()}_{next(self._names)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        return name

    def query(self, database: str, statement: str) -> list[tuple[object, ...]]:
        """Run a statement in a database, and return its rows."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def as_user() -> dict[str, object]:
    """Return how to run a program that root may not run."""
    if os.getuid():
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def cluster(port: int = 0) -> Iterator[Cluster]:
    """Run a server of its own; skip where PostgreSQL is not installed."""
    if not BINARIES:
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    # A socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="feedhub-pg-", dir="/tmp"))
    if not os.getuid():
        shutil.chown(folder, "nobody")
    running = Cluster(folder, BINARIES[0], port)
    try:
        # The collation of the database must not matter.
        running.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-N",
                    "-E", "UTF8", "--locale", "C.UTF-8")  # fmt: skip
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
