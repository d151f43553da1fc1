"""What authors write, what stands in a feed for it, and which summary it gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedhub.sources.bodies import all_text, first_text, html_body, read_body

BASE = "https://h.example/p/"
# Kind, body, what stands in a feed, summary.
ROWS = json.loads((Path(__file__).parent / "bodies.json").read_text("utf-8"))


@pytest.mark.parametrize(("kind", "raw", "html", "summary"), ROWS)
def test_a_body(kind, raw, html, summary):
    body = read_body(raw, base=BASE, is_markdown=kind == "markdown", key="k")
    assert body.html == html
    assert first_text(body.html) == summary
    assert html_body(body.html, base="") == body.html


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<section>a</section><section>b</section><aside>c</aside>d", "a b c d"),
        ("<ruby>東京<rt>とうきょう</rt></ruby>都", "東京都"),
        ("<a>fo</a>o<br>b<b>a</b>r<img>z", "foo bar z"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
    ],
)
def test_the_words_of_an_index(html, words):
    assert all_text(html) == words


@pytest.mark.parametrize(
    ("raw", "opening"),
    [
        ("one\n\ntwo\n\n<!--more-->\n\nthree", "one two"),
        ("one <!-- More --> two", "one"),
        ("a[^1]\n\n    code\n\n<!--more-->\n\nb\n\n[^1]: c", "a"),
        ("|a|b|\n|-|-|\n\ntext\n\n<!-- more -->", "text"),
        ("one\n\n`<!--more-->`", ""),
        ("one\n\n<pre><!--more--></pre>", ""),
        ("<!--more-->\n\na", ""),
    ],
)
def test_the_text_before_more(raw, opening):
    assert read_body(raw, base=BASE, is_markdown=True).opening == opening


def test_ids_of_two_articles_differ():
    raw = "a[^1]\n\n[^1]: b"
    one, two = (read_body(raw, base=BASE, is_markdown=True, key=key).html for key in "12")
    assert one != two
    assert html_body(one, base="https://other.example/") == one


def test_a_picture_that_repeats_the_title_has_no_words():
    html = read_body("![A  title](a.png)", base=BASE, is_markdown=True, title="a Title").html
    assert html == '<p><img src="https://h.example/p/a.png" alt=""></p>'
