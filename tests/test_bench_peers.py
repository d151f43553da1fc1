"""Other generators beside feedhub: what they are handed, what they wrote, what is told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench import render
from bench.entries import compare, entries_of
from bench.goals import goals
from bench.measure import run
from bench.peers import Eleventy, Jekyll, Pelican, Straight
from bench.places import cache, install
from bench.prepared import as_page, as_post, prepared, slug
from bench.sides import Feedhub, Hugo, MissingError, Side, newest
from bench.tables import WORK, markdown

from tests.maker import made, write_maker

IMAGE = "https://x.example/a.png?w=1"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return made(tmp_path)


@pytest.fixture
def straight(articles: Path, tmp_path: Path) -> Straight:
    side = Straight(tmp_path, articles)
    run(side.command(0), cwd=side.cwd)
    return side


class TestWhatTheyAreHanded:
    def test_an_article_in_its_own_words(self, articles: Path):
        told = next(one for one in prepared(articles) if one.title == "Article 4")
        assert told.url == "https://news.example/article-4"
        assert (told.topics, told.provider, told.domain) == (["Law"], "The News", "news.example")
        assert told.html.startswith("<p>A summary.</p>")

    def test_images_stand_before_the_text(self, tmp_path: Path):
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
        [told] = prepared(tmp_path)
        assert told.images == [(IMAGE, "image/png")]
        image = f'<img src="{IMAGE}" width="1" height="2" alt="&lt;">'
        assert told.html.startswith(f"<figure>{image}</figure><p>A &amp; B</p>")

    def test_a_post_has_the_address_of_its_article_below_the_site(self, articles: Path):
        told = next(prepared(articles))
        fields = yaml.safe_load(as_post(told, tags=["a", "b"]).split("---\n")[1])
        assert fields["permalink"] == f"/news.example/{slug(told.title)}"
        assert fields["tags"] == ["a", "b"]
        assert fields["topics"] == told.topics

    def test_a_page_has_all_but_the_text_in_its_head(self, articles: Path):
        told = next(prepared(articles))._replace(title='"A" & B', topics=["x", "y"])
        page = as_page(told)
        assert "<title>&quot;A&quot; &amp; B</title>" in page
        assert '<meta name="tags" content="x, y">' in page
        assert f'<meta name="url" content="{told.url}">' in page


class TestWhatTheyWrote:
    @pytest.mark.parametrize(
        ("side", "path", "name"),
        [
            (Jekyll, "all.atom", "all.atom"),
            (Jekyll, "topics/law_and_order.xml", "topics/law-and-order.atom"),
            (Jekyll, "feed/the-news.xml", "providers/the-news.atom"),
            (Jekyll, "news.example/article-3/index.html", ""),
            (Hugo, "feed.rss", "all.rss"),
            (Hugo, "topics/law/feed.atom", "topics/law.atom"),
            (Feedhub, "feeds.opml", ""),
            (Eleventy, "providers/the-news.json", "providers/the-news.json"),
        ],
    )
    def test_a_feed_has_the_name_that_feedhub_gives_it(
        self, side: type[Side], path: str, name: str
    ):
        assert side.named(side.__new__(side), path) == name

    def test_the_straight_way_writes_the_same(
        self, straight: Straight, articles: Path, tmp_path: Path
    ):
        ours = Feedhub(tmp_path, articles)
        run(ours.command(0))
        same = compare(ours.feeds(0), straight.feeds(0))
        assert (same.feeds, same.entries, same.ties) == (12, 3 * (50 + 40 + 20 + 50), 0)

    def test_an_address_below_the_site_is_the_articles_own(self, tmp_path: Path):
        item = {"date_published": "2020-06-09T11:00:00Z"}
        own = item | {"url": "https://feeds.example.org/news.example/a"}
        there = item | {"url": "https://news.example/a"}
        (tmp_path / "feed").write_text(json.dumps({"items": [own, there]}))
        one, other = entries_of(tmp_path / "feed", ".json")
        assert one == other

    def test_an_entry_of_atom_may_have_one_date_and_links_of_images(self, tmp_path: Path):
        (tmp_path / "feed").write_text(
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="x"/>'
            '<link href="https://news.example/a"/><link href="a.png"/>'
            "<updated>2020-06-09T11:00:00Z</updated></entry></feed>"
        )
        [(link, date)] = entries_of(tmp_path / "feed", ".atom")
        assert (link, date.hour) == ("https://news.example/a", 11)

    def test_a_change_is_taken_back(self, straight: Straight):
        place = newest(straight.articles)
        before = place.read_bytes()
        with straight.changed(place.stem, 7):
            assert b'title: "7 Article' in place.read_bytes()
        assert place.read_bytes() == before

    def test_nothing_is_left_of_a_round(self, articles: Path, tmp_path: Path):
        before = set(tmp_path.iterdir())
        side = Feedhub(tmp_path, articles)
        run(side.command(3))
        side.forget(3)
        assert set(tmp_path.iterdir()) - before == {tmp_path / "feedhub.toml"}


def failing(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)


class TestWhatIsMissing:
    def test_a_peer_that_is_not_here_is_named_with_what_brings_it(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.setattr("bench.peers.shutil.which", lambda name: None)
        options = render._options(["10", "--beside", "jekyll,feedgen"])
        assert list(render._programs(options)) == ["feedgen"]
        said = capsys.readouterr().err
        assert said.startswith("skipped: Jekyll is not here: apt-get install ")

    @pytest.mark.parametrize("side", [Pelican, Eleventy, Hugo])
    def test_so_is_one_that_cannot_be_installed(
        self, side: type[Side], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        def create(folder: Path, **options: object) -> None:
            failing(folder / "bin" / "python")

        monkeypatch.setattr("bench.places.venv.create", create)
        failing(tmp_path / "npm")
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(MissingError, match="install"):
            side.version()

    def test_what_was_installed_is_not_installed_again(self):
        folder = cache() / "anything"
        folder.mkdir(parents=True)
        (folder / "done").touch()
        assert install("anything") == folder

    def test_an_unknown_name_is_refused(self, capsys: pytest.CaptureFixture[str]):
        with pytest.raises(SystemExit):
            render._options(["10", "--beside", "hogu"])
        assert "hogu: there are hugo, feedgen" in capsys.readouterr().err


def row(size: int, work: str, **walls: float) -> dict[str, Any]:
    sides = {name: [wall, 2 * wall, 100 * wall] for name, wall in walls.items()}
    return {"articles": size, "work": work, "sides": sides, "all": {}}


class TestGoals:
    def test_beside_hugo(self):
        rows = [row(10_000, "cold", feedhub=2.0, Hugo=10.0), row(10, "cold", feedhub=1, Hugo=1)]
        told = {goal.name: (goal.most, goal.measured, goal.told()) for goal in goals(rows)}
        assert told == {
            "10,000, cold: wall to Hugo's": (0.25, 0.2, "met"),
            "10,000, cold: CPU to Hugo's": (0.25, 0.2, "met"),
            "10,000, cold: peak memory to Hugo's": (0.30, 0.2, "met"),
        }

    def test_what_is_missed_is_told_with_how_much(self):
        rows = [row(10_000, "unchanged", feedhub=0.5, Hugo=10.0)]
        assert [goal.told() for goal in goals(rows)] == ["missed by 25%"]

    def test_of_a_large_archive(self):
        rows = [
            row(size, work, feedhub=wall)
            for size, work, wall in (
                (10_000, "cold", 1.0),
                (10_000, "one changed", 0.5),
                (100_000, "cold", 12.1),
                (100_000, "one changed", 0.75),
            )
        ]
        told = goals(rows, large=100_000)
        assert [goal.most for goal in told] == pytest.approx([400, 11, 2])
        assert [goal.measured for goal in told] == pytest.approx([1210, 12.1, 1.5])
        assert [goal.told() for goal in told] == ["missed by 202%", "missed by 10%", "met"]
        assert len(goals(rows[2:], large=100_000)) == 1


def test_renders_are_measured_beside_others_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    # What waits for times that can be trusted, and for the disk, does not: no time is judged.
    monkeypatch.setattr("bench.measure.os.sync", lambda: None)
    monkeypatch.setattr("bench.render.settle", lambda: None)
    monkeypatch.setattr("bench.places.settle", lambda: None)
    monkeypatch.setattr("bench.render._LARGE_RUNS", 1)
    words = ["30", "--runs", "1", "--large", "60", "--peers", "30", "--beside", "feedgen"]
    words += [
        "--make",
        str(write_maker(tmp_path)),
        "--results",
        str(tmp_path),
        "--scratch",
        str(tmp_path),
    ]
    render.main(words)
    told = json.loads((tmp_path / "render.json").read_text())
    assert [(row["articles"], row["work"]) for row in told["rows"]] == [
        (size, work) for size in (30, 60) for work in WORK
    ]
    beside, alone = told["rows"][0]["sides"], told["rows"][-1]["sides"]
    assert list(beside) == ["feedhub", "feedgen"]
    assert list(alone) == ["feedhub"]
    assert all(figure > 0 for figures in (*beside.values(), *alone.values()) for figure in figures)
    assert {"date", "machine", "commit", "Python", "others took"} <= told["about"].keys()
    wrote = told["written"]["30"]
    assert wrote["feedhub"]["entries"] == wrote["feedgen"]["entries"] == 3 * 90
    assert wrote["feedhub"]["files"] > wrote["feedhub"]["feeds"] == 12
    assert capsys.readouterr().out.strip() == markdown(told).strip()
    assert "60, cold: wall to that of 30" in (tmp_path / "render.md").read_text()
