"""Out-of-hours load: what is one event, how often it happens, and when it is a storm."""

from datetime import datetime, timedelta

import pytest

from readiness.facts import Coverage, IncidentRow, PageRow, RowKey
from tests.judging import AT, ago, codes, facts, gaps, heard, judge, reason, ref, shown, values


def _page(id_: str, at: datetime, **found: object) -> PageRow:
    row = PageRow(ref("page", id_), at, after_hours=True)
    return row._replace(**found)  # type: ignore[arg-type] # any field of the row


def _incident(id_: str, at: datetime, severity: int = 3) -> IncidentRow:
    return IncidentRow(ref("incident", id_), severity, at, at + timedelta(hours=1), after_hours=True)


def _about(id_: str) -> RowKey:
    return RowKey("tests", id_)


def test_pages_of_one_utc_day_about_one_incident_are_one_event() -> None:
    night = datetime(2026, 6, 1, 22, tzinfo=AT.tzinfo)
    pages = tuple(_page(str(n), night + timedelta(minutes=15 * n), incident=_about("i")) for n in range(10))
    assert shown(judge("after_hours", facts(pages=pages)))["events"] == 2


def test_pages_that_name_no_incident_are_an_event_each() -> None:
    pages = tuple(_page(str(n), ago(10, minutes=n)) for n in range(3))
    assert shown(judge("after_hours", facts(pages=pages)))["events"] == 3


def test_the_first_page_says_when_and_whether_after_hours() -> None:
    late = _page("a", ago(10, minutes=-5), incident=_about("i"))
    first = _page("b", ago(10), incident=_about("i"), after_hours=False)
    outcome = judge("after_hours", facts(pages=(late, first)))
    assert shown(outcome)["after_hours_events"] == 0


def test_of_pages_at_one_moment_the_first_by_id_speaks() -> None:
    pages = (
        _page("b", ago(10), incident=_about("i")),
        _page("a", ago(10), incident=_about("i"), after_hours=False),
    )
    assert shown(judge("after_hours", facts(pages=pages)))["after_hours_events"] == 0


def test_an_incident_nobody_was_paged_for_is_an_event_and_a_paged_one_is_not_twice() -> None:
    pages = (_page("a", ago(10), incident=_about("paged")),)
    incidents = (
        _incident("paged", ago(10)),
        _incident("unpaged", ago(9)),
        _incident("minor", ago(8), severity=5),
    )
    assert shown(judge("after_hours", facts(pages=pages, incidents=incidents)))["events"] == 2


def test_an_incident_before_the_window_is_no_event() -> None:
    assert shown(judge("after_hours", facts(incidents=(_incident("old", ago(180)),))))["events"] == 0


def test_rates_are_per_observed_week_and_count_from_the_first_covered_moment() -> None:
    pages = (_page("before", ago(80)), _page("a", ago(50), night=True), _page("b", ago(60)))
    outcome = judge("after_hours", facts(pages=pages, feeds={"page": heard(days=70)}))
    assert values(outcome)["after_hours_per_week"] == pytest.approx(2 / 10)
    assert values(outcome)["night_per_week"] == pytest.approx(1 / 10)


@pytest.mark.parametrize(
    ("answers", "share"),
    [((True, None, None), None), ((True, None), 1), ((True, False, False, True), 0.5), ((None,), None)],
)
def test_the_actionable_share_looks_at_events_that_say_so(
    answers: tuple[bool | None, ...], share: float | None
) -> None:
    pages = tuple(_page(str(n), ago(10 + n), actionable=answer) for n, answer in enumerate(answers))
    assert values(judge("after_hours", facts(pages=pages)))["actionable_share"] == share


def test_an_event_was_actionable_when_any_of_its_pages_was() -> None:
    pages = (
        _page("a", ago(10), incident=_about("i"), actionable=False),
        _page("b", ago(10, minutes=-1), incident=_about("i"), actionable=True),
    )
    assert values(judge("after_hours", facts(pages=pages)))["actionable_share"] == 1


def test_the_time_to_acknowledge_is_the_ninetieth_percentile_by_nearest_rank() -> None:
    pages = tuple(_page(str(n), ago(10 + n), acknowledged_at=ago(10 + n, minutes=-n)) for n in range(1, 11))
    assert values(judge("after_hours", facts(pages=pages)))["ack_p90_minutes"] == 9


def test_an_event_waits_from_its_first_page_to_the_earliest_answer_to_any() -> None:
    pages = (
        _page("a", ago(10), incident=_about("i"), acknowledged_at=ago(10, minutes=-30)),
        _page("b", ago(10, minutes=-5), incident=_about("i"), acknowledged_at=ago(10, minutes=-12)),
    )
    assert values(judge("after_hours", facts(pages=pages)))["ack_p90_minutes"] == 12


@pytest.mark.parametrize(("minutes", "counted"), [(59, 5), (60, 60)])
def test_an_unanswered_event_counts_an_hour_once_it_is_an_hour_old(minutes: float, counted: float) -> None:
    pages = (
        _page("a", ago(10), acknowledged_at=ago(10, minutes=-5)),
        _page("b", ago(0, minutes=minutes)),
    )
    assert values(judge("after_hours", facts(pages=pages)))["ack_p90_minutes"] == counted


def test_the_time_to_acknowledge_is_unknown_where_nobody_ever_acknowledges() -> None:
    silent = (_page("a", ago(10)),)
    by_day = (*silent, _page("b", ago(9), after_hours=False, acknowledged_at=ago(9)))
    assert values(judge("after_hours", facts(pages=silent)))["ack_p90_minutes"] is None
    assert values(judge("after_hours", facts(pages=by_day)))["ack_p90_minutes"] == 60


def _storm(count: int, hours: float) -> tuple[PageRow, ...]:
    return tuple(_page(f"{n:02}", ago(20) + timedelta(hours=hours * n)) for n in range(count))


@pytest.mark.parametrize(
    ("pages", "stands"),
    [
        (_storm(10, 7 * 24 / 9), False),
        (_storm(10, 7 * 24 / 9 - 0.01), True),
        (_storm(9, 1), False),
    ],
)
def test_ten_events_within_less_than_seven_days_are_a_storm(pages: tuple[PageRow, ...], stands: bool) -> None:
    assert ("after_hours_storm" in codes(judge("after_hours", facts(pages=pages)))) is stands


def test_many_pages_of_few_events_are_no_storm() -> None:
    pages = tuple(row._replace(incident=_about("i")) for row in _storm(20, 1))
    assert codes(judge("after_hours", facts(pages=pages))) == []


def test_a_storm_stands_without_any_feed_and_names_its_rows() -> None:
    outcome = judge("after_hours", facts(pages=_storm(11, 1), unheard=("page", "incident")))
    assert outcome.score is None
    assert codes(outcome) == ["after_hours_storm"]
    assert len(outcome.blockers[0].rows) == 11
    assert outcome.blockers[0].rows[0] == "page/tests:00"


def test_incidents_stand_in_where_nobody_reports_pages_and_the_reason_says_so() -> None:
    found = facts(incidents=(_incident("a", ago(10)),), unheard=("page",), feeds={"incident": heard(days=70)})
    outcome = judge("after_hours", found)
    assert values(outcome)["after_hours_per_week"] == pytest.approx(0.1)
    assert reason("after_hours", outcome).startswith("Judged by incidents, since nobody reports pages, ")


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        ({"page": heard(90, 30)}, [("silent", "page")]),
        ({"page": heard(10)}, [("too_short", "page")]),
    ],
)
def test_a_pager_that_fell_silent_is_not_replaced(
    feeds: dict[str, Coverage], expected: list[tuple[str, str]]
) -> None:
    assert gaps(judge("after_hours", facts(feeds=feeds))) == expected


def test_when_both_fail_the_page_feed_is_named_first() -> None:
    outcome = judge("after_hours", facts(unheard=("page",), feeds={"incident": heard(90, 30)}))
    assert gaps(outcome) == [("no_feed", "page"), ("silent", "incident")]


def test_the_busiest_twelve_hours_are_shown() -> None:
    assert shown(judge("after_hours", facts(pages=_storm(5, 6))))["most_in_a_shift"] == 2
