"""Addresses of articles' own pages, as their generators make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedhub.config.rules import PLACEHOLDERS
from feedhub.sources.article_path import fill_templates, generator_of, page_address
from tests.readings import page_name


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("content/posts/My First Post.md", "/posts/my-first-post/"),
        ("posts/What's new?.md", "/posts/whats-new/"),
        ("posts/C++ & C#.md", "/posts/c++-c%23/"),
        ("posts/a - b -- c .md", "/posts/a-b--c/"),
        ("posts/Zürich.md", "/posts/z%C3%BCrich/"),
        ("posts/a/index.md", "/posts/a/"),
        ("content/index.md", "/"),
        ("index.md", "/"),
        ("_news/x.md", "/news/x/"),
        ("source/x.md", "/x/"),
        ("content.md", "/content/"),
    ],
)
def test_hugo_and_unknown(path, address):
    assert page_address(page_name(path)) == address


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("posts/a.md", "/posts/its-own/"),
        ("posts/a/index.md", "/posts/its-own/"),
        ("a.md", "/its-own/"),
    ],
)
def test_hugo_slug(path, address):
    assert page_address(page_name(path, own_slug="Its Own")) == address


@pytest.mark.parametrize(
    ("path", "fields", "address"),
    [
        ("_posts/2024-03-01-Hello World!.md", {}, "/2024/03/01/Hello-World!.html"),
        ("_posts/2024-03-01-a.md", {"own_slug": "b c"}, "/2024/03/01/b-c.html"),
        ("_posts/2024-03-01-a.md", {"categories": ("X Y", "z", "Z")}, "/x%20y/z/2024/03/01/a.html"),
        ("_posts/2024-03-01-a&b;c.md", {}, "/2024/03/01/a&b;c.html"),
        ("about.md", {}, "/about.html"),
        ("blog/index.md", {}, "/blog/"),
        ("index.md", {}, "/"),
        ("_recipes/Soup of 1.md", {}, "/recipes/Soup%20of%201.html"),
    ],
)
def test_jekyll(path, fields, address):
    assert page_address(page_name(path, "jekyll", **fields)) == address


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("posts/firstPost.md", "/posts/firstPost/"),
        ("posts/2024-03-01-a.md", "/posts/2024-03-01-a/"),
        ("subdir/template/template.md", "/subdir/template/"),
        ("subdir/template/index.md", "/subdir/template/"),
        ("_posts/a.md", "/_posts/a/"),
        ("src/a.md", "/a/"),
        ("index.md", "/"),
    ],
)
def test_eleventy(path, address):
    assert page_address(page_name(path, "eleventy")) == address


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"title": "My super title"}, "/my-super-title.html"),
        ({"title": "C'est l'été: crêpes & co"}, "/cest-lete-crepes-co.html"),
        ({"title": "日本"}, "/a.html"),
        ({"title": "x", "own_slug": "My_Own"}, "/My_Own.html"),
    ],
)
def test_pelican(fields, address):
    assert page_address(page_name("content/c/a.md", "pelican", **fields)) == address


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/:year/:month/:day/:hour-:minute-:second/", "/2024/03/01/09-05-07/"),
        ("/:short_year/:i_month/:i_day/", "/24/3/1/"),
        ("/:collection/:stem.html", "/posts/2024-03-01-A-b.html"),
        ("/:name:output_ext", "/A-b.html"),
        ("/:slug/", "/a-b/"),
        ("/:title/", "/A-b/"),
        ("/:words/", "/a-title/"),
        ("/:category/x", "/hip-hop/x"),
        ("/:categories/x", "/hip%20hop/rap/x"),
        ("/:path.html", "/posts/2024-03-01-a-b.html"),
        ("/:file/", "/posts/2024-03-01-A-b/"),
        ("/:filepath/", "/posts/A-b/"),
        ("/:unknown/:", "/:unknown/:"),
        ("no/slash/", "/no/slash/"),
        ("//a//b", "/a/b"),
        ("/a/index.html", "/a/"),
        ("/index.html", "/"),
        ("/a/my-index.html", "/a/my-index.html"),
        ("https://a.example//:slug/", "https://a.example/a-b/"),
    ],
)
def test_patterns(pattern, address):
    page = page_name("content/posts/2024-03-01-A-b.md", categories=("Hip Hop", "Rap"))
    assert page_address(page, pattern) == address


def test_empty_placeholders_leave_no_segment():
    assert page_address(page_name("a.md"), "/:category/:categories/:slug/") == "/a/"


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_every_placeholder_of_the_configuration_is_filled(name):
    page = page_name("posts/a.md", categories=("C",))
    assert ":" not in page_address(page, f"/:{name}")


@pytest.mark.parametrize(
    ("path", "template", "address"),
    [
        ("posts/2024-03-01-a.md", "/{{ page.fileSlug }}/", "/a/"),
        ("posts/2024-03-01-a.md", "{{page.filePathStem}}.html", "/posts/a.html"),
        ("posts/a/index.md", "{{ page.filePathStem }}.html", "/posts/a/"),
        ("posts/a/index.md", "/{{ page.fileSlug }}/", "/a/"),
        ("a.md", "/{{ title | slugify }}/", "/a-title/"),
        ("a.md", "/{{- title | slug -}}/", "/a-title/"),
        ("a.md", '/{{ page.date | date: "%Y/%m/%d" }}/', "/2024/03/01/"),
    ],
)
def test_templates_of_eleventy(path, template, address):
    assert page_address(page_name(path, "eleventy"), fill_templates(template)) == address


def test_other_templates_stay():
    assert fill_templates("/{{ x | y }}/{{ page.fileSlug }}") == "/{{ x | y }}/:name"


@pytest.mark.parametrize(
    ("sign", "generator"),
    [
        ("_config.yml", "jekyll"),
        ("_config.yaml", "jekyll"),
        ("_config.toml", "jekyll"),
        (".eleventy.js", "eleventy"),
        ("eleventy.config.js", "eleventy"),
        ("eleventy.config.mjs", "eleventy"),
        ("eleventy.config.cjs", "eleventy"),
        ("pelicanconf.py", "pelican"),
        ("hugo.toml", ""),
    ],
)
def test_generators_by_their_configuration(tmp_path: Path, sign, generator):
    (tmp_path / sign).touch()
    for name in ("content", "posts"):
        (tmp_path / name).mkdir()

    def found(folder: Path) -> str:
        return generator_of(folder.name, lambda path: (folder / path).is_file())

    assert found(tmp_path) == generator
    assert found(tmp_path / "content") == generator
    assert found(tmp_path / "posts") == ""
