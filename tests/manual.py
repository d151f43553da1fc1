"""What docs/cli.md says that the parser knows: commands, options, examples and exit codes.

After a change of the command line, write it anew and read the difference:

    make docs && git diff docs
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from feedhub.cli.parser import VERBOSITY, Parser
from feedhub.cli.registry import COMMANDS, build_parser
from tests import manpage

PLACE = Path(__file__).parent.parent / "docs/cli.md"
COMMON = "Options of every command"
CODES = "Exit codes"


def page(text: str) -> str:
    """Return the page with all that is made written anew; the prose between stays."""
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    parser = build_parser()
    return _with_code(head, synopsis(parser)) + "".join(_made(part, parser) for part in sections)


def _made(section: str, parser: Parser) -> str:
    name = section.partition("\n")[0].removeprefix("## ")
    if name == CODES:
        return _with_table(section, exit_codes(parser))
    if name == COMMON:
        return _with_table(section, options_of(parser))
    command = parser.commands().get(name.removeprefix("feedhub "))
    if command is None:
        return section
    return _with_table(_with_code(section, examples(command)), options_of(command))


def synopsis(parser: Parser) -> list[str]:
    """Return a line for each command: what is typed, and what it does."""
    rows = [
        (f"feedhub {name}{_arguments(command)}", COMMANDS[name])
        for name, command in parser.commands().items()
    ]
    rows += [("feedhub --version", "print the version")]
    rows += [("feedhub --help, feedhub COMMAND --help", "the same in short")]
    width = max(len(typed) for typed, _ in rows)
    return [f"{typed:<{width}}  {about}" for typed, about in rows]


def _arguments(command: Parser) -> str:
    forms = {"?": " [{}]", "*": " [{}...]", "+": " {}..."}
    given = [action for action in command._actions if not action.option_strings]
    names = "".join(forms.get(str(a.nargs), " {}").format(a.metavar) for a in given)
    return names + " [options]" * bool(options_of(command))


def options_of(parser: Parser) -> dict[str, str]:
    """Return each option as `--name METAVAR` or `--name, -n` with its help.

    Those of every command stand with the parser of all commands.
    """
    is_command = parser.prog != "feedhub"
    groups = [g for g in parser._action_groups if not (is_command and g.title == VERBOSITY)]
    actions = [action for group in groups for action in group._group_actions]
    return {
        f"{', '.join(action.option_strings)} {action.metavar or ''}".strip(): str(action.help)
        for action in actions
        if action.option_strings and action.dest not in ("help", "version")
    }


def examples(parser: Parser) -> list[str]:
    """Return the examples of a command's help, as they are typed."""
    return re.findall(r"^  (feedhub.*)$", str(parser.epilog).partition("examples:")[2], re.M)


def exit_codes(parser: Parser) -> dict[str, str]:
    """Return what `feedhub --help` says of exit codes."""
    return dict(re.findall(r"^  (\d+)  (.*)$", parser.format_help(), re.MULTILINE))


def _with_code(section: str, lines: Sequence[str]) -> str:
    """Put lines in the place of the first indented block."""
    block = "".join(f"    {line}\n" for line in lines)
    return re.sub(r"^(?: {4}.*\n)+", lambda _: block, section, count=1, flags=re.MULTILINE)


def _with_table(section: str, rows: dict[str, str]) -> str:
    """Put rows in the place of those of the first table."""
    block = "".join(
        f"| {name if name.isdigit() else f'`{name}`'} | {about} |\n" for name, about in rows.items()
    )
    form = re.compile(r"(?<=^\|---\|---\|\n)(?:\|.*\n)*", re.MULTILINE)
    return form.sub(lambda _: block, section, count=1)


if __name__ == "__main__":
    made = page(PLACE.read_text(encoding="utf-8"))
    PLACE.write_text(made, encoding="utf-8")
    manpage.PLACE.write_text(manpage.page(made), encoding="utf-8")
