"""docs/front-matter.md lists exactly the fields of the code, in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from feedhub.config.rules import PLACEHOLDERS
from feedhub.sources.article_path import default_address, page_address
from feedhub.sources.fields import NAMES
from feedhub.sources.gate_neighbours import NEIGHBOURS
from feedhub.sources.templating import leave_out_hidden
from tests.readings import page_name

TEXT = (Path(__file__).parent.parent / "docs" / "front-matter.md").read_text("utf-8")


def _rows(heading: str) -> list[list[str]]:
    """Return the cells of each table below a heading, up to the next one, without its head."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [re.split(r" *(?<!\\)\| *", line)[1:-1] for line in lines[2:]]


FIELDS = [
    row
    for heading in ("Who sees the article, and when", "The article", "Inside mappings")
    for row in _rows(heading)
]


def test_the_fields_are_those_of_the_code_in_order():
    documented = [tuple(re.findall("`([^`]+)`", row[0])) for row in FIELDS]
    assert documented == list(NAMES.values())


def test_the_neighbours_of_the_gate_are_those_of_the_code_in_order():
    actions = {"hidden": "hidden", "rejected": "rejected, withdrawn", "ignored": "ignored"}
    documented = [
        (" ".join(re.findall("`([^`]+)`", keys)), *cells)
        for keys, *cells in _rows("Misspelt names, and those of other systems")
    ]
    assert documented == [row._replace(action=actions[row.action]) for row in NEIGHBOURS]


def test_no_cell_is_empty():
    assert [row for row in FIELDS if len(row) != 5 or not all(row)] == []


@pytest.mark.parametrize("row", _rows("The address of an article"), ids=str)
def test_addresses_are_those_of_the_code(row):
    path, pattern, address = (cell.strip("`") for cell in row)
    page = page_name(path)
    assert (page_address(page, pattern) if pattern else default_address(page)) == address


def test_every_placeholder_of_the_configuration():
    text = TEXT.split("The placeholders are")[1].split("An `index.md`")[0]
    assert re.findall(r"`:([a-z]+)`", text) == list(PLACEHOLDERS)


def test_every_sign_of_a_template_is_left_out():
    text = TEXT.split("never published: comments")[1].split("One that is never closed")[0]
    comments = re.findall(r"`([^`]+…[^`]+)`", text)
    names = re.findall(r"`([a-z]+)`", text)
    blocks = [f"{{% {name} %}}…{{% end{name} %}}" for name in ["if", *names]]
    assert len(comments) == 7
    assert len(blocks) == 6
    for block in comments + blocks:
        assert leave_out_hidden(f"a{block}b").text == "ab"
