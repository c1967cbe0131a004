"""The overall counts what is unknown as nothing, its range says what it may become, and levels are earned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.criteria.outcome import Outcome
from readiness.scoring.overall import Overall, level, overall
from tests.judged import outcomes, rubric

WEIGHTS = {
    "defects": 20,
    "telemetry": 20,
    "after_hours": 15,
    "coupling": 10,
    "change_safety": 20,
    "stability": 15,
}
scores = st.one_of(st.none(), st.decimals(0, 100, places=2).map(float))
judged = st.fixed_dictionaries(dict.fromkeys(WEIGHTS, scores)).map(lambda known: outcomes(50.0, **known))


def whole(judged: dict[str, Outcome], **terms: tuple[str, ...]) -> Overall:
    """The overall of a service of tier 3, which has one."""
    found = overall(judged, rubric(), **terms)
    assert found is not None
    return found


def test_full_evidence_makes_score_and_possible_one_number() -> None:
    assert whole(outcomes(80.0, defects=61.85)) == Overall(score=76.37, evidence=1.0, possible=76.37)


def test_an_insufficient_criterion_counts_nothing_and_may_count_all() -> None:
    assert whole(outcomes(90.0, telemetry=None)) == Overall(score=72.0, evidence=0.8, possible=92.0)


def test_without_any_evidence_everything_is_possible() -> None:
    assert whole(outcomes(None)) == Overall(score=0.0, evidence=0.0, possible=100.0)


def test_advisory_criteria_are_in_no_overall() -> None:
    assert whole(outcomes(80.0, verification=0.0, pipeline=None)) == whole(outcomes(80.0))


def test_what_is_left_out_takes_no_part() -> None:
    left = whole(outcomes(100.0, coupling=10.0), leaving_out=("coupling",))
    assert left == Overall(score=100.0, evidence=1.0, possible=100.0)
    assert overall(outcomes(), rubric(), leaving_out=tuple(WEIGHTS)) is None


@given(judged)
def test_the_overall_is_the_weighted_mean_rounded_to_two_decimals(judged: dict[str, Outcome]) -> None:
    known = [(weight, judged[slug].score) for slug, weight in WEIGHTS.items()]
    found = whole(judged)
    assert found.score == round(sum(weight * (score or 0) for weight, score in known) / 100, 2)
    assert found.possible == round(
        sum(weight * (100 if score is None else score) for weight, score in known) / 100, 2
    )
    assert found.evidence == round(sum(weight for weight, score in known if score is not None) / 100, 4)
    assert 0 <= found.score <= found.possible <= 100


@pytest.mark.parametrize(
    ("score", "lowest", "expected"),
    [
        (90.0, 80.0, "gold"),
        (89.99, 80.0, "silver"),
        (90.0, 79.99, "silver"),
        (80.0, 70.0, "silver"),
        (80.0, 69.99, "bronze"),
        (65.0, 50.0, "bronze"),
        (64.99, 50.0, "none"),
        (100.0, 49.99, "none"),
    ],
)
def test_a_level_asks_for_the_overall_and_for_every_weighted_criterion(
    score: float, lowest: float, expected: str
) -> None:
    judged = outcomes(100.0, coupling=lowest, feedback=0.0)
    assert level(Overall(score, 1.0, score), judged, rubric(), blocked=False) == expected


def test_an_insufficient_criterion_fails_every_level() -> None:
    judged = outcomes(100.0, coupling=None)
    assert level(whole(judged), judged, rubric(), blocked=False) == "none"


@pytest.mark.parametrize(("score", "expected"), [(100.0, "bronze"), (70.0, "bronze"), (60.0, "none")])
def test_an_unwaived_blocker_caps_the_level_at_bronze(score: float, expected: str) -> None:
    judged = outcomes(score)
    assert level(whole(judged), judged, rubric(), blocked=True) == expected
