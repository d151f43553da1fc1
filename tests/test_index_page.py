"""The page that lists every feed: whole, safe, the same every time."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from feedhub.formats import index
from feedhub.text import one_line
from tests.index_pages import (
    AUTHORS,
    BASE,
    CHANNEL,
    FORMATS,
    NEWEST,
    ODD,
    OPML,
    SITE,
    TOPICS,
    Balance,
    feed_row,
    page,
    style_of,
    tree,
)


def test_every_element_is_closed_where_it_should_be():
    assert page().startswith("<!DOCTYPE html>\n<html")
    assert page().endswith("</html>\n")
    Balance(page())


def test_the_check_of_elements_sees_a_crossed_one():
    with pytest.raises(AssertionError):
        Balance("<p><b></p></b>")


def test_the_page_declares_its_language_and_encoding_and_what_it_is():
    root = tree()

    assert root.get("lang") == "en"
    assert root.xpath("string(/html/head/meta[1]/@charset)") == "utf-8"
    assert root.xpath("string(//title)") == root.xpath("string(//h1)") == CHANNEL.title
    assert root.xpath("//meta[@name='description']/@content") == [CHANNEL.description]
    assert root.xpath("string(//header/p)") == CHANNEL.description
    assert root.xpath("string(//footer)") == CHANNEL.copyright
    assert root.xpath("//link[@rel='canonical']/@href") == [f"{BASE}/"]


def test_a_preview_of_drafts_says_so():
    assert (
        tree(channel=replace(CHANNEL, drafts=True)).xpath("string(//title)").startswith("[drafts] ")
    )


def test_the_sites_own_texts_are_marked_where_the_page_speaks_another_language():
    root = tree(channel=replace(CHANNEL, language="de-AT"))

    assert root.get("lang") == "de-AT"
    assert root.xpath("//main/@lang") == ["en"]
    assert set(root.xpath("//section[@class='group']//bdi/@lang")) == {"de-AT"}
    assert not tree(channel=replace(CHANNEL, language="en-GB")).xpath(
        "//main/descendant-or-self::*/@lang"
    )


def test_texts_that_are_not_given_leave_nothing_behind():
    bare = tree(channel=replace(CHANNEL, description="", copyright=""))

    assert not bare.xpath("//header/p | //footer | //meta[@name='description']")
    assert not bare.xpath("//img | //link[@rel='icon']")


def test_the_icon_stands_in_the_page_and_in_the_tab():
    icon = "https://feeds.example.org/i.png?a=1&b=2"
    root = tree(channel=replace(CHANNEL, icon=icon))

    assert root.xpath("//link[@rel='icon']/@href") == root.xpath("//img/@src") == [icon]
    assert root.xpath("//img/@alt") == [""]
    assert not root.xpath("//header/svg")


def test_readers_discover_the_sites_feed_in_each_format_by_a_title_of_its_own():
    found = [
        (link.get("type"), link.get("href"))
        for link in tree().xpath("//head/link[contains(concat(' ', @rel, ' '), ' alternate ')]")
    ]
    titles = tree().xpath("//link[@rel='alternate']/@title")

    assert found == [(kind, f"{BASE}/all.{suffix}") for _, kind, suffix in FORMATS]
    assert titles == ["Example (RSS)", "Example (Atom)", "Example (JSON Feed)"]


def test_the_sites_feed_stands_first_with_an_address_to_copy():
    root = tree(AUTHORS, SITE)

    assert root.xpath("//main//section[1]//a/@href")[:3] == [
        f"{BASE}/all.{suffix}" for _, _, suffix in FORMATS
    ]
    assert root.xpath("//code/text()") == [f"{BASE}/all.rss"]
    assert "1,234 articles" in root.xpath("string(//main//section[1])")


def test_each_group_lists_its_feeds_in_the_order_given():
    groups = [
        (section.xpath("string(h2/text())").strip(), section.xpath(".//bdi/text()"))
        for section in tree().xpath("//section[@class='group']")
    ]

    assert groups == [("Topics", ODD), ("Authors", ["Ada"])]


def test_a_feed_is_listed_with_its_size_its_newest_article_and_every_format():
    (feed,) = tree(("Authors", [feed_row("Ada", "authors/ada", 2)])).xpath("//section//li")

    assert feed.xpath("normalize-space(span)") == "2 articles, newest 9 Jun 2020"
    assert feed.xpath(".//time/@datetime") == ["2020-06-09T11:00:00Z"]
    assert [(a.text, a.get("href")) for a in feed.xpath(".//a")] == [
        (name, f"{BASE}/authors/ada.{suffix}") for name, _, suffix in FORMATS
    ]


@pytest.mark.parametrize(
    ("count", "newest", "said"),
    [
        (0, None, "No articles yet"),
        (1, NEWEST, "1 article, newest 9 Jun 2020"),
        (12_345, NEWEST - timedelta(days=160), "12,345 articles, newest 1 Jan 2020"),
    ],
)
def test_the_size_of_a_feed_reads_like_a_sentence(count, newest, said):
    root = tree(("Topics", [feed_row("AI", "topics/ai", count, newest)]))

    assert root.xpath("normalize-space(//li/span)") == said


def test_a_group_without_feeds_is_left_out_and_one_group_needs_no_way_around():
    root = tree(SITE, ("Topics", []), AUTHORS)

    assert "Topics" not in root.text_content()
    assert not root.xpath("//nav")


def test_the_way_around_leads_to_each_group():
    root = tree()
    targets = [href.removeprefix("#") for href in root.xpath("//nav//a/@href")]

    assert root.xpath("//nav//a/text()") == ["Topics", "Authors"]
    assert [root.get_element_by_id(target).tag for target in targets] == ["h2", "h2"]


def test_a_site_without_feeds_is_still_a_page():
    text = index.encode(CHANNEL, [], OPML).decode()

    Balance(text)
    assert not html.document_fromstring(text).xpath("//section | //link[@rel='alternate']")


def test_the_list_of_all_feeds_is_linked():
    assert tree().xpath(f"count(//main//a[@href='{OPML}'])") == 1


def test_every_id_is_unique_and_every_name_given_by_id_exists():
    root = tree(SITE, TOPICS, TOPICS, AUTHORS)
    ids = root.xpath("//@id")

    assert len(ids) == len(set(ids))
    assert set(root.xpath("//@aria-labelledby")) <= set(ids)


def test_every_address_is_absolute_or_a_place_on_the_page():
    for address in tree().xpath("//@href | //@src"):
        assert address.startswith("#") or urlsplit(address)[:2] == ("https", "feeds.example.org")


def test_nothing_runs_and_nothing_is_asked_for():
    names = {tag for tag, _ in Balance(page()).seen}
    attributes = {name for _, attrs in Balance(page()).seen for name in attrs}

    assert not names & {"script", "iframe", "object", "embed", "form", "base", "img"}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"style"}
    assert not re.search(r"@import|url\(|expression", style_of(page()))
    assert set(tree().xpath("//link/@rel")) == {"canonical", "alternate"}


def test_the_policy_lets_in_the_pages_own_style_and_no_other():
    digest = base64.b64encode(hashlib.sha256(style_of(page()).encode()).digest()).decode()
    rules = dict(rule.split(" ", 1) for rule in index.CSP.split("; "))

    assert page().count("<style") == 1
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "http: https:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


TEXT = st.text(max_size=30).map(one_line).filter(bool)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT, TEXT)
def test_any_text_is_shown_as_it_is(labels, heading, title):
    groups = [SITE, (heading, [feed_row(label) for label in labels])]
    text = page(*groups, channel=replace(CHANNEL, title=title, description=title))
    root = html.document_fromstring(text)

    Balance(text)
    assert root.xpath("//section[@class='group']//bdi/text()") == labels
    assert root.xpath("string(//section[@class='group']/h2/text())") == f"{heading} "
    assert root.xpath("string(//title)") == title
    assert style_of(text) == style_of(page())


def test_equal_arguments_give_equal_bytes_in_any_process():
    code = (
        "import sys; from tests.index_pages import page; sys.stdout.buffer.write(page().encode())"
    )
    strange = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "PYTHONPATH": ""}
    other = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | strange, check=True, capture_output=True
    )

    assert other.stdout.decode() == page()


def test_only_who_asks_for_the_page_loads_the_templates():
    code = "import sys, feedhub.formats; sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_hundred_feeds_make_a_small_page():
    rows = [feed_row(f"A topic like others {n}", f"topics/a-topic-{n:03}") for n in range(200)]

    assert len(page(SITE, ("Topics", rows))) < 100_000
