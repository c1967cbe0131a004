"""Defects: load, age, arrivals and relapses, worked by hand from SCORING.md."""

import pytest

from readiness.facts import DefectFacts, OpenDefect
from tests.judging import ago, codes, facts, gaps, heard, judge, reason, ref, scores, shown, values


def _open(severity: int, days: float, id_: str = "1") -> OpenDefect:
    return OpenDefect(ref("defect", id_), severity, ago(days))


def test_a_service_without_defects_has_a_full_score() -> None:
    outcome = judge("defects", facts())
    assert outcome.score == 100
    assert values(outcome) == {"open_load": 0, "overdue_share": 0, "arrival": 0, "reopen_rate": None}


def test_open_defects_weigh_by_their_severity() -> None:
    found = DefectFacts(open=(_open(2, 1, "a"), _open(3, 1, "b"), _open(4, 1, "c")))
    outcome = judge("defects", facts(defects=found))
    assert values(outcome)["open_load"] == 4 + 2 + 1
    assert scores(outcome)["open_load"] == 72.5
    assert outcome.score == round((40 * 72.5 + 20 * 100 + 30 * 100) / 90, 2)


@pytest.mark.parametrize(("severity", "days"), [(1, 2), (2, 14), (3, 60), (4, 180)])
def test_a_defect_is_overdue_only_when_strictly_older_than_its_days(severity: int, days: float) -> None:
    due = judge("defects", facts(defects=DefectFacts(open=(_open(severity, days),))))
    over = judge("defects", facts(defects=DefectFacts(open=(_open(severity, days + 1e-6),))))
    assert values(due)["overdue_share"] == 0
    assert values(over)["overdue_share"] == 1


def test_arrivals_are_told_per_thirty_observed_days() -> None:
    found = facts(defects=DefectFacts(arrivals=(1, 0, 2, 3)), feeds={"defect": heard(days=60)})
    outcome = judge("defects", found)
    assert values(outcome)["arrival"] == pytest.approx((8 + 4 + 3) / 60 * 30)
    assert scores(outcome)["arrival"] == 52.5


@pytest.mark.parametrize(("known", "rate"), [(0, None), (4, None), (5, 0.4), (10, 0.2)])
def test_the_reopen_rate_is_unknown_while_fewer_than_half_of_the_closed_are_known(
    known: int, rate: float | None
) -> None:
    found = DefectFacts(closed=10, closed_known=known, closed_reopened=min(2, known))
    assert values(judge("defects", facts(defects=found)))["reopen_rate"] == rate


def test_an_open_defect_of_severity_1_blocks_even_without_a_feed() -> None:
    found = DefectFacts(open=(_open(1, 1, "b"), _open(2, 1, "c"), _open(1, 1, "a")))
    with_feed, without = (
        judge("defects", facts(defects=found)),
        judge("defects", facts(defects=found, unheard=("defect",))),
    )
    assert codes(with_feed) == codes(without) == ["open_sev1_defect"]
    assert without.score is None
    assert without.blockers[0].rows == ("defect/tests:a", "defect/tests:b")
    assert gaps(without) == [("no_feed", "defect")]


def test_trend_and_escapes_are_shown_and_not_scored() -> None:
    found = DefectFacts(
        first_half=2, second_half=5, kinds_known=4, design_or_code=3, found_known=4, found_in_production=1
    )
    outcome = judge("defects", facts(defects=found))
    assert outcome.score == 100
    assert (shown(outcome)["arrivals_first_half"], shown(outcome)["arrivals_second_half"]) == (2, 5)
    assert (shown(outcome)["design_or_code_share"], shown(outcome)["escape_share"]) == (0.75, 0.25)


def test_the_reason_tells_the_numbers() -> None:
    found = DefectFacts(open=(_open(2, 20, "a"), _open(3, 1, "b"), _open(4, 1, "c")), arrivals=(0, 0, 0, 21))
    assert reason("defects", judge("defects", facts(defects=found))) == (
        "Open defect load 7, 33.3 % of the open ones overdue, 3.5 weighted arrivals per 30 days."
    )
