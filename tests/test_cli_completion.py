"""`feedhub completion` in real shells."""

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
    """An own home folder with a folder and a file to complete."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("articles").mkdir()
    Path("my.toml").touch()
    return tmp_path


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Write the script for a shell, and return the name of the file."""
    assert main(["completion", shell]) == 0
    text, err = capsys.readouterr()
    assert err == ""
    name = {"zsh": "_feedhub"}.get(shell, f"feedhub.{shell}")
    Path(name).write_text(text, encoding="utf-8")
    return name


def bash(file: str) -> Complete:
    """Return a function that gives the completions of bash for a line."""

    def complete(line: str) -> list[str]:
        words = [f"'{word}'" for word in line.split(" ")]
        script_line = (
            f"source {file}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
            "COMP_TYPE=9; name=$(complete -p feedhub | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
            '"$name" feedhub; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return lines_of(["bash", "--norc", "-c", script_line])

    return complete


def fish(file: str) -> Complete:
    """Return a function that gives the completions of fish for a line, without descriptions."""

    def complete(line: str) -> list[str]:
        script_line = f"source {file}; complete -C '{line}'"
        return [
            offer.split("\t")[0] for offer in lines_of(["fish", "--no-config", "-c", script_line])
        ]

    return complete


def lines_of(command: list[str]) -> list[str]:
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return sorted(set(ran.stdout.split("\n")) - {""})


SHELLS = {"bash": bash, "fish": fish}
COMMANDS = sorted(build_parser().commands())


@pytest.fixture(params=SHELLS)
def complete(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Complete:
    """The completions of one shell after the other."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return SHELLS[request.param](script(request.param, capsys))


def test_a_shell_completes_commands(complete: Complete):
    assert set(complete("feedhub ")) >= set(COMMANDS)
    assert complete("feedhub ren") == ["render"]
    assert complete("feedhub c") == ["check", "completion"]


def test_a_shell_completes_the_options_of_each_command(complete: Complete):
    assert complete("feedhub render --al") == ["--allow-shrink"]
    assert complete("feedhub feeds --al") == []
    assert complete("feedhub feeds articles --q") == ["--quiet"]


def test_a_shell_completes_the_values_of_an_option(complete: Complete):
    assert complete("feedhub check --format ") == ["github", "json", "text"]
    assert complete("feedhub completion z") == ["zsh"]


def test_a_shell_completes_folders_for_sources_and_files_for_files(complete: Complete):
    def offered(line: str) -> list[str]:
        return [offer.removesuffix("/") for offer in complete(line)]

    assert offered("feedhub check ar") == ["articles"]
    assert offered("feedhub check my") == []
    assert offered("feedhub check --config my") == ["my.toml"]
    assert offered("feedhub stats my") == ["my.toml"]
    assert offered("feedhub stats --source ar") == ["articles"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_typed_keys(capsys: pytest.CaptureFixture[str]):
    script("zsh", capsys)
    assert typed_into_zsh("feedhub ren\t") == "feedhub render"
    assert typed_into_zsh("feedhub check --format gi\t") == "feedhub check --format github"
    assert typed_into_zsh("feedhub check --config m\t") == "feedhub check --config my.toml"
    assert typed_into_zsh("feedhub stats a.log m\t") == "feedhub stats a.log my.toml"


def typed_into_zsh(keys: str) -> str:
    """Return the command line of zsh after these keys."""
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
    """Read a terminal until the pattern matches; return its first group."""
    seen, end = "", time.monotonic() + 60
    while select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
        seen += os.read(descriptor, 65536).decode(errors="replace")
        if match := re.search(pattern, seen, re.DOTALL):
            return match[1] if match.re.groups else match[0]
    raise AssertionError(f"waited in vain for {pattern}: {seen}")


def test_an_unknown_shell_gets_a_suggestion(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "fsh"])
    assert "invalid choice: 'fsh'; did you mean fish?" in capsys.readouterr().err
