"""Real files of a news robot: all load, and what is odd about them comes out right."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from feedhub.article import Article, Author, Image, Provider
from feedhub.catalog import Changes
from tests.kit import Bench, make_bench, parse
from tests.readings import article_of, problems_of, read_dated

SITE = "https://smartableai.github.io/microsoft-power-apps"
SAMPLES = "_samples/power-apps-community-"


class Corpus(NamedTuple):
    """Files that have been read: their bench, what the sync said, the articles by path."""

    bench: Bench
    changes: Changes
    articles: dict[str, Article]

    def one(self, part: str) -> Article:
        """Return the only article whose path holds `part`."""
        [article] = [article for path, article in self.articles.items() if part in path]
        return article


def _corpus(folder: Path, root: Path, *, drafts: bool = False, **config: Any) -> Corpus:
    bench = make_bench(folder, **config)
    bench.root, bench.drafts = root, drafts
    return Corpus(bench, bench.sync(), dict(bench.catalog.articles()))


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus with its unpublished files."""
    folder = tmp_path_factory.mktemp("real")
    return _corpus(folder, shared / "corpus" / "real", drafts=True, source__base_url=SITE)


@pytest.fixture(scope="module")
def public(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus as everybody may see it."""
    folder = tmp_path_factory.mktemp("public")
    return _corpus(folder, shared / "corpus" / "real", source__base_url=SITE)


@pytest.fixture(scope="module")
def drafts(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The seeds, of which four are not published."""
    return _corpus(tmp_path_factory.mktemp("seeds"), seeds, drafts=True)


class TestEveryFile:
    def test_none_is_rejected(self, real):
        assert real.changes.rejected == 0
        assert real.changes.states == {"shown": 43, "undated": 8}

    def test_they_have_these_problems(self, real):
        assert Counter(problem.code for problem in real.changes.problems) == {
            "undated": 8,
            "placeholder-summary": 1,
        }

    def test_unpublished_ones_stay_out(self, public):
        assert public.changes.states == {"shown": 41, "undated": 8, "unpublished": 2}
        assert not [path for path in public.articles if path.startswith("_news/2021-05")]

    def test_documents_are_well_formed(self, public):
        documents = public.bench.documents()
        for path, document in documents.items():
            if path.endswith((".rss", ".atom")):
                assert parse(document.body).feed.title
        assert len(documents) > 80

    def test_secured_fields_are_in_no_document(self, shared, public):
        files = (shared / "corpus" / "real").rglob("*.*")
        secrets = {
            match[1][:40].encode()
            for file in files
            for match in re.finditer(r'secured: "(.+)"', file.read_text("utf-8"))
        }
        everything = b"".join(document.body for document in public.bench.documents().values())
        assert len(secrets) > 40
        assert b"secured" not in everything
        assert not [secret for secret in secrets if secret in everything]


class TestText:
    def test_numeric_entities_are_decoded(self, real):
        assert real.one("2021-02-08-ecolab").summary.startswith(
            "The story of how Ecolab created a unified “HUB” experience for its sales and service"
        )

    def test_entities_that_an_exporter_encoded_twice_are_decoded(self, real):
        assert real.one("matrix-clock-display").summary == (
            'I Express the "5x8 LCD Character Display" with PowerApps. '
            "This Apps is not using Images."
        )

    def test_a_placeholder_is_reported_and_published(self, real):
        [problem] = [p for p in real.changes.problems if p.code == "placeholder-summary"]
        assert problem.path.endswith("_news/2021-03-25-key-alm-updates.md")
        assert (problem.line, problem.column, problem.level) == (4, 10, "warning")
        assert real.one("key-alm-updates").summary == "Placeholder."

    def test_double_blanks_become_one(self, real):
        summary = real.one("3-uses-for-power-apps-timer-controls").summary
        assert summary.startswith("#PowerApps #Timers In this video I demo my top 3 use cases for")

    def test_hard_blanks_become_soft(self, real):
        summary = real.one("now-in-preview-customize-teams").summary
        assert "chat bots, and more using a powerful onboard database" in summary

    def test_line_ends_of_windows(self, shared, real):
        name = "_news/2020-10-30-mobile-offline-for-power-apps.md"
        assert b"\r\n" in (shared / "corpus" / "real" / name).read_bytes()
        assert real.one(name).title == "Mobile Offline for Power Apps"

    def test_symbols_stay(self, real):
        assert "✅Create animations" in real.one("3-uses-for-power-apps-timer-controls").summary
        title = real.one("release-wave-2-overview").title
        assert title == "Microsoft Power Apps | 2019 release wave 2 overview"

    def test_long_file_names(self, real):
        article = real.one("how-microsofts-digital-transformation-group")
        assert article.id == (
            "tag:feeds.example.org,2026:news/2021-05-14-how-microsofts-digital-transformation-group-"
            "is-conducting-monthly-business-reviews-using-microsoft-power-platform-and-dynamics-365"
        )
        assert len(article.slug.encode()) <= 120


class TestAddresses:
    def test_without_webUrl_the_original_one_counts(self, real):  # noqa: N802
        assert real.one("release-wave-2-overview").url == "https://youtube.com/watch?v=WJk-Y8LQlfE"
        assert real.one("puzzle").url == (
            "https://powerusers.microsoft.com/t5/Community-App-Samples/Puzzle/td-p/343192"
        )
        videos = [a.url for path, a in real.articles.items() if path.startswith("videos/")]
        assert all(url.startswith("https://youtube.com/watch?v=") for url in videos)
        assert len(videos) == 13

    def test_doubled_slashes_and_upper_case_stay(self, real):
        assert real.one("25-days-of-flows").images == (
            Image(
                url="https://powerusers.microsoft.com//jgvjg48436/attachments/jgvjg48436/"
                "AppFeedbackGallery/372/2/thumbnailmain.PNG",
                width=1521,
                height=912,
                media_type="image/png",
            ),
        )

    def test_pictures_of_organisations_keep_the_path_of_the_base(self):
        logo = "image: /assets/images/organizations/microsoft.com-50x50.jpg"
        assert article_of(logo, base_url=SITE).images == (
            Image(
                url=f"{SITE}/assets/images/organizations/microsoft.com-50x50.jpg",
                media_type="image/jpeg",
            ),
        )


class TestTimes:
    def test_courses_and_collections_have_no_date(self, real):
        undated = [p for p in real.changes.problems if p.code == "undated"]
        folders = Counter(Path(problem.path).parent.name for problem in undated)
        assert folders == {"courses": 5, "collections": 3}
        assert {(p.level, p.line, p.column) for p in undated} == {("info", 1, 1)}

    def test_lengths_are_seconds(self, real):
        assert real.one("3-uses-for-power-apps-timer-controls").duration == 814

    def test_whole_seconds_in_utc(self, real):
        published = real.one("release-wave-2-overview").published
        assert published == datetime(2019, 8, 19, 21, 0, 10, tzinfo=UTC)

    def test_a_date_without_a_time_is_its_midnight(self):
        article = article_of()
        assert article.published == article.updated == datetime(2024, 1, 2, tzinfo=UTC)

    def test_a_length_in_months_is_reported(self):
        assert problems_of(read_dated("excerpt: S.\nlength: P1M")) == [
            (5, "warning", "bad-duration")
        ]


class TestBodies:
    def test_players_are_addresses_and_no_frames(self, real):
        for path, article in real.articles.items():
            assert "<iframe" not in article.content_html
            if path.startswith("videos/"):
                number = article.url.rpartition("=")[2]
                assert article.player_url == f"https://www.youtube.com/embed/{number}"

    def test_rooted_addresses_lie_on_the_original_host(self, real):
        host = "https://powerusers.microsoft.com"
        calendar = real.one("custom-calendar-component").content_html
        store = real.one("power-app-store").content_html
        assert f'src="{host}/i/smilies/16x16_smiley-very-happy.png"' in calendar
        assert f'<a href="{host}/t5/user/viewprofilepage/user-id/6679">@wyotim</a>' in store

    @pytest.mark.parametrize(
        "junk", ["onclick", "<font", "li-bindable", "style=", "<script", "class="]
    )
    def test_nothing_but_content(self, real, junk):
        bodies = {
            path: a.content_html for path, a in real.articles.items() if junk in a.content_html
        }
        assert bodies == {}

    def test_html_in_markdown_files_stays_html(self, real):
        assert real.one("puzzle").content_html.startswith(
            "<p>(2019/08/21)</p><p><span>Improved drag and drop response accuracy on mobile "
            "devices.</span></p><p>&nbsp;</p><p>(2019/08/19)</p>"
        )

    def test_newsletters_lose_their_style(self, real):
        letters = [a for path, a in real.articles.items() if path.startswith("_newsletters/")]
        assert len(letters) == 3
        for letter in letters:
            assert letter.content_html.startswith("<center>")
            assert not re.search(
                r"<style|font-family|!important|mso|<!--|<meta", letter.content_html
            )
            assert "<strong>News of the week</strong>" in letter.content_html
            assert len(letter.content_html) < 31_000
        assert real.one("2021-01-27.html").url == (
            "https://smartable.ai/apps/powerapps/newsletter/power-apps-smartable-2021-01-27/"
        )


class TestPublishers:
    def test_authors_within_the_provider(self, real):
        assert real.one("puzzle").authors == (Author(name="j-kodama"),)
        assert real.one("animated-drop-shadow").authors == (Author(name="iAm_ManCat"),)

    def test_names_of_one_domain_stay_apart(self, public):
        names = {a.provider for a in public.articles.values() if a.provider}
        same = {p.name for p in names if p.domain == "microsoft.com"}
        assert same == {"Microsoft", "Power Apps Community"}
        documents = public.bench.documents()
        assert "providers/microsoft.rss" in documents
        assert "providers/power-apps-community.rss" in documents

    def test_an_author_of_several_samples_has_one_feed(self, public):
        assert public.bench.titles("authors/h-nagao.json") == [
            "Simple Roulette app",
            "Custom Calendar component",
        ]


class TestSeeds:
    def test_all_files_load_without_a_message(self, drafts):
        assert drafts.changes.states == {"shown": 5}
        assert drafts.changes.problems == ()

    def test_identity(self, drafts):
        assert drafts.one("002_").id == "tag:feeds.example.org,2026:seeds/002_953f78d5e054ae38"

    def test_repeated_coverage_is_listed_once(self, drafts, seeds):
        cnet = "https://www.cnet.com/news/ibm-to-withdraw-from-the-facial-recognition-market/"
        text = next(seeds.glob("000_*")).read_text("utf-8")
        assert text.count(f'webUrl: "{cnet}"') == 2
        assert [related.url for related in drafts.one("000_").related].count(cnet) == 1
        assert len(drafts.one("000_").related) == 27

    def test_coverage_may_be_newer(self, drafts):
        article = drafts.one("000_")
        assert article.related[0].title == "Daily Crunch: IBM is getting out of facial recognition"
        assert article.related[0].published == datetime(2020, 6, 9, 17, 19, tzinfo=UTC)
        assert article.published == datetime(2020, 6, 9, 11, 36, tzinfo=UTC)

    def test_name_that_is_a_bare_domain(self, drafts):
        assert drafts.one("000_").related[-1].provider == Provider(
            name="prdaily.com", domain="prdaily.com"
        )

    def test_no_image(self, drafts):
        assert drafts.one("000_").images == ()

    def test_type_of_an_image_from_the_address_within_its_address(self, drafts):
        [image] = drafts.one("001_").images
        assert image.url.startswith("https://ca-times.brightspotcdn.com/dims4/default/e78e101/")
        assert image.url.endswith("%2Foe-john-stanley-ford-ibm-1950s.jpg")
        assert (image.width, image.height, image.media_type) == (320, 209, "image/jpeg")

    def test_http_image_of_related_coverage_is_not_taken_over(self, drafts, seeds):
        assert 'url: "http://cnnphilippines' in next(seeds.glob("002_*")).read_text("utf-8")
        assert drafts.one("002_").related[2].url == (
            "https://cnnphilippines.com/business/2020/6/9/IBM-facial-recognition-.html"
        )
        bodies = b"".join(document.body for document in drafts.bench.documents().values())
        assert b"http://cnnphilippines" not in bodies

    def test_entities_in_addresses_are_decoded(self, drafts, seeds):
        url = "https://venturebeat.com/wp-content/uploads/2020/06/joy-buolamwini.jpg?w=1200{}strip=all"
        assert url.format("&#038;") in next(seeds.glob("004_*")).read_text("utf-8")
        [image] = article_of(f'image: "{url.format("&#038;")}"').images
        assert image == Image(url=url.format("&"), media_type="image/jpeg")
        bodies = b"".join(document.body for document in drafts.bench.documents().values())
        assert b"#038" not in bodies

    def test_curly_apostrophes(self, drafts):
        assert drafts.one("004_").title == (
            "IBM won’t develop facial recognition tech for mass surveillance anymore"
        )

    def test_a_title_that_ends_in_its_publisher_stays(self, drafts):
        titles = [related.title for related in drafts.one("000_").related]
        assert (
            "IBM quits facial recognition, joins call for police reforms | Charlotte Observer"
            in titles
        )

    def test_one_of_five_is_public(self, seeds, tmp_path):
        public = _corpus(tmp_path, seeds)
        assert public.changes.states == {"shown": 1, "unpublished": 4}
        assert public.bench.titles() == [
            "IBM Ditches Facial Recognition Tech Over Human Rights Concerns"
        ]


class TestRarerTexts:
    """What the corpus is known for, but not in the files at hand."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("zero\u200bwidth\u200b", "zerowidth"),
            ("hard\u00a0blank", "hard blank"),
            ("🚀 rocket 👩‍💻", "🚀 rocket 👩‍💻"),
            ("figure\u2012dash", "figure\u2012dash"),
            ("cut off...", "cut off..."),
        ],
    )
    def test_summary(self, given, expected):
        reading = read_dated(f'excerpt: "{given}"')
        assert reading.article is not None
        assert reading.article.summary == expected

    def test_pictures_without_a_known_type(self):
        page = "https://powerusers.microsoft.com/t5/image/serverpage/image-id/53255i635ACE"
        assert article_of(f"image: {page}").images == (Image(url=page),)

    def test_a_stem_that_ends_in_a_hyphen(self):
        article = article_of(path="_news/2020-12-01-spell-check-in-power-apps-.md")
        assert article.id.endswith("news/2020-12-01-spell-check-in-power-apps-")
        assert article.slug == "spell-check-in-power-apps"
