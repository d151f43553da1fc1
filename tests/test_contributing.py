"""The examples of CONTRIBUTING.md, carried out in a copy of the code: each does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults import without_coverage
from tests.servers import request, start, until

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(
    re.findall(r"^### (.*?)\n\n(.*?)(?=^##|\Z)", PAGE.partition("## Add something")[2], re.M | re.S)
)
STEP = re.compile(
    r"(?:Create `(?P<new>[^`]+)`|In `(?P<file>[^`]+)`, after the line `(?P<anchor>[^`]+)`):\n\n"
    r"```python\n(?P<code>.*?)```",
    re.DOTALL,
)


class Copy:
    """A copy of the code in which examples of the page have been carried out."""

    def __init__(self, folder: Path, *examples: str) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "seeds", folder / "articles")
        shutil.copy(ROOT / "pyproject.toml", folder)
        text = "".join(EXAMPLES[name] for name in examples)
        steps = list(STEP.finditer(text))
        assert len(steps) == text.count("```python")
        for step in steps:
            if step["new"]:
                assert not (folder / step["new"]).exists()
                (folder / step["new"]).write_text(step["code"], encoding="utf-8")
            else:
                file = folder / step["file"]
                text, line = file.read_text(encoding="utf-8"), f"{step['anchor']}\n"
                assert text.count(line) == 1, f"{step['file']} has not one line {step['anchor']!r}"
                file.write_text(text.replace(line, line + step["code"]), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        return without_coverage() | {"PYTHONPATH": str(self.folder / "src")}

    def run(self, *command: str, code: int = 0) -> str:
        """Run Python in the copy and return what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def feedhub(self, *arguments: str, code: int = 0) -> str:
        return self.run("-m", "feedhub", *arguments, code=code)


@pytest.fixture
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    return Copy(tmp_path, request.param)


def example(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("copy", [name], indirect=True)


def test_every_example_is_tested():
    source = Path(__file__).read_text(encoding="utf-8")
    assert set(re.findall(r'^@example\("(.*)"\)$', source, re.MULTILINE)) == set(EXAMPLES)


def test_all_examples_together_keep_the_style_the_types_and_the_layers(tmp_path: Path):
    copy = Copy(tmp_path, *EXAMPLES)
    copy.run("-m", "ruff", "check", "src")
    copy.run("-m", "ruff", "format", "--check", "src")
    copy.run("-m", "mypy", "src")
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    copy.run("-c", lint)


@example("A kind of feed")
def test_a_kind_is_rendered_listed_configurable_and_searchable(copy: Copy):
    (copy.folder / "articles/film.md").write_text(
        "---\ntitle: Hello\ndate: 2020-01-02\nurl: https://news.example/hello\ntype: video\n---\n"
    )
    copy.feedhub("render", "articles", "public", "--base-url", "https://feeds.example.org")
    assert "Hello" in (copy.folder / "public/media/video.rss").read_text()
    assert "media/video/" in (copy.folder / "public/media/index.html").read_text()
    assert "media/video" in (copy.folder / "public/feeds.opml").read_text()
    (copy.folder / "feedhub.toml").write_text('[feeds]\nkinds = ["all", "medium"]\n')
    assert "medium" in copy.feedhub("feeds", "articles")
    with start(copy.folder, ["serve", "articles", "--port", "0"], env=copy.environment) as server:
        until(lambda: request(server, "GET", "/all.rss").status == 200, "the feed")
        found = request(server, "GET", "/search.rss?medium=video").body
        assert b"Hello" in found
        assert b"IBM" not in found
        assert b"of the medium video" in found


@example("A language")
def test_a_language_is_one_catalog(copy: Copy):
    shutil.copytree(ROOT / "tests", copy.folder / "tests", ignore=shutil.ignore_patterns("[!c_]*"))
    assert "make messages NEW=sv" in EXAMPLES["A language"]
    listed = copy.run("-m", "tests.catalogs", "sv")
    assert "sv.po: not translated: Related coverage:" in listed
    catalog = copy.folder / "src/feedhub/messages/sv.po"
    text = catalog.read_text(encoding="utf-8")
    empty = 'msgid "Related coverage:"\nmsgstr ""'
    assert empty in text
    catalog.write_text(text.replace(empty, empty[:-1] + 'Mer om detta:"'), encoding="utf-8")
    assert "Related coverage:" not in copy.run("-m", "tests.catalogs")
    (copy.folder / "articles/hej.md").write_text(
        "---\ntitle: Hej\ndate: 2020-01-02\nurl: https://a.example/hej\nlang: svenska\n"
        "related:\n- title: Mer\n  url: https://b.example/mer\n  date: 2020-06-02\n---\nText\n"
    )
    copy.feedhub("render", "articles", "public", "--formats", "rss")
    feed = (copy.folder / "public/languages/sv.rss").read_text(encoding="utf-8")
    assert "&lt;p&gt;Mer om detta:" in feed


@example("A format")
def test_a_format_is_written_for_every_feed(copy: Copy):
    copy.feedhub("render", "articles", "public", "--formats", "rss,plain")
    written = (copy.folder / "public/topics/ai.txt").read_text(encoding="utf-8")
    assert written.startswith("AI · Feeds\n\n")
    assert "https://" in written.splitlines()[3]
    assert not (copy.folder / "public/all.atom").exists()


@example("A source")
def test_a_source_is_rendered(copy: Copy):
    (copy.folder / "site.lines").write_text(
        "2020-01-02T03:04:05+00:00 https://news.example/one The first\n"
        "2020-01-03T03:04:05+00:00 https://news.example/two The second\n"
        "nonsense\n"
    )
    output = copy.feedhub("render", "site.lines", "public", code=1)
    assert "site.lines:3" in output
    assert "the line is not a date" in output
    rss = (copy.folder / "public/all.rss").read_text()
    assert rss.index("The second") < rss.index("The first")
    assert "does not exist" in copy.feedhub("render", "other.lines", "public", code=2)


@example("A command")
def test_a_command_runs_and_is_in_the_help(copy: Copy):
    assert copy.feedhub("count", "articles") == "1\n"
    assert "print how many articles" in copy.feedhub("--help")
    assert "feedhub count articles" in copy.feedhub("count", "--help")
    assert "did you mean count?" in copy.feedhub("cuont", "articles", code=2)


@example("A configuration key")
def test_a_key_is_in_the_file_and_in_the_environment_and_is_checked(copy: Copy):
    copy.feedhub("init")
    assert "E-mail address of the editor" in (copy.folder / "feedhub.toml").read_text()
    (copy.folder / "feedhub.toml").write_text("[site]\neditor = 3\n")
    assert "feedhub.toml:2: " in copy.feedhub("feeds", "articles", code=2)
    (copy.folder / "feedhub.toml").write_text('[site]\neditr = "x"\n')
    assert "did you mean site.editor?" in copy.feedhub("feeds", "articles", code=2)


@example("A header field")
def test_a_header_field_is_sent_with_every_document(copy: Copy):
    with start(copy.folder, ["serve", "articles", "--port", "0"], env=copy.environment) as server:
        until(lambda: request(server, "GET", "/all.rss").status == 200, "the feed")
        for path in ("/all.rss", "/topics/ai.atom", "/"):
            response = request(server, "GET", path)
            assert response["permissions-policy"] == "interest-cohort=()"
