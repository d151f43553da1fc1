"""The pages that list feeds: whole, safe, small, the same every time."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from feedhub.article import Article
from feedhub.formats.pages import CSP, PLAYER_POLICY, POLICY, not_found
from feedhub.formats.pages.landing import MAX_LARGEST, MAX_NEWEST, FeedSummary
from feedhub.text import one_line
from tests.golden.sample import (
    EVERYTHING,
    NOTHING,
    VIDEO,
    feed_page,
    month_page,
    search_page,
    story_page,
)
from tests.index_pages import (
    AUTHORS,
    BASE,
    CHANNEL,
    FORMATS,
    OPML,
    SITE,
    TOPICS,
    Balance,
    combine_page,
    in_language,
    kind_page,
    page,
    parsed,
    row,
    script_of,
    searched,
    style_of,
    tree,
)

PAGES = {
    "front": page,
    "front with search": lambda: page(channel=searched()),
    "front without feeds": lambda: page({}, articles=()),
    "kind": lambda: kind_page(TOPICS["topic"]),
    "kind with search": lambda: kind_page([row(f"T {n}") for n in range(30)], "topic", searched()),
    "combine": lambda: combine_page(SITE | TOPICS),
    "feed": lambda: feed_page().decode(),
    "month": lambda: month_page().decode(),
    "story": lambda: story_page().decode(),
    "search": lambda: search_page("q=nothing&topic=ai", NOTHING).decode(),
    "search without results": lambda: search_page("q=robot").decode(),
    "not found": lambda: not_found(searched()).decode(),
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
    assert set(root.xpath("//link/@rel")) <= {
        "canonical",
        "alternate",
        "icon",
        "apple-touch-icon",
    }
    assert not root.xpath("//script/@src")
    assert set(root.xpath("//img/@referrerpolicy")) <= {"no-referrer"}
    # The one large picture is seen at once; it is on the front page and that of a story.
    assert len(root.xpath("//main//img[not(@loading)]")) <= 1


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


def test_every_page_has_the_name_of_the_site_and_one_field_to_search(text):
    root = parsed(text)
    (brand,) = root.xpath("//header/a")
    assert brand.get("href") == root.xpath("string(//header//li/a/@href)").removesuffix("all/")
    fields = root.xpath("//form[@role='search']//input[@type='search']/@name")
    assert fields in (["q"], []), "without a server there is none"
    assert len(root.xpath("//input[@name='q' and @type='search']")) == len(fields)


def test_links_never_lead_to_the_source_of_a_feed(text):
    endings = tuple(suffix for _, _, suffix in FORMATS)
    links = parsed(text).xpath("//body//a/@href")
    assert not [
        link for link in links if link.startswith("https://feeds") and link.endswith(endings)
    ]
    assert set(parsed(text).xpath("//a[contains(@href, '.opml')]/@download")) <= {""}


def test_what_is_followed_can_be_opened_without_a_script(text):
    root = parsed(text)
    sheets = root.xpath("//section[@id='follow']")
    buttons = root.xpath("//button[@popovertarget='follow' and not(@popovertargetaction)]")
    assert len(sheets) == len(buttons) <= 1
    assert all("popover" in sheet.attrib for sheet in sheets)


# The front page.


def test_the_page_declares_language_encoding_and_description():
    root = tree()
    assert (root.get("lang"), root.get("dir")) == ("en", "ltr")
    assert root.xpath("string(/html/head/meta[1]/@charset)") == "utf-8"
    assert root.xpath("string(//title)") == root.xpath("string(//h1)") == CHANNEL.title
    assert root.xpath("//meta[@name='description']/@content") == [CHANNEL.description]
    assert root.xpath("string(//main//p[@class='lede'])") == CHANNEL.description
    assert root.xpath("string(//footer//bdi)") == CHANNEL.copyright
    assert root.xpath("//link[@rel='canonical']/@href") == [f"{BASE}/"]


def test_a_preview_of_drafts_says_so():
    drafts = tree(channel=replace(CHANNEL, drafts=True))
    assert drafts.xpath("string(//title)").startswith("[drafts] ")


def test_english_words_are_marked_on_a_site_in_another_language():
    root = tree(channel=in_language("sv-FI"))
    assert root.get("lang") == "sv-FI"
    assert root.xpath("//body/@lang") == ["en"]
    assert set(root.xpath("//ul[starts-with(@class, 'feeds')]/@lang")) == {"sv-FI"}
    assert root.xpath("//h1/@lang") == ["sv-FI"]
    plain = tree(channel=in_language("en-GB")).xpath("//body/descendant-or-self::*[@lang]")
    assert {element.get("lang") for element in plain} == {EVERYTHING.language}


@pytest.mark.parametrize(
    ("language", "direction"), [("ar-EG", "rtl"), ("he", "rtl"), ("de", "ltr")]
)
def test_pages_have_the_direction_of_their_language(language, direction):
    assert tree(channel=in_language(language)).get("dir") == direction


def test_missing_texts_leave_no_empty_elements():
    bare = parsed(page(channel=replace(CHANNEL, description="", copyright=""), articles=(NOTHING,)))
    assert not bare.xpath("//main//p[@class='lede'] | //meta[@name='description']")
    assert not bare.xpath("//img | //meta[@property='og:image'] | //p[not(node())]")
    assert bare.xpath("//link[@rel='icon']/@href") == [f"{BASE}/favicon.svg"]
    assert bare.xpath("string(//footer//bdi)") == CHANNEL.title


def test_the_icon_is_in_the_page_and_in_the_tab():
    icon = "https://feeds.example.org/i.png?a=1&b=2"
    root = tree(channel=replace(CHANNEL, icon=icon))
    assert root.xpath("//link[@rel='icon']/@href") == root.xpath("//header//img/@src") == [icon]
    assert root.xpath("//header//img/@alt") == [""]
    assert root.xpath("//meta[@property='og:image']/@content") == [icon]


def test_readers_discover_the_sites_feed_in_each_format_by_a_title_of_its_own():
    links = tree().xpath("//head/link[@rel='alternate']")
    found = [(link.get("title"), link.get("type"), link.get("href")) for link in links]
    feeds = [(f"{CHANNEL.title} ({n})", kind, f"{BASE}/all{end}") for n, kind, end in FORMATS]
    assert found == [*feeds, (f"{CHANNEL.title} (OPML)", "text/x-opml", OPML)]


def test_the_newest_articles_come_first_and_one_with_a_picture_is_large():
    articles = [NOTHING, VIDEO, EVERYTHING, *([NOTHING] * 9)]
    root = parsed(page(articles=articles))
    (large,) = root.xpath("//div[@class='lead']/article")
    assert large.xpath("string(.//h3)") == VIDEO.title
    assert large.xpath("img/@src") == [VIDEO.images[0].url]
    titles = root.xpath("//main//article//h3/a/text()")
    assert titles == [VIDEO.title, NOTHING.title, EVERYTHING.title, *([NOTHING.title] * 9)]
    assert len(titles) == MAX_NEWEST
    assert root.xpath("//p[@class='more']/a/@href")[0] == f"{BASE}/all/"


def test_without_pictures_the_newest_article_is_large():
    root = parsed(page(articles=(NOTHING, NOTHING)))
    assert len(root.xpath("//div[@class='lead']/article")) == 1
    assert not root.xpath("//main//article//img")


def test_the_sheet_has_the_address_to_copy_readers_by_name_and_the_other_formats():
    (sheet,) = tree().xpath("//section[@id='follow']")
    addresses = [f"{BASE}/all{suffix}" for _, _, suffix in FORMATS]
    assert sheet.xpath("string(h2)") == f"Follow {CHANNEL.title}"
    assert sheet.xpath(".//code/text()") == sheet.xpath(".//@data-copy") == addresses
    assert sheet.xpath("p//code/text()") == addresses[:1], "the others are folded"
    assert "Feedly" in sheet.xpath("ul[@class='readers']//a/text()")
    assert sheet.xpath("details//a[@download]/@href") == [OPML]


def test_elements_that_need_a_script_are_hidden_without_one():
    root = parsed(kind_page([row(f"T {n}") for n in range(30)], channel=searched()))
    assert set(tree().xpath("//button[@data-copy]/@hidden")) == {""}
    assert root.xpath("//div[@class='find']/@hidden") == [""]
    assert root.xpath("//header//kbd/@hidden") == [""]


def test_each_group_lists_its_largest_feeds_first():
    rows = [row(f"T {n:02}", n) for n in range(40)]
    root = tree(SITE | {"topic": rows} | AUTHORS)
    (topics, authors) = root.xpath("//section[@class='group']")
    assert topics.xpath("string(h2)") == "Topics"
    assert topics.xpath(".//li/a/text()") == [f"T {n:02}" for n in range(39, 27, -1)]
    assert len(topics.xpath(".//li")) == MAX_LARGEST
    assert topics.xpath("normalize-space(p[@class='more']/a)") == "Show all 40"
    assert topics.xpath("p[@class='more']/a/@href") == [f"{BASE}/topics/"]
    assert authors.xpath(".//li/a/text()") == ["Ada"]
    assert not authors.xpath("p[@class='more']")


def test_publishers_have_their_pictures_and_the_others_a_letter():
    rows = [row("News", 2, "https://cdn.example/n.png"), row("écho", 1)]
    (group,) = tree({"provider": rows}).xpath("//section[@class='group']")
    assert group.xpath(".//li/img/@src") == ["https://cdn.example/n.png"]
    assert group.xpath(".//li/span/text()") == ["É"]
    (plain,) = tree({"provider": [row("News")]}).xpath("//section[@class='group']")
    assert not plain.xpath(".//li/img | .//li/span")


def test_a_site_without_articles_says_so():
    root = parsed(page({"all": [FeedSummary("", "", 0)]}, articles=()))
    assert "No articles yet" in root.xpath("string(//main)")
    assert root.xpath("//section[@id='follow']")


def test_a_group_without_feeds_is_left_out():
    root = tree(SITE | {"topic": []} | AUTHORS)
    assert root.xpath("//section[@class='group']/h2/text()") == ["Authors"]


def test_the_sections_of_the_site_are_in_the_header():
    links = tree().xpath("//header//nav//a")
    assert [(a.text, a.get("href")) for a in links] == [
        ("Articles", f"{BASE}/all/"),
        ("Topics", f"{BASE}/topics/"),
        ("Authors", f"{BASE}/authors/"),
    ]


def test_a_site_without_feeds_is_still_a_page():
    root = parsed(page({}, searched(), ()))
    assert not root.xpath("//section")
    assert root.xpath("//head/link[@rel='alternate']/@href") == [OPML]


def test_every_link_stays_on_the_site():
    text = page(SITE | TOPICS | AUTHORS, searched(), (replace_url(NOTHING),))
    readers = parsed(text).xpath("//ul[@class='readers']//@href")
    addresses = parsed(text).xpath("//@href | //@src | //@action")
    for address in set(addresses) - set(readers):
        assert urlsplit(urljoin(f"{BASE}/", address))[:2] == ("https", "feeds.example.org")


def replace_url(article: Article) -> Article:
    """Return an article that stands on the site itself."""
    return structs.replace(article, url=f"{BASE}/article/")


# Lists of feeds, and combining them.


def test_the_page_of_a_kind_lists_all_its_feeds_by_name():
    rows = [row(f"Topic {n:04}") for n in range(2_000)]
    root = parsed(kind_page([*reversed(rows)], channel=searched()))
    assert root.xpath("//ul[@class='feeds']/li/a/text()") == [feed.label for feed in rows]
    assert root.xpath("string(//li[7]/a/@href)") == f"{BASE}/topics/topic-0006/"
    assert root.xpath("normalize-space(//h1)") == "Topics 2,000"
    assert root.xpath("//main//a/@href")[0] == f"{BASE}/combine/"
    assert root.xpath("//div[@class='find']")
    assert not parsed(kind_page(rows[:9], "author", searched())).xpath("//div[@class='find']")


def test_topics_and_publishers_are_combined_on_a_page_of_its_own():
    groups = SITE | AUTHORS | {"topic": [row("A I")], "provider": [row("Ü & Co")]}
    (form,) = parsed(combine_page(groups)).xpath("//main//form")
    boxes = [(b.get("name"), b.get("value")) for b in form.xpath(".//li//input")]
    assert (form.get("action"), form.get("method")) == (f"{BASE}/search/", "get")
    assert boxes == [("topic", "a-i"), ("provider", "ü-co")]
    assert form.xpath(".//li/label/bdi/text()") == ["A I", "Ü & Co"]
    assert form.xpath("count(.//button[@type='submit'])") == 1
    names = {"topic", "provider", "all", "q"}
    assert set(form.xpath(".//input/@name")) == names, "and no other is sent"
    front = parsed(page(groups, searched()))
    assert not front.xpath("//main//input"), "it is a page that one opens"
    assert f"{BASE}/combine/" in front.xpath("//main//a/@href")


def test_without_a_server_nothing_searches_or_combines():
    root = tree(SITE | TOPICS)
    assert not root.xpath("//form | //input | //a[contains(@href, 'combine')]")


# Many feeds.


def many(count: int, kind: str = "Topic") -> list[FeedSummary]:
    return [FeedSummary(f"{kind.lower()}-no-{n:05}", f"{kind} No {n:05}", n) for n in range(count)]


@pytest.mark.parametrize(
    ("topics", "publishers"), [(0, 40), (40, 40), (200, 300), (5_000, 3_000), (9, 9_000)]
)
def test_pages_are_small_with_any_number_of_feeds(topics, publishers):
    groups = {"topic": many(topics), "provider": many(publishers), "author": many(400)}
    assert len(page(SITE | groups, searched()).encode()) < 100_000
    text = combine_page(SITE | groups)
    root = parsed(text)
    assert len(text.encode()) < 100_000
    sections = root.xpath("//fieldset")
    counted = {s.xpath("string(.//h2)"): s.xpath("count(.//li)") for s in sections}
    assert counted.keys() == {"Topics", "Publishers"} - ({"Topics"} if not topics else set())
    if topics + publishers <= 500:
        assert sum(counted.values()) == topics + publishers
        assert not root.xpath("//p[@class='other']")
    else:
        assert all(shown >= 9 for shown in counted.values())
        others = root.xpath("//p[@class='other']//input/@name")
        assert set(others) <= {"topic", "provider"}, "any other can be named"
        assert "provider" in others


def test_the_page_that_combines_is_small_with_labels_of_any_script():
    rows = [FeedSummary("日本" * 40 + str(n), "日本" * 60, n) for n in range(3_000)]
    text = combine_page({"topic": rows, "provider": many(9)})
    assert len(text.encode()) < 100_000
    assert parsed(text).xpath("count(//fieldset[2]//li)") == 9


# The same every time.


TEXT = st.text(max_size=30).map(one_line).filter(bool)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
def test_any_text_is_escaped_correctly(labels, title):
    groups = SITE | {"topic": [FeedSummary(f"t{n}", label, 1) for n, label in enumerate(labels)]}
    article = structs.replace(EVERYTHING, title=title, summary=title)
    channel = replace(searched(), title=title, description=title)
    text = page(groups, channel, [article])
    root = parsed(text)
    Balance(text)
    assert root.xpath("//section[@class='group']//li/a/text()") == labels
    assert root.xpath("string(//title)") == title
    assert root.xpath("string(//article//h3)") == title
    assert (style_of(text), script_of(text)) == (style_of(page()), script_of(page()))
    combined = combine_page(groups, channel)
    Balance(combined)
    assert parsed(combined).xpath("//li/label/bdi/text()") == sorted(labels, key=str.casefold)


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
