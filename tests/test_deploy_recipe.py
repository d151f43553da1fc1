"""The recipe of README.md and docs/hosting.md, run as it stands there, below another root.

Replaced are only the root, and what would change the machine: the package manager, systemctl, and
the installation of packages, which other tests do.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.kit import article_text
from tests.proxies import nginx_proxy
from tests.servers import free_port, request, start, until
from tests.test_deploy_docs import README, quick_start
from tests.test_deploy_systemd import values

ROOT = Path(__file__).parent.parent
NAME = "feeds.example.net"
# What Debian 12 has, with nginx and systemd: no /etc/sysusers.d, no /etc/feedhub.
FOLDERS = ("etc/systemd/system", "etc/nginx/conf.d", "etc/nginx/sites-enabled", "opt", "var/cache")
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> "{root}/called"
"""
# `python3 -m venv FOLDER` makes the two programs that the recipe runs next.
PYTHON = """#!/bin/sh
mkdir -p "$3/bin"
ln -s "{root}/bin/stub" "$3/bin/pip"
printf '#!/bin/sh\\nexec "{python}" -m feedhub "$@"\\n' > "$3/bin/feedhub"
chmod +x "$3/bin/feedhub"
"""
SYSUSERS = """#!/bin/sh
exec "{sysusers}" --root="{root}" --dry-run {root}/etc/sysusers.d/*.conf
"""


def need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is missing: apt-get install systemd")
    return path


def below(root: Path, text: str) -> str:
    """Return a text whose absolute paths are below `root`."""
    return re.sub(r"(?<![\w.-])/(?=(?:etc|opt|srv|var|run)/)", f"{root}/", text)


def run(root: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a person does who pastes them into a shell, but stop at the first error."""
    environ = os.environ | {"PATH": f"{root}/bin:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-e", "-c", below(root, text)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with what Debian has, and stand-ins for what would change the machine."""
    root = tmp_path / "root"
    for folder in (*FOLDERS, "bin", "srv/articles", "var/lib/feedhub", "run/feedhub"):
        (root / folder).mkdir(parents=True)
    (root / "etc/nginx/sites-enabled/default").write_text("server { listen 80 default_server; }\n")
    (root / "srv/articles/one.md").write_text(article_text("One"), encoding="utf-8")
    texts = dict.fromkeys(("apt-get", "systemctl", "stub"), PROGRAM)
    texts |= {"python3": PYTHON, "systemd-sysusers": SYSUSERS}
    given = {"root": root, "python": sys.executable, "sysusers": need("systemd-sysusers")}
    for name, text in texts.items():
        (root / "bin" / name).write_text(text.format(**given), encoding="utf-8")
        (root / "bin" / name).chmod(0o755)
    return root


def command(root: Path, unit: str) -> list[str]:
    """Return what a unit that the recipe has installed starts."""
    text = (root / "etc/systemd/system" / unit).read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    program, *arguments = shlex.split(below(root, line))
    assert program == f"{root}/opt/feedhub/bin/feedhub"
    return arguments


@contextmanager
def activated(tmp_path: Path, public: Path, admin: int, arguments: list[str]) -> Iterator[None]:
    """Do what systemd does for the two socket units."""
    units = ("feedhub-serve.socket", "feedhub-admin.socket")
    names = ":".join(values(name, "FileDescriptorName")[0] for name in units)
    given = [f"--listen={public}", f"--listen=127.0.0.1:{admin}", f"--fdname={names}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [need("systemd-socket-activate"), *given, *arguments],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_the_recipe_leads_to_a_site_behind_nginx(root: Path):
    recipe = quick_start(README).replace("feeds.example.org", NAME, 1)
    ran = run(root, recipe)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    called = (root / "called").read_text(encoding="utf-8").splitlines()
    started = "systemctl enable --now feedhub-sync.service feedhub-serve.service"
    assert called[-2:] == [started, "systemctl reload nginx"]
    assert "feedhub-sync" in ran.stdout + ran.stderr  # systemd-sysusers has read its file
    assert not (root / "etc/nginx/sites-enabled/default").exists()
    installed = {path.name for path in (root / "etc/systemd/system").iterdir()}
    assert installed == {path.name for path in (ROOT / "deploy/systemd").glob("feedhub-*")}

    socket, admin = root / "run/feedhub/serve.sock", free_port()
    serve = [sys.executable, "-m", "feedhub", *command(root, "feedhub-serve.service")]
    text = (root / "etc/nginx/conf.d/feedhub.conf").read_text(encoding="utf-8")
    with (
        start(root, command(root, "feedhub-sync.service")),
        activated(root, socket, admin, serve),
        nginx_proxy(root / "nginx", [socket], text=text, names=NAME) as proxy,
    ):
        until(socket.exists, "the socket")
        until(lambda: request(("127.0.0.1", admin), "GET", "/readyz").status == 200, "it is ready")
        answer = request(proxy, "GET", "/all.atom", host=NAME)
        assert (answer.status, b"One" in answer.body) == (200, True)
        assert f'href="https://{NAME}/all.atom"'.encode() in answer.body
        assert request(proxy, "GET", "/all.atom", host="localhost").status == 200
        assert request(proxy, "GET", "/metrics", host=NAME).status == 404


def test_a_backup_of_the_ledger_restores_the_dates(root: Path):
    """As docs/operating.md has it, with the catalog lost."""
    manual = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    section = manual.partition("## Backup")[2].partition("\n## ")[0]
    back_up, restore = (
        "\n".join(block.split("\n    "))
        for block in re.findall(r"\n\n    (.+?)\n\n", f"{section}\n\n", re.DOTALL)
    )
    for folder in ("etc/feedhub", "var/backups"):
        (root / folder).mkdir()
    catalog = root / "var/lib/feedhub/catalog.db"
    sync = [
        "sync",
        f"{root}/srv/articles",
        "--catalog",
        str(catalog),
        "--base-url",
        "https://a.example",
    ]
    dump = (
        "SELECT kind, slug, updated, fingerprint FROM states JOIN feeds ON number = feed "
        "ORDER BY kind, slug"
    )

    def states() -> list[tuple[object, ...]]:
        with start(root, sync) as ran:
            assert ran.process.wait(60) == 0, ran.stderr()
        with closing(sqlite3.connect(catalog)) as opened:
            return opened.execute(dump).fetchall()

    states()
    (root / "srv/articles/one.md").write_text(article_text("One, edited"), encoding="utf-8")
    before = states()
    assert run(root, back_up).returncode == 0
    catalog.with_name("catalog.db.ledger").unlink()
    done = run(root, restore)
    assert done.returncode == 0, done.stderr
    assert not catalog.exists()
    assert states() == before
