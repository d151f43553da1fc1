"""From fields to an article: id, link, texts, people, images, and the problems of each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from feedhub.article import Author, Image, Provider, Related
from feedhub.errors import ArticleError
from feedhub.sources import values
from feedhub.sources.bodies import markdown_body
from feedhub.sources.fields import NAMES
from tests.readings import BASE, article_of, problems_of, read, read_dated


class TestIdentity:
    @pytest.mark.parametrize(
        ("path", "specific"),
        [
            ("news/item.md", "news/item"),
            ("_news/2020-06-09-item.md", "news/2020-06-09-item"),
            ("deep/down/item.md", "deep/down/item"),
            ("blog/2024/01/notes.md", "blog/2024/01/notes"),
            ("blog/2024/trip/index.md", "blog/2024/trip"),
            ("_news/2024/item.md", "news/2024/item"),
            ("_archive/_news/item.md", "news/item"),
            ("travel/_posts/2024/item.md", "posts/2024/item"),
            ("_news/index.md", "folder/_news"),
            ("__/item.md", "articles/item"),
            ("under_score/a/item.md", "under_score/a/item"),
            ("item.md", "folder/item"),
            ("posts/trip/index.md", "posts/trip"),
            ("content/index.md", "folder/content"),
            ("index.md", "folder/index"),
            ("news/with.dots.md", "news/with.dots"),
            ("news/Zürich & 100%.md", "news/Z%C3%BCrich%20%26%20100%25"),
            ("news/日本.md", "news/%E6%97%A5%E6%9C%AC"),
            ("news/a#b?c.md", "news/a%23b%3Fc"),
        ],
    )
    def test_id_from_folder_and_stem(self, path, specific):
        assert article_of(path=path).id == f"tag:example.org,2026:{specific}"

    @pytest.mark.parametrize(
        ("root", "path", "specific"),
        [
            ("", "item.md", "articles/item"),
            ("_news", "item.md", "news/item"),
            ("_news", "2024/item.md", "news/2024/item"),
            ("_news", "_old/2024/item.md", "old/2024/item"),
            ("news", "2024/item.md", "2024/item"),
        ],
    )
    def test_the_source_may_be_the_collection(self, root, path, specific):
        assert article_of(path=path, root=root).id == f"tag:example.org,2026:{specific}"

    @pytest.mark.parametrize("root", ["news", "_news"])
    @pytest.mark.parametrize("folder", ["", "_news", "posts", "_old"])
    @pytest.mark.parametrize("name", ["item", "_odd", "2024-01-01-item"])
    def test_in_a_flat_folder_the_last_folder_names_it(self, root, folder, name):
        expected = f"{(folder or root).lstrip('_')}/{name}"
        if (root, folder) == ("_news", "posts"):  # a folder in a collection
            expected = f"news/{expected}"
        path = f"{folder}/{name}.md".lstrip("/")
        assert article_of(path=path, root=root).id == f"tag:example.org,2026:{expected}"

    def test_a_decomposed_file_name_gives_the_same_id(self):
        assert (
            article_of(path="news/Zu\u0308rich.md").id == article_of(path="news/Z\u00fcrich.md").id
        )

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("https://a.example/x?y=1#z", "https://a.example/x?y=1#z"),
            ("tag:a.example,2005:x", "tag:a.example,2005:x"),
            ("urn:uuid:1225c695", "urn:uuid:1225c695"),
            ("2020", "tag:example.org,2026:2020"),
            ("a b/é", "tag:example.org,2026:a%20b/%C3%A9"),
            ('"urn:with space"', "tag:example.org,2026:urn%3Awith%20space"),
            ("URN:x", "tag:example.org,2026:URN%3Ax"),
            ("urn:a|b%zz", "tag:example.org,2026:urn%3Aa%7Cb%25zz"),
            ("null", "tag:example.org,2026:news/item"),
            ('" "', "tag:example.org,2026:news/item"),
        ],
    )
    def test_own(self, written, expected):
        assert article_of(f"id: {written}").id == expected

    def test_id_does_not_depend_on_url_title_or_date(self):
        one = read("title: One\ndate: 2024-01-01\nwebUrl: https://a.example/1")
        two = read("title: Two\ndate: 2025-02-02\nwebUrl: https://b.example/2")
        assert one.article is not None
        assert two.article is not None
        assert one.article.id == two.article.id

    def test_a_list_as_id_is_refused_with_its_line(self):
        with pytest.raises(ArticleError) as caught:
            read_dated("id: [a]")
        assert (caught.value.code, caught.value.line) == ("wrong-type", 4)


class TestSlug:
    @pytest.mark.parametrize(
        ("matter", "path", "slug"),
        [
            ("slug: Its Own", "news/item.md", "its-own"),
            ("", "_posts/2024-03-01-Hello-World.md", "hello-world"),
            ("", "posts/trip/index.md", "trip"),
            ("", "posts/2024-03-01-trip/index.md", "trip"),
            ("", "index.md", "index"),
            ("", "news/!.md", "article"),
            ("slug: '!'", "news/!.md", "article"),
        ],
    )
    def test_slug(self, matter, path, slug):
        assert article_of(matter, path=path).slug == slug


class TestLink:
    def test_web_url_wins(self):
        links = "webUrl: https://a.example/\ncanonical_url: https://b.example/\n"
        assert article_of(f"{links}originalUrl: https://c.example/").url == "https://a.example/"

    def test_canonical_url_comes_second(self):
        links = "link: https://b.example/\noriginalUrl: https://c.example/"
        assert article_of(links).url == "https://b.example/"

    def test_original_url_comes_third(self):
        assert article_of("originalUrl: https://c.example/x").url == "https://c.example/x"

    @pytest.mark.parametrize("options", [{"permalinks": (("", "/:slug/"),)}, {}])
    def test_a_permalink_wins_over_the_original_url(self, options):
        links = "originalUrl: https://c.example/x\n" + ("" if options else "permalink: /item/")
        assert article_of(links, **options).url == f"{BASE}/item/"

    def test_default_page_is_last(self):
        assert article_of().url == f"{BASE}/news/item"

    def test_relative_addresses_start_at_the_site(self):
        assert article_of("webUrl: /x").url == f"{BASE}/x"

    def test_empty_addresses_do_not_count(self):
        assert article_of("webUrl:\nlink: ''\noriginalUrl: ' '").url == f"{BASE}/news/item"

    def test_whole_permalink(self):
        assert article_of("url: https://d.example/page").url == "https://d.example/page"

    def test_base_path_is_not_doubled_as_a_folder(self):
        assert article_of("permalink: /site/x").url == f"{BASE}/site/x"

    @pytest.mark.parametrize("name", ["webUrl", "link", "originalUrl"])
    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://user:word@a.example/",
            "https://\u2100.example/",
            "[a, b]",
            "x:y",
        ],
    )
    def test_an_unusable_address_is_left_out_with_its_line(self, name, url):
        result = read_dated(f"{name}: {url}\nexcerpt: S.", base_url=BASE)
        assert result.article is not None
        assert result.article.url.startswith(BASE)
        (problem,) = [p for p in result.problems if p.code in ("bad-url", "wrong-type")]
        assert (problem.line, problem.level) == (4, "warning")
        assert "alert" not in problem.message
        assert "word" not in problem.message

    @pytest.mark.parametrize("name", ["webUrl", "link", "originalUrl"])
    @pytest.mark.parametrize(
        ("url", "address", "codes"),
        [
            ("www.example.org/x", "https://www.example.org/x", ["no-scheme"]),
            ("WWW.example.org", "https://www.example.org/", ["no-scheme"]),
            ("<https://a.example/x>", "https://a.example/x", []),
            ('"https://a.example/x\\n/y\\tz"', "https://a.example/x/yz", []),
        ],
    )
    def test_an_address_is_read_as_it_is_meant(self, name, url, address, codes):
        result = read_dated(f"{name}: {url}\nexcerpt: S.", base_url=BASE)
        assert result.article is not None
        assert result.article.url == address
        assert [p.code for p in result.problems if p.code != "no-address"] == codes

    @pytest.mark.parametrize(
        "permalink",
        [
            '"/{{ page.fileSlug }}/"',
            "/:year/:title/",
            '"https://user@a.example/"',
            f"/{'x' * 4090}/",
            '"http://"',
        ],
    )
    def test_an_unusable_permalink_warns_and_gives_the_default(self, permalink):
        result = read_dated(f"excerpt: A summary.\npermalink: {permalink}")
        assert result.article is not None
        assert result.article.url == f"{BASE}/news/item"
        assert problems_of(result) == [(5, "warning", "bad-permalink")]

    def test_without_any_usable_address_there_is_no_article(self):
        path = f"{'é' * 700}/a.md"
        with pytest.raises(ArticleError) as caught:
            read_dated(path=path)
        assert caught.value.code == "bad-permalink"
        elsewhere = read_dated("webUrl: https://a.example/", path=path)
        assert elsewhere.article is not None
        assert elsewhere.article.url == "https://a.example/"


class TestTexts:
    def test_title_is_decoded_once_and_on_one_line(self):
        result = read('title: "A &amp;amp;amp; B\\n  C\\u200b"\ndate: 2024-01-02\nexcerpt: S.')
        assert result.article is not None
        assert result.article.title == "A &amp; B C"
        assert problems_of(result) == [(2, "warning", "entity-left")]

    @pytest.mark.parametrize("title", ["", "title:\n", 'title: "\\u200b"\n'])
    def test_without_a_title_the_file_name_is_the_title(self, title):
        result = read(f"{title}date: 2024-01-02\nexcerpt: S.", path="n/2024-01-02-two-words.md")
        assert result.article is not None
        assert result.article.title == "Two words"
        assert problems_of(result) == [(2, "warning", "no-title")]

    def test_a_title_that_is_a_list_rejects_the_article(self):
        with pytest.raises(ArticleError, match="list") as caught:
            read("date: 2024-01-02\ntitle: [a]")
        assert caught.value.line == 3

    def test_long_texts_are_cut(self):
        words = "word " * 2000
        result = read(f"title: {words}\ndate: 2024-01-02\nexcerpt: x{words}")
        assert result.article is not None
        assert len(result.article.title) <= 1000
        assert 4000 < len(result.article.summary) <= 5000

    @pytest.mark.parametrize("title", ["5G", "no", "2020", "12:30", "0x1F", "1e3"])
    def test_titles_that_look_like_numbers_stay_text(self, title):
        result = read(f"title: {title}\ndate: 2024-01-02")
        assert result.article is not None
        assert result.article.title == title

    @pytest.mark.parametrize("language", ["en", "en-GB", "zh-Hant-TW", "en_US", " de "])
    def test_language(self, language):
        tag = language.strip().replace("_", "-")
        assert article_of(f"lang: '{language}'").language == tag


class TestHeading:
    @pytest.mark.parametrize(
        ("body", "title"),
        [
            ("# Two *words*\n\nText.", "Two words"),
            ("\n\n # Two `words` #\nText.", "Two words"),
            ("Two words\n===\n\nText.", "Two words"),
            ("<h1 class='a'>Two <b>words</b></h1>\n\nText.", "Two words"),
            ("# [Two](https://a.example/) &amp; words\n\nText.", "Two & words"),
            ("<!-- a -->\n\n<h1\n  id='b'\n>Two\nwords</h1>\n\nText.", "Two words"),
            ("# Two words[^1]\n\nText.", "Two words[^1]"),
            ("[x]: /y\n# Two words\n\nText.", "Two words"),
            ("# <b>Two</b> words<script>x</script>\n\nText.", "Two words"),
        ],
    )
    def test_a_heading_before_the_text_is_the_title_and_leaves_the_text(self, body, title):
        for matter in ("date: 2024-01-02", f"date: 2024-01-02\ntitle: '{title.upper()}'"):
            article = read(f"excerpt: S.\n{matter}", body).article
            assert article is not None
            assert article.title.casefold() == title.casefold()
            assert article.content_html == "<p>Text.</p>"
        result = read("excerpt: S.\ndate: 2024-01-02", body)
        assert problems_of(result) == []

    @pytest.mark.parametrize(
        "body",
        [
            "# Another\n\nText.",
            "Text.\n\n# A title",
            "## A title\n\nText.",
            "#A title\n\nText.",
            "    # A title\n\nText.",
            "- A title\n===\n\nText.",
            "# ![](https://a.example/i.png)\n\nText.",
            "A title\n---\n\nText.",
            "> # A title\n\nText.",
            "a\n\n<h1>A title</h1>\n\nText.",
            "```\n# A title\n```\n\nText.",
        ],
    )
    def test_every_other_heading_stays(self, body):
        assert article_of(body=body).content_html == markdown_body(body, base=BASE)

    def test_html(self):
        article = article_of(body="\n<H1>A title</H1> <p>b</p>", path="news/item.html")
        assert article.content_html == "<p>b</p>"
        assert "<h1>" in article_of(body="<h1>B", path="news/item.html").content_html
        deep = "<h1>A title</h1>" + "<b>" * 80_000 + "c"
        assert article_of(body=deep, path="news/item.html").content_html == "<p>A title c</p>"

    def test_text_too_deep_to_be_read_gives_no_title(self):
        deep = "<div>" * 50_000 + "<h1>A</h1>"
        article = read("date: 2024-01-02", deep, path="news/x.html").article
        assert article is not None
        assert article.title == "X"


class TestSummary:
    def summary(self, matter: str, body: str = "") -> str:
        result = read_dated(matter, body)
        assert result.article is not None
        return result.article.summary

    @pytest.mark.parametrize("name", ["excerpt", "summary", "description", "Summary"])
    def test_by_its_names(self, name):
        assert self.summary(f"{name}: Some &#8220;words&#8221;", "Body.") == "Some “words”"

    @pytest.mark.parametrize(
        ("summary", "body", "shown"),
        [
            ("One. Two three", "", "One. Two three"),
            ("One. Two three", "One. Two three.", "One. Two three"),
            ("One. Two three", "One. Two three four.", "One. Two three…"),
            ("One two", "One two three.", "One two…"),
            ("One two", "One two", "One two"),
            ("One two", "Another.", "One two"),
            ("One two,", "", "One two…"),
            ("One two;", "", "One two…"),
            ("One two.", "One two. Three.", "One two."),
            (f"One. {'a ' * 57}b", "", f"One. {'a ' * 57}b…"),
            (f"One. {'a ' * 56}bb", "", f"One. {'a ' * 56}bb"),
            (f"One {'a ' * 80}b", "", f"One {'a ' * 80}b"),
            (f"One. {'a ' * 80}https://a.example/b", "", f"One. {'a ' * 80}https://a.example/b"),
        ],
    )
    def test_one_that_was_cut_gets_an_ellipsis(self, summary, body, shown):
        assert self.summary(f"excerpt: '{summary}'", body) == shown

    def test_text_before_the_divider_comes_second(self):
        body = "One.\n\nTwo.\n\n<!-- more -->\n\nThree."
        assert self.summary("", body) == "One. Two."

    def test_first_paragraph_is_last(self):
        assert self.summary("", "# Heading\n\nOne *two*.\n\nThree.") == "One two."

    def test_nothing_before_the_divider(self):
        assert self.summary("", "<!--more-->\n\nOne.\n\nTwo.") == "One."


class TestBody:
    def body(self, body: str, matter: str = "", **options: str) -> str:
        return article_of(matter, body, **options).content_html

    @pytest.mark.parametrize(
        ("matter", "base"),
        [
            ("", f"{BASE}/news/"),
            ("webUrl: https://a.example/b/c.html", "https://a.example/b/"),
            ("link: https://a.example/b/c.html", f"{BASE}/news/"),
            (
                "webUrl: https://a.example/\noriginalUrl: https://b.example/d/e",
                "https://b.example/d/",
            ),
        ],
    )
    def test_relative_addresses_start_at_the_original_page(self, matter, base):
        assert self.body("[x](y)", matter) == f'<p><a href="{base}y">x</a></p>'

    def test_html_files_are_html(self):
        assert self.body("<p>*a*</p>", path="news/item.html") == "<p>*a*</p>"
        assert self.body("<b>*a*</b>", path="news/item.HTML") == "<b>*a*</b>"
        assert self.body("*a*", path="news/item.txt") == "<p><em>a</em></p>"

    def test_a_blank_body_is_empty(self):
        assert self.body("\n \n") == ""

    def test_braces_alone_stay(self):
        assert self.body("{static} {a}") == "<p>{static} {a}</p>"


class TestLabels:
    @pytest.mark.parametrize(
        ("tags", "path", "topics"),
        [
            ("[AI, Robots]", "news/a.md", ("AI", "Robots")),
            ("AI, Robots", "news/a.md", ("AI", "Robots")),
            ("two words", "news/a.md", ("two words",)),
            ("two words, three", "_posts/a.md", ("two words", "three")),
            ("a, b; c", "news/a.md", ("a b", "c")),
            ("['Paris, France', 'Paris,France']", "news/a.md", ("Paris France",)),
            ("[ai, AI, ＡＩ, ' a i ']", "news/a.md", ("ai", "a i")),
            ("['', ~, ',', x]", "news/a.md", ("x",)),
            ("[[a], {b: c}, d]", "news/a.md", ("d",)),
            (f"[{'x' * 201}, y]", "news/a.md", ("y",)),
            ("'R&amp;D; ops'", "news/a.md", ("R&D", "ops")),
            ("2020", "news/a.md", ("2020",)),
            ("~", "news/a.md", ()),
        ],
    )
    def test_tags(self, tags, path, topics):
        assert article_of(f"tags: {tags}", path=path).topics == topics

    def test_topics_and_tags_are_joined(self):
        assert article_of("topics: [A]\ntag: b c\ntags: [B, a]").topics == ("A", "b c", "B")

    def test_category_and_categories_are_joined(self):
        matter = "category: Hip Hop\ncategories: [news, hip hop]"
        assert article_of(matter).categories == ("Hip Hop", "news")


class TestPeople:
    @pytest.mark.parametrize(
        ("matter", "authors"),
        [
            ("author: Jane Doe", [Author(name="Jane Doe")]),
            ("author: Doe, Jane", [Author(name="Doe, Jane")]),
            ("authors: Jane Doe, John Roe", [Author(name="Jane Doe"), Author(name="John Roe")]),
            ("authors: Doe, Jane; Roe, John", [Author(name="Doe, Jane"), Author(name="Roe, John")]),
            ("authors: [Jane, JANE, ~, '']", [Author(name="Jane")]),
            (
                "authors:\n  - name: Jane\n    url: https://jane.example",
                [Author(name="Jane", url="https://jane.example/")],
            ),
            (
                "author:\n  display_name: Jane\n  website: https://j.example/",
                [Author(name="Jane", url="https://j.example/")],
            ),
            ("author: {email: j@example.org}", []),
            ("params:\n  author: Jane", [Author(name="Jane")]),
            ("author: Top\nparams: {author: Jane}", [Author(name="Top")]),
            ("params: [author]", []),
            ("authors: ''\nauthor: Jane", [Author(name="Jane")]),
            ("provider:\n  name: P\n  authors:\n    - name: j-kodama", [Author(name="j-kodama")]),
            ("author: Jane\nprovider: {name: P, author: John}", [Author(name="Jane")]),
            ("provider: P", []),
        ],
    )
    def test_authors(self, matter, authors):
        assert list(article_of(matter).authors) == authors

    @pytest.mark.parametrize(
        ("matter", "provider"),
        [
            ("provider: CNET", Provider(name="CNET")),
            ("publisher: {name: CNET, domain: CNET.com}", Provider(name="CNET", domain="cnet.com")),
            ("provider: {domain: cnet.com}", Provider(name="cnet.com", domain="cnet.com")),
            (
                "provider: {name: P, images: [{url: 'https://a.example/p.png'}, {url: /x}]}",
                Provider(name="P", picture="https://a.example/p.png"),
            ),
            (
                "provider: {name: P, image: 'https://a.example/p.png'}",
                Provider(name="P", picture="https://a.example/p.png"),
            ),
            ("provider: {name: P, images: [{url: p.png}]}", Provider(name="P")),
            ("provider: {name: P, images: [{alt: p}], image: [[]]}", Provider(name="P")),
            ("provider: {}", None),
            ("provider: '\u200b'", None),
            ("provider: ~", None),
        ],
    )
    def test_provider(self, matter, provider):
        assert article_of(matter).provider == provider

    def test_equal_publishers_of_coverage_are_read_once(self, monkeypatch):
        made: list[tuple[str, str]] = []

        def make(name: str, domain: str, picture: str) -> Provider:
            made.append((name, domain))
            return Provider(name=name, domain=domain)

        monkeypatch.setattr(values, "make_provider", make)
        monkeypatch.setattr(values, "_providers", {})
        monkeypatch.setattr(values, "MAX_PROVIDERS", 1)
        for name in ("A", "A", "B", "B", "C", "C", "A"):
            found = coverage(f"name: {name}", "secured: hidden", "domain: a.example")
            assert found == Provider(name=name, domain="a.example")
            assert "hidden" not in repr(values._providers)
        assert coverage("domain: A", "name: a.example") == Provider(name="a.example", domain="A")
        assert made == [(name, "a.example") for name in "ABCA"] + [("a.example", "A")]

    def test_a_bad_publisher_is_a_problem_of_each_file(self):
        for _ in range(2):
            result = read_dated(related_with("name: A", "domain: no host"))
            assert (9, "warning", "bad-domain") in problems_of(result), problems_of(result)

    def test_a_publisher_with_a_list_is_read(self):
        found = coverage("name: A", "images:\n        - url: https://a.example/i.png")
        assert found == Provider(name="A")


def related_with(*lines: str) -> str:
    """Return front matter with one article of coverage, whose publisher has these lines."""
    provider = "".join(f"\n      {line}" for line in lines)
    item = "  - title: T\n    webUrl: https://b.example/"
    return f"webUrl: https://a.example/\nrelated:\n{item}\n    provider:{provider}"


def coverage(*lines: str) -> Provider | None:
    """Return the publisher of such coverage."""
    return article_of(related_with(*lines)).related[0].provider


class TestImages:
    def images(self, matter: str, **options: str) -> list[Image]:
        return list(article_of(matter, **options).images)

    @pytest.mark.parametrize(
        ("matter", "url"),
        [
            ("image: https://a.example/i.png", "https://a.example/i.png"),
            ("image: //a.example/i.png", "https://a.example/i.png"),
            ("image: /img/i.png", f"{BASE}/img/i.png"),
            ("image: /site/img/i.png", f"{BASE}/img/i.png"),
            ("image: img/i.png", f"{BASE}/img/i.png"),
            ("image: ./i.png", f"{BASE}/news/i.png"),
            ("image: ' ./i.png '", f"{BASE}/news/i.png"),
            ("image: ../i.png", f"{BASE}/i.png"),
            ("cover: {image: i.png}", f"{BASE}/i.png"),
            ("featured_image: i.png", f"{BASE}/i.png"),
            ("images: [i.png]", f"{BASE}/i.png"),
            ("images: i.png", f"{BASE}/i.png"),
            ("images: []\nimage: i.png", f"{BASE}/i.png"),
            ("params: {images: [i.png]}", f"{BASE}/i.png"),
        ],
    )
    def test_one_image_in_every_form(self, matter, url):
        assert self.images(matter) == [Image(url=url, media_type="image/png")]

    @pytest.mark.parametrize(
        ("source", "url"),
        [
            ("i.png", f"{BASE}/posts/trip/i.png"),
            ("/i.png", f"{BASE}/i.png"),
            ("https://a.example/i.png", "https://a.example/i.png"),
        ],
    )
    def test_images_of_a_page_bundle(self, source, url):
        assert self.images(f"image: {source}", path="posts/trip/index.md")[0].url == url

    def test_mappings(self):
        matter = """images:
  - {url: https://a.example/1, width: 800, height: 500, title: "One &amp; only"}
  - {src: https://a.example/2.jpg, alt: Two, width: 0, height: -1}
  - {url: https://a.example/1, title: again}
  - {title: without an address}
  - ''
  - ~"""
        assert self.images(matter) == [
            Image(url="https://a.example/1", width=800, height=500, title="One & only"),
            Image(url="https://a.example/2.jpg", title="Two", media_type="image/jpeg"),
        ]

    @pytest.mark.parametrize(("width", "pixels"), [(1, 1), (999_999, 999_999), (1_000_000, None)])
    def test_image_sizes(self, width, pixels):
        [image] = self.images(f"image: {{url: https://a.example/, width: {width}}}")
        assert image.width == pixels

    def test_at_most_fifty_images(self):
        urls = ", ".join(f"https://a.example/{number}" for number in range(60))
        result = read_dated(f"excerpt: S.\nimages: [{urls}]")
        assert result.article is not None
        assert len(result.article.images) == 50
        assert problems_of(result) == [(5, "warning", "too-many")]

    def test_relative_images_are_reported_as_info(self):
        result = read_dated("excerpt: S.\nimage: i.png")
        assert problems_of(result) == [(5, "info", "relative-image")]

    def test_a_bad_image_leaves_the_others(self):
        result = read_dated(
            "excerpt: S.\nimages:\n- javascript:x\n- [a]\n- https://a.example/1.gif"
        )
        assert result.article is not None
        assert [image.url for image in result.article.images] == ["https://a.example/1.gif"]
        assert problems_of(result) == [(6, "warning", "bad-url"), (7, "warning", "wrong-type")]


class TestRelated:
    def test_each_related_item_once_without_the_article_itself(self):
        matter = """webUrl: https://a.example/own
related:
  - {title: One, webUrl: https://b.example/1, publishedDateTime: 2024-01-01T00:00:00Z,
     provider: {name: B, domain: b.example}}
  - {title: One again, webUrl: https://b.example/1}
  - {title: Itself, webUrl: https://a.example/own}
  - {title: Bare, originalUrl: https://c.example/, provider: C}"""
        assert article_of(matter).related == (
            Related(
                title="One",
                url="https://b.example/1",
                provider=Provider(name="B", domain="b.example"),
                published=datetime(2024, 1, 1, tzinfo=UTC),
            ),
            Related(title="Bare", url="https://c.example/", provider=Provider(name="C")),
        )

    def test_at_most_a_hundred_related_items(self):
        items = ", ".join(f"{{title: T, url: https://a.example/{n}}}" for n in range(110))
        result = read_dated(f"excerpt: S.\nrelated: [{items}]")
        assert result.article is not None
        assert len(result.article.related) == 100
        assert problems_of(result) == [(5, "warning", "too-many")]

    def test_incomplete_items_are_left_out_with_a_warning(self):
        result = read_dated("""excerpt: S.
related:
  - {title: No address}
  - {webUrl: https://b.example/1}
  - {title: Bad address, webUrl: "javascript:x"}
  - Text
  - {title: Bad date, webUrl: https://b.example/2, publishedDateTime: yesterday}""")
        assert result.article is not None
        assert [related.title for related in result.article.related] == ["Bad date"]
        assert problems_of(result) == [
            (6, "warning", "related-incomplete"),
            (7, "warning", "related-incomplete"),
            (8, "warning", "bad-url"),
            (9, "warning", "wrong-type"),
            (10, "warning", "bad-date"),
        ]


class TestVideo:
    FRAME = "<iframe src='https://www.youtube.com/embed/abcdefghijk'></iframe>"

    def test_player_and_length(self):
        article = article_of(f'featuredContent: "{self.FRAME}"\nlength: PT13M34S')
        assert article.player_url == "https://www.youtube.com/embed/abcdefghijk"
        assert article.duration == 814

    @pytest.mark.parametrize(
        ("matter", "kind"),
        [
            ("type: Podcast", "audio"),
            ("contentType: video", "video"),
            ("type: course", "course"),
            ("type: post", ""),
            ("type: [video]", ""),
        ],
    )
    def test_the_type(self, matter, kind):
        assert article_of(matter).type == kind

    def test_scores(self):
        article = article_of("quality: 89\nheat: -1.5")
        assert (article.quality, article.heat) == (89, -1.5)


class TestWarnings:
    @pytest.mark.parametrize(
        ("matter", "code"),
        [
            ("slug: [a]", "wrong-type"),
            ("lang: {a: b}", "wrong-type"),
            ("lang: English!", "bad-language"),
            ("permalink: [a]", "wrong-type"),
            ("provider: [a]", "wrong-type"),
            ("provider: {name: [a]}", "wrong-type"),
            ("provider: {name: A, domain: 'not a host'}", "bad-domain"),
            ("authors: [[a]]", "wrong-type"),
            ("author: {name: A, url: mailto:a@b.example}", "bad-url"),
            ("topics: {a: b}", "wrong-type"),
            ("tags: {a: b}", "wrong-type"),
            ("categories: {a: b}", "wrong-type"),
            ("image: {url: [a]}", "wrong-type"),
            ("image: 'http://['", "bad-url"),
            ("images: [{url: https://a.example/, width: wide}]", "not-a-number"),
            ("related: A", "wrong-type"),
            ("featuredContent: [a]", "wrong-type"),
            ("length: 13 minutes", "bad-duration"),
            ("length: [a]", "wrong-type"),
            ("quality: high", "not-a-number"),
            ("heat: .inf", "not-a-number"),
            ("updatedDateTime: yesterday", "bad-date"),
            ("updatedDateTime: [a]", "wrong-type"),
            ("webUrl: http://a.example/", "http-url"),
            ("originalUrl: ' HTTP://a.example/'", "http-url"),
            ("image: http://a.example/i.png", "http-url"),
            ("images: [http://a.example/i.png]", "http-url"),
        ],
    )
    def test_the_article_is_published_with_a_warning_that_has_its_line(self, matter, code):
        result = read_dated(f"excerpt: A summary.\n{matter}")
        assert result.state == "shown"
        assert problems_of(result) == [(5, "warning", code)]
        assert "a.example" not in result.problems[0].message

    @pytest.mark.parametrize(
        ("matter", "expected"),
        [
            ("excerpt: Placeholder.", (4, "warning", "placeholder-summary")),
            ("excerpt: a TITLE", (4, "warning", "no-summary")),
            ("excerpt: ''", (4, "warning", "no-summary")),
            ("heat: 1", (2, "warning", "no-summary")),
            ("excerpt: '&amp;amp;quot;x'", (4, "warning", "entity-left")),
            ("excerpt: '&amp;quot;x'", None),
            ("excerpt: '&amp;copy=2'", None),
        ],
    )
    def test_summaries(self, matter, expected):
        assert problems_of(read_dated(matter)) == ([expected] if expected else [])

    def test_a_summary_of_the_wrong_type_is_left_out(self):
        assert problems_of(read_dated("excerpt: [a]")) == [
            (4, "warning", "wrong-type"),
            (4, "warning", "no-summary"),
        ]

    def test_images_of_a_site_without_https_give_no_warning(self):
        result = read_dated("excerpt: S.\nimage: i.png", base_url="http://127.0.0.1:8000")
        assert problems_of(result) == [(5, "info", "relative-image")]


class TestFieldNames:
    def test_case_hyphens_and_underscores_do_not_count(self):
        assert article_of("Canonical-URL: https://a.example/").url == "https://a.example/"

    def test_the_first_name_with_a_value_wins(self):
        assert article_of("web-url: https://a.example/\nweb_url: https://b.example/").url == (
            "https://a.example/"
        )
        result = read("title: T\npublishDate:\ndate: 2024-01-02\nexcerpt: S.")
        assert result.article is not None
        assert result.article.published == datetime(2024, 1, 2, tzinfo=UTC)


_NAMES = sorted({name for names in NAMES.values() for name in names} | {"params", "secured"})
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates().map(str),
    st.sampled_from(
        [
            "2024-01-02",
            "2999-01-01T00:00:00Z",
            "https://a.example/x",
            "http://[::1",
            "javascript:x",
            "PT1M",
            "draft",
            "published",
            "/:year/{{ page.fileSlug }}/",
            "https://:title@x",
            "false",
        ]
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
_PLACES = st.sampled_from(["a.md", "_posts/2024-01-02-a.md", "content/x/index.html", "x/_index.md"])


STATES = "shown unpublished removed scheduled expired undated plain rejected".split()


def _state(path: str, fields: dict[str, object], drafts: bool) -> str:
    """Read a file; nothing but ArticleError may come out of it."""
    dumped = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)
    try:
        result = read(dumped, "Body.", path=path, drafts=drafts)
    except ArticleError:
        return "rejected"
    assert (result.article is not None) is (result.state == "shown")
    assert {problem.level for problem in result.problems} <= {"warning", "info"}
    assert all(problem.line >= 1 and problem.column >= 1 for problem in result.problems)
    return result.state


@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=8), _PLACES, st.booleans())
@example({"permalink": "https://:title@x"}, "a.md", False)
def test_any_mapping_is_shown_hidden_or_rejected(matter, path, drafts):
    known = {
        "shown",
        "unpublished",
        "removed",
        "scheduled",
        "expired",
        "undated",
        "plain",
        "rejected",
    }
    assert _state(path, matter, drafts) in known
    assert _state(path, {"title": "T", "date": "2024-01-02"} | matter, drafts) in known


@pytest.mark.parametrize(
    ("body", "content"), [("Words.", "<p>Words.</p>\n{}"), ("", "<p>A summary.</p>\n{}")]
)
def test_an_action_is_a_link_behind_the_text(body, content):
    action = "actions: [{title: Get the source, url: 'https://x.example/a?b&c'}]"
    link = '<p><a href="https://x.example/a?b&amp;c">Get the source</a></p>'
    assert article_of(action, body).content_html == content.format(link)
