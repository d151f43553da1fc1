"""What is kept under a budget, against a slow and plain model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedhub.kept import Kept

STEPS = st.lists(
    st.tuples(st.sampled_from(["get", "put", "clear"]), st.sampled_from("abcde"), st.integers(0, 9))
)


@given(steps=STEPS, budget=st.integers(0, 20))
def test_the_budget_holds_and_what_was_used_last_stays(steps, budget):
    kept: Kept[str, int] = Kept(budget)
    model: list[
        tuple[str, int, int]
    ] = []  # keys, values and weights, what was used last at the end
    for number, (step, key, weight) in enumerate(steps):
        known = [row for row in model if row[0] == key]
        others = [row for row in model if row[0] != key]
        if step == "get":
            assert kept.get(key) == (known[0][1] if known else None)
            model = [*others, *known]
        elif step == "put":
            kept.put(key, number, weight)
            model = [*others, (key, number, weight)]
            while sum(row[2] for row in model) > budget:
                del model[0]
        else:
            kept.clear()
            model = []
        assert len(kept) == len(model)
        assert kept.weight == sum(row[2] for row in model) <= budget
