"""Addresses of articles' own pages: their path, or a pattern of the configuration."""

from __future__ import annotations

import pytest

from feedhub.config.rules import PLACEHOLDERS
from feedhub.sources.article_path import default_address, page_address, parse_path, pattern_of
from tests.readings import BASE, article_of, page_name


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("posts/My First Post.md", "/posts/My%20First%20Post"),
        ("posts/C++ & C#.md", "/posts/C++%20&%20C%23"),
        ("posts/Zürich?.md", "/posts/Z%C3%BCrich%3F"),
        ("posts/2024-03-01-a.md", "/posts/2024-03-01-a"),
        ("_posts/a.b.md", "/_posts/a.b"),
        ("posts/a/index.md", "/posts/a/"),
        ("index.md", "/"),
        ("content/x.md", "/content/x"),
    ],
)
def test_an_article_without_an_address_has_that_of_its_path(path, address):
    assert default_address(page_name(path)) == address


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("posts/a.md", "/posts/its-own"),
        ("posts/a/index.md", "/posts/its-own/"),
        ("a.md", "/its-own"),
    ],
)
def test_its_own_slug_is_the_last_segment(path, address):
    assert default_address(page_name(path, own_slug="Its Own")) == address


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/:year/:month/:day/:slug/", "/2024/03/01/a-b/"),
        ("/:folder/:stem.html", "/blog/posts/2024-03-01-A%20b.html"),
        ("/:path/", "/blog/posts/2024-03-01-A%20b/"),
        ("/:title", "/a-title"),
        ("/:category/:slug", "/hip-hop/a-b"),
        ("/p//:slug", "/p/a-b"),
        ("https://a.example//:slug/", "https://a.example/a-b/"),
    ],
)
def test_patterns(pattern, address):
    page = page_name("blog/posts/2024-03-01-A b.md", categories=("Hip Hop", "Rap"))
    assert page_address(page, pattern) == address


@pytest.mark.parametrize(
    ("pattern", "address"),
    [("/:path/", "/posts/trip/"), ("/:folder/x-:stem", "/posts/x-trip"), ("/:slug", "/trip")],
)
def test_the_page_of_a_folder_counts_as_a_file_of_that_name(pattern, address):
    assert page_address(page_name("posts/trip/index.md"), pattern) == address


def test_empty_placeholders_leave_no_segment():
    assert page_address(page_name("a.md"), "/:category/:folder/:slug/") == "/a/"


def test_a_title_without_letters_is_the_slug():
    assert page_address(page_name("a.md", title="!"), "/:title/") == "/a/"


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_every_placeholder_of_the_configuration_is_filled(name):
    page = page_name("posts/a.md", categories=("C",))
    assert ":" not in page_address(page, f"/:{name}")


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("a.md", "/:path"),
        ("posts/a.md", "/p/:slug"),
        ("posts/deep/a.md", "/p/:slug"),
        ("posts/deep/er/a.md", "/deeper/:slug"),
        ("posts2/a.md", "/:path"),
    ],
)
def test_the_pattern_of_the_nearest_folder_counts(path, pattern):
    permalinks = (("", "/:path"), ("posts", "/p/:slug"), ("posts/deep/er", "/deeper/:slug"))
    assert pattern_of(parse_path(path, "root").folders, permalinks) == pattern


def test_articles_get_the_address_of_the_pattern():
    permalinks = (("", ""), ("news", "/n/:slug/"))
    assert article_of(permalinks=permalinks).url == f"{BASE}/n/item/"
    assert article_of(path="other/a.md", permalinks=permalinks).url == f"{BASE}/other/a"
    own = article_of("url: own.html", permalinks=permalinks)
    assert own.url == f"{BASE}/own.html"
