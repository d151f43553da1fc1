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
from bench.sides import Feedhub, newest
from bench.tables import WORK

from tests.conftest import ROOT
from tests.maker import made
from tests.proxies import need


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return made(tmp_path)


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Feedhub:
    """feedhub's side of the comparison, its first round run."""
    folder = tmp_path_factory.mktemp("side")
    side = Feedhub(folder, made(folder))
    run(side.command(0), sampled=True)
    return side


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
    with side.changed(newest(side.articles).stem, 7):
        run(side.command(1))
    first = json.loads(side.feeds(1)["all.json"].read_bytes())["items"][0]
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
        "process 1;_bootstrap (threading.py:1);work (queue.py:1) 5\n"
        "process 1;process 2;_run_module_as_main (x:1);work (feedhub/parallel.py:1) 5\n"
    )
    whole = {"site.py": 0.3, "elsewhere": 0.25, "parallel.py": 0.25, "imports": 0.1}
    whole["waiting for the disk"] = 0.1
    assert shares_of(folded, main_thread=False) == whole
    main = {"site.py": 0.6, "imports": 0.2, "waiting for the disk": 0.2}
    assert shares_of(folded, main_thread=True) == main


def test_the_plot_is_well_formed_and_names_every_line():
    rows = [
        {"articles": size, "work": work, "sides": sides | ({"Hugo": [9, 9, 9]} if size < 9 else {})}
        for size in (1, 100, 1_000)
        for work in WORK
        for sides in [{"feedhub": [size / 1e4, 1, 20]}]
    ]
    root = ElementTree.fromstring(plot.svg(plot.panels_of(rows)))
    svg = "{http://www.w3.org/2000/svg}"
    words = [element.text for element in root.iter(f"{svg}text")]
    for name in (*(f"feedhub, {work}" for work in WORK), "Hugo"):
        assert words.count(name) == 2
    assert {"Wall clock of a render", "Its peak memory", "articles", "0.01 s", "10 MB"} <= {*words}
    assert len(list(root.iter(f"{svg}circle"))) == 2 * (3 * 3 + 1)
    assert len(list(root.iter(f"{svg}polyline"))) == 2 * 3


def test_names_in_the_plot_do_not_cover_each_other():
    assert plot._apart([50, 10, 12, 13], 100) == [58, 10, 26, 42]
    assert plot._apart([95, 99], 100) == [84, 100]


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
