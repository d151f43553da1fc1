"""What is said of front matter that people get wrong: the field, what is wrong, what to do."""

from __future__ import annotations

import pytest

from feedhub.sources import ReadOptions
from feedhub.sources.files import FilesSource
from tests.kit import NOW

GOOD = "title: A\ndate: 2024-01-02\n"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 0)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (f"---\n{GOOD}x:\n\ty: 1\n---\n", (5, 1), "a tab stands here; indent with spaces"),
        ("---\ntitle: #1\ndate: 2024-01-02\n---\nText", (2, 7), "in quotes if it begins with #"),
        (
            "---\ntitle: A\ndate: 02.01.2024\n---\n",
            (3, 7),
            "date: this is no date; write it as 2020-06-09 or 2020-06-09T11:36:00Z",
        ),
        (f"\n---\n{GOOD}---\nText", (1, 1), "front matter begins in the first line"),
        (f"---\n{GOOD}title: B\n---\n", (4, 1), "the key title appears twice"),
        (f"---\n{GOOD}mood: B\nmood: C\n---\n", (5, 1), "the key mood appears twice"),
        ("---\ntitle: [A, B]\ndate: 2024-01-02\n---\n", (2, 8), "title: a list or a table stands"),
        (
            f"---\n{GOOD}provider:\n  name: [B]\n---\n",
            (5, 9),
            "provider.name: a list or a table stands here; write text instead",
        ),
        (f"---\n{GOOD}images: [[x]]\n---\n", (4, 10), "images: "),
        (
            f"+++\n{GOOD.replace(': ', ' = ').replace('A', chr(34) * 2)}draft = 1\n+++\n",
            (4, 1),
            "draft: ",
        ),
        (f"---\n{GOOD}published: yes\n---\n", (4, 12), "published: this flag is neither true nor"),
        (f"---\n{GOOD}---\n{'x ' * 140_000}", (1, 1), "the file is larger than 256 KiB"),
    ],
)
def test_the_message_names_the_field_and_what_to_do(tmp_path, text, place, message):
    (tmp_path / "a.md").write_text(text)
    result = FilesSource(tmp_path, ReadOptions(base_url="https://x.example")).read("a.md", NOW)
    found = [each for each in result.problems if message in each.message]
    assert [(each.line, each.column) for each in found] == [place], result.problems
