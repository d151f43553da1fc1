"""What people do with the pages in a real browser: Chromium, led by Playwright, judged by axe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browsers import browse, pictures_in, require_browser
from tests.kit import article_text
from tests.servers import free_port, serve

TOPICS = ["AI", "Café Crème", "Law & <order>", "الذكاء الاصطناعي", "日本"]
PROVIDERS = ["News & Co", "The Daily Planet", "Écho"]
ARTICLES = 34


def write_articles(folder: Path) -> None:
    """Write articles that have everything a page can show."""
    folder.mkdir()
    for number in range(ARTICLES):
        topic, provider = TOPICS[number % len(TOPICS)], PROVIDERS[number % len(PROVIDERS)]
        related = [
            {"title": f"Another view {n}", "webUrl": f"https://other.example/{number}/{n}"}
            for n in range(number % 4)
        ]
        image = {"url": f"https://cdn.example/{number}.jpg", "width": 1200, "height": 630}
        text = article_text(
            f"What happened on day {number + 1} and why it matters to everybody",
            excerpt="A short account of what is known, what is not, and who said so. " * 3,
            topics=[topic, "AI"],
            provider={
                "name": provider,
                "domain": "news.example",
                "images": [{"url": f"https://cdn.example/{len(provider)}.png"}],
            },
            images=[image] if number % 3 else [],
            related=related or None,
            publishedDateTime=f"2020-06-{number % 30 + 1:02}T{number // 30 + 10}:00:00Z",
        )
        (folder / f"{number:02}.md").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw and did on the pages of a running server, in one go."""
    browser = require_browser()
    folder = tmp_path_factory.mktemp("pages")
    write_articles(folder / "articles")
    pictures = pictures_in(folder / "pictures")
    port = str(free_port())
    base = f"http://127.0.0.1:{port}"
    toml = '[site]\ntitle = "The Observer"\ndescription = "Everything that happened."\n'
    arguments = ["--port", port]
    with serve(folder, folder / "articles", *arguments, toml=toml, base_url=base):
        found = browse("browse.mjs", folder, browser, f"{base}/", "topics/ai/", pictures)
    return found | {"base": base, "folder": pictures}


@pytest.fixture(scope="module")
def hebrew(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw on pages of a site in Hebrew with articles in two languages."""
    browser = require_browser()
    folder = tmp_path_factory.mktemp("hebrew")
    (folder / "articles").mkdir()
    for number in range(9):
        language = ("he", "en")[number % 3 == 2]
        title = {"he": f"מה קרה ביום {number} ולמה זה חשוב", "en": f"What day {number} brought"}
        text = article_text(
            title[language],
            language=language,
            excerpt={"he": "תקציר קצר של מה שידוע. " * 4, "en": "A short account. " * 4}[language],
            topics=["בינה מלאכותית", "AI"],
            provider={"name": "הארץ החדשה", "domain": "news.example"},
            images=[{"url": f"https://cdn.example/{number}.jpg", "width": 1200, "height": 630}],
            related=[{"title": "Another view", "webUrl": f"https://other.example/{number}"}],
        )
        (folder / f"articles/{number}.md").write_text(text, encoding="utf-8")
    port = str(free_port())
    base = f"http://127.0.0.1:{port}"
    toml = '[site]\ntitle = "המשקיף"\ndescription = "כל מה שקרה."\nlanguage = "he"\n'
    pictures = pictures_in(folder / "pictures")
    with serve(folder, folder / "articles", "--port", port, toml=toml, base_url=base):
        return browse("browse.mjs", folder, browser, f"{base}/", "topics/ai/", pictures, "he")


def test_axe_finds_no_violation_in_a_site_from_right_to_left(hebrew):
    assert hebrew["violations"] == []
    assert hebrew["passes"] > 100
    assert (hebrew["wide"], hebrew["complaints"], hebrew["strangers"]) == ([], [], [])


def test_a_page_requests_only_pictures_from_other_hosts_without_referrer(seen):
    assert seen["strangers"] == []
    assert seen["pictures"] > 0, "or nothing was looked at"


def test_the_console_is_empty(seen):
    assert seen["complaints"] == []


def test_axe_finds_no_violation_in_any_colour_scheme_and_size(seen):
    assert seen["violations"] == []
    assert seen["passes"] > 200


def test_no_page_is_wider_than_the_screen(seen):
    assert seen["wide"] == []


def test_pages_follow_the_dark_colour_scheme(seen):
    light, dark = (sum(map(int, seen[name][4:-1].split(","))) for name in ("light", "dark"))
    assert light > 700
    assert dark < 100


def test_the_filter_ignores_case_and_accents(seen):
    assert len(seen["all"]) == len(TOPICS) + len(PROVIDERS)
    assert seen["filtered"] == ["Café Crème"]
    assert seen["groups"] == ["Topics"], "groups without a match go too"
    assert seen["told"] == f"1 of {len(seen['all'])}"
    assert seen["nothing"] == [[], f"0 of {len(seen['all'])}"]
    assert seen["again"] == len(seen["all"])


def test_the_sheet_opens_copies_the_address_and_closes(seen):
    assert seen["sheet"]
    assert seen["copied"] == f"{seen['base']}/all.rss"
    assert seen["closed"]


def test_the_slash_key_leads_to_the_search_which_knows_what_was_meant(seen):
    assert seen["near"] == ["happened"]
    assert seen["marked"] == "happened"


def test_who_opens_a_feed_in_a_browser_is_led_to_its_page(seen):
    assert seen["led"] == [f"{seen['base']}/all/#follow", True]


def test_a_browser_discovers_the_feeds(seen):
    found = [(title, url) for title, _, url in seen["alternates"]]
    assert found[:3] == [
        ("The Observer (RSS)", f"{seen['base']}/all.rss"),
        ("The Observer (Atom)", f"{seen['base']}/all.atom"),
        ("The Observer (JSON Feed)", f"{seen['base']}/all.json"),
    ]


def test_the_keyboard_can_skip_to_the_content(seen):
    assert seen["first"] == "Skip to the content"


def test_related_coverage_opens(seen):
    assert seen["related"]
    assert all(title.startswith(("Another view", "Follow")) for title in seen["related"])


def test_touch_targets_are_large_enough(seen):
    assert seen["small"] == [], "WCAG 2.2, 2.5.8"


def test_without_scripts_every_article_address_and_box_is_there(seen):
    assert seen["bare"] == {
        "articles": 12,
        "idle": 0,
        "address": f"{seen['base']}/all.rss",
        "feeds": len(seen["all"]),
    }


def test_ticking_a_topic_and_a_publisher_leads_to_their_combined_feed(seen):
    assert seen["chosen"] == "Chosen: 2"
    url, status = seen["combined"]
    assert url.startswith(f"{seen['base']}/search/?topic=ai&provider=")
    assert status == 200
    assert seen["combination"]["titles"]
    assert any("/search.rss?" in url for url in seen["combination"]["feeds"])


def test_the_form_of_a_search_removes_a_criterion_and_adds_words(seen):
    refined = seen["refined"]
    assert "topic=" not in refined["query"]
    assert "provider=" in refined["query"]
    assert refined["words"] == "22 day"
    assert [title[:23] for title in refined["titles"]] == ["What happened on day 22"]


def test_screenshots_of_every_page_are_saved(seen):
    names = {path.name for path in seen["folder"].glob("*.png")}
    pages = ("front", "kind", "feed", "sheet", "month", "story", "combine", "search")
    assert names >= {
        f"{page}-{size}-{light}.png"
        for page in (*pages, "nothing", "lost")
        for size in ("desktop", "phone")
        for light in ("light", "dark")
    }
