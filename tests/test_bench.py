"""The tools of bench/ work, on few articles and without what must be fetched: no time is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench import plot, serve
from bench.entries import compare
from bench.measure import run
from bench.page import PAGE, filled
from bench.profile import shares_of
from bench.sides import Feedhub, change, newest

from tests.conftest import ROOT
from tests.kit import article_text
from tests.proxies import need

WORK = ["cold", "unchanged", "one changed"]
# Makes N articles, two of each minute, as a program that is handed to --make does.
MAKER = """
import json, pathlib, sys
number, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir()
texts = json.loads(pathlib.Path(sys.argv[0]).with_suffix(".json").read_text())
for place, text in enumerate(texts[:number]):
    (folder / f"{place}.md").write_text(text)
"""


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that makes up to 60 articles."""
    place = tmp_path_factory.mktemp("maker") / "maker.py"
    place.write_text(MAKER)
    texts = [
        article_text(
            f"Article {number}",
            topics=["Law" if number % 3 else "ML"],
            provider={"name": "The News", "domain": "news.example"},
            publishedDateTime=f"2020-06-09T11:{number // 2:02d}:00Z",
        )
        .replace("title: Article", 'title: "Article', 1)
        .replace(f"{number}\n", f'{number}"\n', 1)
        for number in range(60)
    ]
    place.with_suffix(".json").write_text(json.dumps(texts))
    return place


@pytest.fixture
def articles(maker: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    subprocess.run([sys.executable, maker, "60", folder], check=True)
    return folder


@pytest.fixture
def side(articles: Path, tmp_path: Path) -> Feedhub:
    """feedhub's side of the comparison, its first round run."""
    side = Feedhub(tmp_path, articles)
    run(side.command(0), sampled=True)
    return side


def test_renders_are_measured_and_told(maker: Path, tmp_path: Path):
    command = [sys.executable, "-m", "bench.render", "60", "--alone", "--runs", "1"]
    command += ["--make", str(maker), "--results", str(tmp_path), "--scratch", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told = json.loads((tmp_path / "render.json").read_text())
    assert [(row["articles"], row["work"]) for row in told["rows"]] == [(60, w) for w in WORK]
    assert all(figure > 0 for row in told["rows"] for figure in row["feedhub"])
    assert {"date", "machine", "commit", "Python", "others took"} <= told["about"].keys()
    assert done.stdout.strip() in (tmp_path / "render.md").read_text()


def test_a_maker_that_is_missing_is_told_and_no_failure(tmp_path: Path):
    command = [sys.executable, "-m", "bench.render", "--make", str(tmp_path / "nothing")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stderr.startswith("skipped: ")


class TestTheSameWork:
    def test_a_side_is_like_itself(self, side: Feedhub):
        compared = compare(side.feeds(0), side.feeds(0))
        assert compared.feeds == 12
        assert compared.ties == compared.order == 0
        assert compared.entries == 3 * (50 + 40 + 20 + 50)

    def test_what_one_side_lacks_is_told(self, side: Feedhub):
        feeds = side.feeds(0)
        with pytest.raises(SystemExit, match=r"12 feeds here, 11 there: all\.rss"):
            compare(feeds, {name: place for name, place in feeds.items() if name != "all.rss"})

    @pytest.mark.parametrize(("edit", "alike"), [("twin", True), ("other", False)])
    def test_only_articles_of_one_date_may_differ(
        self, side: Feedhub, tmp_path: Path, edit: str, alike: bool
    ):
        # The feed ends with numbers 11 and 10, so that nothing else has the date of the last one.
        items = json.loads(side.feeds(0)["all.json"].read_bytes())
        items["items"][-1]["url"] += "-twin"
        if edit == "other":
            items["items"][0]["url"] += "-other"
        other = tmp_path / "other.json"
        other.write_text(json.dumps(items))
        there = {**side.feeds(0), "all.json": other}
        if alike:
            assert compare(side.feeds(0), there).ties == 1
        else:
            with pytest.raises(SystemExit, match="other entries"):
                compare(side.feeds(0), there)

    def test_order_within_one_date_is_counted(self, side: Feedhub, tmp_path: Path):
        items = json.loads(side.feeds(0)["all.json"].read_bytes())
        items["items"][:2] = reversed(items["items"][:2])
        other = tmp_path / "other.json"
        other.write_text(json.dumps(items))
        assert compare(side.feeds(0), {**side.feeds(0), "all.json": other}).order == 1


def test_the_newest_article_is_the_one_that_changes(side: Feedhub):
    place = newest(side.articles)
    change(place, 7)
    run(side.command(0))
    first = json.loads(side.feeds(0)["all.json"].read_bytes())["items"][0]
    assert first["title"].startswith("7 Article 5")


def test_a_command_that_fails_ends_the_benchmark():
    with pytest.raises(SystemExit, match="ended with 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_all_servers_answer_alike(articles: Path, tmp_path: Path):
    need("nginx")
    folder = tmp_path / "servers"
    folder.mkdir()
    with ExitStack() as stack:
        asked, _ = serve.start_all(stack, folder, articles)
        answers = {(one.server, one.work): one.question.answer() for one in asked}
    for work, status in (("304", 304), ("200 gzip", 200)):
        model, bare = answers["feedhub serve", work], answers["bare ASGI", work]
        assert (model.status, model.body, model.size) == (status, bare.body, bare.size)
        assert model.headers | {"date": ""} == bare.headers | {"date": ""}
        assert {a.status for (_, of), a in answers.items() if of == work} == {status}
    assert len(answers) == 10


def test_a_profile_counts_for_the_innermost_file_of_ours():
    folded = (
        "process 1;_run_module_as_main (x:1);run (feedhub/site.py:3);load (yaml/x.py:1) 6\n"
        "process 1;_run_module_as_main (x:1);_find_and_load (x:1);<module> (feedhub/a/b.py:1) 2\n"
        "process 1;_run_module_as_main (x:1);_flush (feedhub/render/folder.py:3) 2\n"
        "process 1;_bootstrap (threading.py:1);work (queue.py:1) 10\n"
    )
    whole = {"elsewhere": 0.5, "site.py": 0.3, "imports": 0.1, "waiting for the disk": 0.1}
    assert shares_of(folded, main_thread=False) == whole
    main = {"site.py": 0.6, "imports": 0.2, "waiting for the disk": 0.2}
    assert shares_of(folded, main_thread=True) == main


def test_the_plot_is_well_formed_and_names_every_line():
    rows = [
        {"articles": size, "work": work, "feedhub": [size / 1e4, 1, 1], "Hugo": [size / 1e3, 1, 1]}
        for size in (100, 1_000)
        for work in WORK
    ]
    root = ElementTree.fromstring(plot.svg(plot.lines_of(rows)))
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {f"{side}, {work}" for side in ("feedhub", "Hugo") for work in WORK} <= words
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 12


class TestThePage:
    def test_a_result_replaces_the_one_before(self):
        page = "a\n<!-- x -->\nold\nold\n<!-- /x -->\nb\n"
        new = filled(page, "x", r"new \1")
        assert new == "a\n<!-- x -->\n\nnew \\1\n\n<!-- /x -->\nb\n"
        assert filled(new, "x", "new") != new
        with pytest.raises(SystemExit):
            filled(page, "y", "")

    @pytest.mark.parametrize("name", ["render", "serve", "profile"])
    def test_every_result_has_its_place(self, name: str):
        assert filled(PAGE.read_text(encoding="utf-8"), name, "")
