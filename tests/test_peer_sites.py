"""Sites written for Jekyll, Hugo, Eleventy and Pelican give right feeds as they are."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from feedhub.article import Article, Author, Image
from feedhub.catalog import Changes
from tests.kit import Bench, make_bench, parse

SITES = Path(__file__).parent / "sites"
JUNK = "---\ntitle: Junk\ndate: 2024-01-01\n---\nJunk.\n"
HOST = "https://feeds.example.org"


class Site(NamedTuple):
    """A site that has been read: its bench, the changes of its sync, its articles by path."""

    bench: Bench
    changes: Changes
    articles: dict[str, Article]


def _read(folder: Path, name: str, source: str = "", **config: Any) -> Site:
    """Read a copy of a site, with what a package manager leaves in it."""
    bench = make_bench(folder, **config)
    site = shutil.copytree(SITES / name, folder / name)
    for junk in ("node_modules/pkg/README.md", ".cache/junk.md"):
        (site / junk).parent.mkdir(parents=True)
        (site / junk).write_text(JUNK)
    bench.root = site / source
    return Site(bench, bench.sync(), dict(bench.catalog.articles()))


def _utc(year: int, month: int, day: int, *clock: int) -> datetime:
    return datetime(year, month, day, *clock, tzinfo=UTC)  # type: ignore[misc, arg-type]


class TestJekyll:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        return _read(tmp_path, "jekyll")

    def test_only_posts_and_dated_pages_are_articles(self, site):
        assert list(site.articles) == [
            "_posts/2024-01-05-its-own-address.md",
            "_posts/2024-02-10-Using-Upper-Case.markdown",
            "_posts/2024-03-01-hello.md",
            "_recipes/2024-01-02-soup.md",
            "travel/_posts/2024-01-20-lisbon.html",
        ]
        assert site.changes.states == {
            "shown": 5,
            "plain": 3,
            "scheduled": 1,
            "undated": 3,
            "unpublished": 2,
        }

    def test_scaffold_files_are_no_errors(self, site):
        problems = {(p.path.rpartition("/")[2], p.level, p.code) for p in site.changes.problems}
        assert problems == {
            ("404.html", "info", "undated"),
            ("about.md", "info", "undated"),
            ("index.html", "info", "undated"),
            ("2024-02-10-Using-Upper-Case.markdown", "info", "relative-image"),
            ("2024-01-20-lisbon.html", "info", "relative-image"),
        }

    def test_a_post_has_the_date_in_its_name(self, site):
        hello = site.articles["_posts/2024-03-01-hello.md"]
        assert hello.id == "tag:feeds.example.org,2026:posts/2024-03-01-hello"
        assert hello.title == "Welcome to Jekyll!"
        assert hello.published == _utc(2024, 3, 1)
        assert hello.url == f"{HOST}/jekyll/update/2024/03/01/hello.html"
        assert hello.categories == ("jekyll", "update")
        assert hello.topics == ("ruby", "static-site")

    def test_everything_before_the_separator_is_the_summary(self, site):
        hello = site.articles["_posts/2024-03-01-hello.md"]
        assert hello.summary == (
            "You'll find this post in your _posts directory. Go ahead and edit it."
        )

    def test_liquid_and_relative_addresses(self, site):
        hello = site.articles["_posts/2024-03-01-hello.md"].content_html
        code = 'def print_hi(name)\n  puts "Hi, #{name} &amp; co"\nend\n'
        assert f"<pre><code>{code}</code></pre>" in hello
        assert f'<img src="{HOST}/assets/screenshot.jpg" alt="A screenshot">' in hello
        assert f'<img src="{HOST}/assets/second.png" alt="Another">' in hello
        assert f'<a href="{HOST}/jekyll/update/2024/03/01/files/mydoc.pdf">the PDF</a>' in hello
        assert "<pre><code>{{ page.title }}\n</code></pre>" in hello
        assert "include" not in hello
        assert "<!--" not in hello

    def test_front_matter_date_with_an_offset(self, site):
        upper = site.articles["_posts/2024-02-10-Using-Upper-Case.markdown"]
        assert upper.published == _utc(2024, 2, 10, 8)
        assert upper.updated == _utc(2024, 2, 12, 6, 30)
        assert upper.authors == (Author(name="Jane Doe"),)
        assert upper.summary == "A post with a category of two words."
        assert upper.images == (Image(url=f"{HOST}/assets/cover.png", media_type="image/png"),)

    def test_one_category_of_two_words_and_a_name_in_upper_case(self, site):
        upper = site.articles["_posts/2024-02-10-Using-Upper-Case.markdown"]
        assert upper.categories == ("Hip Hop",)
        assert upper.topics == ("Ruby", "Static Sites")
        assert upper.url == f"{HOST}/hip%20hop/2024/02/10/Using-Upper-Case.html"

    def test_folders_above_posts_are_categories(self, site):
        lisbon = site.articles["travel/_posts/2024-01-20-lisbon.html"]
        assert lisbon.categories == ("travel", "Europe")
        assert lisbon.url == f"{HOST}/travel/europe/2024/01/20/lisbon.html"
        assert lisbon.authors == (Author(name="John Roe", url="https://john.example/"),)
        assert lisbon.images == (
            Image(
                url=f"{HOST}/assets/lisbon.jpg",
                width=1200,
                height=630,
                title="The river",
                media_type="image/jpeg",
            ),
        )
        assert lisbon.content_html == (
            f'<p>We went by <a href="{HOST}/trains">train</a>.</p>\n'
            f'<img src="{HOST}/travel/europe/2024/01/20/tram.jpg" alt="Tram 28">'
        )

    def test_a_permalink_in_front_matter_is_used(self, site):
        own = site.articles["_posts/2024-01-05-its-own-address.md"]
        assert own.url == f"{HOST}/notes/its-own-address/"
        assert own.summary == "First paragraph."
        assert own.language == "en-GB"

    def test_documents_of_a_collection_keep_their_path(self, site):
        soup = site.articles["_recipes/2024-01-02-soup.md"]
        assert soup.url == f"{HOST}/recipes/2024-01-02-soup.html"

    def test_the_folder_of_posts_alone_gives_the_same(self, tmp_path):
        articles = _read(tmp_path, "jekyll", "_posts").articles
        hello = articles["2024-03-01-hello.md"]
        assert hello.id == "tag:feeds.example.org,2026:posts/2024-03-01-hello"
        assert hello.url == f"{HOST}/jekyll/update/2024/03/01/hello.html"

    def test_addresses_begin_with_the_path_of_the_site(self, tmp_path):
        site = _read(tmp_path, "jekyll", site__base_url="https://jane.example/travel")
        articles = site.articles
        lisbon = articles["travel/_posts/2024-01-20-lisbon.html"]
        hello = articles["_posts/2024-03-01-hello.md"]
        assert lisbon.url == "https://jane.example/travel/travel/europe/2024/01/20/lisbon.html"
        assert lisbon.images[0].url == "https://jane.example/travel/assets/lisbon.jpg"
        assert 'src="https://jane.example/travel/assets/screenshot.jpg"' in hello.content_html

    def test_the_feeds_have_all_articles_and_no_drafts(self, site):
        entries = parse(site.bench.documents()["all.atom"].body).entries
        assert [entry.title for entry in entries] == [
            "Welcome to Jekyll!",
            "Upper case stays in the address",
            "A week in Lisbon",
            "Its own address",
            "Soup",
        ]
        assert "topics/ruby.rss" in site.bench.documents()
        assert "categories/hip-hop.json" in site.bench.documents()
        assert not any("idea" in path or "hidden" in path for path in site.bench.documents())


class TestHugoWithYaml:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        return _read(tmp_path, "hugo-yaml")

    def test_lists_drafts_future_and_expired_articles_stay_out(self, site):
        assert list(site.articles) == [
            "content/posts/2024-01-08-dated-name.md",
            "content/posts/My First Post.md",
            "content/posts/own-url.md",
            "content/posts/slugged.md",
            "content/posts/trip/index.md",
        ]
        assert site.changes.states == {
            "shown": 5,
            "expired": 1,
            "plain": 6,
            "scheduled": 1,
            "undated": 1,
            "unpublished": 1,
        }
        assert {problem.level for problem in site.changes.problems} == {"info"}

    def test_a_future_article_appears_when_its_time_comes(self, site):
        site.bench.sync(_utc(2030, 1, 1))
        later = dict(site.bench.catalog.articles())["content/posts/later.md"]
        assert later.published == _utc(2030, 1, 1)
        assert later.url == f"{HOST}/posts/later/"

    def test_fields_and_custom_parameters(self, site):
        first = site.articles["content/posts/My First Post.md"]
        assert first.id == "tag:feeds.example.org,2026:content/posts/My%20First%20Post"
        assert first.title == "My first post"
        assert first.url == f"{HOST}/posts/my-first-post/"
        assert first.published == _utc(2024, 2, 2, 12, 14, 54)
        assert first.updated == _utc(2024, 2, 5, 18)
        assert first.authors == (Author(name="John Smith"),)
        assert first.topics == ("red", "Blue")
        assert first.categories == ("Colours",)
        assert first.summary == "A summary of its own."

    def test_shortcodes(self, site):
        assert site.articles["content/posts/My First Post.md"].content_html == (
            f'<p>Hello. <img src="{HOST}/images/sunset.jpg" alt="A sunset" title="Evening"></p>\n'
            '<p><a href="https://www.youtube.com/watch?v=w7Ft2ymGmfc">'
            "https://www.youtube.com/watch?v=w7Ft2ymGmfc</a></p>\n"
            '<pre><code>fmt.Println("{{ not a template }}")\n</code></pre>\n'
            f'<p>See <a href="{HOST}/posts/second">the other</a> and '
            f'<a href="{HOST}/posts/second/">this</a>.</p>'
        )

    def test_page_bundle(self, site):
        trip = site.articles["content/posts/trip/index.md"]
        assert trip.id == "tag:feeds.example.org,2026:content/posts/trip"
        assert trip.url == f"{HOST}/posts/trip/"
        assert trip.published == _utc(2024, 1, 15)
        assert trip.authors == (Author(name="Jane Doe"), Author(name="John Roe"))
        assert trip.images[0].url == f"{HOST}/posts/trip/cover.jpg"
        assert trip.summary == "Before the divider, bold. Also before."
        assert f'<img src="{HOST}/posts/trip/map.png" alt="A map">' in trip.content_html

    def test_slug_url_and_a_date_in_the_name(self, site):
        articles = site.articles
        slugged = articles["content/posts/slugged.md"]
        dated = articles["content/posts/2024-01-08-dated-name.md"]
        assert slugged.url == f"{HOST}/posts/a-better-slug/"
        assert slugged.images == (
            Image(url=f"{HOST}/img/cover.webp", title="Cover", media_type="image/webp"),
        )
        assert articles["content/posts/own-url.md"].url == f"{HOST}/elsewhere/page/"
        assert articles["content/posts/own-url.md"].summary == "From the description."
        assert dated.url == f"{HOST}/posts/2024-01-08-dated-name/"
        assert dated.published == _utc(2024, 1, 8)

    def test_the_content_folder_alone_gives_the_same(self, site, tmp_path):
        whole = {(a.title, a.url) for a in site.articles.values()}
        inner = _read(tmp_path / "again", "hugo-yaml", "content").articles.values()
        assert {(a.title, a.url) for a in inner} == whole


class TestHugoWithToml:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        return _read(tmp_path, "hugo-toml")

    def test_each_file_has_the_right_state(self, site):
        assert site.changes.states == {
            "shown": 3,
            "plain": 2,
            "scheduled": 1,
            "undated": 1,
            "unpublished": 1,
        }
        assert not [problem for problem in site.changes.problems if problem.level == "error"]

    def test_every_field_of_an_article_is_read(self, site):
        primer = site.articles["content/post/goisforlovers.md"]
        assert primer.id == "tag:feeds.example.org,2026:content/post/goisforlovers"
        assert primer.title == "(Hu)go Template Primer"
        assert primer.url == f"{HOST}/post/hugo-template-primer/"
        assert primer.published == _utc(2014, 4, 2, 8, 30)
        assert primer.updated == _utc(2014, 4, 3)
        assert primer.summary == "Hugo uses Go's template library."
        assert primer.categories == ("Development", "golang")
        assert primer.topics == ("go", "golang", "templates", "Salt Pepper")
        assert primer.authors == (Author(name="Michael Henderson"),)
        assert primer.images == (Image(url=f"{HOST}/images/go.svg", media_type="image/svg+xml"),)

    def test_markdown_becomes_html(self, site):
        primer = site.articles["content/post/goisforlovers.md"].content_html
        assert '<a href="https://golang.org/">go</a>' in primer
        assert "<td>a</td>\n<td>b</td>" in primer

    def test_tables_of_authors_and_a_date_alone(self, site):
        local = site.articles["content/post/local-time.md"]
        assert local.published == local.updated == _utc(2014, 3, 10)
        assert local.authors == (
            Author(name="Jane Doe", url="https://jane.example/"),
            Author(name="John Roe"),
        )

    def test_bundle_that_expires_in_far_future(self, site):
        bundle = site.articles["content/post/bundle/index.md"]
        assert bundle.url == f"{HOST}/post/bundle/"
        assert (
            bundle.content_html == f'<p><img src="{HOST}/post/bundle/photo.jpg" alt="Beside"></p>'
        )


class TestEleventy:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        return _read(tmp_path, "eleventy")

    def test_each_file_has_the_right_state(self, site):
        assert site.changes.states == {"shown": 5, "plain": 2, "undated": 3, "unpublished": 3}
        assert {problem.level for problem in site.changes.problems} == {"info"}

    def test_the_path_is_the_address_and_keeps_its_case(self, site):
        first = site.articles["posts/firstPost.md"]
        assert first.id == "tag:feeds.example.org,2026:posts/firstPost"
        assert first.url == f"{HOST}/posts/firstPost/"
        assert first.published == _utc(2018, 5, 1)
        assert first.topics == ("post",)
        assert first.authors == (Author(name="Jane Doe"),)
        assert first.summary == "This is a post on My Blog about agile frameworks."
        assert 'return "{{ name }}"; }' in first.content_html
        assert f'<img src="{HOST}/img/diagram.png" alt="Diagram">' in first.content_html

    def test_date_in_the_name_stays_in_the_address(self, site):
        second = site.articles["posts/2018-07-04-second.md"]
        assert second.published == _utc(2018, 7, 4)
        assert second.url == f"{HOST}/posts/2018-07-04-second/"
        assert second.topics == ("post", "another tag")
        assert second.summary == "The first paragraph is the summary."
        assert second.content_html == (
            "<p>The <em>first</em> paragraph is the summary.</p>\n<p>The second is not.</p>"
        )

    def test_permalink_with_a_template(self, site):
        third = site.articles["posts/third.md"]
        assert third.url == f"{HOST}/blog/a-permalink-of-its-own/"
        assert third.images[0].url == f"{HOST}/blog/a-permalink-of-its-own/third.png"
        assert f'<a href="{HOST}/blog/firstPost/">a neighbour</a>' in third.content_html

    def test_date_in_the_folder_and_a_permalink_without_a_slash(self, site):
        fourth = site.articles["posts/2018-09-30-fourth/index.md"]
        assert fourth.id == "tag:feeds.example.org,2026:posts/2018-09-30-fourth"
        assert fourth.published == _utc(2018, 9, 30)
        assert fourth.url == f"{HOST}/subdir/fourth/"

    def test_permalink_with_date_and_file_slug(self, site):
        fifth = site.articles["posts/fifth.md"]
        assert fifth.published == _utc(2018, 10, 1, 15)
        assert fifth.url == f"{HOST}/articles/2018/10/01/fifth/"


class TestPelican:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        return _read(tmp_path, "pelican", source__timezone="Europe/Paris")

    def test_each_file_has_the_right_state(self, site):
        assert site.changes.states == {"shown": 4, "plain": 3, "undated": 1, "unpublished": 2}
        assert {problem.level for problem in site.changes.problems} == {"info"}

    def test_every_field_of_an_article_is_read(self, site):
        super_post = site.articles["content/my-super-post.md"]
        assert super_post.title == "My super title"
        assert super_post.published == _utc(2010, 12, 3, 9, 20)
        assert super_post.updated == _utc(2010, 12, 5, 18, 30)
        assert super_post.categories == ("Python",)
        assert super_post.topics == ("pelican", "publishing")
        assert super_post.url == f"{HOST}/my-super-post.html"
        assert super_post.authors == (Author(name="Alexis Metaireau"), Author(name="Conan Doyle"))
        assert super_post.summary == "Short version for index and feeds"

    def test_links_to_files_and_articles_are_resolved(self, site):
        assert site.articles["content/my-super-post.md"].content_html == (
            "<p>This is the content of my super blog post.</p>\n"
            f'<p><img src="{HOST}/images/han.jpg" alt="Alt text">\n'
            f'<a href="{HOST}/pdfs/menu.pdf">Our menu</a>, '
            f'<a href="{HOST}/notes.zip">a file beside</a> and\n'
            "<a>the second article</a>.</p>\n"
            '<pre><code>print("indented code")\n</code></pre>'
        )

    def test_address_from_the_title_and_category_from_the_folder(self, site):
        second = site.articles["content/cooking/second.md"]
        assert second.id == "tag:feeds.example.org,2026:content/cooking/second"
        assert second.url == f"{HOST}/cest-lete-crepes-co.html"
        assert second.categories == ("cooking",)
        assert second.topics == ("pelican publishing tool", "pelican bird")
        assert second.authors == (Author(name="Metaireau, Alexis"),)
        assert second.language == "fr"
        assert second.summary == "Un paragraphe."
        assert f'src="{HOST}/cooking/crepe.jpg"' in second.content_html

    def test_date_in_the_name_and_an_address_of_its_own(self, site):
        articles = site.articles
        dated = articles["content/2010-10-03-dated.md"]
        assert dated.published == _utc(2010, 10, 2, 22)
        assert dated.url == f"{HOST}/dated-by-its-name.html"
        assert articles["content/own-url.md"].url == f"{HOST}/special/place.html"

    def test_the_content_folder_alone_gives_the_same(self, site, tmp_path):
        whole = {(a.title, a.url) for a in site.articles.values()}
        inner = _read(tmp_path / "again", "pelican", "content").articles.values()
        assert {(a.title, a.url) for a in inner} == whole
