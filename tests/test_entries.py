"""What an entry says in every format, what stands for the whole site, and the list of feeds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from lxml import etree
from msgspec.structs import replace as changed

from feedhub.article import Author, Image, Provider
from feedhub.formats import SUBSCRIBED, content, opml
from feedhub.formats.entry_words import entry_words
from tests.golden.look import NAMES, find, items
from tests.golden.sample import CHANNEL, EVERYTHING, NOTHING, VIDEO, at, subscription


@pytest.mark.parametrize("logo", ["", CHANNEL.logo])
def test_icon_and_logo_have_their_own_elements(logo):
    feed = replace(subscription(), channel=replace(CHANNEL, logo=logo))
    assert find("atom", feed, "string(a:icon)") == CHANNEL.icon
    assert find("atom", feed, "string(a:logo)") == logo
    assert find("rss", feed, "string(channel/image/url)") == CHANNEL.icon
    document = json.loads(feed.encode("json"))
    assert (document["icon"], document["favicon"]) == (CHANNEL.icon, CHANNEL.icon)


def test_a_logo_alone_is_the_image_of_rss():
    feed = replace(subscription(), channel=replace(CHANNEL, icon=""))
    assert find("rss", feed, "string(channel/image/url)") == CHANNEL.logo
    assert find("rss", feed, "string(channel/image/title)") == feed.title
    assert find("rss", feed, "string(channel/image/link)") == feed.home_page_url
    assert find("atom", feed, "a:icon") == []


def test_tags_have_no_commas_and_no_duplicates():
    article = changed(
        NOTHING, topics=("Food, Drink", "1,000 Genomes", ","), categories=("food drink", "AI")
    )
    assert content.tags(article) == ("Food Drink", "1 000 Genomes", "AI")


def test_an_update_is_given_only_if_there_is_one():
    feed = subscription(NOTHING)
    assert find("rss", feed, "//a:updated") == []
    assert "date_modified" not in items(feed)[0]
    assert find("atom", feed, "string(//a:entry/a:updated)") == NOTHING.updated.isoformat()


@pytest.mark.parametrize(
    ("language", "expected"), [("", []), ("en-gb", []), ("en", ["en"]), ("fr", ["fr"])]
)
def test_a_language_is_given_only_if_it_differs_from_the_channel(language, expected):
    feed = subscription(changed(NOTHING, language=language))
    assert find("rss", feed, "//dc:language/text()") == expected
    assert find("atom", feed, "//a:entry/@xml:lang") == expected
    assert [items(feed)[0].get("language")] == (expected or [None])


def test_without_authors_the_publisher_is_the_author():
    article = changed(NOTHING, provider=Provider(name="CNET", domain="cnet.com"))
    assert content.people(article) == (Author(name="CNET", url="https://cnet.com/"),)
    assert content.people(NOTHING) == ()


def picture(name, width=None, media_type=""):
    return Image(url=f"https://cdn.example/{name}", width=width, media_type=media_type)


def test_the_lead_picture_is_the_first_that_is_wide_enough():
    small, unknown, wide = picture("s", 50), picture("u"), picture("w", 450)
    lead = [
        content.pictures(changed(NOTHING, images=images))
        for images in [(small, unknown, wide), (small, wide, unknown), (small,), ()]
    ]
    assert lead == [(unknown, small, wide), (wide, small, unknown), (small,), ()]


def test_the_enclosure_is_the_first_picture_of_known_type():
    images = (picture("lead"), picture("known", 500, "image/png"))
    feed = subscription(changed(NOTHING, images=images))
    expected = {"url": images[1].url, "length": "0", "type": "image/png"}
    assert [dict(found.attrib) for found in find("rss", feed, "//enclosure")] == [expected]
    assert find("atom", feed, "//a:link[@rel='enclosure']/@href") == [images[1].url]
    assert items(feed)[0]["image"] == images[0].url


def test_only_atom_encloses_a_picture_of_unknown_type():
    feed = subscription(VIDEO)
    assert find("rss", feed, "//enclosure") == []
    assert "attachments" not in items(feed)[0]
    (link,) = find("atom", feed, "//a:link[@rel='enclosure']")
    assert dict(link.attrib) == {"rel": "enclosure", "href": VIDEO.images[0].url}


@pytest.mark.parametrize(
    ("lead", "inside"),
    [
        ("https://a.example/i/a.jpg", "https://a.example/i/a.jpg?w=600"),
        ("https://a.example/i/a.jpg", "https://a.example/i/a-1024x683.jpg"),
        ("https://a.example/i/a.jpg", "http://a.example/i/a.jpg"),
        ("https://a.example/i/a-scaled.jpg", "https://www.a.example/i/a-300x200.jpg"),
        ("https://a.example/i/a.jpg", "https://i0.wp.com/a.example/i/a.jpg?ssl=1"),
        ("https://a.example/i/a.png", "https://a.example/i/a@2x.png"),
    ],
)
def test_one_picture_in_two_sizes_is_shown_once(lead, inside):
    html = f'<p><img src="{inside}"></p>'
    assert content.figure_html(changed(NOTHING, images=(Image(url=lead),), content_html=html)) == ""


@pytest.mark.parametrize(
    ("lead", "inside"),
    [
        ("https://a.example/i?id=1", "https://a.example/i?id=2"),
        ("https://a.example/i/a.jpg", "https://a.example/i/b.jpg"),
        ("https://a.example/i/a.jpg", "https://b.example/i/a.jpg"),
    ],
)
def test_two_pictures_are_both_shown(lead, inside):
    html = f'<p><img src="{inside}"></p>'
    assert content.figure_html(changed(NOTHING, images=(Image(url=lead),), content_html=html))


def test_a_picture_that_repeats_the_title_has_no_words():
    image = Image(url="https://a.example/a.jpg", title="a TITLE")
    assert 'alt=""' in content.figure_html(changed(NOTHING, title="A title", images=(image,)))


@pytest.mark.parametrize("host", ["www.youtube.com", "youtube.com"])
def test_a_video_that_is_the_article_has_one_line(host):
    page = "https://www.youtube.com/watch?v=OKPNjXh-6Vk"
    url = page.replace("www.youtube.com", host)
    player = "https://www.youtube.com/embed/OKPNjXh-6Vk"
    provider = Provider(name="April", domain="april.example")
    video = changed(NOTHING, url=url, player_url=player, provider=provider, duration=814)
    assert content.content_html(video, CHANNEL).split("\n")[1:] == [
        f'<p><a href="{page}">Watch the video on youtube.com</a> (13:34)</p>'
    ]


@pytest.mark.parametrize(
    ("kind", "named", "unnamed"),
    [
        ("", "Read the article", "Read on"),
        ("audio", "Listen to the episode", "Listen on"),
        ("course", "Take the course", "Take the course on"),
        ("video", "Watch the video", "Watch on"),
    ],
)
def test_the_words_of_a_link_follow_the_type(kind, named, unnamed):
    article = changed(NOTHING, url="https://a.example/1", type=kind)
    april = changed(article, provider=Provider(name="April"))
    assert content.source_html(april, entry_words(april, CHANNEL)) == (
        f'<p><a href="https://a.example/1">{named}</a> at April</p>'
    )
    assert content.source_html(article, entry_words(article, CHANNEL)) == (
        f'<p>{unnamed} <a href="https://a.example/1">a.example</a></p>'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<p><img src=\"https://cdn.example/a.jpg?x='1'&amp;y=2\"></p>", False),
        ("<p><a href=\"https://cdn.example/a.jpg?x='1'&amp;y=2\">large</a></p>", True),
        ("<p><img src=\"https://cdn.example/a.jpg?x='1'&amp;y=23\"></p>", False),
    ],
)
def test_the_picture_is_shown_once(text, shown):
    image = Image(url="https://cdn.example/a.jpg?x='1'&y=2")
    html = content.content_html(changed(NOTHING, content_html=text, images=(image,)), CHANNEL)
    assert ("<figure>" in html) is shown


@pytest.mark.parametrize(
    ("player", "seconds", "expected"),
    [
        ("", None, ""),
        ("", 65, "<p>Length: 1:05</p>"),
        (
            "https://v.example/1",
            None,
            '<p><a href="https://v.example/1">Watch the video on v.example</a></p>',
        ),
        (
            "https://v.example/1",
            9840,
            '<p><a href="https://v.example/1">Watch the video on v.example</a> (2:44:00)</p>',
        ),
    ],
)
def test_a_video_is_a_link_with_its_length(player, seconds, expected):
    html = content.content_html(changed(NOTHING, player_url=player, duration=seconds), CHANNEL)
    lines = [line for line in html.splitlines() if "ideo" in line or "Length" in line]
    assert lines == ([expected] if expected else [])


def test_the_content_is_never_empty_and_has_a_summary_only_without_a_text():
    assert "<p>Nothing but a title &amp; an address</p>" in content.content_html(NOTHING, CHANNEL)
    assert EVERYTHING.summary.split()[0] not in content.content_html(EVERYTHING, CHANNEL)
    assert "<p>A picture of" in content.content_html(VIDEO, CHANNEL)


@pytest.mark.parametrize("name", SUBSCRIBED)
def test_very_long_texts_are_not_cut(name):
    long = changed(
        NOTHING, title="t" * 1_000, summary="s" * 5_000, content_html=f"<p>{'&amp;<' * 200_000}</p>"
    )
    body = subscription(long).encode(name)
    assert b"t" * 1_000 in body
    assert b"s" * 5_000 in body
    if name != "json":
        huge = etree.XMLParser(resolve_entities=False)
        text = etree.fromstring(body, huge).xpath(
            "string(//c:encoded|//a:content)", namespaces=NAMES
        )
        assert long.content_html in str(text)


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


def test_opml_has_the_date_of_its_newest_feed():
    feeds = [replace(subscription(), updated=at(day)) for day in (3, 9, 5)]
    body = opml.encode(CHANNEL, [("", feeds[:1]), ("More", feeds[1:])], ".rss")
    assert b"<dateModified>Tue, 09 Jun 2020 00:30:05 +0000</dateModified>" in body
