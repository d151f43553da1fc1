"""Feeds of others become plain records, whatever format they are in and however odd they are."""

from __future__ import annotations

import calendar
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.article import Author
from feedhub.feed_reader import (
    MAX_FEED_BYTES,
    Enclosure,
    FeedReadError,
    Markup,
    ParsedEntry,
    looks_like_feed,
    read_feed,
)
from feedhub.feed_reader.dates import parse_feed_date

GOLDEN = Path(__file__).parent / "golden"
ATOM = "http://www.w3.org/2005/Atom"
XHTML = "http://www.w3.org/1999/xhtml"
MODULES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:xhtml="http://www.w3.org/1999/xhtml"'
)


def rss(item: str, channel: str = "") -> bytes:
    """Return an RSS feed with one item."""
    feed = f"<channel>{channel}<item>{item}</item></channel>"
    return f'<rss version="2.0" {MODULES}>{feed}</rss>'.encode()


def atom(entry: str, feed: str = "", namespace: str = ATOM) -> bytes:
    """Return an Atom feed with one entry."""
    media = 'xmlns:media="http://search.yahoo.com/mrss/"'
    return f'<feed xmlns="{namespace}" {media}>{feed}<entry>{entry}</entry></feed>'.encode()


def only(data: bytes, address: str = "") -> ParsedEntry:
    """Return the one entry of a feed."""
    (entry,) = read_feed(data, address).entries
    return entry


@pytest.mark.parametrize(
    ("data", "field", "value"),
    [
        # The id is as it is written; without one the link stands in.
        (rss("<guid> HTTP://A.example/%7Ex </guid>"), "id", "HTTP://A.example/%7Ex"),
        (rss("<link>https://a.example/1</link>"), "id", "https://a.example/1"),
        (atom("<id>tag:a.example,2020:1</id>"), "id", "tag:a.example,2020:1"),
        (atom('<link href="https://a.example/1"/>'), "id", "https://a.example/1"),
        # Links.
        (rss("<guid>https://a.example/1</guid>"), "link", "https://a.example/1"),
        (rss('<guid isPermaLink="false">x</guid>'), "link", ""),
        (
            rss("<link>/1</link>", "<link>https://a.example/b/</link>"),
            "link",
            "https://a.example/1",
        ),
        (
            rss('<atom:link href="https://b.example/"/><link>https://a.example/</link>'),
            "link",
            "https://a.example/",
        ),
        (
            rss("<link>https://[broken</link>", "<link>https://a.example/</link>"),
            "link",
            "https://[broken",
        ),
        (
            atom(
                '<link rel="self" href="s"/><link href="j" type="a/json"/><link href="h"/>',
                '<link rel="self" href="/f"/>',
            ),
            "link",
            "h",
        ),
        (atom('<link href="j" type="application/json"/><link/>'), "link", "j"),
        # Titles are plain text.
        (rss("<title>A &amp;amp; B &#8217; Use &lt;b&gt;</title>"), "title", "A & B ’ Use <b>"),
        (rss("<title><![CDATA[AT&#38;T]]></title>"), "title", "AT&T"),
        (rss("<media:title>no</media:title><title>yes</title>"), "title", "yes"),
        (atom("<title>AT&amp;amp;T &lt;b&gt;</title>"), "title", "AT&amp;T <b>"),
        (atom('<title type="html">AT&amp;amp;T &lt;b&gt;x&lt;/b&gt;</title>'), "title", "AT&T x"),
        (atom('<title type="html">AT&amp;amp;T</title>'), "title", "AT&T"),
        (atom('<title type="html">&lt;!-- --&gt;</title>'), "title", ""),
        (
            atom(f'<title type="xhtml"><div xmlns="{XHTML}">a <b>b</b> &lt;i></div></title>'),
            "title",
            "a b <i>",
        ),
        # Bodies, whether escaped, in CDATA or as elements.
        (
            rss("<description>&lt;p&gt;x&lt;/p&gt;</description>"),
            "summary",
            Markup(html="<p>x</p>"),
        ),
        (
            rss("<description>a &amp;lt; <p>x</p> b</description>"),
            "summary",
            Markup(html="a &amp;lt; <p>x</p> b"),
        ),
        (
            rss("<content:encoded><![CDATA[<p>x]]></content:encoded>"),
            "content",
            Markup(html="<p>x"),
        ),
        (rss("<xhtml:body><xhtml:p>x</xhtml:p></xhtml:body>"), "content", Markup(html="<p>x</p>")),
        (atom("<summary>a &lt; b</summary>"), "summary", Markup(html="a &lt; b")),
        (atom('<content type="html">&lt;p&gt;x</content>'), "content", Markup(html="<p>x")),
        (
            atom(
                f'<content type="xhtml"><h:div xmlns:h="{XHTML}">1 &lt; <h:br/>2</h:div></content>'
            ),
            "content",
            Markup(html="1 &lt; <br>2"),
        ),
        (
            rss("<xhtml:body>&oops;&lt;<xhtml:a-b>x</xhtml:a-b></xhtml:body>"),
            "content",
            Markup(html="&amp;oops;&lt;<span>x</span>"),
        ),
        (atom('<content src="https://a.example/big"/>'), "content", Markup()),
        (
            atom(
                '<content xml:base="https://a.example/x/" type="html">y</content>',
                "<title>t</title>",
            ),
            "content",
            Markup(html="y", base="https://a.example/x/"),
        ),
        # People.
        (rss("<author>a@b.example (Ann B.)</author>"), "authors", (Author(name="Ann B."),)),
        (rss("<author>Ann &lt;a@b.example&gt;</author>"), "authors", (Author(name="Ann"),)),
        (rss("<author>Ann (a@b.example)</author>"), "authors", (Author(name="Ann"),)),
        (
            rss(
                "<author>Ann</author><dc:creator>Bo</dc:creator><dc:creator>Bo</dc:creator><dc:creator/>"
            ),
            "authors",
            (Author(name="Bo"),),
        ),
        (
            atom(
                "<author><name>A</name><uri>/a</uri></author><author><email>x@y.example</email></author>"
            ),
            "authors",
            (Author(name="A", url="/a"),),
        ),
        (atom("", "<author><name>F</name></author>"), "authors", (Author(name="F"),)),
        (
            atom(
                "<source><author><name>S</name></author></source>",
                "<author><name>F</name></author>",
            ),
            "authors",
            (Author(name="S"),),
        ),
        (atom("<source/>"), "authors", ()),
        # Labels.
        (
            rss(
                "<category>R&amp;amp;D</category><dc:subject>b</dc:subject><category>R&amp;D</category>"
            ),
            "categories",
            ("R&D", "b"),
        ),
        (
            atom('<category term="t" label="L"/><category term="t"/><category/>'),
            "categories",
            ("L", "t"),
        ),
        # Files.
        (
            rss(
                '<enclosure url="https://a.example/a" length="12" type="Audio/MPEG"/><enclosure/>'
                '<itunes:duration xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'
                "1:02:05</itunes:duration>"
                '<media:content url="https://a.example/b" type="video/mp4"/>'
                '<media:content url="https://a.example/b" type="video/mp4" duration="7.5"/>'
            ),
            "enclosures",
            (
                Enclosure(
                    url="https://a.example/a", media_type="audio/mpeg", length=12, duration=3725
                ),
                Enclosure(url="https://a.example/b", media_type="video/mp4", duration=7),
            ),
        ),
        (
            rss(
                '<media:group><media:content url="u" medium="image" width="640px" height="x">'
                "<media:title>T</media:title></media:content></media:group>"
                '<media:thumbnail url="t"/><media:thumbnail url="t"/>'
            ),
            "enclosures",
            (
                Enclosure(url="t", media_type="image/*"),
                Enclosure(url="u", media_type="image/*", width=640, title="T"),
            ),
        ),
        (
            atom(
                '<link rel="enclosure" href="e" type="image/png" length="0" title="E"/>'
                '<media:thumbnail url="t" height="9"/><media:content medium="image" url="c"/>'
            ),
            "enclosures",
            (
                Enclosure(url="e", media_type="image/png", title="E"),
                Enclosure(url="c", media_type="image/*"),
                Enclosure(url="t", media_type="image/*", height=9),
            ),
        ),
        # Languages.
        (rss("<dc:language>de_AT</dc:language>"), "language", "de-AT"),
        (atom("", "").replace(b"<entry", b'<entry xml:lang="fr"'), "language", "fr"),
        # What only old or sloppy feeds have.
        (
            b"<rss><channel><item><title>a&nbsp;b \x08&lt;</title></item></channel></rss>",
            "title",
            "a b <",
        ),
        (
            b'<!DOCTYPE rss [<!ENTITY e "evil">]><rss><channel><item>'
            b"<title>&e;caf&eacute;</title></item></channel></rss>",
            "title",
            "&e;café",
        ),
        (
            b"\xef\xbb\xbf<rss><channel><item><title>a & b</title></item></channel></rss><!---->",
            "title",
            "a & b",
        ),
        (
            atom(
                '<title mode="escaped">a &lt;b&gt;b&lt;/b&gt;</title>',
                namespace="http://purl.org/atom/ns#",
            ),
            "title",
            "a b",
        ),
        (
            atom(
                '<content mode="base64">PGI+eDwvYj4=</content>',
                namespace="http://purl.org/atom/ns#",
            ),
            "content",
            Markup(html="<b>x</b>"),
        ),
        (
            atom('<content mode="base64">a</content>', namespace="http://purl.org/atom/ns#"),
            "content",
            Markup(),
        ),
        (
            atom("<title>x</title>")
            .replace(b"<feed", b"<feed")
            .replace(f' xmlns="{ATOM}"'.encode(), b""),
            "title",
            "x",
        ),
    ],
)
def test_what_a_field_of_xml_means(data: bytes, field: str, value: object):
    assert getattr(only(data), field) == value


def test_addresses_are_resolved_on_xml_base_and_else_on_the_home_page():
    feed = read_feed(
        b'<rss xml:base="https://a.example/"><channel><link>blog/</link><item><link>1</link>'
        b'</item><item xml:base="x/"><link>2</link><description>d</description></item>'
        b"</channel></rss>"
    )
    assert feed.link == "https://a.example/blog/"
    assert [entry.link for entry in feed.entries] == [
        "https://a.example/1",
        "https://a.example/x/2",
    ]
    assert feed.entries[1].summary.base == "https://a.example/x/"
    assert (
        only(atom('<link href="1"/>'), "https://a.example/f/atom.xml").link
        == "https://a.example/f/1"
    )


def test_rdf_has_its_items_beside_the_channel():
    feed = read_feed(
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        b'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        b"<channel><title>T</title><link>https://a.example/</link>"
        b'<dc:language>en</dc:language></channel><item rdf:about="urn:1">'
        b"<title>I</title><dc:date>2002-09-28T21:00:00+01:00</dc:date></item>"
        b"</rdf:RDF>"
    )
    assert (feed.title, feed.link, feed.language) == ("T", "https://a.example/", "en")
    (entry,) = feed.entries
    assert (entry.id, entry.title) == ("urn:1", "I")
    assert entry.published == datetime(2002, 9, 28, 20, tzinfo=UTC)


def test_json_feed():
    item = {
        "id": 7,
        "url": "/p/7",
        "title": " T &amp; ",
        "content_text": "a < b\n\nc",
        "summary": "x & y",
        "date_published": "2024-01-02T03:04:05Z",
        "date_modified": "2024-01-03T03:04:05Z",
        "tags": ["a", 1, "a", ""],
        "language": "en_GB",
        "image": "https://a.example/i.png",
        "attachments": [
            {"url": "https://a.example/a.mp3", "mime_type": "audio/MPEG", "size_in_bytes": 5},
            "nonsense",
        ],
    }
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "F",
        "home_page_url": "https://a.example/blog/",
        "language": "en",
        "author": {"name": "Old"},
        "items": [
            item,
            {
                "external_url": "https://b.example/",
                "content_html": "<p>x",
                "tags": "no",
                "authors": [{"name": "N", "url": "https://n.example/"}],
            },
            "nonsense",
        ],
    }
    data = b"\xef\xbb\xbf" + json.dumps(feed).encode()
    assert looks_like_feed(data)
    read = read_feed(data)
    assert (read.title, read.link, read.language) == ("F", "https://a.example/blog/", "en")
    first, second = read.entries
    assert first == ParsedEntry(
        id="7",
        link="https://a.example/p/7",
        title="T &amp;",
        summary=Markup(html="x &amp; y"),
        content=Markup(html="<p>a &lt; b</p><p>c</p>"),
        published=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        updated=datetime(2024, 1, 3, 3, 4, 5, tzinfo=UTC),
        authors=(Author(name="Old"),),
        categories=("a",),
        enclosures=(
            Enclosure(url="https://a.example/i.png", media_type="image/*"),
            Enclosure(url="https://a.example/a.mp3", media_type="audio/mpeg", length=5),
        ),
        language="en-GB",
    )
    assert (second.id, second.link) == ("https://b.example/", "https://b.example/")
    assert second.authors == (Author(name="N", url="https://n.example/"),)


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b" \n", "is empty", 1),
        (b"{", "is not valid JSON", 1),
        (b'{"version": "https://jsonfeed.org/version/1"}', "has no list of items", 1),
        (b"<html><body>x</body></html>", "its root is neither", 1),
        (b"<rss></rss>", "has no channel", 1),
        (b"<rss>\n<channel><item><title>a</title>", "it ends early", 2),
        (b"plain text", "it ends early", 1),
        (b"<feed/><!-- x", "it ends early", 1),
        (b"nonsense</rss>", "is not well-formed", 1),
        (b"x" * (MAX_FEED_BYTES + 1), "megabytes", 1),
    ],
)
def test_what_is_no_whole_feed_is_refused(data: bytes, message: str, line: int):
    with pytest.raises(FeedReadError, match=message) as caught:
        read_feed(data)
    assert caught.value.line == line


@pytest.mark.parametrize("end", range(120, 400, 7))
def test_a_feed_that_is_cut_off_is_refused(end: int):
    data = rss("<title>x</title>" * 9 + "<description>" + "y " * 60 + "</description>")
    assert end < len(data) - 6
    with pytest.raises(FeedReadError):
        read_feed(data[:end])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Tue, 02 Jan 2024 03:04:05 GMT", (2024, 1, 2, 3, 4, 5)),
        ("Tue, 2 Jan 24 03:04 EST", (2024, 1, 2, 8, 4)),
        ("2 January 2024 03:04:05 +0130", (2024, 1, 2, 1, 34, 5)),
        ("Tue, 02 Jan 2024 03:04:05 GMT+0200", (2024, 1, 2, 1, 4, 5)),
        ("Tue, 02 Jan 2024 03:04:05 CEST", (2024, 1, 2, 1, 4, 5)),
        ("Tue, 02 Jan 2024 03:04:60 GMT", (2024, 1, 2, 3, 4, 59)),
        ("Tue, 02 Jan 2024 24:00:00 GMT", (2024, 1, 3)),
        ("Tue, 02 Jan 2024 03:04:05", (2024, 1, 2, 2, 4, 5)),
        ("2024-01-02T03:04:05.678Z", (2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04:05-03:30", (2024, 1, 2, 6, 34, 5)),
        ("2024-01-02 03:04:05 +02", (2024, 1, 2, 1, 4, 5)),
        ("2024-01-02 03:04:05 UTC", (2024, 1, 2, 3, 4, 5)),
        ("2024-1-2", (2024, 1, 1, 23)),
        ("2024", (2023, 12, 31, 23)),
        ("0001-01-01T00:00:00Z", None),
        ("Mon, 01 Jan 0001 00:00:00 +0000", None),
        ("01 January 0001", None),
        ("0001-01-01T00:00:00+02:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("2024-02-30", None),
        ("Tue, 32 Jan 2024 03:04:05 GMT", None),
        ("2024 or so", None),
        ("yesterday", None),
        ("", None),
        ("9" * 80, None),
    ],
)
def test_dates(text: str, moment: tuple[int, ...] | None):
    expected = datetime(*moment, tzinfo=UTC) if moment else None  # type: ignore[arg-type, misc]
    assert parse_feed_date(text, timezone(timedelta(hours=1))) == expected


def test_an_item_has_the_first_of_its_dates_that_is_one():
    entry = only(
        rss(
            "<pubDate>soon</pubDate><dc:date>2024-01-02</dc:date><atom:updated>2024-01-03T00:00:00Z</atom:updated>"
        )
    )
    assert (entry.published, entry.updated) == (
        datetime(2024, 1, 2, tzinfo=UTC),
        datetime(2024, 1, 3, tzinfo=UTC),
    )


def test_what_looks_like_a_feed():
    assert looks_like_feed(b"\xef\xbb\xbf\n<?xml version='1.0'?><!-- x --><RSS>")
    assert looks_like_feed(b"<rdf:RDF xmlns")
    assert not looks_like_feed(b"<!doctype html><html>")
    assert not looks_like_feed(b'{"items": []}')
    assert not looks_like_feed(b"rss <rss")


@pytest.mark.parametrize("name", ["subscription.rss", "subscription.atom", "subscription.json"])
def test_our_own_feeds_say_what_another_parser_reads(name: str):
    data = (GOLDEN / name).read_bytes()
    ours = read_feed(data).entries
    assert ours
    if name.endswith("json"):
        theirs = json.loads(data)["items"]
        assert [(e.id, e.link, e.content.html) for e in ours] == [
            (item["id"], item["url"], item.get("content_html", "")) for item in theirs
        ]
        return
    parsed = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False).entries
    for entry, other in zip(ours, parsed, strict=True):
        assert (entry.id, entry.link) == (other.id, other.link)
        assert entry.published is not None
        assert entry.published.timestamp() == calendar.timegm(other.published_parsed)
        if "authors" in other:  # it does not pass those of the feed on (RFC 4287, 4.2.1)
            assert [author.name for author in entry.authors] == [a["name"] for a in other.authors]


@given(st.binary(max_size=60), st.sampled_from(range(300)))
def test_no_bytes_raise_anything_else(noise: bytes, where: int):
    data = atom(
        '<title type="html">&lt;b&gt;x</title><updated>2024-01-01T00:00:00Z</updated>', "<id>1</id>"
    )
    for broken in (
        noise,
        b"{" + noise,
        b"<rss>" + noise + b"</rss>",
        data[:where] + noise + data[where:],
    ):
        with suppress(FeedReadError):
            read_feed(broken)


@pytest.mark.parametrize(
    ("text", "form", "found"),
    [
        (
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/">'
            '<link href="/"/><link rel="self" href=""/><link rel="self" href="feed.xml"/></feed>',
            "atom",
            "https://a.example/feed.xml",
        ),
        ("<rss><channel><link>https://a.example/</link></channel></rss>", "rss", ""),
        (
            '<rss xmlns:a="http://www.w3.org/2005/Atom"><channel>'
            '<a:link rel="self" href="https://a.example/feed/"/></channel></rss>',
            "rss",
            "https://a.example/feed/",
        ),
        (
            '{"feed_url": "https://a.example/f.json", "items": []}',
            "json",
            "https://a.example/f.json",
        ),
        ('{"items": []}', "json", ""),
    ],
)
def test_a_feed_says_its_format_and_where_it_is(text, form, found):
    feed = read_feed(text.encode())
    assert (feed.format, feed.address) == (form, found)
    assert read_feed(text.encode(), "https://b.example/x").address == found or not found
