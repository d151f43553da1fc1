"""The page of a feed: what is new, where it comes from, and every way to follow it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from msgspec import structs

from feedhub.article import Article, Author, Provider, Related
from feedhub.feed import Channel, SiteLinks
from feedhub.formats import FORMATS, PAGE, SUBSCRIBED, content
from feedhub.formats.pages import PLAYER_POLICY, POLICY
from feedhub.formats.pages.follow import reader_links
from feedhub.text import one_line
from tests.golden import sample
from tests.golden.sample import CHANNEL, EPISODE, EVERYTHING, NOTHING, VIDEO, links, subscription
from tests.index_pages import Balance, parsed

BASE = CHANNEL.base_url
OWN = f"{BASE}/topics/k%C3%BCnstliche-intelligenz"


def root_of(*articles: Article, channel: Channel | None = None) -> html.HtmlElement:
    """Return the page of a feed with these articles."""
    feed = subscription(*articles, channel=links() if channel is None else channel)
    return parsed(feed.encode("html").decode())


def item_of(article: Article, channel: Channel | None = None) -> html.HtmlElement:
    (item,) = root_of(article, channel=channel).xpath("//article")
    return item


def text_of(item: html.HtmlElement, path: str) -> str:
    return str(item.xpath(f"normalize-space({path})"))


# An article.


def test_an_article_shows_title_summary_source_date_and_topics():
    item = item_of(EVERYTHING)
    assert item.xpath("string(.//h3/a)") == EVERYTHING.title
    assert item.xpath(".//h3/a/@href") == [EVERYTHING.url]
    assert item.xpath("string(div/p[@class='excerpt'])") == EVERYTHING.summary
    assert item.xpath(".//p[@class='meta']//img/@src") == ["https://cdn.example/news.png"]
    assert text_of(item, ".//p[@class='meta']") == "News & Co 9 Jun 2020 Video, 1:02:05"
    assert item.xpath(".//p[@class='meta']/time/@datetime") == ["2020-06-09T11:30:05Z"]
    assert item.xpath(".//ul[@class='topics']/li/a/bdi/text()") == list(EVERYTHING.topics)


def test_its_picture_is_the_lead_loaded_lazily_and_without_referrer():
    (image,) = item_of(EVERYTHING).xpath("img")
    (lead, *_) = content.pictures(EVERYTHING)
    assert (image.get("src"), image.get("alt")) == (lead.url, lead.title)
    assert (image.get("width"), image.get("height")) == (str(lead.width), str(lead.height))
    assert (image.get("loading"), image.get("referrerpolicy")) == ("lazy", "no-referrer")


def test_audio_and_video_have_players_that_load_nothing_before_they_play():
    [audio, video] = item_of(EPISODE).xpath(".//audio | .//video")
    assert (audio.tag, audio.get("src")) == ("audio", EPISODE.media[0].url)
    assert (video.tag, video.get("src")) == ("video", EPISODE.media[1].url)
    labels = [player.get("aria-label") for player in (audio, video)]
    assert labels == [EPISODE.media[0].title, EPISODE.title]
    assert {player.get("preload") for player in (audio, video)} == {"none"}
    assert all("controls" in player.attrib for player in (audio, video))


@pytest.mark.parametrize(
    ("articles", "policy"),
    [((NOTHING, EPISODE), PLAYER_POLICY), ((NOTHING, EVERYTHING), POLICY)],
)
def test_the_policy_of_a_page_allows_players_where_it_has_some(articles, policy):
    path = "//meta[@http-equiv='Content-Security-Policy']/@content"
    assert root_of(*articles).xpath(path) == [policy]


def test_a_picture_of_unknown_size_has_a_default_size():
    (image,) = item_of(VIDEO).xpath(".//img")
    assert (image.get("width"), image.get("height"), image.get("alt")) == ("320", "200", "")


def test_labels_link_to_their_pages_also_under_other_slugs():
    item = item_of(EVERYTHING)
    assert item.xpath(".//ul[@class='topics']//a/@href") == [
        f"{BASE}/topics/computer-vision/",
        f"{BASE}/topics/r-d-2/",
    ]
    assert item.xpath(".//p[@class='meta']//a/@href") == [f"{BASE}/providers/news-co/"]


def test_labels_without_a_page_are_not_linked():
    bare = replace(CHANNEL, links=SiteLinks(kinds=("topic",), removed=frozenset({"topics/r-d"})))
    item = item_of(EVERYTHING, bare)
    assert item.xpath(".//ul[@class='topics']//a/@href") == [f"{BASE}/topics/computer-vision/"]
    assert item.xpath(".//ul[@class='topics']/li/bdi/text()") == ["R&D"]
    assert item.xpath(".//p[@class='meta']//bdi/text()") == ["News & Co"]


def test_the_byline_is_the_publisher_else_authors_else_the_host():
    people = structs.replace(NOTHING, authors=(Author(name="Ada"), Author(name="Bo")))
    assert item_of(people).xpath(".//p[@class='meta']//bdi/text()") == ["Ada", "Bo"]
    assert item_of(NOTHING).xpath(".//p[@class='meta']//bdi/text()") == ["own.example"]


def test_related_coverage_can_be_opened():
    item = item_of(EVERYTHING)
    assert text_of(item, ".//summary") == "Related coverage 2"
    rows = [text_of(row, ".") for row in item.xpath(".//ul[@class='related']/li")]
    assert rows == ["The <other> side & more Other & Sons · 8 Jun 2020", "A bare one"]
    assert item.xpath(".//ul[@class='related']//a/@href") == [r.url for r in EVERYTHING.related]


def test_missing_fields_leave_no_empty_elements():
    item = item_of(NOTHING)
    assert not item.xpath(".//img | .//details | .//ul | .//p[not(node())]")


def test_a_long_excerpt_is_cut_between_words():
    excerpt = item_of(structs.replace(EVERYTHING, summary="word " * 200)).xpath(
        "string(div/p[@class='excerpt'])"
    )
    assert 200 < len(excerpt) <= 281
    assert excerpt.endswith("word…")


def test_a_text_in_another_language_has_its_language_and_direction():
    assert item_of(EVERYTHING).xpath(".//h3/@lang | div/p/@lang") == ["fr", "fr"]
    assert item_of(VIDEO).xpath(".//h3/@dir") == []
    assert item_of(NOTHING).xpath(".//h3/@dir") == ["auto"]
    swedish = replace(links(), language="sv")
    assert item_of(NOTHING, swedish).xpath(".//h3/@lang") == ["sv"]


TEXT = st.text(max_size=30).map(one_line).filter(bool)


@given(TEXT, TEXT, TEXT)
def test_any_text_is_escaped_correctly(title, summary, label):
    article = structs.replace(
        EVERYTHING, title=title, summary=summary, topics=(label,), provider=Provider(name=label)
    )
    text = subscription(article, channel=links()).encode("html").decode()
    Balance(text)
    (item,) = parsed(text).xpath("//article")
    assert item.xpath("string(.//h3)") == title
    assert item.xpath("string(div/p[@class='excerpt'])") == summary
    assert item.xpath(".//ul[@class='topics']//bdi/text()") == [label]
    assert item.xpath(".//p[@class='meta']//bdi/text()") == [label]


# The feed.


def test_the_page_links_to_the_site_and_its_kind():
    root = root_of()
    assert root.xpath("//header/a/@href") == [f"{BASE}/"]
    assert root.xpath("//p[@class='crumb']/a/@href") == [f"{BASE}/topics/"]
    assert root.xpath("string(//h1)") == "Künstliche Intelligenz"
    assert root.xpath("string(//title)") == "Künstliche Intelligenz · Feeds & more"


def test_each_format_has_an_address_to_copy_and_an_alternate_link():
    root = root_of()
    addresses = [f"{OWN}{row.suffix}" for row in SUBSCRIBED.values()]
    assert root.xpath("//section[@id='follow']//code/text()") == addresses
    assert root.xpath("//section[@id='follow']//@data-copy") == addresses
    links = root.xpath("//head/link[@rel='alternate']")
    assert [link.get("href") for link in links] == [*addresses, f"{BASE}/all.rss"]
    titles = [link.get("title") for link in links]
    assert len(set(titles)) == 4
    assert titles[0] == "Künstliche Intelligenz · Feeds & more (RSS)"
    assert titles[3] == "Feeds & more (RSS)"


def test_common_readers_open_with_the_address():
    links = root_of().xpath("//section//ul[@class='readers']//a")
    assert [link.text for link in links] == [
        reader.name or "App on this device" for reader in reader_links(f"{OWN}.rss")
    ]
    for link in links[:-1]:
        assert unquote(link.get("href")).endswith(f"{OWN}.rss")
        assert link.get("href").startswith("https://")
        assert "://" not in link.get("href").removeprefix("https://"), "every sign is quoted"
    assert links[-1].get("href") == f"feed:{OWN}.rss"


def test_a_query_in_an_address_stays_part_of_it():
    (feedly, *_) = reader_links("https://a.example/search.rss?topic=ai&q=x%20y")
    assert feedly.url.endswith("%3A%2F%2Fa.example%2Fsearch.rss%3Ftopic%3Dai%26q%3Dx%2520y")


def test_a_feed_is_explained():
    assert "an app called a feed reader" in text_of(root_of(), "//p[@class='about']")


def test_the_page_of_all_articles_has_no_link_to_another_site_feed():
    root = parsed(sample.empty().encode("html").decode())
    assert root.xpath("string(//h1)") == "All articles"
    assert not root.xpath("//p[@class='crumb']")
    assert "No articles yet" in root.xpath("string(//main)")
    assert not root.xpath("//article | //link[@rel='alternate']")


@pytest.mark.parametrize("missing", [{"kinds": ("topic",)}, {"removed": frozenset({"all"})}])
def test_a_missing_site_feed_is_not_linked(missing):
    channel = replace(links(), links=replace(links().links, **missing))
    assert len(root_of(channel=channel).xpath("//head/link[@rel='alternate']")) == 3


def test_the_page_leads_to_older_articles_if_there_are_any():
    root = parsed(sample.paged_page().decode())
    assert root.xpath("//nav[@class='pager']/a/@href") == [f"{BASE}/all/2020-06/"]
    assert not root_of().xpath("//nav[@class='pager']")


def test_the_page_of_a_publisher_has_its_picture():
    feed = replace(subscription(channel=links()), kind="provider")
    assert parsed(feed.encode("html").decode()).xpath("//h1/img/@src") == [
        "https://cdn.example/news.png"
    ]
    assert not root_of().xpath("//h1/img")


def test_the_picture_of_the_page_is_the_logo_or_the_newest_articles():
    plain = replace(links(), logo="", icon="")
    assert root_of().xpath("//meta[@property='og:image']/@content") == [CHANNEL.logo]
    (lead, *_) = content.pictures(EVERYTHING)
    assert root_of(channel=plain).xpath("//meta[@property='og:image']/@content") == [lead.url]
    assert not root_of(NOTHING, channel=plain).xpath("//meta[@property='og:image']")


def test_a_preview_of_drafts_says_so():
    drafts = replace(links(), drafts=True)
    assert root_of(channel=drafts).xpath("string(//title)").startswith("[drafts] ")


def test_the_links_of_an_article_follow_its_labels():
    channel = links()
    first = subscription(EVERYTHING, channel=channel).encode("html")
    moved = replace(channel, links=replace(channel.links, slug_overrides={}))
    assert b"topics/r-d/" in subscription(EVERYTHING, channel=moved).encode("html")
    assert b"topics/r-d/" not in first


def test_the_page_is_the_only_format_without_subscribers():
    assert set(FORMATS) - set(SUBSCRIBED) == {PAGE.name} == {"html"}


# Months.


def test_a_month_has_its_articles_by_day_and_leads_to_its_neighbours():
    root = parsed(sample.month_page().decode())
    assert text_of(root, "//h1") == "June 2020"
    assert text_of(root, "//title") == "June 2020 · Künstliche Intelligenz · Feeds & more"
    days = [
        (text_of(day, "h2"), day.xpath(".//h3/a/@href"))
        for day in root.xpath("//main//section[h2/time]")
    ]
    assert days == [
        ("9 June 2020", [EVERYTHING.url, NOTHING.url]),
        ("2 June 2020", [VIDEO.url]),
    ]
    pager = root.xpath("//nav[@class='pager']/a")
    assert [(a.get("rel"), text_of(a, "."), a.get("href")) for a in pager] == [
        ("prev", "July 2020", f"{OWN}/2020-07/"),
        ("next", "May 2020", f"{OWN}/2020-05/"),
    ]
    assert root.xpath("//section[@id='follow']//code/text()")[0] == f"{OWN}.rss"


# Stories.


def test_a_story_has_its_title_once_who_wrote_it_and_the_coverage_of_others():
    root = parsed(sample.story_page().decode())
    assert root.xpath("string(//h1)") == EVERYTHING.title
    shown = root.xpath("//main/div[@class='top'] | //main/section")
    assert "".join(part.text_content() for part in shown).count(EVERYTHING.title) == 2, (
        "the heading, and the name of what is followed"
    )
    assert text_of(root, "//div[@class='top']/p[@class='meta']").startswith("News & Co 9 Jun 2020")
    assert text_of(root, "//p[@class='lede']") == EVERYTHING.summary
    assert root.xpath("//div[@class='hero']/img/@src") == [content.pictures(EVERYTHING)[0].url]
    assert root.xpath("//div[@class='actions']/a/@href") == [EVERYTHING.url]
    lines = root.xpath("//section[@class='coverage']/article")
    assert [(text_of(one, "h3"), text_of(one, "p")) for one in lines] == [
        ("A bare one", "bare.example 9 Jun 2020"),
        ("The <other> side & more", "Other & Sons 8 Jun 2020"),
    ]


def test_a_story_without_picture_text_or_topics_has_no_empty_elements():
    bare = structs.replace(
        EPISODE, summary="", images=(), related=EVERYTHING.related, authors=(), language=""
    )
    root = parsed(sample.story_page(bare).decode())
    assert not root.xpath("//p[not(node())] | //ul[not(li)] | //div[@class='hero']")
    assert len(root.xpath("//main/audio | //main/video")) == 2


# Searches.


def test_a_search_says_how_many_it_finds_and_marks_the_words():
    root = parsed(sample.search_page("q=bold+more&topic=r-d", EVERYTHING, total=1).decode())
    assert root.xpath("//form[@role='search']//input[@name='q']/@value") == ["bold more"]
    assert text_of(root, "//p[@class='lede']") == "1 result"
    assert root.xpath("//article//h3//mark/text()") == ["bold"]
    assert root.xpath("//article/div/p[@class='excerpt']//mark/text()") == ["more"]
    box = root.xpath("//ul[@class='chips']//input")
    assert [(b.get("name"), b.get("value"), b.get("form")) for b in box] == [
        ("topic", "r-d", "search")
    ]
    assert text_of(root, "//ul[@class='chips']/li") == "Topic R&D"


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, "No results"),
        (2, "2 results · These are the newest 1."),
        (1_000, "More than 1,000 results · These are the newest 1."),
    ],
)
def test_the_number_of_results_is_in_words(total, expected):
    articles = (NOTHING,) if total else ()
    root = parsed(sample.search_page("q=x", *articles, total=total).decode())
    assert text_of(root, "//p[@class='lede']") == expected


def test_a_search_without_results_names_the_nearest_words():
    root = parsed(sample.search_page("q=robot&topic=ai", near=("robots", "robotic")).decode())
    assert "Did you mean: robots robotic" in text_of(root, "//div[@class='empty']")
    assert root.xpath("//div[@class='empty']//a/@href") == [
        f"{BASE}/search/?q=robots&topic=ai",
        f"{BASE}/search/?q=robotic&topic=ai",
    ]
    none = parsed(sample.search_page("q=robot").decode())
    assert "No article matches" in text_of(none, "//div[@class='empty']")


def test_results_beyond_the_first_are_lines():
    articles = [structs.replace(NOTHING, id=f"tag:x,2026:{n}") for n in range(50)]
    root = parsed(sample.search_page("q=x", *articles).decode())
    assert len(root.xpath("//article[@class='item']")) == 30
    assert len(root.xpath("//article[@class='line']")) == 20


# Long pages.


def long(number: int) -> Article:
    """Return an article that takes some kilobytes of a page."""
    others = tuple(
        Related(title=f"Another view {n}", url=f"https://other.example/{number}/{'x' * 200}/{n}")
        for n in range(20)
    )
    return structs.replace(NOTHING, id=f"tag:x,2026:{number}", related=others)


def test_a_page_with_long_articles_stays_small():
    page = subscription(*map(long, range(30)), channel=links()).encode("html")
    assert 70_000 < len(page) < 100_000
    root = parsed(page.decode())
    assert 10 < len(root.xpath("//article[@class='item']")) < 30
    assert len(root.xpath("//article")) == 30, "the others are lines"
    assert root.xpath("string(//article//h3)") == NOTHING.title


def test_an_article_larger_than_the_limit_is_still_shown():
    article = structs.replace(NOTHING, title="word " * 20_000)
    assert len(root_of(article, NOTHING).xpath("//article[@class='item']")) == 1
    assert len(root_of(article).xpath("//article[@class='item']")) == 1


def test_long_related_coverage_is_shortened():
    item = item_of(long(1))
    shown = item.xpath(".//ul[@class='related']/li")
    assert len(shown) == 13
    assert shown[-1].text == "and 8 more"
    assert item.xpath("normalize-space(.//summary)") == "Related coverage 20"
