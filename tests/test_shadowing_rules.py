"""When a shadow has ended well: shares of its pages, and what is missing never counts as good. Pure."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.shadowing import GOOD, Tally, bad, failed, lacking, unfinished

DUE = dt.datetime(2026, 7, 15, 12, tzinfo=dt.UTC)
TICK = dt.timedelta(microseconds=1)
WELL = Tally(due_at=DUE, pages=5, assessed=5, critical=4, actionable=4, drill=False, unturned=[])


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """Any count that there may be."""
    pages = draw(st.integers(0, 50))
    assessed = draw(st.integers(0, pages))
    critical, actionable = (draw(st.integers(0, assessed)) for _ in range(2))
    unturned = draw(st.lists(st.sampled_from(["olga", "otto"]), unique=True))
    return Tally(DUE, pages, assessed, critical, actionable, drill=draw(st.booleans()), unturned=unturned)


moments = st.timedeltas(dt.timedelta(-90), dt.timedelta(90)).map(lambda span: DUE + span)


@given(tallies(), moments)
def test_it_ended_well_only_with_all_that_is_asked(tally: Tally, now: dt.datetime) -> None:
    well = (
        now >= DUE
        and not tally.unturned
        and tally.pages == tally.assessed > 0
        and tally.critical >= GOOD * tally.assessed
        and tally.actionable >= GOOD * tally.assessed
    )
    assert (not lacking(tally, now)) == well


@given(tallies(), moments)
def test_it_runs_has_failed_or_may_be_confirmed(tally: Tally, now: dt.datetime) -> None:
    outcomes = [bool(unfinished(tally, now)), bool(failed(tally, now)), not lacking(tally, now)]
    assert outcomes.count(True) == 1


@given(tallies(), moments)
def test_what_is_missing_is_never_good_and_never_fails_it(tally: Tally, now: dt.datetime) -> None:
    for missing in (
        replace(tally, pages=tally.pages + 1),
        replace(tally, unturned=["ola"]),
        replace(tally, pages=0, assessed=0, critical=0, actionable=0),
    ):
        assert unfinished(missing, now)
        assert lacking(missing, now)
        assert failed(missing, now) == ""


@given(tallies(), moments, moments)
def test_time_alone_ends_no_other_wait_than_its_own(tally: Tally, one: dt.datetime, two: dt.datetime) -> None:
    before, after = sorted((one, two))
    assert set(unfinished(tally, after)) <= set(unfinished(tally, before))


@given(tallies(), moments)
def test_a_better_page_never_makes_it_worse(tally: Tally, now: dt.datetime) -> None:
    better = replace(
        tally,
        pages=tally.pages + 1,
        assessed=tally.assessed + 1,
        critical=tally.critical + 1,
        actionable=tally.actionable + 1,
    )
    assert len(bad(better)) <= len(bad(tally))
    if not lacking(tally, now):
        assert not lacking(better, now)


@pytest.mark.parametrize(
    ("tally", "now", "said"),
    [
        (WELL, DUE, []),
        (WELL, DUE - TICK, ["It lasts until 2026-07-15 12:00 UTC at least."]),
        (replace(WELL, critical=3), DUE, ["60 % of the assessed pages are critical: at least 80 % must be."]),
        (
            replace(WELL, pages=125, assessed=125, critical=99, actionable=100),
            DUE,
            ["79.2 % of the assessed pages are critical: at least 80 % must be."],
        ),
        (replace(WELL, pages=6), DUE, ["1 page of 6 not assessed."]),
        (
            replace(WELL, pages=0, assessed=0, critical=0, actionable=0),
            DUE,
            ["No page came: a drill stands for one, with a page that says so."],
        ),
        (
            replace(WELL, unturned=["ola", "otto"]),
            DUE,
            ["The rota has not turned once: ola and otto had no shift yet."],
        ),
    ],
)
def test_it_says_what_is_lacking(tally: Tally, now: dt.datetime, said: list[str]) -> None:
    assert lacking(tally, now) == said
