"""README.md and docs/ match the code: every option, key, default, exit code and example."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from feedhub.cli import main
from feedhub.cli.parser import Parser
from feedhub.cli.registry import build_parser
from feedhub.config.tables import SECTIONS
from tests import manpage, manual
from tests.exchange import request
from tests.manual import exit_codes, options_of
from tests.servers import start, until

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLI = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


def parsers() -> dict[str, Parser]:
    """Return the parser of each command, by name."""
    return build_parser().commands()


def table(text: str) -> dict[str, str]:
    """Return the rows of all tables of two columns whose first is code, or a number."""
    rows = re.findall(r"^\| `?(--[^`|]+|\d)`? \| (.*) \|$", text, re.MULTILINE)
    return dict(rows)


def section(text: str, heading: str) -> str:
    """Return the text below a heading of the second level."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


# docs/cli.md


def test_the_generated_parts_of_the_page_are_up_to_date():
    assert manual.page(CLI) == CLI, "run make docs"


# The manual page


def test_the_manual_page_is_up_to_date():
    made = manpage.PATH.read_text(encoding="utf-8")
    assert manpage.page(CLI) == made, "run make docs"


def test_no_line_of_the_manual_page_is_read_as_a_troff_command():
    assert manpage.page("# x\n\n.a\n'b c.d\n").endswith("\\&.a\n\\(aqb c.d\n")
    assert manpage.page("# x\n\na\n.b\n").endswith("a\n\\&.b\n")


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_the_manual_page_is_valid():
    command = ["mandoc", "-T", "lint", "-W", "warning", str(manpage.PATH)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = [line for line in ran.stdout.splitlines() if "missing date" not in line]
    assert (errors, ran.stderr) == ([], ""), "a date would change with every build"


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_the_manual_page_has_every_word():
    command = ["mandoc", "-T", "utf8", "-O", "width=400", str(manpage.PATH)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = re.sub(r".\x08", "", ran.stdout)
    page = re.sub(r"\]\([^)]*\)|^#+ .*$|^\|[ |-]*\|$", " ", CLI, flags=re.MULTILINE)
    words = re.findall(r"[\w.:/=-]+\w", page)
    assert len(words) > 2_000
    assert not set(words) - set(re.findall(r"[\w.:/=-]+\w", shown))


@pytest.mark.parametrize("command", parsers())
def test_every_option_is_documented_with_its_help(command: str):
    assert table(section(CLI, f"feedhub {command}")) == options_of(parsers()[command])


def test_the_defaults_in_help_are_those_of_the_code():
    actions = [action for parser in parsers().values() for action in parser._actions]
    matches = {a: re.search(r"default: ([\w.]+)$", str(a.help)) for a in actions}
    defaults = {a: match[1] for a, match in matches.items() if match}
    assert len(defaults) >= 6
    assert [a.dest for a, word in defaults.items() if str(a.default).lower() != word] == []


def test_there_is_no_section_of_an_unknown_command():
    assert re.findall(r"^## feedhub (\w+)$", CLI, re.MULTILINE) == list(parsers())


def test_every_exit_code_is_documented():
    assert table(section(CLI, manual.CODES)) == exit_codes(build_parser())


def test_the_options_of_every_command_are_documented_and_every_command_has_them():
    common = options_of(build_parser())
    assert table(section(CLI, manual.COMMON)) == common
    names = {name for row in common for name in row.split(", ")}
    assert names == {"--quiet", "-q", "--verbose", "-v"}
    for parser in parsers().values():
        assert names <= parser._option_string_actions.keys()


def test_the_synopsis_has_the_arguments_of_every_command():
    synopsis = CLI.partition("## ")[0]
    for command, parser in parsers().items():
        names = [str(a.metavar) for a in parser._actions if not a.option_strings]
        line = next(line for line in synopsis.splitlines() if f"feedhub {command}" in line)
        typed = re.split(r" {2,}", line.strip())[0]
        assert re.findall("[A-Z]{3,}", typed) == names


# docs/configuration.md


def configuration_rows(name: str) -> list[str]:
    """Return the rows that the table of one section must have."""
    return [
        f"| `{known.name}` | `{json.dumps(known.default, ensure_ascii=False)}` "
        f"| {'–' if 'record' in known.metadata else f'`FEEDHUB_{name}_{known.name}`'.upper()} "
        f"| {known.metadata['about']} | {known.metadata['must']} |"
        for known in fields(SECTIONS[name])
    ]


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_documented_with_its_default(name: str):
    found = [row for row in section(CONFIGURATION, f"[{name}]").splitlines() if row[:3] == "| `"]
    assert "\n".join(found) == "\n".join(configuration_rows(name))


def test_there_is_no_unknown_section_of_the_configuration():
    assert re.findall(r"^## \[(\w+)\]$", CONFIGURATION, re.MULTILINE) == list(SECTIONS)


# README.md


def test_every_page_is_one_link_away_from_the_readme():
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)", README))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")}


def readme_commands() -> list[str]:
    """Return every feedhub command of the README's code blocks, without its comment."""
    lines = re.findall(r"^    (feedhub .*)$", README, re.MULTILINE)
    return [line.partition("#")[0].strip() for line in lines]


def test_every_command_of_the_readme_works(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(seeds, "articles")
    for command in readme_commands():
        arguments = shlex.split(command)[1:]
        if arguments[0] == "serve":
            assert_serves(tmp_path, arguments)
        else:
            assert main(arguments) == 0, command
    assert Path("public/all.rss").is_file()
    assert Path("feedhub.toml").is_file()


def assert_serves(folder: Path, arguments: list[str]) -> None:
    """Serve as the README says, on a port that is free, until there is something to read."""
    with start(folder, [*arguments, "--port", "0"]) as server:
        until(lambda: request(server, "GET", "/all.rss").status == 200, "the feed")
        assert server.stop() == 0


def test_the_readme_shows_every_command_and_all_can_be_parsed():
    mentioned = [text for text in re.findall(r"`(feedhub [a-z][^`]*)`", README) if "…" not in text]
    commands = [shlex.split(text)[1:] for text in [*readme_commands(), *mentioned]]
    assert {arguments[0] for arguments in commands} == set(parsers())
    for arguments in commands:
        assert build_parser().parse_args(arguments).command == arguments[0]


def test_the_readme_names_the_files_of_a_render(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(seeds, "articles")
    main(["render", "articles", "public"])
    named = set(
        re.findall(
            r"`((?:404|all|feeds|index|sitemap|robots|favicon|apple-touch-icon)\.\w+)`", README
        )
    )
    written = {path.name for path in Path("public").iterdir() if path.is_file()}
    assert named == {name for name in written if not name.endswith((".gz", ".br"))}
    folders = {path.name for path in Path("public").iterdir() if path.is_dir()}
    assert folders - {".feedhub"} <= set(re.findall(r"`(\w+)/…`", README))


def test_the_readme_lists_every_option_of_render():
    assert table(README).keys() == options_of(parsers()["render"]).keys()


def test_the_readme_gives_the_exit_codes():
    (line,) = re.findall(r"^Exit codes: (.*)$", README, re.MULTILINE)
    assert re.findall(r"(\d) (\w+)", line) == [
        (code, text.split()[0].strip(":,")) for code, text in exit_codes(build_parser()).items()
    ]


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_between_pages_work(page: str):
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if ":" not in link and not (path.parent / link).exists()]
    assert missing == []
