"""The page of `feedhub stats --html` in a real browser, judged by axe."""

from __future__ import annotations

from typing import Any

import pytest

from feedhub.stats.page import render_page
from tests.access_logs import download, generate_log, poll, report_of
from tests.browsers import browse, pictures_in, require_browser


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw of a report that has every section."""
    browser = require_browser()
    requests = [*generate_log(3).requests, *(download(n, agent="Careless/1") for n in range(9))]
    requests += [poll(n, path=f"{'long/' * 30}gone.rss", status=404) for n in range(5)]
    folder = tmp_path_factory.mktemp("report")
    (folder / "r.html").write_text(render_page(report_of(requests)), encoding="utf-8")
    words = folder / "r.html", pictures_in(folder)
    return browse("browse_report.mjs", folder, browser, *words)


def test_the_page_loads_nothing_and_logs_no_errors(seen):
    assert (seen["elsewhere"], seen["complaints"]) == ([], [])
    assert len(seen["asked"]) == 3


def test_axe_finds_no_violations_in_any_size_and_color_scheme(seen):
    assert seen["violations"] == []


def test_nothing_overflows_from_a_small_phone_to_a_desktop(seen):
    assert seen["wide"] == []


def test_both_color_schemes_differ_and_bars_are_visible(seen):
    assert len(set(seen["papers"])) == 2
    assert min(seen["bars"]) > 20
