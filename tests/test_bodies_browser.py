"""A browser looks at bodies: hostile ones do nothing, others say what their author's page says.

`hostile_bodies.json` has what feedparser and DOMPurify, two other sanitisers, are tested with, and
their licences. `author_posts.json` has posts as authors write them. Those of HTML are their own
page. Those of Markdown are rendered by micromark, an implementation of CommonMark and of GitHub's
additions that shares no code with feedhub's; what other generators add has its `page` there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feedhub.sources.bodies import html_body, markdown_body, read_body
from tests.browsers import browse, require_browser

HOSTILE = json.loads((Path(__file__).parent / "hostile_bodies.json").read_text("utf-8"))
POSTS = json.loads((Path(__file__).parent / "author_posts.json").read_text("utf-8"))
BASE = "https://h.example/blog/post"
# What the browser must notice in fragments that nobody has cleaned.
UNSAFE = {
    "<script>alert(1)</script>": "a script called alert",
    '<img src="https://h.example/x" onerror="alert(1)">': "a script called alert",
    '<a href="javascript:alert(1)">x</a>': "a href=javascript:alert(1)",
    '<a href="data:text/html,x">x</a>': "a href=data:text/html,x",
    '<p style="background:url(https://t.example/)">x</p>': "p style",
    '<link rel=stylesheet href="https://t.example/x.css">': "a request of the type stylesheet",
    '<iframe src="https://t.example/"></iframe>': "a request of the type document",
    '<form action="https://t.example/"><button>x</button></form>': "<form>",
    "</section><section>x": "3 sections instead of 2",
    '<img id="createElement">': "an id of the page",
    "<svg><a><text>x</text></a></svg>": "another language",
}

# Where a feed differs from the page on purpose: post, what, what the page has, what the feed has,
# and why.
DIFFERENT: tuple[tuple[str, str, list[str], list[str], str], ...] = (
    ("tutorial", "words", ["written"], ["☑", "written"], "a check box becomes a sign"),
    ("tutorial", "words", ["tested"], ["☐", "tested"], "a check box becomes a sign"),
    (
        "footnotes",
        "words",
        ["sources.1"],
        ["sources.[1]"],
        "without a style, 1 would be a number of the text",
    ),
    ("footnotes", "words", ["two.2"], ["two.[2]"], "the same"),
    ("footnotes", "words", ["Footnotes"], [], "GitHub's heading is for those who hear a page"),
    ("footnotes", "words", ["↩"], ["↩︎"], "with the sign that it is no emoji"),
    ("links", "links", [BASE], [], "a link without an address leads nowhere"),
    (
        "bare addresses",
        "links",
        ["http://www.b.example/path"],
        ["https://www.b.example/path"],
        "an address without a scheme is read as https, as in Hugo",
    ),
    ("map and links", "links", ["javascript:x()"], [], "a reader runs no script"),
    ("map and links", "links", ["xmpp:a@b.example"], [], "few readers know the scheme"),
    (
        "pictures",
        "pictures",
        ["https://t.example/pixel"],
        [],
        "one pixel counts readers",
    ),
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict[str, Any]:
    """Return what the browser saw of all bodies."""
    browser = require_browser("micromark")
    folder = tmp_path_factory.mktemp("bodies")
    bodies = [body for name in ("feedparser", "DOMPurify") for body in HOSTILE[name]]
    hostile = [
        [html_body(body, base=BASE) for body in bodies],
        [markdown_body(body, base=BASE) for body in bodies],
        *([fragment, "<p>x</p>"] for fragment in UNSAFE),
    ]
    file = folder / "bodies.json"
    posts = [{**post, "content": read(post)} for post in POSTS]
    file.write_text(json.dumps({"hostile": hostile, "posts": posts}), "utf-8")
    return browse("bodies.mjs", folder, browser, file)


def read(post: dict[str, str]) -> str:
    """Return what a feed has of a post."""
    is_markdown = post["kind"] == "markdown"
    return read_body(post["text"], base=BASE, is_markdown=is_markdown).html


def expected(name: str, what: str, found: list[str]) -> list[str]:
    """Return what a feed should have for what a page has."""
    for post, part, old, new, _ in DIFFERENT:
        if (post, part) == (name, what):
            assert set(old) <= set(found), f"{name}: {old} is no difference any more"
            found = [one for item in found for one in (new if [item] == old else [item])]
    return found


def test_hostile_bodies_do_nothing_in_a_browser(seen):
    html, markdown, *_ = seen["hostile"]
    assert html == []
    assert markdown == []


def test_the_browser_notices_what_nobody_has_cleaned(seen):
    for complaints, (fragment, expected) in zip(seen["hostile"][2:], UNSAFE.items(), strict=True):
        assert any(line.startswith(expected) for line in complaints), (fragment, complaints)


def test_a_feed_has_the_words_pictures_and_links_of_the_page(seen):
    for post, found in zip(POSTS, seen["posts"], strict=True):
        name = post["name"]
        for what, items in found["page"].items():
            assert found["content"][what] == expected(name, what, items), (name, what)
    assert sum(len(post["page"]["words"]) for post in seen["posts"]) > 300
