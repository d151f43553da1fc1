"""One file at one moment: its state, why it is hidden, and when it must be read again."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from feedhub.errors import ArticleError
from feedhub.sources import ReadOptions
from feedhub.sources.gate import Flags, Verdict, judge
from feedhub.sources.reading import read_article
from tests.kit import NOW
from tests.readings import AUTHORITY, BASE, problems_of, read, read_dated

FUTURE = "2030-01-01T00:00:00Z"
FUTURE_TIME = datetime(2030, 1, 1, tzinfo=UTC)


def _bytes(data: bytes, path: str = "news/item.md"):
    options = ReadOptions(authority=AUTHORITY, base_url=BASE)
    return read_article(path, data, root="r", generator="", options=options, now=NOW)


class TestStates:
    @pytest.mark.parametrize(
        ("matter", "state"),
        [
            ("", "shown"),
            ("published: true", "shown"),
            ("published: false", "unpublished"),
            ("removed: true", "removed"),
            ("removed: true\npublished: false", "removed"),
            ("removed: false", "shown"),
            ("draft: true", "unpublished"),
            ("draft: false", "shown"),
            ("eleventyExcludeFromCollections: true", "unpublished"),
            ("status: Published", "shown"),
            ("status: publish", "shown"),
            ("status: draft", "unpublished"),
            ("status: hidden", "unpublished"),
            ("status: skip", "unpublished"),
            ("status: pending", "unpublished"),
            ("status: private", "unpublished"),
            ("status: trash", "unpublished"),
            ("status: ''", "shown"),
            ("permalink: false", "unpublished"),
            ("permalink: 'false'", "unpublished"),
            ("permalink: false\nwebUrl: https://a.example/", "shown"),
            ("permalink: [false]", "shown"),
            ("expiryDate: 2025-01-01", "expired"),
            ("expiryDate: ''", "shown"),
            ("publishDate: 2030-01-01", "scheduled"),
        ],
    )
    def test_flags(self, matter, state):
        assert read_dated(matter).state == state

    @pytest.mark.parametrize("matter", ["published: false", "draft: true", "status: skip"])
    def test_drafts_are_shown_with_the_option(self, matter):
        assert read_dated(matter, drafts=True).state == "shown"
        assert read_dated(f"removed: true\n{matter}", drafts=True).state == "removed"

    def test_drafts_are_hidden_by_default(self):
        assert judge(Flags(published=False, date=NOW), NOW) == Verdict("unpublished")

    @pytest.mark.parametrize(
        "options", [{"path": "_drafts/a.md"}, {"path": "a.md", "root": "_drafts"}]
    )
    def test_folder_of_drafts(self, options):
        assert read_dated(**options).state == "unpublished"

    @pytest.mark.parametrize(
        ("matter", "code"),
        [
            ("published: 'true'", "not-boolean"),
            ("published: yes", "not-boolean"),
            ("published:", "not-boolean"),
            ("draft: maybe", "not-boolean"),
            ("removed: 1", "not-boolean"),
            ("status: drafts", "bad-status"),
            ("status: In progress", "bad-status"),
            ("status: do not publish", "bad-status"),
            ("status: 7", "bad-status"),
            ("status: черновик", "bad-status"),
            ("status: Entwurf", "bad-status"),
            ("status: wip", "bad-status"),
            ("status: inactive", "bad-status"),
            ("status: to be completed, not ready", "bad-status"),
            ("status: [draft]", "bad-status"),
        ],
    )
    def test_flags_that_cannot_be_trusted_withdraw(self, matter, code):
        with pytest.raises(ArticleError) as caught:
            read_dated(matter)
        assert (caught.value.code, caught.value.line) == (code, 4)
        assert caught.value.withdraws

    @pytest.mark.parametrize(
        "status", ["done", "evergreen", "final version", "seedling", "active", "Complete"]
    )
    def test_a_status_of_its_own_hides_nothing_and_is_said(self, status):
        result = read_dated(f"excerpt: S.\nstatus: {status}")
        assert result.state == "shown"
        assert problems_of(result) == [(5, "warning", "unknown-status")]
        assert read_dated("status: live").problems == read_dated().problems

    @pytest.mark.parametrize("matter", ["expiryDate: soon", "publishDate: [2024-01-01]"])
    def test_dates_that_cannot_be_read_reject(self, matter):
        with pytest.raises(ArticleError) as caught:
            read_dated(matter)
        assert caught.value.line == 4

    @pytest.mark.parametrize(
        ("matter", "state"),
        [
            ("expiryDate: 2031-01-01\nunpublishDate: 2020-02-02", "expired"),
            ("unpublishDate: 2031-01-01\nexpiryDate: 2020-02-02", "expired"),
            ("expiryDate:\nunpublishDate: 2020-02-02", "expired"),
            ("publishedDateTime: 2020-01-01\npublishDate: 2031-01-01", "scheduled"),
            ("pubDate: 2031-01-01\npublishDate: 2020-01-01", "scheduled"),
            ("publishDate: 2020-01-01\ndate: 2031-01-01", "shown"),
        ],
    )
    def test_of_several_dates_the_one_that_hides_counts(self, matter, state):
        matter = matter if "\ndate:" in matter else f"date: 2024-01-02\n{matter}"
        assert read(f"title: A\n{matter}").state == state

    def test_the_last_date_is_when_it_is_shown_and_the_first_is_its_own(self):
        matter = "publishDate: 2020-01-01\npubDate: 2020-01-02\nexpiryDate: 2031-01-02\n"
        result = read_dated(f"{matter}unpublishDate: 2031-01-01")
        assert result.article
        assert result.article.published == datetime(2020, 1, 1, tzinfo=UTC)
        assert result.due == datetime(2031, 1, 1, tzinfo=UTC)

    def test_nothing_else_of_a_hidden_file_is_read(self):
        assert read_dated("published: false\nwebUrl: javascript:x\nexpiryDate: soon").problems == ()


class TestDots:
    """`...` closes the front matter where no fence does."""

    def test_dots_close(self):
        result = _bytes(b"---\ntitle: T\nsummary: S\ndate: 2024-01-02\n... \nA {# b #}\n")
        assert result.article is not None
        assert result.article.content_html == "<p>A</p>"
        assert problems_of(result) == [(6, "warning", "template-block")]
        assert _bytes(b"---\ndate: 2024-01-02\npublished: false\n...").state == "unpublished"

    @pytest.mark.parametrize(
        "text",
        [
            b"---\ndate: 2024-01-02\n...\npublished: false\n---\nA",
            b"---\ndate: 2024-01-02\n...\nA\n\n---\n\nB",
            b"---\ndate: 2024-01-02\n....\nA",
            b"---\ndate: 2024-01-02\n ...\nA",
            b"+++\ndate = 2024-01-02\n...\nA",
        ],
    )
    def test_where_a_fence_may_follow_they_do_not(self, text):
        with pytest.raises(ArticleError):
            _bytes(text)


class TestNoArticles:
    def test_no_front_matter(self):
        assert _bytes(b"# Read me\n").state == "plain"
        assert _bytes(b"").state == "plain"

    @pytest.mark.parametrize("name", ["_index.md", "_index.fr.md", "_index.html"])
    def test_pages_of_sections_list_articles(self, name):
        assert _bytes(b"---\nnot: [even yaml\n---\n", f"posts/{name}").state == "plain"

    @pytest.mark.parametrize("name", ["_config.yml", "_data/a.YAML"])
    def test_data_files_have_no_second_fence(self, name):
        assert _bytes(b"---\ntitle: A site\n", name).state == "plain"

    def test_other_files_need_a_second_fence(self):
        with pytest.raises(ArticleError, match="never closed"):
            _bytes(b"---\ntitle: A site\n")
        with pytest.raises(ArticleError) as caught:
            _bytes(b"---\n*a\n---\n", "_config.yml")
        assert caught.value.code == "yaml-alias"

    def test_keys_that_stand_twice_give_ten_warnings(self):
        result = read_dated("excerpt: E\n" + "mood: x\n" * 15)
        assert result.state == "shown"
        assert problems_of(result) == [(line, "warning", "repeated-key") for line in range(6, 16)]

    def test_an_alias_of_a_flag_is_that_flag(self):
        assert read_dated("x: &no false\npublished: *no").state == "unpublished"
        assert read_dated("x: &yes true\npublished: *yes\ndraft: *yes").state == "unpublished"
        assert read_dated("x: &yes true\npublished: *yes").state == "shown"

    @pytest.mark.parametrize("date", ["", "date:", "date: Last Modified", "date: git Created"])
    def test_without_a_date(self, date):
        result = read(f"title: T\n{date}")
        assert result.state == "undated"
        assert problems_of(result) == [(1, "info", "undated")]


class TestTimes:
    @pytest.mark.parametrize(
        ("matter", "path", "published"),
        [
            ("date: 2024-03-01 10:00:00 +0200", "a.md", "2024-03-01T08:00:00Z"),
            ("date: 2024-03-01", "a.md", "2024-03-01T00:00:00Z"),
            ("date: '2024-03-01'", "a.md", "2024-03-01T00:00:00Z"),
            ("date: 2024-03-01\npublishDate: 2024-03-02", "a.md", "2024-03-02T00:00:00Z"),
            ("publishedDateTime: 2024-03-01T10:00:00Z", "a.md", "2024-03-01T10:00:00Z"),
            ("", "2024-03-01-a.md", "2024-03-01T00:00:00Z"),
            ("date: 2020-01-01", "2024-03-01-a.md", "2020-01-01T00:00:00Z"),
            ("date: created", "2024-03-01-a.md", "2024-03-01T00:00:00Z"),
            ("", "2024-03-01-a/index.md", "2024-03-01T00:00:00Z"),
        ],
    )
    def test_published(self, matter, path, published):
        article = read(f"title: T\n{matter}", path=path).article
        assert article is not None
        assert article.published == article.updated == datetime.fromisoformat(published)

    @pytest.mark.parametrize(
        ("matter", "published"),
        [
            ("date: 2024/03/01", "2024-03-01T00:00:00Z"),
            ("date: Fri, 01 Mar 2024 10:00:00 +0200", "2024-03-01T08:00:00Z"),
            ("pubDatetime: 2024-03-01", "2024-03-01T00:00:00Z"),
            ("publishedAt: 2024-03-01", "2024-03-01T00:00:00Z"),
            ("date created: 2024-03-01", "2024-03-01T00:00:00Z"),
            ("date: 2024-03-02\npublishedAt: 2024-03-01", "2024-03-02T00:00:00Z"),
            ("date:\n  created: 2024-03-01\n  updated: 2024-04-01", "2024-03-01T00:00:00Z"),
            ("date: {created: 2024-03-01, published: 2024-03-02}", "2024-03-02T00:00:00Z"),
        ],
    )
    def test_dates_of_other_systems(self, matter, published):
        result = read(f"title: T\nexcerpt: S.\n{matter}")
        assert result.article is not None
        assert result.article.published == datetime.fromisoformat(published)
        assert problems_of(result) == []
        assert (result.article.updated > result.article.published) == ("updated" in matter)

    @pytest.mark.parametrize("name", ["publishedAt", "pubDatetime", "publishedOn"])
    def test_a_later_date_of_other_systems_is_never_passed_over(self, name):
        assert read(f"title: T\n{name}: 2030-01-01").state == "scheduled"
        with pytest.raises(ArticleError) as caught:
            read_dated(f"{name}: 2030-01-01")
        assert caught.value.withdraws
        with pytest.raises(ArticleError, match="may be meant to hide"):
            read(f"title: T\npublishedDate: 2024-01-01\nembargo: 2030-01-01\n{name}: 2030-01-01")

    @pytest.mark.parametrize(
        "date", ["{created: 2024-03-01, embargo: 2030-01-01}", "{}", "{updated: 2024-03-01}"]
    )
    def test_other_mappings_are_no_dates(self, date):
        with pytest.raises(ArticleError) as caught:
            read(f"title: T\ndate: {date}", path="2024-03-01-a.md")
        assert caught.value.code == "bad-date"

    def test_an_offset_that_no_place_has_is_a_warning(self):
        result = read("title: T\nexcerpt: S.\ndate: 2024-03-01 10:00:00 -1700")
        assert result.article is not None
        assert result.article.published == datetime(2024, 3, 2, 3, tzinfo=UTC)
        assert problems_of(result) == [(4, "warning", "odd-offset")]
        for date in ("2024-03-01 10:00:00 +1400", "2024-03-01T10:00:00+14:00", "2024-03-15"):
            assert problems_of(read(f"title: T\nexcerpt: S.\ndate: {date}")) == []

    def test_zone_of_dates_without_one(self):
        zone = ZoneInfo("Europe/Berlin")
        named = read("title: T", path="_posts/2024-03-01-a.md", zone=zone).article
        assert named is not None
        assert named.published == datetime(2024, 2, 29, 23, tzinfo=UTC)

    def test_update(self):
        result = read_dated("lastmod: 2024-05-01")
        assert result.dated_update
        assert result.article is not None
        assert result.article.updated == datetime(2024, 5, 1, tzinfo=UTC)

    def test_an_update_before_publication_does_not_count(self):
        result = read_dated("lastmod: 2023-05-01")
        assert result.dated_update
        assert result.article is not None
        assert result.article.updated == result.article.published

    def test_an_update_in_the_future(self):
        result = read_dated(f"lastmod: {FUTURE}")
        assert not result.dated_update
        assert result.due == FUTURE_TIME
        assert result.article is not None
        assert result.article.updated == result.article.published

    def test_when_the_file_must_be_read_again(self):
        assert read_dated().due is None
        assert read_dated(f"publishDate: {FUTURE}").due == FUTURE_TIME
        assert read_dated(f"expiryDate: {FUTURE}").due == FUTURE_TIME
        assert read_dated(f"expiryDate: 2040-01-01\nlastmod: {FUTURE}").due == FUTURE_TIME
        assert read_dated("lastmod: 2024-05-01").due is None
