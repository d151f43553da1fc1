"""The generated parts of docs/cli.md: commands, options, examples and exit codes.

After a change of the command line, generate them again and read the difference:

    make docs && git diff docs
"""

from __future__ import annotations

import re
from argparse import SUPPRESS
from collections.abc import Sequence
from pathlib import Path

from feedhub.cli.parser import VERBOSITY, Parser
from feedhub.cli.registry import COMMANDS, build_parser
from tests import manpage

PATH = Path(__file__).parent.parent / "docs/cli.md"
COMMON = "Options of every command"
CODES = "Exit codes"


def page(text: str) -> str:
    """Return the page with its generated parts up to date; the text between them stays."""
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    parser = build_parser()
    return with_code(head, synopsis(parser)) + "".join(update(part, parser) for part in sections)


def update(section: str, parser: Parser) -> str:
    """Return a section with its generated parts up to date."""
    name = section.partition("\n")[0].removeprefix("## ")
    if name == CODES:
        return with_table(section, exit_codes(parser))
    if name == COMMON:
        return with_table(section, options_of(parser))
    command = parser.commands().get(name.removeprefix("feedhub "))
    if command is None:
        return section
    return with_table(with_code(section, examples(command)), options_of(command))


def synopsis(parser: Parser) -> list[str]:
    """Return a line for each command: its arguments and its summary."""
    rows = [
        (f"feedhub {name}{arguments_of(command)}", COMMANDS[name])
        for name, command in parser.commands().items()
    ]
    rows += [("feedhub --version", "print the version")]
    rows += [("feedhub --help, feedhub COMMAND --help", "the same in short")]
    width = max(len(usage) for usage, _ in rows)
    return [f"{usage:<{width}}  {summary}" for usage, summary in rows]


def arguments_of(command: Parser) -> str:
    """Return the arguments of a command as a usage line shows them."""
    forms = {"?": " [{}]", "*": " [{}...]", "+": " {}..."}
    positional = [action for action in command._actions if not action.option_strings]
    names = "".join(forms.get(str(a.nargs), " {}").format(a.metavar) for a in positional)
    return names + " [options]" * bool(options_of(command))


def options_of(parser: Parser) -> dict[str, str]:
    """Return each option as `--name METAVAR` or `--name, -n` with its help.

    The options of every command are only returned for the parser of all commands.
    """
    is_command = parser.prog != "feedhub"
    groups = [g for g in parser._action_groups if not (is_command and g.title == VERBOSITY)]
    actions = [action for group in groups for action in group._group_actions]
    return {
        f"{', '.join(action.option_strings)} {action.metavar or ''}".strip(): str(action.help)
        for action in actions
        if action.option_strings
        and action.help != SUPPRESS
        and action.dest not in ("help", "version")
    }


def examples(parser: Parser) -> list[str]:
    """Return the command lines of the examples in a command's help."""
    return re.findall(r"^  (feedhub.*)$", str(parser.epilog).partition("examples:")[2], re.M)


def exit_codes(parser: Parser) -> dict[str, str]:
    """Return the exit codes of `feedhub --help` and their meaning."""
    return dict(re.findall(r"^  (\d+)  (.*)$", parser.format_help(), re.MULTILINE))


def with_code(section: str, lines: Sequence[str]) -> str:
    """Replace the first indented block by lines."""
    block = "".join(f"    {line}\n" for line in lines)
    return re.sub(r"^(?: {4}.*\n)+", lambda _: block, section, count=1, flags=re.MULTILINE)


def with_table(section: str, rows: dict[str, str]) -> str:
    """Replace the rows of the first table."""
    block = "".join(
        f"| {name if name.isdigit() else f'`{name}`'} | {about} |\n" for name, about in rows.items()
    )
    form = re.compile(r"(?<=^\|---\|---\|\n)(?:\|.*\n)*", re.MULTILINE)
    return form.sub(lambda _: block, section, count=1)


if __name__ == "__main__":
    text = page(PATH.read_text(encoding="utf-8"))
    PATH.write_text(text, encoding="utf-8")
    manpage.PATH.write_text(manpage.page(text), encoding="utf-8")
