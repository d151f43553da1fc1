"""The page of `feedhub stats --html` in a real browser, judged by axe."""

from __future__ import annotations

from typing import Any

import pytest

from feedhub.stats.page import render_page
from tests.access_logs import download, generate_log, poll, report_of
from tests.browsers import browse, pictures_in, require_browser


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The findings of a browser on a page that has every section."""
    browser = require_browser()
    requests = [*generate_log(3).requests, *(download(n, agent="Careless/1") for n in range(9))]
    requests += [poll(n, path=f"{'long/' * 30}gone.rss", status=404) for n in range(5)]
    folder = tmp_path_factory.mktemp("report")
    (folder / "r.html").write_text(render_page(report_of(requests)), encoding="utf-8")
    return browse("browse_report.mjs", folder, browser, folder / "r.html", pictures_in(folder))


def test_the_page_loads_nothing_and_logs_no_errors(findings):
    assert (findings["external"], findings["console"]) == ([], [])
    assert len(findings["requests"]) == 3


def test_axe_finds_no_violations_in_any_size_and_color_scheme(findings):
    assert findings["violations"] == []


def test_nothing_overflows_from_a_small_phone_to_a_desktop(findings):
    assert findings["overflows"] == []


def test_both_color_schemes_differ_and_bars_are_visible(findings):
    assert len(set(findings["backgrounds"])) == 2
    assert min(findings["bars"]) > 20
