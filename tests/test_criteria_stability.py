"""The six-month clock: what counts, what pauses it, what sets it back, worked by hand in UTC days."""

from datetime import date, datetime, timedelta

import pytest

from readiness.criteria import BY_SLUG
from readiness.criteria.outcome import Value
from readiness.facts import Coverage, FeedSpan, IncidentRow, Period, ServiceFacts, Standing, coverage
from tests.judging import (
    AT,
    PERIOD,
    POLICY,
    ago,
    codes,
    facts,
    gaps,
    heard,
    judge,
    reason,
    ref,
    scores,
    shown,
    values,
)

LONG = {"incident": heard(400), "deployment": heard(400)}


def _incident(
    severity: int, days: float, hours: float | None = 1, id_: str = "i", *, after: float = 0
) -> IncidentRow:
    """Begun so many days ago (and hours after that), resolved after so many hours, or open."""
    begun = ago(days) + timedelta(hours=after)
    resolved_at = None if hours is None else begun + timedelta(hours=hours)
    return IncidentRow(ref("incident", id_), severity, begun, resolved_at)


def _days(*incidents: IncidentRow, **found: object) -> Value:
    ordered = tuple(sorted(incidents, key=lambda row: row.started_at))
    given: dict[str, object] = {"feeds": LONG, **found}
    return values(judge("stability", facts(incidents=ordered, **given)))["clock_days"]  # type: ignore[arg-type] # any field


def _spans(*spans: tuple[float, float]) -> Coverage:
    return coverage(
        [FeedSpan("any", "tests", ago(since), ago(until)) for since, until in spans],
        PERIOD,
        silence_days=7,
        minimum_days=30,
    )


def test_a_quiet_service_is_proven_for_as_long_as_the_clock_looks_back() -> None:
    outcome = judge("stability", facts(feeds=LONG))
    assert (outcome.score, values(outcome)["clock_days"]) == (100, 270)


@pytest.mark.parametrize(("days", "score"), [(179, 99.44), (180, 100), (90, 50), (1, 0.56), (0, 0)])
def test_the_score_is_the_share_of_the_days_required(days: int, score: float) -> None:
    outcome = judge("stability", facts(feeds=LONG, launched_on=ago(days).date()))
    assert (values(outcome)["clock_days"], outcome.score) == (days, score)


def test_only_whole_days_that_ended_count() -> None:
    late = AT + timedelta(hours=13)
    feeds = {
        kind: coverage(
            [FeedSpan(kind, "tests", ago(10, hours=1), late)],
            Period(late, 180),
            silence_days=7,
            minimum_days=30,
        )
        for kind in LONG
    }
    found = ServiceFacts("pay", Period(late, 180), feeds=feeds, launched_on=date(2025, 1, 1))
    assert values(judge("stability", found))["clock_days"] == 10


def test_a_day_counts_only_where_both_feeds_cover_all_of_it() -> None:
    assert _days(feeds={"incident": heard(50), "deployment": heard(40.5)}) == 40


@pytest.mark.parametrize(("severity", "paused"), [(2, 1), (3, 0), (4, 0), (5, 0)])
def test_an_incident_of_severity_1_or_2_pauses_the_day_it_is_open(severity: int, paused: int) -> None:
    assert _days(_incident(severity, 20, 1, after=5)) == 270 - paused


def test_an_incident_resolved_at_midnight_was_still_open_that_day() -> None:
    assert _days(_incident(2, 20, 23.5)) == 269
    assert _days(_incident(2, 20, 24)) == 268


@pytest.mark.parametrize(("minutes", "paused"), [((60,), 0), ((61,), 1), ((30, 30), 0), ((30, 31), 1)])
def test_severity_3_pauses_a_day_after_an_hour_added_up(minutes: tuple[float, ...], paused: int) -> None:
    incidents = [_incident(3, 20, each / 60, str(n), after=3) for n, each in enumerate(minutes)]
    assert _days(*incidents) == 270 - paused


def test_a_severity_3_over_midnight_is_counted_on_each_side() -> None:
    assert _days(_incident(3, 20, 2, after=23)) == 270
    assert _days(_incident(3, 20, 2.5, after=23)) == 269
    assert _days(_incident(3, 20, 49, after=12)) == 267


def test_severity_3_left_open_pauses_to_the_end() -> None:
    assert _days(_incident(3, 20, None)) == 250


def test_a_severity_1_sets_the_clock_to_its_resolution() -> None:
    assert _days(_incident(1, 20, 30)) == 18
    assert _days(_incident(1, 300, 24)) == 270


def test_an_open_severity_1_keeps_the_clock_at_nothing_and_blocks() -> None:
    outcome = judge("stability", facts(incidents=(_incident(1, 20, None),), feeds=LONG))
    assert (outcome.score, codes(outcome)) == (0, ["open_severe_incident"])


@pytest.mark.parametrize(
    ("ago_days", "proven"),
    [((60, 45, 30), 30 - 1), ((60.5, 45, 30), 270 - 3), ((60, 30), 270 - 2)],
)
def test_three_of_severity_2_within_thirty_days_set_the_clock_to_the_third(
    ago_days: tuple[float, ...], proven: int
) -> None:
    assert _days(*(_incident(2, days, 1, str(days)) for days in ago_days)) == proven


@pytest.mark.parametrize(("first", "proven"), [(121, 31 - 1), (121.5, 270 - 5)])
def test_five_of_severity_2_within_ninety_days_set_the_clock_to_the_fifth(first: float, proven: int) -> None:
    assert _days(*(_incident(2, days, 1, str(days)) for days in (first, 100, 80, 60, 31))) == proven


def test_a_cluster_long_ago_says_nothing_of_today() -> None:
    assert _days(*(_incident(2, days, 1, str(days)) for days in (330, 320, 310))) == 270


@pytest.mark.parametrize("kind", ["incident", "deployment"])
def test_a_hole_of_more_than_thirty_days_in_a_feed_sets_the_clock_to_its_end(kind: str) -> None:
    short, long_ = _spans((400, 100), (63, 0)), _spans((400, 100), (62, 0))
    assert _days(feeds={**LONG, kind: short}) == 63 + 270 - 93
    assert _days(feeds={**LONG, kind: long_}) == 62


@pytest.mark.parametrize(
    ("handed_back", "incidents", "required"),
    [(30, (), 90), (30, (_incident(1, 20),), 180), (None, (), 180), (500, (), 90)],
)
def test_ninety_days_are_required_while_a_handback_is_the_last_reset(
    handed_back: float | None, incidents: tuple[IncidentRow, ...], required: int
) -> None:
    standing = Standing(handback_at=None if handed_back is None else ago(handed_back))
    found = facts(incidents=incidents, standing=standing, feeds=LONG, launched_on=date(2024, 1, 1))
    assert shown(judge("stability", found))["required_days"] == required


def test_after_a_handback_the_clock_looks_back_less_far() -> None:
    standing = Standing(handback_at=ago(500))
    assert _days(standing=standing, launched_on=date(2024, 1, 1)) == 135
    assert _days(standing=Standing(handback_at=ago(45)), launched_on=date(2024, 1, 1)) == 45


@pytest.mark.parametrize("launched_on", [None, date(2026, 7, 2)])
def test_what_is_not_launched_has_no_clock(launched_on: date | None) -> None:
    assert gaps(judge("stability", facts(launched_on=launched_on))) == [("not_launched", None)]


def test_a_service_launched_today_has_begun() -> None:
    assert judge("stability", facts(launched_on=AT.date())).score == 0


def test_a_feed_heard_too_briefly_is_forgiven_and_a_silent_one_is_not() -> None:
    assert _days(feeds={"incident": heard(10), "deployment": heard(400)}) == 10
    silent = facts(feeds={"incident": heard(10), "deployment": heard(90, 30)})
    assert gaps(judge("stability", silent)) == [("silent", "deployment")]


def test_an_open_severe_incident_blocks_even_without_a_feed() -> None:
    found = facts(incidents=(_incident(2, 3, None, "b"), _incident(3, 2, None, "c")), unheard=("incident",))
    outcome = judge("stability", found)
    assert outcome.score is None
    assert [(each.code, each.rows) for each in outcome.blockers] == [
        ("open_severe_incident", ("incident/tests:b",))
    ]


def test_what_paused_the_clock_is_shown_with_its_days() -> None:
    found = facts(
        incidents=(_incident(2, 20, 30, "two"), _incident(3, 10, 30, "three")),
        feeds={"incident": heard(30), "deployment": heard(400)},
        launched_on=ago(40).date(),
    )
    outcome = judge("stability", found)
    assert shown(outcome) == {
        "required_days": 180,
        "reset_at": "2026-05-22T00:00:00+00:00",
        "reset_why": "launch",
        "paused_days": 14,
        "paused": "2026-05-22/2026-05-31 not heard; 2026-06-11/2026-06-12 incident tests:two; "
        "2026-06-21/2026-06-22 incident tests:three",
    }
    assert reason("stability", outcome) == (
        "26 days proven stable of 180 needed, last reset on 2026-05-22 (its launch), 14 days not counted."
    )


def test_long_lists_of_pauses_are_cut_to_the_last_ten() -> None:
    incidents = tuple(_incident(2, 260 - 35 * n, 1, str(n)) for n in range(7)) + tuple(
        _incident(3, 9 - n, 2, f"m{n}") for n in range(8)
    )
    paused = str(shown(judge("stability", facts(incidents=incidents, feeds=LONG)))["paused"])
    assert paused.startswith("5 older; ")
    assert paused.count("incident") == 10


def test_the_curve_over_days_gives_the_score_that_was_judged() -> None:
    outcome = judge("stability", facts(feeds=LONG, standing=Standing(handback_at=ago(45))))
    curve = BY_SLUG["stability"].curve("clock_days", shown(outcome), POLICY.rubric(3))
    assert curve.at(45) == scores(outcome)["clock_days"] == 50
    assert curve.inverse(100, 45) == 90


def test_an_incident_that_began_at_midnight_pauses_that_day_alone() -> None:
    begun = datetime(2026, 6, 10, tzinfo=AT.tzinfo)
    row = IncidentRow(ref("incident", "i"), 2, begun, begun + timedelta(hours=1))
    assert _days(row) == 269
