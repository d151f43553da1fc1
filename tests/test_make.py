"""The README's own commands: `make serve` is a server that answers."""

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
def told(tmp_path: Path):
    """Run `make serve` on a free port; what it says on standard error goes to the file returned."""
    place = tmp_path / "told"
    with place.open("wb") as out:
        command = ["make", "serve", "PORT=0"]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True, env=dict(os.environ)
        )
        try:
            yield place
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def test_make_serve_answers_with_the_seeds(told: Path):
    def port() -> int:
        match = re.search(r"listening on http://127\.0\.0\.1:(\d+)", told.read_text())
        return int(match[1]) if match else 0

    until(port, told.read_text)
    address = ("127.0.0.1", port())
    until(lambda: request(address, "GET", "/all.rss").status == 200, told.read_text)
    assert b"IBM" in request(address, "GET", "/all.rss").body
    assert b"<h1" in request(address, "GET", "/").body
