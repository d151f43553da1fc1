"""The public gate: every combination of flags, against an independent copy of the rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from feedhub.sources.gate import Flags, Verdict, judge

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FLAG = st.sampled_from([None, True, False])
MOMENT = st.sampled_from([None, *(NOW + timedelta(seconds=s) for s in (-1, 0, 1))])
FLAGS = st.builds(Flags, published=FLAG, removed=FLAG, draft=FLAG, date=MOMENT, expires=MOMENT)


@given(FLAGS, st.booleans())
def test_shown_only_if_no_flag_or_date_hides_it(flags, drafts):
    public = flags.published is not False and flags.draft is not True
    begun = flags.date is not None and flags.date <= NOW
    not_over = flags.expires is None or flags.expires > NOW
    expected = (public or drafts) and flags.removed is not True and begun and not_over

    assert (judge(flags, NOW, drafts=drafts).state == "shown") is expected


@given(FLAGS, st.booleans())
def test_nothing_changes_before_it_is_due(flags, drafts):
    verdict = judge(flags, NOW, drafts=drafts)
    later = NOW + timedelta(seconds=10)
    if verdict.due is None:
        assert judge(flags, later, drafts=drafts).state == verdict.state
    else:
        just_before = verdict.due - timedelta(microseconds=1)
        assert judge(flags, just_before, drafts=drafts).state == verdict.state
        assert judge(flags, verdict.due, drafts=drafts).state != verdict.state


def test_removed_wins_over_all_other_flags():
    everything = Flags(published=False, removed=True, draft=True, date=None, expires=NOW)

    assert judge(everything, NOW) == Verdict("removed")
    assert judge(everything, NOW, drafts=True) == Verdict("removed")


def test_drafts_are_shown_only_where_they_are_asked_for():
    hidden = Flags(published=False, date=NOW)

    assert judge(hidden, NOW) == Verdict("unpublished")
    assert judge(hidden, NOW, drafts=True) == Verdict("shown")


def test_the_state_says_why():
    later, earlier = NOW + timedelta(days=1), NOW - timedelta(days=1)

    assert judge(Flags(), NOW) == Verdict("undated")
    assert judge(Flags(date=earlier, expires=NOW), NOW) == Verdict("expired")
    assert judge(Flags(date=later), NOW) == Verdict("scheduled", later)
    assert judge(Flags(date=NOW, expires=later), NOW) == Verdict("shown", later)
