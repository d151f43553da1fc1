"""The source folders of Jekyll, Hugo, Eleventy and Pelican: names are read, rules are not guessed.

Their front matter says what is hidden and when; what the generator would make of the rest is found
in the site that it builds.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedhub.article import Author, Image
from feedhub.sources.generators import GENERATORS, NO_GENERATOR, find_generator
from tests.kit import Bench, article_text, make_bench

SITES = Path(__file__).parent / "sites"
JUNK = "---\ntitle: Junk\ndate: 2024-01-01\n---\nJunk.\n"
HOST = "https://feeds.example.org"
STATES = {
    "jekyll": {"shown": 5, "plain": 3, "scheduled": 1, "undated": 3, "unpublished": 2},
    "hugo-yaml": {
        "shown": 5,
        "expired": 1,
        "plain": 6,
        "scheduled": 1,
        "undated": 1,
        "unpublished": 1,
    },
    "hugo-toml": {"shown": 3, "plain": 2, "scheduled": 1, "undated": 1, "unpublished": 1},
    "eleventy": {"shown": 5, "plain": 2, "undated": 3, "unpublished": 3},
    "pelican": {"shown": 4, "plain": 3, "undated": 1, "unpublished": 2},
}


def _bench_of(folder: Path, name: str) -> Bench:
    """Return a bench with a copy of a site, and what a package manager leaves in it."""
    bench = make_bench(folder, source__timezone="Europe/Paris")
    bench.root = shutil.copytree(SITES / name, folder / name)
    for junk in ("node_modules/pkg/README.md", ".cache/junk.md"):
        bench.write(junk, JUNK)
    return bench


@pytest.mark.parametrize("name", STATES)
def test_what_is_hidden_stays_hidden_and_one_warning_says_what_to_do(tmp_path, name):
    bench = _bench_of(tmp_path, name)
    changes = bench.sync()
    assert changes.states == STATES[name]
    [warning] = [problem for problem in changes.problems if problem.code == "site-source"]
    assert f"source of a {name.partition('-')[0].title()} site" in warning.message
    levels = {problem.level for problem in changes.problems}
    assert levels <= {"info", "warning"}
    for document in bench.documents().values():
        for word in (b"Secret", b"Held", b"Expired", b"Junk"):
            assert word not in document.body


def test_names_of_front_matter(tmp_path):
    jekyll = _bench_of(tmp_path / "j", "jekyll")
    jekyll.sync()
    articles = dict(jekyll.catalog.articles())
    upper = articles["_posts/2024-02-10-Using-Upper-Case.markdown"]
    assert upper.updated == datetime(2024, 2, 12, 6, 30, tzinfo=UTC)
    assert upper.images == (Image(url=f"{HOST}/assets/cover.png", media_type="image/png"),)
    assert articles["_posts/2024-03-01-hello.md"].published == datetime(2024, 2, 29, 23, tzinfo=UTC)

    hugo = _bench_of(tmp_path / "h", "hugo-toml")
    hugo.sync()
    primer = dict(hugo.catalog.articles())["content/post/goisforlovers.md"]
    assert primer.url == f"{HOST}/content/post/hugo-template-primer"
    assert primer.authors == (Author(name="Michael Henderson"),)
    assert primer.topics == ("go", "golang", "templates", "Salt Pepper")

    pelican = _bench_of(tmp_path / "p", "pelican")
    pelican.sync()
    post = dict(pelican.catalog.articles())["content/my-super-post.md"]
    assert post.published == datetime(2010, 12, 3, 9, 20, tzinfo=UTC)
    assert post.authors == (Author(name="Alexis Metaireau"), Author(name="Conan Doyle"))


@pytest.mark.parametrize(("files", "generator"), GENERATORS, ids=lambda row: str(row[0]))
def test_every_generator_is_known_by_its_files(files, generator):
    for above in ("", "../", "../../", "../../../"):
        present = {above + name for name in files}
        assert find_generator(present.__contains__) == generator._replace(file=above + files[0])


def test_a_repository_ends_the_search():
    assert find_generator({".git", "../_config.yml"}.__contains__) == NO_GENERATOR
    assert find_generator({"../.git", "../_config.yml"}.__contains__).name == "Jekyll"
    assert find_generator({"../../../../_config.yml"}.__contains__) == NO_GENERATOR


def test_the_warning_names_the_file_above_the_folder(tmp_path):
    (tmp_path / "hugo.toml").touch()
    bench = make_bench(tmp_path)
    bench.root = tmp_path / "content" / "posts"
    bench.write("a.md", article_text(body="{{ x }}"))
    problems = bench.sync().problems
    assert [(problem.path, problem.code) for problem in problems] == [
        (str(tmp_path / "hugo.toml"), "site-source"),
        (str(bench.root / "a.md"), "template-tag"),
    ]
    assert "the folder public that Hugo writes" in problems[0].message
