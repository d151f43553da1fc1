"""What feedhub writes, byte for byte, and each trap of the library that writes RSS and Atom."""

from __future__ import annotations

import json
import locale
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree

from tests.golden import sample
from tests.golden.look import find, items
from tests.golden.sample import CHANNEL, EVERYTHING, NOTHING, VIDEO, archive, subscription

GOLDEN = Path(__file__).parent / "golden"
XML = pytest.mark.parametrize("name", ["rss", "atom"])


@pytest.mark.parametrize("name", sample.documents())
def test_a_document_is_equal_to_its_golden_file(name):
    """If the change is meant: .venv/bin/python -m tests.golden, and read the difference."""
    assert sample.documents()[name] == (GOLDEN / name).read_bytes()


def test_every_golden_file_is_compared():
    stored = {path.name for path in GOLDEN.iterdir() if path.suffix not in {".py", ""}}
    assert stored == set(sample.documents())


def test_links_of_atom_entries_keep_their_attributes():
    links = [
        dict(link.attrib) for link in find("atom", subscription(EVERYTHING), "//a:entry/a:link")
    ]
    lead = EVERYTHING.images[1]
    known = {"type": "image/jpeg", "length": str(lead.length)}
    assert links == [
        {"href": EVERYTHING.url},
        {"rel": "enclosure", "href": lead.url} | known,
        *({"rel": "related", "href": item.url, "title": item.title} for item in EVERYTHING.related),
    ]


def test_no_document_depends_on_the_clock():
    before = sample.documents()
    time.sleep(1.1)
    assert sample.documents() == before


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
def test_entries_have_the_order_of_the_feed(name, path):
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
        bodies = set(pool.map(lambda _: subscription().encode("rss"), range(64)))
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


def test_people_without_mail_addresses_are_dc_creators():
    feed = subscription(EVERYTHING)
    assert find("rss", feed, "//dc:creator/text()") == ["Ada L.", "King, Jr."]
    assert find("rss", feed, "//author|//managingEditor|//webMaster") == []


@XML
def test_pictures_are_outside_a_media_group(name):
    feed = subscription(EVERYTHING)
    assert find(name, feed, "//m:group") == []
    lead, small = find(name, feed, "(//item|//a:entry)/m:content/@url")
    assert (lead, small) == (EVERYTHING.images[1].url, EVERYTHING.images[0].url)


@XML
def test_there_is_no_media_rss_that_readers_take_for_text(name):
    assert find(name, subscription(), "//m:description|//m:title|//m:keywords|//m:credit") == []


def test_the_description_comes_before_the_content():
    for item in find("rss", subscription(), "//item"):
        names = [etree.QName(child).localname for child in item]
        assert names.index("description") < names.index("encoded")
        assert names.count("description") == names.count("encoded") == 1


@XML
def test_an_archive_links_to_its_neighbours_and_is_marked(name):
    links = find(name, archive(), "(channel|.)/a:link[@rel!='self' and @rel!='alternate']")
    base = "https://feeds.example.org/news/topics/k%C3%BCnstliche-intelligenz"
    assert {link.get("rel"): link.get("href") for link in links} == {
        "prev-archive": f"{base}/2020-03.{name}",
        "next-archive": f"{base}/2020-06.{name}",
        "current": f"{base}.{name}",
    }
    assert len(find(name, archive(), "(channel|.)/fh:archive")) == 1


@XML
def test_a_subscription_document_links_only_to_the_archive_before_it(name):
    rels = find(name, subscription(), "(channel|.)/a:link/@rel")
    assert set(rels) - {"self", "alternate"} == {"prev-archive"}
    assert find(name, subscription(), "//fh:*") == []


def test_the_next_page_of_a_json_feed_is_the_archive_before_it():
    base = "https://feeds.example.org/news/topics/k%C3%BCnstliche-intelligenz"
    documents = [json.loads(feed.encode("json")) for feed in (subscription(), archive())]
    assert [document["next_url"] for document in documents] == [
        f"{base}/2020-05.json",
        f"{base}/2020-03.json",
    ]
    assert "next_url" not in json.loads(sample.empty().encode("json"))
