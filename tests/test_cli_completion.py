"""`feedhub completion`, asked by the shells that it is for."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from feedhub.cli import main
from feedhub.cli.registry import build_parser
from tests.terminals import terminal

Complete = Callable[[str], list[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own home with a folder and a file to complete."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("articles").mkdir()
    Path("my.toml").touch()
    return tmp_path


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Write what feedhub prints for a shell, and return the name of the file."""
    assert main(["completion", shell]) == 0
    text, told = capsys.readouterr()
    assert told == ""
    name = {"zsh": "_feedhub"}.get(shell, f"feedhub.{shell}")
    Path(name).write_text(text, encoding="utf-8")
    return name


def bash(file: str) -> Complete:
    """Return what bash offers for a line."""

    def complete(line: str) -> list[str]:
        words = [f"'{word}'" for word in line.split(" ")]
        ask = (
            f"source {file}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
            "COMP_TYPE=9; name=$(complete -p feedhub | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
            '"$name" feedhub; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return told(["bash", "--norc", "-c", ask])

    return complete


def fish(file: str) -> Complete:
    """Return what fish offers for a line, without what it says about each."""

    def complete(line: str) -> list[str]:
        ask = f"source {file}; complete -C '{line}'"
        return [offer.split("\t")[0] for offer in told(["fish", "--no-config", "-c", ask])]

    return complete


def told(command: list[str]) -> list[str]:
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return sorted(set(ran.stdout.split("\n")) - {""})


SHELLS = {"bash": bash, "fish": fish}
COMMANDS = sorted(build_parser().commands())


@pytest.fixture(params=SHELLS)
def complete(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Complete:
    """Ask one shell after the other."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return SHELLS[request.param](script(request.param, capsys))


def test_a_shell_knows_every_command(complete: Complete):
    assert set(complete("feedhub ")) >= set(COMMANDS)
    assert complete("feedhub ren") == ["render"]
    assert complete("feedhub c") == ["check", "completion"]


def test_a_shell_knows_the_options_of_each_command(complete: Complete):
    assert complete("feedhub render --al") == ["--allow-shrink"]
    assert complete("feedhub feeds --al") == []
    assert complete("feedhub feeds articles --q") == ["--quiet"]


def test_a_shell_knows_what_an_option_may_be(complete: Complete):
    assert complete("feedhub check --format ") == ["github", "json", "text"]
    assert complete("feedhub completion z") == ["zsh"]


def test_a_shell_offers_folders_for_sources_and_files_for_files(complete: Complete):
    def offered(line: str) -> list[str]:
        return [offer.removesuffix("/") for offer in complete(line)]

    assert offered("feedhub check ar") == ["articles"]
    assert offered("feedhub check my") == []
    assert offered("feedhub check --config my") == ["my.toml"]
    assert offered("feedhub stats my") == ["my.toml"]
    assert offered("feedhub stats --source ar") == ["articles"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_what_is_typed(capsys: pytest.CaptureFixture[str]):
    script("zsh", capsys)
    assert typed_into_zsh("feedhub ren\t") == "feedhub render"
    assert typed_into_zsh("feedhub check --format gi\t") == "feedhub check --format github"
    assert typed_into_zsh("feedhub check --config m\t") == "feedhub check --config my.toml"
    assert typed_into_zsh("feedhub stats a.log m\t") == "feedhub stats a.log my.toml"


def typed_into_zsh(keys: str) -> str:
    """Return the line that stands in zsh after these keys, as it would be run."""
    main_end, screen = terminal(200)
    command = ["zsh", "-f", "-i"]
    env = {**os.environ, "TERM": "dumb", "PS1": "> "}
    with subprocess.Popen(
        command, stdin=screen, stdout=screen, stderr=screen, env=env, start_new_session=True
    ) as process:
        os.close(screen)
        os.write(main_end, SET_UP.encode())
        wait_for(main_end, r"ready\r?\n")
        os.write(main_end, keys.encode() + b"\x18")  # Ctrl-X prints the line
        line = wait_for(main_end, r"<<(.*?)>>")
        os.close(main_end)
        process.kill()
    return line.strip()


SET_UP = (
    "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste; "
    "show() { print -r -- \"<<$BUFFER>>\" }; zle -N show; bindkey '^X' show; print rea''dy\n"
)


def wait_for(descriptor: int, pattern: str) -> str:
    """Read a terminal until the pattern stands there; return its first group."""
    seen, end = "", time.monotonic() + 60
    while select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
        seen += os.read(descriptor, 65536).decode(errors="replace")
        if match := re.search(pattern, seen, re.DOTALL):
            return match[1] if match.re.groups else match[0]
    raise AssertionError(f"waited in vain for {pattern}: {seen}")


def test_a_shell_that_is_not_known_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "fsh"])
    assert "invalid choice: 'fsh'; did you mean fish?" in capsys.readouterr().err
