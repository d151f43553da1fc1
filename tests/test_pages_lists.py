"""The pages that list feeds: whole, safe, small, the same every time."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.formats.pages import CSP, PLAYER_POLICY, POLICY
from feedhub.formats.pages.landing import FeedSummary
from feedhub.text import one_line
from tests.golden.sample import feed_page
from tests.index_pages import (
    AUTHORS,
    BASE,
    CHANNEL,
    FORMATS,
    NEWEST,
    ODD_LABELS,
    OPML,
    SITE,
    TOPICS,
    Balance,
    in_language,
    kind_page,
    page,
    parsed,
    row,
    script_of,
    style_of,
    tree,
)

SEARCH = "search/"
PAGES = {
    "front": page,
    "front with ticks": lambda: page(search=SEARCH),
    "kind": lambda: kind_page(TOPICS["topic"]),
    "kind with ticks": lambda: kind_page(TOPICS["topic"], search=SEARCH),
    "feed": lambda: feed_page().decode(),
}


@pytest.fixture(params=list(PAGES))
def text(request: pytest.FixtureRequest) -> str:
    """Return each sort of page."""
    return PAGES[request.param]()


# Every page.


def test_every_element_is_closed_in_order(text):
    assert text.startswith("<!DOCTYPE html>\n<html")
    assert text.endswith("</html>\n")
    Balance(text)


def test_the_check_of_elements_finds_wrong_nesting():
    with pytest.raises(AssertionError):
        Balance("<p><b></p></b>")


def test_every_id_is_unique_and_every_reference_to_one_exists(text):
    root = parsed(text)
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    named = {*root.xpath("//@aria-labelledby"), *root.xpath("//label/@for")}
    named |= {href[1:] for href in root.xpath("//@href") if href.startswith("#")}
    assert named <= set(ids)


def test_headings_are_in_order_below_one_h1(text):
    levels = [int(h.tag[1]) for h in parsed(text).xpath("//h1|//h2|//h3|//h4")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))


def test_the_page_has_landmarks(text):
    root = parsed(text)
    assert [len(root.xpath(f"//{name}")) for name in ("header", "main", "footer")] == [1, 1, 1]
    skip = root.xpath("//body/a[1]")[0]
    assert root.get_element_by_id(skip.get("href")[1:]).tag == "main"


def test_only_pictures_come_from_other_hosts(text):
    root = parsed(text)
    names = {tag for tag, _ in Balance(text).seen}
    attributes = {name for _, attrs in Balance(text).seen for name in attrs}
    assert not names & {"iframe", "object", "embed", "base"}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"style"}
    assert not re.search(r"@import|url\(|expression", style_of(text))
    assert set(root.xpath("//link/@rel")) == {"canonical", "alternate", "icon"}
    assert not root.xpath("//script/@src")
    assert {(i.get("loading"), i.get("referrerpolicy")) for i in root.xpath("//main//img")} <= {
        ("lazy", "no-referrer")
    }


def test_the_policy_allows_only_the_style_and_script_of_the_page(text):
    def mark(part: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"

    rules = dict(rule.split(" ", 1) for rule in CSP.split("; "))
    root = parsed(text)
    assert (text.count("<style"), text.count("<script>")) == (1, 1)
    assert rules == {
        "default-src": "'none'",
        "style-src": mark(style_of(text)),
        "script-src": mark(script_of(text)),
        "img-src": "http: https: data:",
        "media-src": "http: https:",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [POLICY]
    assert f"{PLAYER_POLICY}; frame-ancestors 'none'" == CSP, "which a page cannot say itself"
    assert set(PLAYER_POLICY.split("; ")) - set(POLICY.split("; ")) == {"media-src http: https:"}


def test_the_page_has_open_graph_metadata(text):
    root = parsed(text)
    expected = dict(
        zip(root.xpath("//meta/@property"), root.xpath("//meta[@property]/@content"), strict=True)
    )
    assert expected["og:title"] == root.xpath("string(//title)")
    assert [expected["og:url"]] == root.xpath("//link[@rel='canonical']/@href")
    assert expected["og:type"] == "website"


# The front page.


def test_the_page_declares_language_encoding_and_description():
    root = tree()
    assert (root.get("lang"), root.get("dir")) == ("en", "ltr")
    assert root.xpath("string(/html/head/meta[1]/@charset)") == "utf-8"
    assert root.xpath("string(//title)") == root.xpath("string(//h1)") == CHANNEL.title
    assert root.xpath("//meta[@name='description']/@content") == [CHANNEL.description]
    assert root.xpath("string(//header//p)") == CHANNEL.description
    assert root.xpath("string(//footer//bdi)") == CHANNEL.copyright
    assert root.xpath("//link[@rel='canonical']/@href") == [f"{BASE}/"]


def test_every_page_has_its_own_title():
    titles = [parsed(make()).xpath("string(//title)") for make in PAGES.values()]
    assert len(set(titles)) == 3


def test_a_preview_of_drafts_says_so():
    drafts = tree(channel=replace(CHANNEL, drafts=True))
    assert drafts.xpath("string(//title)").startswith("[drafts] ")


def test_english_words_are_marked_on_a_site_in_another_language():
    root = tree(channel=in_language("sv-FI"))
    assert root.get("lang") == "sv-FI"
    assert root.xpath("//body/@lang") == ["en"]
    assert set(root.xpath("//ul[starts-with(@class, 'feeds')]/@lang")) == {"sv-FI"}
    assert root.xpath("//h1/@lang") == ["sv-FI"]
    assert not tree(channel=in_language("en-GB")).xpath("//body/descendant-or-self::*/@lang")


@pytest.mark.parametrize(
    ("language", "direction"), [("ar-EG", "rtl"), ("he", "rtl"), ("de", "ltr")]
)
def test_pages_have_the_direction_of_their_language(language, direction):
    assert tree(channel=in_language(language)).get("dir") == direction


def test_missing_texts_leave_no_empty_elements():
    bare = tree(channel=replace(CHANNEL, description="", copyright=""))
    assert not bare.xpath("//header//p | //footer//bdi | //meta[@name='description']")
    assert not bare.xpath("//img | //meta[@property='og:image']")
    assert bare.xpath("//link[@rel='icon']/@href") == [f"{BASE}/favicon.svg"]


def test_the_icon_is_in_the_page_and_in_the_tab():
    icon = "https://feeds.example.org/i.png?a=1&b=2"
    root = tree(channel=replace(CHANNEL, icon=icon))
    assert root.xpath("//link[@rel='icon']/@href") == root.xpath("//img/@src") == [icon]
    assert root.xpath("//img/@alt") == [""]
    assert root.xpath("//meta[@property='og:image']/@content") == [icon]


def test_readers_discover_the_sites_feed_in_each_format_by_a_title_of_its_own():
    links = tree().xpath("//head/link[@rel='alternate']")
    found = [(link.get("title"), link.get("type"), link.get("href")) for link in links]
    feeds = [(f"{CHANNEL.title} ({n})", kind, f"{BASE}/all{end}") for n, kind, end in FORMATS]
    assert found == [*feeds, (f"{CHANNEL.title} (OPML)", "text/x-opml", OPML)]


def test_the_sites_feed_comes_first_with_its_page_and_an_address_to_copy():
    section = tree().xpath("//main//section[1]")[0]
    addresses = [f"{BASE}/all{suffix}" for _, _, suffix in FORMATS]
    assert section.xpath(".//a[contains(@class, 'main')]/@href") == ["all/"]
    assert section.xpath(".//code/a/@href") == section.xpath(".//@data-copy") == addresses
    assert "1,234 articles · 9 Jun 2020" in section.xpath("normalize-space()")


def test_elements_that_need_a_script_are_hidden_without_one():
    root = tree()
    assert set(root.xpath("//button[@data-copy]/@hidden")) == {""}
    assert root.xpath("//div[@class='find']/@hidden") == [""]


def test_each_group_lists_its_feeds_in_the_order_given():
    groups = [
        (section.xpath("string(h2/a)"), section.xpath(".//li/a/text()"))
        for section in tree().xpath("//section[@class='group']")
    ]
    assert groups == [("Topics", ODD_LABELS), ("Authors", ["Ada"])]


def test_a_feed_is_listed_with_its_page_its_size_its_newest_article_and_every_format():
    (feed,) = tree({"author": [row("Ada", 2)]}).xpath("//section[@class='group']//li")
    assert feed.xpath("normalize-space(small)") == "2 · 9 Jun 2020"
    assert feed.xpath(".//time/@datetime") == ["2020-06-09"]
    assert feed.xpath("a/@href") == ["authors/ada/"]
    assert [(a.text, a.get("href")) for a in feed.xpath("span/a")] == [
        (name, f"authors/ada{suffix}") for name, _, suffix in FORMATS
    ]


@pytest.mark.parametrize(
    ("count", "newest", "expected"),
    [
        (0, None, "0"),
        (1, NEWEST, "1 · 9 Jun 2020"),
        (12_345, NEWEST - timedelta(days=160), "12,345 · 1 Jan 2020"),
    ],
)
def test_a_feed_has_its_number_of_articles_and_date(count, newest, expected):
    root = tree({"topic": [row("AI", count, newest)]})
    assert root.xpath("normalize-space(//ul[starts-with(@class, 'feeds')]/li/small)") == expected


def test_a_site_without_articles_says_so():
    section = tree({"all": [FeedSummary("", "", 0, None)]}).xpath("//main//section[1]")[0]
    assert "No articles yet" in section.text_content()


def test_a_group_without_feeds_is_left_out():
    root = tree(SITE | {"topic": []} | AUTHORS)
    assert root.xpath("//section[@class='group']/h2/a/text()") == ["Authors"]
    assert "Topics" not in root.text_content()


def test_the_navigation_links_to_each_group():
    root = tree()
    targets = [href.removeprefix("#") for href in root.xpath("//nav//a/@href")]
    assert [a.xpath("normalize-space()") for a in root.xpath("//nav//a")] == [
        f"Topics {len(ODD_LABELS)}",
        "Authors 1",
    ]
    assert [root.get_element_by_id(target).tag for target in targets] == ["h2", "h2"]


def test_a_site_without_feeds_is_still_a_page():
    text = page({}, search=SEARCH)
    Balance(text)
    root = parsed(text)
    assert not root.xpath("//section[@class='group'] | //nav | //form")
    assert root.xpath("//link[@rel='alternate']/@href") == [OPML]


def test_the_list_of_all_feeds_is_linked():
    assert tree().xpath(f"count(//main//a[@href='{OPML}'])") == 1


def test_every_link_stays_on_the_site():
    for address in tree(search=SEARCH).xpath("//@href | //@src | //@action"):
        assert urlsplit(urljoin(f"{BASE}/", address))[:2] == ("https", "feeds.example.org")


# Feeds to combine.


def test_with_a_server_topics_and_publishers_can_be_ticked():
    groups = SITE | AUTHORS | {"topic": [row("A I")], "provider": [row("Ü & Co")]}
    (form,) = tree(groups, search=SEARCH).xpath("//form")
    boxes = [
        (b.get("name"), b.get("value"), b.get("aria-label")) for b in form.xpath(".//li/input")
    ]
    assert (form.get("action"), form.get("method")) == (SEARCH, "get")
    assert boxes == [("topic", "a-i", "A I"), ("provider", "ü-co", "Ü & Co")]
    assert form.xpath(".//label/input/@name") == ["q", "all"]
    assert form.xpath("count(.//button[@type='submit'])") == 1
    names = {"topic", "provider", "all", "q"}
    assert set(form.xpath(".//input/@name")) == names, "and no other is sent"


def test_without_a_server_there_is_no_form():
    assert not tree(SITE | TOPICS).xpath("//form | //input[@type='checkbox'] | //*[@id='builder']")


def test_without_topics_the_form_searches_words():
    (form,) = tree(SITE | AUTHORS, search=SEARCH).xpath("//form")
    assert form.get("action") == SEARCH
    assert form.xpath(".//input/@name") == ["q"]
    assert form.xpath("normalize-space(.//button)") == "Search"


def test_the_page_of_a_kind_lists_and_combines_all_its_feeds():
    rows = [row(f"Topic {n:04}") for n in range(2_000)]
    root = parsed(kind_page(rows, search=SEARCH))
    assert root.xpath("//form/@action") == ["../search/"]
    assert root.xpath("count(//li/input)") == 2_000
    assert root.xpath("string(//ul[starts-with(@class, 'feeds')]/li[7]/a/@href)") == (
        "../topics/topic-0006/"
    )
    assert root.xpath("string(//li[7]/span/a/@href)") == "../topics/topic-0006.rss"
    assert root.xpath("normalize-space(//h1)") == "Topics 2,000"
    assert not parsed(kind_page(rows, "author", SEARCH)).xpath("//form")


# Many feeds.


def many(count: int, kind: str = "Topic") -> list[FeedSummary]:
    return [
        FeedSummary(f"{kind.lower()}-no-{n:05}", f"{kind} No {n:05}", n, NEWEST)
        for n in range(count)
    ]


@pytest.mark.parametrize("search", ["", SEARCH])
@pytest.mark.parametrize(
    ("topics", "publishers", "authors"),
    [(0, 0, 0), (40, 40, 5), (200, 30, 0), (200, 300, 151), (5_000, 3_000, 40_000)],
)
def test_the_landing_page_is_small_with_any_number_of_feeds(topics, publishers, authors, search):
    groups = {"topic": many(topics), "provider": many(publishers), "author": many(authors)}
    text = page(SITE | groups, search=search)
    root = parsed(text)
    assert len(text.encode()) < 100_000
    sections = root.xpath("//section[@class='group']")
    counted = [(s.xpath("count(ul/li)"), s.xpath("string(h2/small)")) for s in sections]
    wanted = [rows for rows in groups.values() if rows]
    assert [total for _, total in counted] == [f"{len(rows):,}" for rows in wanted]
    if topics + publishers + authors <= 651:
        assert [shown for shown, _ in counted] == [len(rows) for rows in wanted]
    else:
        assert all(
            100 < shown < len(rows) for (shown, _), rows in zip(counted, wanted, strict=True)
        )
        assert [s.xpath("string(p[@class='more']/a/@href)") for s in sections] == [
            "topics/",
            "providers/",
            "authors/",
        ]


def test_the_landing_page_is_small_with_labels_of_any_script():
    rows = [FeedSummary("日本" * 40 + str(n), "日本" * 60, n, NEWEST) for n in range(3_000)]
    text = page({"topic": rows, "author": many(9)}, search=SEARCH)
    assert len(text.encode()) < 100_000
    assert parsed(text).xpath("count(//section[2]//li)") >= 8


def test_with_many_feeds_those_with_most_articles_are_shown_in_order():
    rows = [FeedSummary(f"t{n}", f"T{n}", n % 100, NEWEST) for n in range(5_000)]
    section = tree({"topic": rows}).xpath("//section[@class='group']")[0]
    shown = [int(text[1:]) for text in section.xpath(".//li/a/text()")]
    assert shown == sorted(shown)
    assert min(n % 100 for n in shown) > 80


def test_plain_rows_have_the_data_that_the_script_needs():
    root = tree(SITE | {"topic": many(300), "provider": many(300)}, search=SEARCH)
    lists = root.xpath("//ul[starts-with(@class, 'feeds')]")
    assert [(u.get("data-kind"), u.get("data-link"), u.get("data-suffix")) for u in lists] == [
        ("topic", "RSS", ".rss"),
        ("provider", "RSS", ".rss"),
    ]
    assert [u.xpath("count(li/input)") for u in lists] == [50, 50]
    assert root.xpath("count(//li/span)") == 0


# The same every time.


TEXT = st.text(max_size=30).map(one_line).filter(bool)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
def test_any_text_is_escaped_correctly(labels, title):
    groups = SITE | {
        "topic": [FeedSummary(f"t{n}", label, 1, NEWEST) for n, label in enumerate(labels)]
    }
    text = page(groups, replace(CHANNEL, title=title, description=title), SEARCH)
    root = parsed(text)
    Balance(text)
    assert root.xpath("//section[@class='group']//li/a/text()") == labels
    assert root.xpath("//section[@class='group']//input/@aria-label") == labels
    assert root.xpath("string(//title)") == title
    assert (style_of(text), script_of(text)) == (style_of(page()), script_of(page()))


def test_equal_arguments_give_equal_bytes_in_any_process():
    code = (
        "import sys; from tests.index_pages import page; from tests.golden.sample import feed_page;"
        "sys.stdout.buffer.write(page().encode() + feed_page())"
    )
    strange = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "PYTHONPATH": ""}
    other = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | strange, check=True, capture_output=True
    )
    assert other.stdout == page().encode() + feed_page()


def test_templates_are_loaded_only_for_pages():
    code = "import sys, feedhub.formats, feedhub.site; sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
