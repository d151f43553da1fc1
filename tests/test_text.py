"""Plain text: legal in XML, decoded once, on one line; and readable slugs."""

from __future__ import annotations

import html
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedhub import text as t


@given(st.text())
def test_lxml_accepts_legal_text(value):
    element = etree.Element("x")
    element.text = t.legal(value)
    assert t.legal(element.text) == element.text


def test_legal_text_keeps_all_other_characters():
    assert t.legal("a\tb\nc\ré😀\ufffd") == "a\tb\nc\ré😀\ufffd"
    assert t.legal("don\x92t \x80 \x85 \x9f") == "don’t € … Ÿ"
    assert t.legal("\x00\x08\x0b\x0c\x0e\x1f\x7f\x81\x9d\ud800\udfff\ufdd0\ufffe\uffff") == ""


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("AT&amp;T", "AT&T"),
        ("AT&T", "AT&T"),
        ("&#8217;", "’"),
        ("&#x2019;", "’"),
        ("&#X2019;", "’"),
        ("&#038;", "&"),
        ("&amp;#038;", "&#038;"),
        ("&amp;amp;", "&amp;"),
        ("&lt;b&gt;", "<b>"),
        ("?a=1&copy=2&lt", "?a=1&copy=2&lt"),
        ("&copy;", "©"),
        ("&notice;", "&notice;"),
        ("&copyright;", "&copyright;"),
        ("&nosuch;", "&nosuch;"),
        ("&;", "&;"),
        ("&#;", "&#;"),
        ("&#xD800;", "\ufffd"),
        ("&NotEqualTilde;", "≂̸"),
        ("no", "no"),
    ],
)
def test_entities_are_decoded_once(raw, plain):
    assert t.unescape_once(raw) == plain


@given(st.text())
def test_unescaping_reverts_html_escape(value):
    assert t.unescape_once(html.escape(value)) == value


@given(st.text())
def test_one_line_is_one_line(value):
    line = t.one_line(value)
    assert line == t.one_line(line) == line.strip()
    assert len(line.splitlines()) <= 1
    assert "  " not in line
    assert not any(char in line for char in "\u061c\u200b\u200e\u200f\u202e\u2066\ufeff\xa0\t")


def test_plain_text():
    assert t.plain_text(" Don&#8217;t\u200b  <b>\n ") == "Don’t <b>"
    assert t.plain_text("👨\u200d👩 \u202egpj") == "👨\u200d👩 gpj"


@pytest.mark.parametrize(
    ("value", "limit", "short"),
    [
        ("short", 5, "short"),
        ("one two three", 10, "one two…"),
        ("one, two three", 11, "one, two…"),
        ("one two, three", 11, "one two…"),
        ("a verylongwordindeed", 10, "a verylon…"),
        ("漢字" * 10, 5, "漢字漢字…"),
        ("👨‍👩‍👧" * 5, 8, "👨‍👩‍👧…"),
        ("e\u0301" * 10, 6, "e\u0301e\u0301…"),
    ],
)
def test_cut(value, limit, short):
    assert t.cut(value, limit) == short


@given(
    st.text(alphabet=st.sampled_from("ab \u0301\u200d👨👩🇩🇪가"), max_size=80), st.integers(1, 40)
)
def test_cut_keeps_to_the_limit_and_whole_graphemes(value, limit):
    line = t.one_line(value)
    short = t.cut(line, limit)
    assert len(short) <= limit
    if short != line:
        head = short.removesuffix("…")
        assert line.startswith(head)
        rest = line[len(head) :]
        assert regex.findall(r"\X", head) + regex.findall(r"\X", rest) == regex.findall(r"\X", line)


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("Computer Vision", "computer-vision"),
        ("The Next Web", "the-next-web"),
        ("AI & ML", "ai-ml"),
        ("C#", "c-sharp"),
        ("C++", "c-plus-plus"),
        ("C", "c"),
        ("A+B", "a-plus-b"),
        ("F#m", "f-sharp-m"),
        ("#tag", "tag"),
        ("+1", "1"),
        ("What’s New", "whats-new"),
        ("What's New", "whats-new"),
        ("Größe", "grösse"),
        ("\u0390", "\u0390"),
        ("人工智能", "人工智能"),
        ("हिन्दी", "हिन्दी"),
        ("ﬁle", "file"),
        ("a.b/c", "a-b-c"),
        ("..", ""),
        ("", ""),
        ("🙂", ""),
        ("AI\u200b", "ai"),
    ],
)
def test_slugify(label, slug):
    assert t.slugify(label) == slug


@given(st.text())
def test_a_slug_is_a_safe_path_segment(label):
    slug = t.slugify(label)
    assert len(slug.encode()) <= 120
    assert not set(slug) & set("./\\?#%& \n\"'<>+:")
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert unicodedata.is_normalized("NFC", slug)


def test_long_slugs_of_different_labels_differ():
    one, two = t.slugify("漢" * 200 + "a"), t.slugify("漢" * 200 + "b")
    assert one != two
    assert len(one.encode()) <= 120
    assert one == t.slugify("漢" * 200 + "a")


def test_spellings_of_a_label_have_one_key():
    assert t.label_key(" Computer  Vision") == t.label_key("ＣＯＭＰＵＴＥＲ vision")


def test_short_hashes_are_stable():
    assert t.short_hash("a") == "ca234c55"
    assert len(t.short_hash("\ud800")) == 8
