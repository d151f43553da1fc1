"""What authors write, what stands in a feed for it, and which summary it gets."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from feedhub.sources import file_rules
from feedhub.sources.bodies import (
    Body,
    all_text,
    first_text,
    html_body,
    read_body,
    tree,
    words,
)
from tests.kit import NOW, make_bench

BASE = "https://h.example/p/"
# Kind, body, what stands in a feed, summary.
ROWS = json.loads((Path(__file__).parent / "bodies.json").read_text("utf-8"))


@pytest.mark.parametrize(("kind", "raw", "html", "summary"), ROWS)
def test_a_body(kind, raw, html, summary):
    body = read_body(raw, base=BASE, is_markdown=kind == "markdown", key="k")
    assert body.html == html
    assert body.first_text == first_text(body.html) == summary
    assert all_text(body.html) == words.all_text(tree.parse(body.html))
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


def test_a_formula_ends_a_paragraph():
    body = read_body("text\n$$\na_1 * b * c\n$$\nmore", base=BASE, is_markdown=True)
    assert body.html == "<p>text</p>\n<p>$$\na_1 * b * c\n$$</p>\n<p>more</p>"


def test_what_is_nested_too_deep_keeps_its_paragraphs():
    body = read_body("<div>" * 50_000 + "a\n\n \n\nb\nc", base=BASE, is_markdown=False)
    assert body.html == "<p>a</p>\n<p>b c</p>"


def test_ids_of_two_articles_differ():
    raw = "a[^1]\n\n[^1]: b"
    one, two = (read_body(raw, base=BASE, is_markdown=True, key=key).html for key in "12")
    assert one != two
    assert html_body(one, base="https://other.example/") == one


def test_a_picture_that_repeats_the_title_has_no_words():
    html = read_body("![A  title](a.png)", base=BASE, is_markdown=True, title="a Title").html
    assert html == '<p><img src="https://h.example/p/a.png" alt=""></p>'


def test_a_new_version_that_reads_bodies_in_another_way_moves_no_date(tmp_path, monkeypatch):
    bench = make_bench(tmp_path)
    bench.write("a.md", publishedDateTime="2020-06-01T10:00:00Z", webUrl="https://a.example/")
    bench.sync(NOW)
    (before,) = json.loads(bench.documents()["all.json"].body)["items"]
    monkeypatch.setattr("feedhub.sources.assembly.make_body", lambda *_: Body("<p>Other</p>"))
    monkeypatch.setattr(file_rules, "READER_VERSION", file_rules.READER_VERSION + 1)
    bench.sync(NOW + timedelta(days=1))
    (after,) = json.loads(bench.documents()["all.json"].body)["items"]
    assert "Other" in after["content_html"]
    assert "Other" not in before["content_html"]
    assert after.get("date_modified") == before.get("date_modified")
