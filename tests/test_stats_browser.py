"""The page of `feedhub stats --html` in a real browser, judged by axe."""

from __future__ import annotations

from typing import Any

import pytest

from feedhub.stats.page import page
from tests.browsers import browse, pictures_in, require_browser
from tests.made_log import made_log
from tests.test_stats_counts import answer, full, told


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw of a report that has every section."""
    browser = require_browser()
    records = [*made_log(3).records, *(full(n, agent="Heedless/1") for n in range(9))]
    records += [answer(n, path=f"{'long/' * 30}gone.rss", status=404) for n in range(5)]
    folder = tmp_path_factory.mktemp("report")
    (folder / "r.html").write_text(page(told(records)), encoding="utf-8")
    words = folder / "r.html", pictures_in(folder)
    return browse("browse_report.mjs", folder, browser, *words)


def test_it_asks_for_nothing_and_complains_of_nothing(seen):
    assert (seen["elsewhere"], seen["complaints"]) == ([], [])
    assert len(seen["asked"]) == 3


def test_axe_finds_nothing_in_any_size_and_colour(seen):
    assert seen["violations"] == []


def test_it_fits_from_a_small_phone_to_a_desktop(seen):
    assert seen["wide"] == []


def test_it_is_light_and_dark_and_its_bars_have_a_length(seen):
    assert len(set(seen["papers"])) == 2
    assert min(seen["bars"]) > 20
