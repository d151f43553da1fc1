"""The tables of docs/formats.md about bodies are those of the code.

`python -m tests.test_docs_bodies` writes them anew.
"""

from __future__ import annotations

from pathlib import Path

from feedhub.sources.bodies import players, repairs, sanitising

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
START, END = "<!-- bodies -->\n", "<!-- /bodies -->\n"


def tags(names):
    return " ".join(f"`{name}`" for name in sorted(names))


def rows(head, lines):
    columns = " | ".join(head)
    return "\n".join([f"| {columns} |", "|---" * len(head) + "|", *lines])


def tables():
    attributes = {
        tag: {*sanitising.ATTRIBUTES.get(tag, ()), *sanitising.URL_ATTRIBUTES.get(tag, ())}
        for tag in sanitising.ATTRIBUTES.keys() | sanitising.URL_ATTRIBUTES.keys()
    }
    every = attributes.pop("*") | {"id"}
    left_out = sanitising.LEFT_OUT_TAGS
    own = sanitising.TAGS - sanitising.ADDED_TAGS.keys()
    parts = (
        rows(
            ("what", "elements"),
            [
                f"| kept, as nh3 does | {tags(own)} |",
                *(f"| kept: {why} | `{tag}` |" for tag, why in sanitising.ADDED_TAGS.items()),
                *(f"| unwrapped: {why} | `{tag}` |" for tag, why in left_out.items()),
                *(f"| becomes `{new}` | `{old}` |" for old, new in repairs.RENAMED.items()),
                f"| may be a player, and becomes a link | {tags(players.TAGS)} |",
                f"| dropped with all in it | {tags(sanitising.DROPPED)} |",
                "| unwrapped: its text stays | every other |",
            ],
        ),
        rows(
            ("element", "attributes"),
            [f"| every | {tags(every)} |"]
            + [f"| `{tag}` | {tags(names)} |" for tag, names in sorted(attributes.items())],
        ),
        f"Links have the schemes {tags(sanitising.SCHEMES)}; pictures and sounds `http`, `https`.",
    )
    return "\n\n".join(parts) + "\n"


def test_the_tables_are_those_of_the_code():
    text = PAGE.read_text("utf-8")
    assert text.partition(START)[2].partition(END)[0] == tables()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text("utf-8").partition(START)
    PAGE.write_text(before + START + tables() + END + rest.partition(END)[2], "utf-8")
