"""The systemd units: well-formed, hardened to a measure, and startable by socket activation."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from feedhub.cli.registry import parse
from tests.kit import article_text
from tests.repositories import git, make_repository

UNITS = Path(__file__).parent.parent / "deploy/systemd"
NAMES = sorted(path.name for path in UNITS.glob("feedhub-*"))
SERVICES = [name for name in NAMES if name.endswith(".service")]
FETCH = "feedhub-fetch.service"  # runs git


def need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is missing: apt-get install systemd")
    return path


def values(name: str, key: str) -> list[str]:
    """Return what a unit says for a key, in order."""
    content = (UNITS / name).read_text(encoding="utf-8")
    return re.findall(rf"^{key}=(.*)$", content, re.MULTILINE)


def command(name: str) -> list[str]:
    (line,) = values(name, "ExecStart")
    return shlex.split(line)


def test_the_units_are_all_there():
    assert NAMES == [
        "feedhub-admin.socket",
        "feedhub-fetch.service",
        "feedhub-fetch.timer",
        "feedhub-ping.service",
        "feedhub-probe.service",
        "feedhub-probe.timer",
        "feedhub-serve.service",
        "feedhub-serve.socket",
        "feedhub-sync.service",
    ]


@pytest.mark.parametrize(
    ("name", "tenths"),
    [
        ("feedhub-serve.service", 5),
        ("feedhub-sync.service", 5),
        ("feedhub-ping.service", 15),
        ("feedhub-probe.service", 15),
        (FETCH, 15),
    ],
)
def test_a_service_is_exposed_as_little_as_promised(name: str, tenths: int):
    """The goals are 0.5 for the one that answers and 1.5 for others; two of them have a network."""
    given = [need("systemd-analyze"), "security", "--offline=true", f"--threshold={tenths}"]
    ran = subprocess.run([*given, UNITS / name], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(rf"for {name}: [01]\.", ran.stdout)


def test_systemd_has_nothing_to_complain_of(tmp_path: Path):
    program = tmp_path / "feedhub"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    for name in NAMES:
        content = (UNITS / name).read_text(encoding="utf-8")
        changed = re.sub("/opt/feedhub/bin/feedhub|/usr/bin/git", str(program), content)
        (tmp_path / name).write_text(changed, encoding="utf-8")
    ran = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", *(tmp_path / name for name in NAMES)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in ran.stderr.splitlines() if "feedhub" in line]
    assert (ran.returncode, told) == (0, [])


@pytest.mark.parametrize("name", [name for name in SERVICES if name != FETCH])
def test_a_service_is_started_with_options_that_feedhub_has(name: str):
    program, *arguments = command(name)
    assert program == "/opt/feedhub/bin/feedhub"
    options = parse(arguments)
    assert options.catalog == Path("/var/lib/feedhub/catalog.db")
    assert options.config == Path("/etc/feedhub/feedhub.toml")


def test_only_sync_may_write_and_only_serve_has_a_socket():
    assert values("feedhub-sync.service", "StateDirectory") == ["feedhub"]
    assert values("feedhub-serve.service", "StateDirectory") == []
    assert values("feedhub-serve.service", "SupplementaryGroups") == ["feedhub"]
    assert values("feedhub-sync.service", "Group") == ["feedhub"]
    assert values("feedhub-sync.service", "UMask") == ["0027"]
    assert values("feedhub-sync.service", "RestrictAddressFamilies") == ["none"]
    assert values("feedhub-serve.service", "RestrictAddressFamilies") == ["AF_UNIX"]
    assert values("feedhub-serve.service", "InaccessiblePaths") == ["-/srv/articles"]
    for name in SERVICES:
        for key in ("NoNewPrivileges", "PrivateMounts"):
            assert values(name, key) == ["yes"], key
        assert values(name, "MemoryMax")
        assert values(name, "TasksMax")


def test_fetch_gets_what_was_pushed_and_sees_no_catalog(tmp_path: Path):
    origin = make_repository(tmp_path / "origin.git")
    origin.commit({"a.md": article_text("A")})
    git(tmp_path, "clone", "--quiet", "--mirror", "origin.git", "articles.git")
    origin.commit({"a.md": article_text("Again")}, anew=True)
    program, *arguments = command(FETCH)
    assert program == "/usr/bin/git"
    places = {"/srv/articles.git": str(tmp_path / "articles.git")}
    git(tmp_path, *(places.get(word, word) for word in arguments))
    assert git(tmp_path / "articles.git", "rev-parse", "main") == origin.git("rev-parse", "main")
    assert values(FETCH, "InaccessiblePaths") == ["-/var/lib/feedhub"]
    assert values(FETCH, "ReadWritePaths") == ["-/srv/articles.git"]
    assert values(FETCH, "User") == values("feedhub-sync.service", "User")
    assert values(FETCH, "WantedBy") == []


@pytest.mark.parametrize("name", ["feedhub-ping.service", "feedhub-probe.service"])
def test_those_with_a_network_see_no_article(name: str):
    assert values("feedhub-serve.service", "PrivateNetwork") == ["yes"]
    assert values("feedhub-sync.service", "PrivateNetwork") == ["yes"]
    assert values(name, "PrivateNetwork") == []
    assert values(name, "InaccessiblePaths") == ["-/srv/articles"]
    for key in ("User", "StateDirectory", "UMask"):  # it writes what sync wrote
        assert values(name, key) == values("feedhub-sync.service", key)


def test_images_are_requested_hourly_only_if_the_timer_is_enabled():
    assert values("feedhub-probe.timer", "OnCalendar") == ["hourly"]
    assert values("feedhub-probe.timer", "WantedBy") == ["timers.target"]
    assert values("feedhub-probe.service", "WantedBy") == []
    assert values("feedhub-probe.service", "Type") == ["oneshot"]
    assert parse(command("feedhub-probe.service")[1:]).seconds < 20 * 60, "it ends by itself"


def test_the_users_are_made_by_sysusers(tmp_path: Path):
    ran = subprocess.run(
        [need("systemd-sysusers"), f"--root={tmp_path}", "--dry-run", UNITS / "feedhub.sysusers"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "feedhub-sync" in ran.stdout + ran.stderr
