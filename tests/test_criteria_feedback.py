"""Feedback: observations by others than ops, and what became of them."""

import pytest

from readiness.facts import ObservationRow
from tests.judging import ago, facts, gaps, heard, judge, reason, ref, scores, shown, values


def _seen(
    id_: str, days: float = 10, *, role: str = "developer", work: bool = False, done: bool = False
) -> ObservationRow:
    return ObservationRow(ref("observation", id_), role, "client", ago(days), work, done)


def test_observations_are_told_per_ninety_observed_days_and_followed_to_their_end() -> None:
    rows = (
        _seen("a", work=True, done=True),
        _seen("b", work=True),
        _seen("c"),
        _seen("d", role="ops", work=True),
    )
    outcome = judge("feedback", facts(observations=rows))
    assert values(outcome) == {
        "observations_per_90_days": 1.5,
        "led_to_work": pytest.approx(2 / 3),
        "done": pytest.approx(1 / 3),
    }
    assert scores(outcome) == {"observations_per_90_days": 50, "led_to_work": 66.67, "done": 33.33}
    assert outcome.score == 50
    assert shown(outcome)["of_clients"] == 3


def test_the_rate_counts_from_the_first_covered_moment_and_the_shares_do_not() -> None:
    rows = (_seen("before", 60), _seen("after", 10, work=True))
    outcome = judge("feedback", facts(observations=rows, feeds={"observation": heard(45)}))
    assert values(outcome)["observations_per_90_days"] == 2
    assert values(outcome)["led_to_work"] == 0.5


def test_a_feed_that_reports_nothing_scores_nothing() -> None:
    outcome = judge("feedback", facts())
    assert (outcome.score, values(outcome)["led_to_work"], values(outcome)["done"]) == (0, None, None)


def test_without_a_feed_there_is_no_score() -> None:
    assert gaps(judge("feedback", facts(unheard=("observation",)))) == [("no_feed", "observation")]


def test_the_reason_tells_what_came_of_it() -> None:
    rows = (_seen("a", work=True, done=True), _seen("b", work=True))
    assert reason("feedback", judge("feedback", facts(observations=rows))) == (
        "1 observation per 90 days, 2 of clients and 0 downstream, 100 % led to work, 50 % done."
    )
