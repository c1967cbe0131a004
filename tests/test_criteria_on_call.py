"""On call: roles, fairness, and the developers' share, by hours inside the window."""

import pytest

from readiness.criteria import BY_SLUG
from readiness.facts import PageRow, ShiftRow, Standing
from tests.judging import POLICY, ago, facts, gaps, judge, reason, ref, scores, shown, values


def _shifts(*rows: tuple[str, str, float]) -> tuple[ShiftRow, ...]:
    return tuple(ShiftRow(ref("shift", str(n)), *row) for n, row in enumerate(rows))


def test_equal_turns_of_four_roles_have_a_full_score() -> None:
    shifts = _shifts(*((role, role, 168.0) for role in ("developer", "tester", "architect", "manager")))
    outcome = judge("on_call", facts(shifts=shifts))
    assert values(outcome) == {"breadth": 4, "fairness": 0, "developers_share": 1}
    assert outcome.score == 100


@pytest.mark.parametrize(("hours", "breadth"), [(5, 2), (4.9, 1)])
def test_a_role_counts_from_a_twentieth_of_the_hours_on(hours: float, breadth: int) -> None:
    shifts = _shifts(("ada", "developer", 95 - 5 + (5 - hours)), ("ben", "tester", hours), ("oda", "ops", 5))
    assert values(judge("on_call", facts(shifts=shifts)))["breadth"] == breadth


@pytest.mark.parametrize(
    ("hours", "gini"),
    [((100.0,), 1), ((100.0, 0.0), 1), ((75.0, 25.0), 0.5), ((50.0, 50.0), 0), ((60.0, 30.0, 0.0), 2 / 3)],
)
def test_fairness_is_the_gini_coefficient_for_few_people(hours: tuple[float, ...], gini: float) -> None:
    shifts = _shifts(*((f"p{n}", "developer", each) for n, each in enumerate(hours)))
    assert values(judge("on_call", facts(shifts=shifts)))["fairness"] == pytest.approx(gini)


def test_the_turns_of_one_person_are_added_up() -> None:
    shifts = _shifts(("ada", "developer", 10), ("ada", "developer", 10), ("ben", "tester", 20))
    assert values(judge("on_call", facts(shifts=shifts)))["fairness"] == 0


@pytest.mark.parametrize(("state", "score"), [("developer_managed", 20), ("ops_managed", 100), (None, 20)])
def test_once_ops_run_the_service_a_tenth_by_developers_is_enough(state: str | None, score: float) -> None:
    shifts = _shifts(("oda", "ops", 90), ("ada", "developer", 10))
    outcome = judge("on_call", facts(shifts=shifts, standing=Standing(state)))
    assert scores(outcome)["developers_share"] == score
    curve = BY_SLUG["on_call"].curve("developers_share", shown(outcome), POLICY.rubric(3))
    assert curve.at(0.1) == score


def test_without_any_hours_there_is_no_score() -> None:
    assert gaps(judge("on_call", facts())) == [("too_few", "shift")]
    assert gaps(judge("on_call", facts(unheard=("shift",)))) == [("no_feed", "shift")]


def test_night_pages_are_shown_by_role_and_person() -> None:
    pages = tuple(
        PageRow(
            ref("page", str(n)), ago(n + 1), after_hours=True, night=True, responder=who, responder_role=role
        )
        for n, (who, role) in enumerate(
            [("ada", "developer"), ("oda", "ops"), ("ada", "developer"), (None, None)]
        )
    )
    outcome = judge(
        "on_call", facts(pages=pages, shifts=_shifts(("ada", "developer", 10), ("oda", "ops", 10)))
    )
    assert shown(outcome)["night_pages_by_role"] == "developer 2, ops 1, unknown 1"
    assert shown(outcome)["night_pages_by_person"] == "ada 2, oda 1, unknown 1"
    assert reason("on_call", outcome) == (
        "1 role besides ops on call, 2 people share the hours with a Gini of 0, "
        "50 % of the hours by others than ops, night pages: developer 2, ops 1, unknown 1."
    )
