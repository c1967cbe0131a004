"""Curves are lines through points: flat outside, rounded, and walked backwards to the nearest value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.curves import Curve, weighted_mean

LOAD = Curve(((0, 100), (4, 85), (10, 60), (20, 30), (40, 0)))
IMPROVEMENT = Curve(((0, 0), (0.1, 50), (0.2, 100), (0.5, 100), (0.8, 50), (1, 30)))


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    xs = sorted(draw(st.sets(st.integers(0, 1000), min_size=2, max_size=7)))
    ys = draw(st.lists(st.integers(0, 100), min_size=len(xs), max_size=len(xs)))
    return Curve(tuple(zip(map(float, xs), map(float, ys), strict=True)))


@pytest.mark.parametrize(
    ("value", "score"),
    [(-3, 100), (0, 100), (1, 96.25), (4, 85), (7, 72.5), (11.111, 56.67), (40, 0), (99, 0)],
)
def test_a_curve_is_linear_between_its_points_and_flat_outside(value: float, score: float) -> None:
    assert LOAD.at(value) == score


def test_scores_are_rounded_as_python_rounds_floats() -> None:
    assert Curve(((0, 0), (3, 100))).at(1) == 33.33
    assert Curve(((0, 0), (3, 100))).at(2) == 66.67


@pytest.mark.parametrize(
    ("target", "start", "reached"),
    [(70, 14, 7.6), (70, 7, 7), (100, 14, 0), (85, 5, 4), (0, 50, 50)],
)
def test_the_inverse_is_the_nearest_value_that_reaches_the_target(
    target: float, start: float, reached: float
) -> None:
    assert LOAD.inverse(target, start) == pytest.approx(reached)


def test_a_curve_that_rises_and_falls_is_left_on_the_nearer_side() -> None:
    assert IMPROVEMENT.inverse(75, 0.05) == pytest.approx(0.15)
    assert IMPROVEMENT.inverse(75, 0.9) == pytest.approx(0.65)


def test_a_target_no_value_reaches_has_no_inverse() -> None:
    assert Curve(((0, 10), (1, 60))).inverse(70, 0.5) is None


@given(curves(), st.floats(0, 100).map(lambda score: round(score, 2)), st.floats(-10, 1100))
def test_what_the_inverse_answers_meets_the_target(curve: Curve, target: float, start: float) -> None:
    reached = curve.inverse(target, start)
    if reached is None:
        assert all(y < target for _, y in curve.points)
    else:
        assert curve.at(reached) >= target


@given(curves(), st.floats(-10, 1100))
def test_scores_stay_between_those_of_the_points(curve: Curve, value: float) -> None:
    ys = [y for _, y in curve.points]
    assert min(ys) <= curve.at(value) <= max(ys)


@pytest.mark.parametrize(
    ("points", "mistake"),
    [
        (((0, 1),), "at least two points"),
        (((0, 1), (0, 2)), "increase"),
        (((1, 1), (0, 2)), "increase"),
        (((0, -1), (1, 2)), "between 0 and 100"),
        (((0, 0), (1, 101)), "between 0 and 100"),
        (((0, 0), (float("inf"), 100)), "finite"),
        (((0, float("nan")), (1, 100)), "finite"),
    ],
)
def test_what_is_no_curve_is_refused(points: tuple[tuple[float, float], ...], mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        Curve(points)


def test_the_weighted_mean_counts_the_weights_given_and_rounds() -> None:
    assert weighted_mean([(40, 72.5), (20, 51.67), (30, 75.62)]) == 68.91
    assert weighted_mean([(1, 10), (2, 20)]) == 16.67


def test_the_mean_without_a_weight_is_none() -> None:
    assert weighted_mean([]) is None
    assert weighted_mean([(0, 50)]) is None
