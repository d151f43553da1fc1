"""The packages of a release: built, checked, installed and used."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
import yaml

from feedhub import __version__
from tests.conftest import ROOT

REPOSITORY = "https://code.example/feeds/feedhub"
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build the wheel and the sdist of this code."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    environ = {"FEEDHUB_REPOSITORY": REPOSITORY, "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
    return sorted(out.iterdir())


def metadata_of(wheel: Path) -> Message:
    """Return the metadata in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_there_are_a_wheel_and_an_sdist_of_this_version(packages):
    names = [f"feedhub-{__version__}-py3-none-any.whl", f"feedhub-{__version__}.tar.gz"]
    assert [package.name for package in packages] == names


def test_the_registry_would_accept_them(packages):
    programs = Path(sys.executable).parent
    for command in (["twine", "check", "--strict"], ["check-wheel-contents"]):
        files = [str(file) for file in packages if command[0] == "twine" or file.suffix == ".whl"]
        done = subprocess.run(
            [programs / command[0], *command[1:], *files], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_links_and_pictures_of_readme_work_where_no_files_are_beside_it(packages):
    metadata = metadata_of(packages[0])
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", ()))
    assert {url[: len(REPOSITORY)] for url in urls.values()} == {REPOSITORY}
    text = metadata.get_payload()
    links = re.findall(r"!?\[[^\]]*\]\(([^)]*)\)", str(text))
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    own = [link for link in links if link.startswith(REPOSITORY)]
    start = re.compile(f"{REPOSITORY}/(?:blob|raw)/v{re.escape(__version__)}/([^#]*)")
    paths = {
        match[1] for match in map(start.fullmatch, [o.partition("#")[0] for o in own]) if match
    }
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert "docs/front-page.png" in paths
    # What installs it comes first.
    assert re.findall(r"^    (.*)$", str(text), re.MULTILINE)[0] == "pip install feedhub"


def test_every_file_of_the_code_is_in_the_wheel(packages):
    with zipfile.ZipFile(packages[0]) as archive:
        names = set(archive.namelist())
    files = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert files - names == set()
    assert {name for name in names if ".d" not in name} == files


@pytest.mark.parametrize("kind", [".whl", ".gz"])
def test_the_package_works_in_a_bare_environment(packages, kind, tmp_path):
    """Of this one it has the dependencies alone, so that no network is needed."""
    (package,) = (file for file in packages if file.suffix == kind)
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv/bin/python"
    site = tmp_path / f"venv/lib/python{sysconfig.get_python_version()}/site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--no-cache"]
    uv = [Path(sys.executable).parent / "uv", "pip", "install", "--python", python]
    subprocess.run([*uv, *options, package], check=True)
    found = subprocess.run(
        [python, "-c", "import feedhub; print(feedhub.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert found.stdout.startswith(str(site))
    command = [tmp_path / "venv/bin/feedhub", "render", ROOT / "seeds", "out", "--json"]
    done = subprocess.run(
        [*command, "--base-url", "https://feeds.example.org", "--catalog", "catalog.db"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout)["articles"]["found"] == 5
    assert (tmp_path / "out/all.rss").stat().st_size > 1000
    assert (tmp_path / "venv/share/man/man1/feedhub.1").exists()


def test_the_changelog_has_a_section_of_this_version():
    assert re.search(rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", CHANGELOG, re.M)


def test_the_release_publishes_without_a_password():
    jobs = WORKFLOW["jobs"]
    assert WORKFLOW["permissions"] == {}
    publishing = jobs["pypi"]
    assert publishing["permissions"] == {"id-token": "write"}
    assert publishing["environment"]["name"] == "pypi"
    assert len(publishing["steps"]) == 2  # nothing else runs where the token is
    assert jobs["container"]["permissions"]["attestations"] == "write"
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert "secrets." not in text.replace("secrets.GITHUB_TOKEN", "")
    uses = re.findall(r"uses: (.*)$", text, re.MULTILINE)
    assert [use for use in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", use)] == []
    scripts = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert not [script for script in scripts if "${{" in script], "no expression in a script"
