"""`feedhub feeds` and `feedhub init`: what they print and write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedhub.cli import init
from feedhub.config import load_config
from tests.command_line import BASE, Result, runner, write
from tests.kit import article_text


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process."""
    return runner(capsys)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


# feeds


def test_feeds_lists_every_feed(run):
    write("more.md", article_text("More", topics=["AI", "Law"], category="news"))
    ran = run("feeds", "articles", *BASE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "all\t\t2\t2020-06-09\thttps://feeds.example.org/all.rss\n"
        "topic\tAI\t2\t2020-06-09\thttps://feeds.example.org/topics/ai.rss\n"
        "topic\tLaw\t1\t2020-06-09\thttps://feeds.example.org/topics/law.rss\n"
        "category\tnews\t1\t2020-06-09\thttps://feeds.example.org/categories/news.rss\n"
    )


@pytest.mark.parametrize("name", ["law", "LAW", "topics/law", "Topics/Law"])
def test_feeds_only_lists_one_feed(run, name: str):
    write("more.md", article_text("More", topics=["Law"]))
    ran = run("feeds", "articles", "--only", name, *BASE)
    assert ran == Result(
        0, "topic\tLaw\t1\t2020-06-09\thttps://feeds.example.org/topics/law.rss\n", ""
    )


def test_feeds_only_keeps_the_order_and_a_name_may_be_two_feeds(run):
    write("more.md", article_text("More", topics=["Law", "News"], category="news"))
    ran = run("feeds", "articles", "--only", "news", "--only", "all", "--only", "topics/news")
    assert [line.split("\t")[:2] for line in ran.out.splitlines()] == [
        ["all", ""],
        ["topic", "News"],
        ["category", "news"],
    ]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Lwa", "did you mean Law?"),
        ("topic/law", "did you mean topics/law?"),
        ("COMPUTER VISON", "did you mean Computer Vision?"),
        ("entirely else", "run feedhub feeds SOURCE to list all feeds"),
    ],
)
def test_an_unknown_feed_gets_a_suggestion(run, name: str, advice: str):
    write("more.md", article_text("More", topics=["Law", "Computer Vision"]))
    ran = run("feeds", "articles", "--only", name, *BASE)
    assert ran == Result(2, "", f"feedhub: there is no feed '{name}'; {advice}\n")


def test_feeds_as_json(run):
    rows = json.loads(run("feeds", "articles", "--json", "--formats", "json", *BASE).out)
    assert rows[1] == {
        "kind": "topic",
        "label": "AI",
        "count": 1,
        "newest": "2020-06-09T11:00:00Z",
        "address": "https://feeds.example.org/topics/ai.json",
    }


def test_feeds_of_an_empty_source_is_the_site_feed(run):
    Path("articles/good.md").unlink()
    assert run("feeds", "articles").out.split() == [
        "all",
        "0",
        "-",
        "http://127.0.0.1:8000/all.rss",
    ]
    assert json.loads(run("feeds", "articles", "--json").out)[0]["newest"] is None


def test_feeds_reports_rejected_articles(run):
    write("bad.md", "---\npublished: perhaps\n---\n")
    ran = run("feeds", "articles")
    assert ran.code == 1
    assert ran.err.startswith("articles/bad.md:2: ")


def test_feeds_includes_drafts_with_the_option(run):
    write("draft.md", article_text("Draft", topics=["New"], published=False))
    assert "New" not in run("feeds", "articles").out
    assert "New" in run("feeds", "articles", "--drafts").out


# init


def test_init_writes_a_file_that_works(run):
    ran = run("init")
    assert ran == Result(0, "feedhub.toml was written. Set site.base_url first.\n", "")
    assert load_config(Path("feedhub.toml"), {}) == load_config(None, {})
    assert run("render", "articles", "public").code == 0


def test_init_does_not_change_an_existing_file(run):
    Path("feedhub.toml").write_text("mine", encoding="utf-8")
    ran = run("init")
    assert ran == Result(
        2, "", "feedhub: feedhub.toml: already exists and was not changed; give another FILE\n"
    )
    assert Path("feedhub.toml").read_text(encoding="utf-8") == "mine"
    assert run("init", "other.toml").code == 0


def test_init_removes_a_file_it_cannot_complete(run, monkeypatch: pytest.MonkeyPatch):
    def full() -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(init, "starter_toml", full)
    message = "feedhub: feedhub.toml: cannot be written: No space left on device\n"
    assert run("init") == Result(2, "", message)
    assert not Path("feedhub.toml").exists()
