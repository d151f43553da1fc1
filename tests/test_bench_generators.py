"""Other generators: their input, their output, and the tables that compare them with feedhub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench import render
from bench.articles import as_html, as_post, read_articles, slug
from bench.compare_feeds import compare, read_entries
from bench.environment import cache_folder, install_package
from bench.generators import (
    FeedhubGenerator,
    Generator,
    HugoGenerator,
    NotInstalledError,
    newest_article,
)
from bench.goals import goal_table, goals, serve_goals
from bench.measure import run
from bench.other_generators import (
    EleventyGenerator,
    FeedgenBaseline,
    JekyllGenerator,
    PelicanGenerator,
)
from bench.render_tables import RENDERS, markdown

from tests.article_maker import make_articles, write_maker

IMAGE = "https://x.example/a.png?w=1"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return make_articles(tmp_path)


@pytest.fixture
def baseline(articles: Path, tmp_path: Path) -> FeedgenBaseline:
    side = FeedgenBaseline(tmp_path, articles)
    run(side.command(0), cwd=side.cwd)
    return side


class TestInput:
    def test_an_article_is_read(self, articles: Path):
        article = next(one for one in read_articles(articles) if one.title == "Article 4")
        assert article.url == "https://news.example/article-4"
        assert article.topics == ["Law"]
        assert (article.provider, article.domain) == ("The News", "news.example")
        assert article.html.startswith("<p>A summary.</p>")

    def test_images_precede_the_text(self, tmp_path: Path):
        matter = {
            "title": "T",
            "excerpt": "A & B",
            "webUrl": "https://x.example/",
            "publishedDateTime": "2020-06-09T11:00:00Z",
            "topics": ["Law"],
            "provider": {"name": "X", "domain": "x.example"},
            "images": [
                {"url": "https://x.example/a.png?w=1", "width": 1, "height": 2, "title": "<"}
            ],
        }
        (tmp_path / "a.md").write_text(f"---\n{yaml.safe_dump(matter)}---\n")
        [article] = read_articles(tmp_path)
        assert article.images == [(IMAGE, "image/png")]
        image = f'<img src="{IMAGE}" width="1" height="2" alt="&lt;">'
        assert article.html.startswith(f"<figure>{image}</figure><p>A &amp; B</p>")

    def test_a_post_has_the_path_of_its_article_below_the_base_url(self, articles: Path):
        article = next(read_articles(articles))
        fields = yaml.safe_load(as_post(article, tags=["a", "b"]).split("---\n")[1])
        assert fields["permalink"] == f"/news.example/{slug(article.title)}"
        assert fields["tags"] == ["a", "b"]
        assert fields["topics"] == article.topics

    def test_a_page_has_metadata_in_its_head(self, articles: Path):
        article = next(read_articles(articles))._replace(title='"A" & B', topics=["x", "y"])
        page = as_html(article)
        assert "<title>&quot;A&quot; &amp; B</title>" in page
        assert '<meta name="tags" content="x, y">' in page
        assert f'<meta name="url" content="{article.url}">' in page


class TestOutput:
    @pytest.mark.parametrize(
        ("side", "path", "name"),
        [
            (JekyllGenerator, "all.atom", "all.atom"),
            (JekyllGenerator, "topics/law_and_order.xml", "topics/law-and-order.atom"),
            (JekyllGenerator, "feed/the-news.xml", "providers/the-news.atom"),
            (JekyllGenerator, "news.example/article-3/index.html", ""),
            (HugoGenerator, "feed.rss", "all.rss"),
            (HugoGenerator, "topics/law/feed.atom", "topics/law.atom"),
            (FeedhubGenerator, "feeds.opml", ""),
            (EleventyGenerator, "providers/the-news.json", "providers/the-news.json"),
        ],
    )
    def test_a_feed_has_the_name_that_feedhub_gives_it(
        self, side: type[Generator], path: str, name: str
    ):
        assert side.feed_name(side.__new__(side), path) == name

    def test_the_baseline_writes_the_same_feeds(
        self, baseline: FeedgenBaseline, articles: Path, tmp_path: Path
    ):
        ours = FeedhubGenerator(tmp_path, articles)
        run(ours.command(0))
        same = compare(ours.feeds(0), baseline.feeds(0))
        assert (same.feeds, same.entries, same.ties) == (12, 3 * (50 + 40 + 20 + 50), 0)

    def test_a_url_below_the_base_url_is_the_url_of_its_article(self, tmp_path: Path):
        item = {"date_published": "2020-06-09T11:00:00Z"}
        own = item | {"url": "https://feeds.example.org/news.example/a"}
        there = item | {"url": "https://news.example/a"}
        (tmp_path / "feed").write_text(json.dumps({"items": [own, there]}))
        one, other = read_entries(tmp_path / "feed", ".json")
        assert one == other

    def test_an_atom_entry_may_have_one_date_and_links_of_images(self, tmp_path: Path):
        (tmp_path / "feed").write_text(
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="x"/>'
            '<link href="https://news.example/a"/><link href="a.png"/>'
            "<updated>2020-06-09T11:00:00Z</updated></entry></feed>"
        )
        [(link, date)] = read_entries(tmp_path / "feed", ".atom")
        assert (link, date.hour) == ("https://news.example/a", 11)

    def test_an_edit_is_undone(self, baseline: FeedgenBaseline):
        path = newest_article(baseline.articles)
        before = path.read_bytes()
        with baseline.edited(path.stem, 7):
            assert b'title: "7 Article' in path.read_bytes()
        assert path.read_bytes() == before

    def test_a_round_is_removed(self, articles: Path, tmp_path: Path):
        before = set(tmp_path.iterdir())
        side = FeedhubGenerator(tmp_path, articles)
        run(side.command(3))
        side.remove_round(3)
        assert set(tmp_path.iterdir()) - before == {tmp_path / "feedhub.toml"}


def failing(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)


class TestMissingGenerators:
    def test_a_missing_generator_is_reported_with_the_command_that_installs_it(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.setattr("bench.other_generators.shutil.which", lambda name: None)
        options = render.parse_options(["10", "--beside", "jekyll,feedgen"])
        assert list(render.installed_versions(options)) == ["feedgen"]
        errors = capsys.readouterr().err
        assert errors.startswith("skipped: Jekyll is not installed: apt-get install ")

    @pytest.mark.parametrize("side", [PelicanGenerator, EleventyGenerator, HugoGenerator])
    def test_a_generator_that_cannot_be_installed_is_missing(
        self, side: type[Generator], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        def create(folder: Path, **options: object) -> None:
            failing(folder / "bin" / "python")

        monkeypatch.setattr("bench.environment.venv.create", create)
        failing(tmp_path / "npm")
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(NotInstalledError, match="install"):
            side.version()

    def test_packages_are_installed_once(self):
        folder = cache_folder() / "anything"
        folder.mkdir(parents=True)
        (folder / "done").touch()
        assert install_package("anything") == folder

    def test_unknown_names_are_refused(self, capsys: pytest.CaptureFixture[str]):
        with pytest.raises(SystemExit):
            render.parse_options(["10", "--compare", "hogu"])
        assert "hogu: choose from hugo, feedgen" in capsys.readouterr().err


def row(size: int, work: str, **walls: float) -> dict[str, Any]:
    sides = {name: [wall, 2 * wall, 100 * wall] for name, wall in walls.items()}
    return {"articles": size, "work": work, "sides": sides, "all": {}}


def judged(**result: Any) -> dict[str, tuple[float, str]]:
    """Return the measured value and the verdict of each goal."""
    found = goals({"rows": []} | result)
    return {goal.name: (round(goal.measured, 3), goal.verdict()) for goal in found}


class TestGoals:
    def test_goals_relative_to_hugo(self):
        rows = [row(10_000, "cold", feedhub=3.8, Hugo=10.0), row(10, "cold", feedhub=1, Hugo=1)]
        assert judged(rows=rows) == {
            "10,000, cold: wall / Hugo's": (0.38, "met"),
            "10,000, cold: CPU / Hugo's": (0.38, "met"),
        }
        rows = [row(10_000, "cold", feedhub=3.0, Hugo=10.0)]
        assert {verdict for _, verdict in judged(rows=rows).values()} == {"stretch met"}

    def test_a_missed_goal_states_by_how_much(self):
        rows = [row(1_000, "cold", feedhub=0.75, Hugo=1.0)]
        assert judged(rows=rows) == {"1,000, cold: wall / Hugo's": (0.75, "missed by 25%")}

    def test_goals_of_the_default_configuration(self):
        default = {"10000": {"median": [8, 1, 1], "files": 9_900, "bytes": 649_000_000}}
        name = "10,000, default configuration"
        assert judged(rows=[row(10_000, "cold", feedhub=3, Hugo=10)], default=default) == {
            "10,000, cold: wall / Hugo's": (0.3, "stretch met"),
            "10,000, cold: CPU / Hugo's": (0.3, "stretch met"),
            f"{name}: wall / Hugo's, feeds alone": (0.8, "met"),
            f"{name}: files": (9_900, "missed by 10%"),
            f"{name}: MB": (649, "met"),
        }
        assert len(judged(rows=[row(10_000, "cold", feedhub=3)], default=default)) == 2

    def test_goals_that_are_the_lowest_value_allowed(self):
        posts = [row(1_400, "cold", feedhub=1.0), row(1_400, "unchanged", feedhub=0.1)]
        name = "1,400 real posts, cold: posts a second and core"
        assert judged(posts=posts) == {name: (700, "met")}
        posts = [row(700, "cold", feedhub=1.0)]
        assert [verdict for _, verdict in judged(posts=posts).values()] == ["missed by 50%"]
        rates = (("304", 0.95), ("200 gzip", 0.90))
        rows = [
            {"work": work, "server": "feedhub serve", "of": {"bare ASGI": ratio}}
            for work, ratio in rates
        ]
        verdicts = [goal.verdict() for goal in serve_goals(rows)]
        assert verdicts == ["stretch met", "missed by 3%"]
        table = "\n".join(goal_table(serve_goals(rows)))
        assert "| 304: requests / bare ASGI's | ≥ 0.92 | ≥ 0.95 | 0.95 | stretch met |" in table

    def test_goals_of_a_large_archive(self):
        rows = [
            row(10_000, "cold", feedhub=1.0, Hugo=5.0),
            row(100_000, "cold", feedhub=12.1),
            row(100_000, "one changed", feedhub=0.75),
        ]
        watch = {"1000": [0.2, 0.1, 9], "100000": [0.21, 0.2, 9]}
        assert judged(rows=rows, watch=watch) == {
            "10,000, cold: wall / Hugo's": (0.2, "stretch met"),
            "10,000, cold: CPU / Hugo's": (0.2, "stretch met"),
            "100,000, any render: peak memory, MB": (1210, "missed by 202%"),
            "100,000, cold: wall / that of 10,000": (12.1, "missed by 10%"),
            "100,000, one changed: wall / Hugo's cold 10,000": (0.15, "missed by 50%"),
            "100,000, an edit under --watch: wall / that of 1,000": (1.05, "stretch met"),
        }
        assert len(judged(rows=rows[1:])) == 1


def test_renders_are_compared_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    # No waiting for file times and for the disk: times are not judged.
    monkeypatch.setattr("bench.measure.os.sync", lambda: None)
    monkeypatch.setattr("bench.render.let_files_age", lambda: None)
    monkeypatch.setattr("bench.environment.let_files_age", lambda: None)
    monkeypatch.setattr("bench.watch.let_files_age", lambda: None)
    monkeypatch.setattr("bench.watch.SETTLE_SECONDS", 0.1)
    words = ["30", "--runs", "1", "--beside", "feedgen", "--posts", "10", "--watch", "30"]
    words += [
        "--make",
        str(write_maker(tmp_path)),
        "--results",
        str(tmp_path),
        "--scratch",
        str(tmp_path),
    ]
    render.main(words)
    result = json.loads((tmp_path / "render.json").read_text())
    assert [(row["articles"], row["work"]) for row in result["rows"]] == [
        (30, work) for work in RENDERS
    ]
    beside, alone = result["rows"][0]["sides"], result["posts"][0]["sides"]
    assert list(beside) == ["feedhub", "feedgen"]
    assert list(alone) == ["feedhub"]
    assert all(figure > 0 for figures in (*beside.values(), *alone.values()) for figure in figures)
    assert {"date", "machine", "commit", "Python", "others took"} <= result["about"].keys()
    assert [(row["articles"], row["work"]) for row in result["posts"]] == [(10, "cold")]
    wrote = result["written"]["30"]
    assert wrote["feedhub"]["entries"] == wrote["feedgen"]["entries"] == 3 * 90
    assert wrote["feedhub"]["files"] > wrote["feedhub"]["feeds"] == 12
    assert capsys.readouterr().out.strip() == markdown(result).strip()
    [edit] = result["watch"].values()
    assert edit[0] > 0
    assert edit[2] > 3
    default = result["default"]["30"]
    assert default["files"] > wrote["feedhub"]["files"]
    assert default["bytes"] > 0 < default["median"][0]
    assert result["floor"]["30"] >= 0
    report = (tmp_path / "render.md").read_text()
    assert "| 30 | cold |" in report
    assert "figures: medians of 1 runs" in report
