"""The benchmarks work, on few articles and without downloads; times are not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench import plot, serve
from bench.compare_feeds import compare
from bench.generators import FeedhubGenerator, newest_article
from bench.measure import run
from bench.page import PAGE, replace_section
from bench.profile import shares_of
from bench.render_tables import RENDERS

from tests.article_maker import make_articles
from tests.conftest import ROOT
from tests.proxies import need


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return make_articles(tmp_path)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> FeedhubGenerator:
    """feedhub as a generator, after its first round."""
    folder = tmp_path_factory.mktemp("generator")
    generator = FeedhubGenerator(folder, make_articles(folder))
    run(generator.command(0), sample_memory=True)
    return generator


def test_a_missing_article_maker_is_reported_but_no_failure(tmp_path: Path):
    command = [sys.executable, "-m", "bench.render", "--make", str(tmp_path / "nothing")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stderr.startswith("skipped: ")


class TestComparison:
    def test_a_generator_equals_itself(self, generator: FeedhubGenerator):
        compared = compare(generator.feeds(0), generator.feeds(0))
        assert compared.feeds == 12
        assert compared.ties == compared.order == 0
        assert compared.entries == 3 * (50 + 40 + 20 + 50)

    def test_a_missing_feed_is_reported(self, generator: FeedhubGenerator):
        feeds = generator.feeds(0)
        with pytest.raises(SystemExit, match=r"12 feeds here, 11 there: all\.rss"):
            compare(feeds, {name: path for name, path in feeds.items() if name != "all.rss"})

    @pytest.mark.parametrize(("edit", "is_tie"), [("twin", True), ("other", False)])
    def test_only_articles_of_one_date_may_differ(
        self, generator: FeedhubGenerator, tmp_path: Path, edit: str, is_tie: bool
    ):
        # The feed ends with articles 11 and 10: no other one has the date of the last one.
        items = json.loads(generator.feeds(0)["all.json"].read_bytes())
        items["items"][-1]["url"] += "-twin"
        if edit == "other":
            items["items"][0]["url"] += "-other"
        other = tmp_path / "other.json"
        other.write_text(json.dumps(items))
        there = {**generator.feeds(0), "all.json": other}
        if is_tie:
            assert compare(generator.feeds(0), there).ties == 1
        else:
            with pytest.raises(SystemExit, match="other entries"):
                compare(generator.feeds(0), there)

    def test_order_within_one_date_is_counted(self, generator: FeedhubGenerator, tmp_path: Path):
        items = json.loads(generator.feeds(0)["all.json"].read_bytes())
        items["items"][:2] = reversed(items["items"][:2])
        other = tmp_path / "other.json"
        other.write_text(json.dumps(items))
        assert compare(generator.feeds(0), {**generator.feeds(0), "all.json": other}).order == 1


def test_the_newest_article_is_edited(generator: FeedhubGenerator):
    with generator.edited(newest_article(generator.articles).stem, 7):
        run(generator.command(1))
    first = json.loads(generator.feeds(1)["all.json"].read_bytes())["items"][0]
    assert first["title"].startswith("7 Article 5")


def test_a_command_that_fails_ends_the_benchmark():
    with pytest.raises(SystemExit, match="ended with 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_all_servers_send_the_same_responses(articles: Path, tmp_path: Path):
    need("nginx")
    folder = tmp_path / "servers"
    folder.mkdir()
    with ExitStack() as stack:
        requests, _ = serve.start_servers(stack, folder, articles)
        responses = {(one.server, one.work): one.target.get() for one in requests}
    for work, status in (("304", 304), ("200 gzip", 200)):
        model, bare = responses["feedhub serve", work], responses["bare ASGI", work]
        assert (model.status, model.body, model.size) == (status, bare.body, bare.size)
        assert model.headers | {"date": ""} == bare.headers | {"date": ""}
        assert {one.status for (_, kind), one in responses.items() if kind == work} == {status}
    assert len(responses) == 10


def test_a_sample_counts_for_the_innermost_file_of_feedhub():
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


def test_the_plot_is_well_formed_and_labels_every_line():
    rows = [
        {"articles": size, "work": work, "sides": sides | ({"Hugo": [9, 9, 9]} if size < 9 else {})}
        for size in (1, 100, 1_000)
        for work in RENDERS
        for sides in [{"feedhub": [size / 1e4, 1, 20]}]
    ]
    root = ElementTree.fromstring(plot.svg(plot.panels(rows)))
    svg = "{http://www.w3.org/2000/svg}"
    words = [element.text for element in root.iter(f"{svg}text")]
    for name in (*(f"feedhub, {work}" for work in RENDERS), "Hugo"):
        assert words.count(name) == 2
    assert {"Wall clock of a render", "Its peak memory", "articles", "0.01 s", "10 MB"} <= {*words}
    assert len(list(root.iter(f"{svg}circle"))) == 2 * (3 * 3 + 1)
    assert len(list(root.iter(f"{svg}polyline"))) == 2 * 3


def test_labels_of_the_plot_do_not_overlap():
    assert plot.spread_labels([50, 10, 12, 13], 100) == [58, 10, 26, 42]
    assert plot.spread_labels([95, 99], 100) == [84, 100]


class TestPage:
    def test_a_result_replaces_the_earlier_one(self):
        page = "a\n<!-- x -->\nold\nold\n<!-- /x -->\nb\n"
        new = replace_section(page, "x", r"new \1")
        assert new == "a\n<!-- x -->\n\nnew \\1\n\n<!-- /x -->\nb\n"
        assert replace_section(new, "x", "new") != new
        with pytest.raises(SystemExit):
            replace_section(page, "y", "")

    @pytest.mark.parametrize("name", ["render", "serve", "profile"])
    def test_every_result_has_a_section(self, name: str):
        assert replace_section(PAGE.read_text(encoding="utf-8"), name, "")
