"""What feedhub writes, byte for byte, and each trap of the library that writes RSS and Atom."""

from __future__ import annotations

import json
import locale
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from feedhub.article import Author, Image, Provider
from feedhub.formats import FORMATS, _entry, opml
from tests.golden import sample
from tests.golden.sample import CHANNEL, EVERYTHING, NOTHING, VIDEO, archive, at, subscription

GOLDEN = Path(__file__).parent / "golden"
NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "c": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
    "m": "http://search.yahoo.com/mrss/",
}
XML = pytest.mark.parametrize("name", ["rss", "atom"])


def tree(name, feed):
    return etree.fromstring(FORMATS[name].encode(feed))


def find(name, feed, path):
    """Return what an XPath finds in the document of a feed."""
    return tree(name, feed).xpath(path, namespaces=NAMES)


def items(feed):
    return json.loads(FORMATS["json"].encode(feed))["items"]


# --- golden files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sample.documents())
def test_a_document_is_what_it_was(name):
    """If the change is meant: .venv/bin/python -m tests.golden, and read the difference."""
    assert sample.documents()[name] == (GOLDEN / name).read_bytes()


def test_every_golden_file_is_compared():
    stored = {path.name for path in GOLDEN.iterdir() if path.suffix not in {".py", ""}}
    assert stored == set(sample.documents())


# --- the traps of feedgen ---------------------------------------------------------------------------


def test_links_of_atom_entries_keep_their_attributes():
    links = [
        dict(link.attrib) for link in find("atom", subscription(EVERYTHING), "//a:entry/a:link")
    ]
    assert links == [
        {"href": EVERYTHING.url},
        {"rel": "enclosure", "href": EVERYTHING.images[1].url, "type": "image/jpeg"},
        *({"rel": "related", "href": item.url, "title": item.title} for item in EVERYTHING.related),
    ]


def test_no_document_holds_the_clock():
    before = sample.documents()
    time.sleep(1.1)
    assert sample.documents() == before


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_new_shows_in_the_feeds_own_date(name):
    later = replace(subscription(), updated=at(11))
    assert FORMATS[name].encode(later) != FORMATS[name].encode(subscription()) or name == "json"


def test_the_channels_link_is_its_page_not_itself():
    feed = subscription()
    assert find("rss", feed, "string(channel/link)") == feed.home_page_url
    own = find("rss", feed, "channel/a:link[@rel='self']")
    assert [link.attrib for link in own] == [
        {"href": CHANNEL.url(f"{feed.path}.rss"), "rel": "self", "type": "application/rss+xml"}
    ]


@pytest.mark.parametrize(
    ("name", "path"), [("rss", "//guid/text()"), ("atom", "//a:entry/a:id/text()")]
)
def test_entries_stand_in_the_order_of_the_feed(name, path):
    articles = (VIDEO, EVERYTHING, NOTHING)
    feed = subscription(*articles)
    assert find(name, feed, path) == [article.id for article in articles]
    assert [item["id"] for item in items(feed)] == [article.id for article in articles]


def test_writing_in_threads_leaves_the_locale_alone(monkeypatch):
    """setlocale changes the whole process, while other threads write numbers and dates."""

    def refuse(category, value=None):
        assert value is None, "the locale was changed"
        return "C"

    monkeypatch.setattr(locale, "setlocale", refuse)
    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(lambda _: FORMATS["rss"].encode(subscription()), range(64)))
    assert bodies == {(GOLDEN / "subscription.rss").read_bytes()}


def test_dates_are_english_under_every_locale():
    """No locale can reach them: the names of days and months are not taken from it."""
    old = locale.setlocale(locale.LC_ALL)
    wanted = [name for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8") if _has(name)]
    try:
        for name in [*wanted, "C"]:
            locale.setlocale(locale.LC_ALL, name)
            assert (
                sample.documents()["subscription.rss"] == (GOLDEN / "subscription.rss").read_bytes()
            )
            assert locale.setlocale(locale.LC_ALL) == locale.setlocale(locale.LC_ALL, name)
    finally:
        locale.setlocale(locale.LC_ALL, old)


def _has(name):
    old = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, old)
    return True


def test_people_stand_as_creators_as_they_have_no_mail_address():
    feed = subscription(EVERYTHING)
    assert find("rss", feed, "//dc:creator/text()") == ["Ada L.", "King, Jr."]
    assert find("rss", feed, "//author|//managingEditor|//webMaster") == []


@XML
def test_pictures_stand_outside_a_group(name):
    feed = subscription(EVERYTHING)
    assert find(name, feed, "//m:group") == []
    lead, small = find(name, feed, "(//item|//a:entry)/m:content/@url")
    assert (lead, small) == (EVERYTHING.images[1].url, EVERYTHING.images[0].url)


@XML
def test_nothing_of_media_rss_that_readers_take_for_text(name):
    assert find(name, subscription(), "//m:description|//m:title|//m:keywords|//m:credit") == []


def test_the_description_stands_before_the_content():
    for item in find("rss", subscription(), "//item"):
        names = [etree.QName(child).localname for child in item]
        assert names.index("description") < names.index("encoded")
        assert names.count("description") == names.count("encoded") == 1


@XML
def test_an_archive_names_its_neighbours_and_says_what_it_is(name):
    links = find(name, archive(), "(channel|.)/a:link[@rel!='self' and @rel!='alternate']")
    base = "https://feeds.example.org/news/topics/k%C3%BCnstliche-intelligenz"
    assert {link.get("rel"): link.get("href") for link in links} == {
        "prev-archive": f"{base}/2020-03.{name}",
        "next-archive": f"{base}/2020-06.{name}",
        "current": f"{base}.{name}",
    }
    assert len(find(name, archive(), "(channel|.)/fh:archive")) == 1


@XML
def test_a_subscription_document_names_only_the_archive_before_it(name):
    rels = find(name, subscription(), "(channel|.)/a:link/@rel")
    assert set(rels) - {"self", "alternate"} == {"prev-archive"}
    assert find(name, subscription(), "//fh:*") == []


def test_the_next_page_of_a_json_feed_is_the_archive_before_it():
    base = "https://feeds.example.org/news/topics/k%C3%BCnstliche-intelligenz"
    documents = [json.loads(FORMATS["json"].encode(feed)) for feed in (subscription(), archive())]
    assert [document["next_url"] for document in documents] == [
        f"{base}/2020-05.json",
        f"{base}/2020-03.json",
    ]
    assert "next_url" not in json.loads(FORMATS["json"].encode(sample.empty()))


@XML
def test_dates_are_always_given(name):
    """feedgen writes its clock where it is given none."""
    year = f"{time.gmtime().tm_year}"
    assert year.encode() not in FORMATS[name].encode(sample.empty()).replace(b",2026", b"")


# --- pictures of the site ---------------------------------------------------------------------------


@pytest.mark.parametrize("logo", ["", CHANNEL.logo])
def test_the_icon_and_the_logo_keep_their_places(logo):
    feed = replace(subscription(), channel=replace(CHANNEL, logo=logo))
    assert find("atom", feed, "string(a:icon)") == CHANNEL.icon
    assert find("atom", feed, "string(a:logo)") == logo
    assert find("rss", feed, "string(channel/image/url)") == CHANNEL.icon
    document = json.loads(FORMATS["json"].encode(feed))
    assert (document["icon"], document["favicon"]) == (CHANNEL.icon, CHANNEL.icon)


def test_a_logo_alone_is_the_image_of_rss():
    feed = replace(subscription(), channel=replace(CHANNEL, icon=""))
    assert find("rss", feed, "string(channel/image/url)") == CHANNEL.logo
    assert find("rss", feed, "string(channel/image/title)") == feed.title
    assert find("rss", feed, "string(channel/image/link)") == feed.home_page_url
    assert find("atom", feed, "a:icon") == []


# --- what entries say -------------------------------------------------------------------------------


def test_tags_hold_no_commas_and_stand_once():
    article = replace(
        NOTHING, topics=("Food, Drink", "1,000 Genomes", ","), categories=("food drink", "AI")
    )
    assert _entry.tags(article) == ("Food Drink", "1 000 Genomes", "AI")


def test_an_update_is_told_only_where_there_is_one():
    feed = subscription(NOTHING)
    assert find("rss", feed, "//a:updated") == []
    assert "date_modified" not in items(feed)[0]
    assert find("atom", feed, "string(//a:entry/a:updated)") == NOTHING.updated.isoformat()


@pytest.mark.parametrize(
    ("language", "told"), [("", []), ("en-gb", []), ("en", ["en"]), ("fr", ["fr"])]
)
def test_a_language_is_told_only_where_it_is_not_the_channels(language, told):
    feed = subscription(replace(NOTHING, language=language))
    assert find("rss", feed, "//dc:language/text()") == told
    assert find("atom", feed, "//a:entry/@xml:lang") == told
    assert [items(feed)[0].get("language")] == (told or [None])


def test_the_publisher_stands_as_author_where_nobody_is_named():
    article = replace(NOTHING, provider=Provider(name="CNET", domain="cnet.com"))
    assert _entry.people(article) == (Author(name="CNET", url="https://cnet.com/"),)
    assert _entry.people(NOTHING) == ()


def picture(name, width=None, media_type=""):
    return Image(url=f"https://cdn.example/{name}", width=width, media_type=media_type)


def test_the_lead_picture_is_the_first_that_is_wide_enough():
    small, unknown, wide = picture("s", 50), picture("u"), picture("w", 450)
    lead = [
        _entry.pictures(replace(NOTHING, images=images))
        for images in [(small, unknown, wide), (small, wide, unknown), (small,), ()]
    ]
    assert lead == [(unknown, small, wide), (wide, small, unknown), (small,), ()]


def test_the_enclosure_is_the_first_picture_of_known_type():
    images = (picture("lead"), picture("known", 500, "image/png"))
    feed = subscription(replace(NOTHING, images=images))
    expected = {"url": images[1].url, "length": "0", "type": "image/png"}
    assert [dict(found.attrib) for found in find("rss", feed, "//enclosure")] == [expected]
    assert find("atom", feed, "//a:link[@rel='enclosure']/@href") == [images[1].url]
    assert items(feed)[0]["image"] == images[0].url


def test_a_picture_of_unknown_type_is_enclosed_only_where_no_type_is_needed():
    feed = subscription(VIDEO)
    assert find("rss", feed, "//enclosure") == []
    assert "attachments" not in items(feed)[0]
    (link,) = find("atom", feed, "//a:link[@rel='enclosure']")
    assert dict(link.attrib) == {"rel": "enclosure", "href": VIDEO.images[0].url}


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("<p><img src=\"https://cdn.example/a.jpg?x='1'&amp;y=2\"></p>", False),
        ("<p><a href=\"https://cdn.example/a.jpg?x='1'&amp;y=2\">large</a></p>", True),
        ("<p><img src=\"https://cdn.example/a.jpg?x='1'&amp;y=23\"></p>", True),
    ],
)
def test_the_picture_is_shown_once(content, shown):
    image = Image(url="https://cdn.example/a.jpg?x='1'&y=2")
    html = _entry.content_html(replace(NOTHING, content_html=content, images=(image,)))
    assert ("<figure>" in html) is shown


@pytest.mark.parametrize(
    ("player", "seconds", "said"),
    [
        ("", None, ""),
        ("", 65, "<p>Length: 1:05</p>"),
        ("https://v.example/1", None, '<p><a href="https://v.example/1">Watch the video</a></p>'),
        (
            "https://v.example/1",
            9840,
            '<p><a href="https://v.example/1">Watch the video</a> (2:44:00)</p>',
        ),
    ],
)
def test_a_video_is_a_link_with_its_length(player, seconds, said):
    html = _entry.content_html(replace(NOTHING, player_url=player, duration=seconds))
    lines = [line for line in html.splitlines() if "ideo" in line or "Length" in line]
    assert lines == ([said] if said else [])


def test_the_content_is_never_empty_and_shows_a_summary_only_where_there_is_no_text():
    assert "<p>Nothing but a title &amp; an address</p>" in _entry.content_html(NOTHING)
    assert EVERYTHING.summary.split()[0] not in _entry.content_html(EVERYTHING)
    assert "<p>A picture of" in _entry.content_html(VIDEO)


@pytest.mark.parametrize("name", FORMATS)
def test_very_long_texts_stay_whole(name):
    long = replace(
        NOTHING, title="t" * 1_000, summary="s" * 5_000, content_html=f"<p>{'&amp;<' * 200_000}</p>"
    )
    body = FORMATS[name].encode(subscription(long))
    assert b"t" * 1_000 in body
    assert b"s" * 5_000 in body
    if name != "json":
        huge = etree.XMLParser(resolve_entities=False)
        text = etree.fromstring(body, huge).xpath(
            "string(//c:encoded|//a:content)", namespaces=NAMES
        )
        assert long.content_html in text


# --- OPML -------------------------------------------------------------------------------------------


def outlines(body):
    return etree.fromstring(body).xpath("//outline/@text")


def test_groups_without_feeds_are_left_out():
    feed = subscription()
    assert outlines(opml.encode(CHANNEL, [("Topics", []), ("Authors", [feed])], ".rss")) == [
        "Authors",
        feed.title,
    ]


def test_a_site_without_feeds_has_an_empty_list():
    body = opml.encode(CHANNEL, [("Topics", [])], ".rss")
    assert outlines(body) == []
    assert b"dateModified" not in body


def test_opml_is_as_new_as_its_newest_feed():
    feeds = [replace(subscription(), updated=at(day)) for day in (3, 9, 5)]
    body = opml.encode(CHANNEL, [("", feeds[:1]), ("More", feeds[1:])], ".rss")
    assert b"<dateModified>Tue, 09 Jun 2020 00:30:05 +0000</dateModified>" in body
