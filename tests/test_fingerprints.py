"""Equal fingerprints mean equal bytes, whatever happened before, in any catalog."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit import NOW, Bench, make_bench

_OPTIONS: dict[str, Any] = {"feeds__limit": 2, "feeds__days": 0}

WRITES = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["One", "One", "Two"]),
        "topics": st.sampled_from([["AI"], ["AI"], ["ai", "A I"], ["A/I"], []]),
        "publishedDateTime": st.sampled_from(
            ["2020-01-01T00:00:00Z", "2020-02-02T00:00:00Z", "2020-03-03T00:00:00Z"]
        ),
        "updatedDateTime": st.sampled_from([None, "2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z"]),
        "heat": st.sampled_from([1, 2]),
        "published": st.sampled_from([True, True, True, False]),
    }
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["a.md", "b.md", "c.md", "d.md"]), st.none() | WRITES),
    min_size=1,
    max_size=12,
)


def remember(seen: dict[tuple[str, str], bytes], bench: Bench) -> None:
    """Add every document of a site, which must be as it was under the same fingerprint."""
    site = bench.site
    for path, planned in site.plan().items():
        body = site.document(planned).body
        assert seen.setdefault((path, planned.fingerprint), body) == body


@given(STEPS)
@settings(max_examples=50)
def test_equal_fingerprints_mean_equal_bytes(steps):
    seen: dict[tuple[str, str], bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder), **_OPTIONS)
        for number, (name, fields) in enumerate(steps):
            if fields is None:
                (bench.root / name).unlink(missing_ok=True)
            else:
                bench.write(name, **fields)
            now = NOW + timedelta(seconds=number)
            bench.sync(now)
            remember(seen, bench)
            fresh = make_bench(Path(folder), **_OPTIONS)
            fresh.sync(now)
            remember(seen, fresh)


@given(STEPS)
@settings(max_examples=40)
def test_two_new_catalogs_have_the_same_feeds_and_plan(steps):
    with tempfile.TemporaryDirectory() as folder:
        benches = [make_bench(Path(folder), **_OPTIONS) for _ in range(2)]
        for name, fields in steps:
            if fields is not None:
                benches[0].write(name, **fields)
        for seconds, bench in enumerate(benches):
            bench.sync(NOW + timedelta(seconds=seconds))
        states = [bench.catalog.feeds(("all", "topic", "category")) for bench in benches]

        assert states[0] == states[1]
        assert benches[0].site.plan() == benches[1].site.plan(), "the lists too"
