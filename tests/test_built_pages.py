"""The text of a page is found in its frame, and its head says what it says."""

from __future__ import annotations

import pytest

from feedhub.errors import ArticleError
from feedhub.sources.built.pages import (
    CONTAINERS,
    PageFacts,
    article_html,
    compile_selector,
    facts_of,
    parse_page,
    unsure_container,
)


def text_of_page(
    body: str, selector: str = "", remove: tuple[str, ...] = (), title: str = "T"
) -> str:
    """Return the HTML of the text of a page."""
    page = parse_page(f"<!doctype html><html><body>{body}</body></html>".encode())
    return article_html(page, selector=selector, remove=remove, title=title)


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_usual_element_is_found(container: str):
    attributes = {"[": container.strip("[]"), ".": f'class="x {container[1:]}"'}
    attribute = (attributes | {"#": f"id={container[1:]}"}).get(container[0], "")
    tag = "div" if attribute else container
    page = f"<nav>menu</nav><div>before<{tag} {attribute}>a &lt; <p>text</p></{tag}>after</div>"
    assert text_of_page(page) == "a &lt; <p>text</p>"


def test_the_surest_element_wins_and_of_several_the_longest():
    page = '<main>all <article><div class="post-content">one</div></article></main>'
    assert text_of_page(page) == "one"
    page = "<article>teaser</article><article>the article itself</article>"
    assert text_of_page(page) == "the article itself"


def test_what_is_no_part_of_the_text_goes_and_the_text_behind_it_stays():
    page = (
        "<article><h1>T</h1><aside>x</aside>behind 1<p>a<button>copy</button>behind 2</p>"
        '<h2>H<a class="headerlink" href="#h">#</a></h2><script>x</script><!-- x -->'
        "<footer>x</footer>"
        '<div class="comments">x</div><div class="mine">x</div><p>end</p></article>tail'
    )
    assert text_of_page(page, remove=(".mine",)) == ("behind 1<p>abehind 2</p><h2>H</h2><p>end</p>")
    # A heading that says something else is text.
    assert text_of_page("<article><h1>Other</h1>x</article>") == "<h1>Other</h1>x"


def test_a_selector_of_the_owner_finds_the_text():
    page = '<article>no</article><div id="text">yes<b> it is</b></div>'
    assert text_of_page(page, "#text") == "yes<b> it is</b>"
    assert text_of_page("<div><img src=a.png></div>", "div") == '<img src="a.png">'


@pytest.mark.parametrize(
    ("page", "selector", "message"),
    [
        ("<div>x</div>", "", r"none of the usual elements.*source\.article"),
        ("<article> <nav>x</nav></article>", "", "only article, without text"),
        ("<article>x</article>", ".theme", "source.article finds no text here: has the theme"),
        ("", "", "none of the usual"),
        ("<nav></nav>", "nav", "finds no text"),
    ],
)
def test_a_page_without_text_says_what_to_do(page: str, selector: str, message: str):
    with pytest.raises(ArticleError, match=message):
        text_of_page(page, selector)


@pytest.mark.parametrize("name", ["img", "video", "iframe", "embed", "object"])
def test_a_picture_or_a_player_alone_is_a_text(name: str):
    assert name in text_of_page(f'<article><{name} src="x"></{name}></article>')


def test_nothing_is_no_page():
    assert unsure_container(None) == ""
    assert parse_page(b"") is None
    assert facts_of(None) == PageFacts()
    with pytest.raises(ArticleError):
        article_html(None, selector="", remove=(), title="")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<article>é</article>".encode(), "é"),
        ("<article>é</article>".encode("latin-1"), "é"),
        ('<meta charset="windows-1251"><article>ж</article>'.encode("windows-1251"), "ж"),
        (b'<meta charset="nonsense"><article>\xe9</article>', "é"),
    ],
)
def test_pages_are_read_in_their_encoding(data: bytes, text: str):
    page = parse_page(data)
    assert article_html(page, selector="", remove=(), title="").replace("&#233;", "é") == text


def test_what_the_head_says():
    facts = facts_of(
        parse_page(
            b'<html lang="en_GB"><head><meta name="Robots" content="noindex, follow">'
            b'<meta property="og:image" content=" /a.png "><meta property="og:image" content="b">'
            b'<link rel="canonical" href="https://a.example/"><link rel=canonical>'
            b"<meta http-equiv=refresh content=\"0;URL='/en/'\"><meta charset=utf-8>"
            b'<meta name="feedhub:quality" content="3">'
        )
    )
    assert facts == PageFacts(
        language="en-GB",
        image="/a.png",
        canonical="https://a.example/",
        refresh="/en/",
        noindex=True,
        meta=(("quality", "3"),),
    )
    assert facts_of(parse_page(b"<html lang='no language'><p>x")) == PageFacts(text_length=1)


def test_a_selector_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no CSS selector"):
        compile_selector("p[")


@pytest.mark.parametrize(
    "noise", [b"\x00", b"<", b"<div>" * 5000, b"<p><b>" * 300, b"\xff<a href="]
)
def test_no_bytes_raise_anything(noise: bytes):
    assert facts_of(parse_page(noise)) == PageFacts()
