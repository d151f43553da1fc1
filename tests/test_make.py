"""`make serve`, as README shows it, starts a server that answers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.servers import request, until


@pytest.fixture
def log(tmp_path: Path):
    """Run `make serve` on a free port; the path returned is that of its standard error."""
    path = tmp_path / "log"
    with path.open("wb") as out:
        command = ["make", "serve", "PORT=0"]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True, env=dict(os.environ)
        )
        try:
            yield path
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def test_make_serve_answers_with_the_seeds(log: Path):
    def port() -> int:
        match = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text())
        return int(match[1]) if match else 0

    until(port, log.read_text)
    address = ("127.0.0.1", port())
    until(lambda: request(address, "GET", "/all.rss").status == 200, log.read_text)
    assert b"IBM" in request(address, "GET", "/all.rss").body
    assert b"<h1" in request(address, "GET", "/").body
