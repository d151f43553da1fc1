"""Two parsers read Markdown: which of them read a body cannot be seen in what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest
from bench.posts import Author

from feedhub.sources.bodies import html_body, markdown, markdown_body, markdown_extended
from feedhub.text import legal

TESTS = Path(__file__).parent
BASE = "https://h.example/post"


def ordinary_bodies() -> list[str]:
    """Return the examples of the specifications, posts of authors, and made posts."""
    suites = json.loads((TESTS / "markdown_suites.json").read_text("utf-8"))
    posts = json.loads((TESTS / "author_posts.json").read_text("utf-8"))
    author = Author(Random(1))
    bodies = [example[0] for examples in suites.values() for example in examples]
    bodies += [post["text"] for post in posts if post["kind"] == "markdown"]
    bodies += [author.post(number).split("---\n", 2)[2] for number in range(40)]
    return [legal(body) for body in bodies]


def is_for_comrak(raw: str) -> bool:
    return not markdown_extended.is_needed(raw) and not markdown.is_unsuited(raw)


def test_both_parsers_read_a_body_alike():
    bodies = [body for body in ordinary_bodies() if is_for_comrak(body)]
    assert len(bodies) > 600
    for body in bodies:
        read = [
            re.sub(r"\s*(<[^>]*>)\s*", r"\1", html_body(html or "", base=BASE))
            for html in (markdown.comrak_parser()(body), markdown_extended.to_html(body))
        ]
        assert read[0] == read[1], body


@pytest.mark.parametrize(
    "raw",
    [
        "a\n\n[x](/y) {not: this} 5 { # } {} [^a] a : b\n\n[x] : /y",
        "costs $5 and then $6",
        "a $b = c\n\nd$ e",
        "a\\_b \\{ \\\\ \\]",
        "a ~~b~~ c ~ d ~ e /~user/\n\n~user",
        "~~~\ncode\n~~~",
        "<div>a\nb\n\n</div>\n\nc",
        "a\n> b\n> c <b>d</b>\ne",
        "text <i>x</i>\nb",
        ">" * 59 + " a",
        " " * 70 + "a",
        "|a|b|\n|-|-|\n|c|d|\n" + "\n" * 19_996,
        "a > b " * 100,
    ],
)
def test_what_is_ordinary_is_read_by_comrak(raw):
    assert is_for_comrak(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "## A {#a}",
        "a\n{: .b}",
        "[a](/b){target=_blank}",
        "[a](/b){ .c }",
        "$$x$$",
        "a $x^2$",
        "a \\(x\\)",
        "\\[\nx\n\\]",
        "\\begin{a}\nx\n\\end{a}",
        "a[^1]\n\n[^1]: b",
        "Term\n: b",
        "Term\n~ b",
        "> Term\n> : b",
        "<h5>a</h5>\nb",
        "<div>\na\n\n</div>\n\nb",
        "> <div>\n> a\n> </div>  \n> b",
        "H~2~O",
        ">" * 61 + " a",
        "> " * 61 + " a",
        "- " * 30 + "> " * 31 + "a > b " * 60,
        "|a|b|\n|-|-|\n|c|d|\n" + "\n" * 20_000,
    ],
)
def test_what_generators_add_is_not(raw):
    assert not is_for_comrak(raw)


class PanicException(BaseException):
    """What pyo3 raises where Rust panics."""


def test_a_panic_of_comrak_stops_no_file(monkeypatch):
    def panic(*_):
        raise PanicException("index out of bounds")

    monkeypatch.setattr("comrak.render_markdown", panic)
    assert markdown_body("*a*", base=BASE) == "<p><em>a</em></p>"


def test_other_errors_are_shown(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("comrak.render_markdown", interrupt)
    with pytest.raises(KeyboardInterrupt):
        markdown_body("*a*", base=BASE)


def test_braces_beside_attributes_stay():
    raw = "## A {b}\n\nc {d} *e*{f g}\n\n## H {#h}\n\n[h](#h)\n{: .i}"
    html = markdown_body(raw, base=BASE)
    assert re.sub("r[0-9a-f]{8}-", "", html) == (
        '<h2>A {b}</h2>\n<p>c {d} <em>e</em>{f g}</p>\n<h2 id="h">H</h2>\n<p><a href="#h">h</a></p>'
    )
