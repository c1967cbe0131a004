"""A next step, taken, meets what it was worked out for; one unit less does not."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from readiness.criteria import BY_SLUG
from readiness.criteria.base import SHARE
from readiness.curves import Curve, weighted_mean
from readiness.explaining import Closing, explain
from readiness.facts import RowRef
from readiness.rendering import Judged, Step, next_steps
from readiness.rendering.next_steps import reach
from readiness.scoring import judge
from tests.judged import default_policy
from tests.strategies import SPANS, Story, stories

SHOWN: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "stability": st.sampled_from([{"required_days": 180}, {"required_days": 90}]),
    "on_call": st.sampled_from(
        [{"management_state": "ops_managed"}, {"management_state": "developer_managed"}]
    ),
}


@st.composite
def judged_criteria(draw: st.DrawFn) -> Judged:
    """Any criterion with any values of its parts, some of them n/a."""
    criterion = BY_SLUG[draw(st.sampled_from(sorted(BY_SLUG)))]
    rubric = default_policy().rubric(draw(st.integers(1, 4)))
    shown = draw(SHOWN.get(criterion.slug, st.just({})))
    parts: dict[str, list[Any]] = {}
    for rule in rubric.criteria[criterion.slug].ordered:
        curve = criterion.curve(rule.name, shown, rubric)
        value = draw(st.none() | _values(criterion.granularity(rule.name), criterion.units[rule.name], curve))
        parts[rule.name] = [value, None if value is None else curve.at(value)]
    score = weighted_mean(
        (rule.weight, parts[rule.name][1])
        for rule in rubric.criteria[criterion.slug].ordered
        if parts[rule.name][1] is not None
    )
    assume(score is not None)
    return Judged(criterion, rubric, {"score": score, "parts": parts, "shown": shown, "gaps": []})


def _values(granularity: float | None, unit: str, curve: Curve) -> st.SearchStrategy[float]:
    """Values such as are measured: whole, or any, from 0 to well past the curve's end."""
    if unit == SHARE:
        return st.fractions(0, 1, max_denominator=60).map(float)
    if granularity is not None:
        return st.integers(0, round(curve.xs[-1] * 1.3))
    return st.floats(0, curve.xs[-1] * 1.3, allow_nan=False)


def met(judged: Judged, step: Step, value: float) -> bool:
    """Whether a value of the step's part meets what the step was worked out for."""
    assert step.part is not None
    curve = judged.curve(step.part)
    if step.alone:
        return judged.score_with(step.part, curve.at(value)) >= judged.rule.threshold
    return curve.at(value) >= min(judged.rule.threshold, max(curve.ys))


@given(judged_criteria())
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_step_taken_meets_its_target_and_one_unit_less_does_not(judged: Judged) -> None:
    for step in next_steps(judged):
        assert step.part is not None
        assert step.from_ is not None
        assert step.to is not None
        unit = judged.unit(step.part)
        assert met(judged, step, step.to)
        less = round(step.to - unit if step.to > step.from_ else step.to + unit, 6)
        assert not met(judged, step, less)
        assert step.to == pytest.approx(round(step.to / unit) * unit)


@given(judged_criteria())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_taking_all_steps_that_are_not_enough_by_themselves_is_enough(judged: Judged) -> None:
    steps = next_steps(judged)
    assume(steps and not any(step.alone for step in steps))
    taken = {step.part: step.to for step in steps}
    scores = []
    for rule in judged.rule.ordered:
        value, score = judged.numbers["parts"][rule.name]
        if score is not None:
            to = taken.get(rule.name, value)
            assert to is not None
            scores.append((rule.weight, judged.curve(rule.name).at(to)))
    mean = weighted_mean(scores)
    assert mean is not None
    assert mean >= judged.rule.threshold


@given(judged_criteria())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_there_are_steps_exactly_while_the_threshold_is_not_met(judged: Judged) -> None:
    assert bool(next_steps(judged)) == (judged.numbers["score"] < judged.rule.threshold)


def defects(**values: float | None) -> Judged:
    """The defects criterion with these values, the others perfect."""
    rubric = default_policy().rubric(3)
    rule = rubric.criteria["defects"]
    parts: dict[str, list[Any]] = {
        part.name: [value, None if value is None else part.curve.at(value)]
        for part in rule.ordered
        for value in [values.get(part.name, 0)]
    }
    score = weighted_mean(
        (part.weight, parts[part.name][1]) for part in rule.ordered if parts[part.name][0] is not None
    )
    return Judged(BY_SLUG["defects"], rubric, {"score": score, "parts": parts, "shown": {}, "gaps": []})


def test_what_is_enough_by_itself_stands_first_then_the_shortest_way() -> None:
    steps = next_steps(defects(open_load=30, overdue_share=1, arrival=12))
    assert [step.alone for step in steps] == sorted((step.alone for step in steps), reverse=True)
    for alone in (True, False):
        efforts = [step.effort for step in steps if step.alone is alone]
        assert efforts == sorted(efforts)


def test_a_step_says_from_where_to_where_in_words() -> None:
    (step, *_) = next_steps(defects(open_load=40, overdue_share=0.5))
    assert step.document() == {
        "text": f"bring open defect load from 40 to {step.to}: enough to meet the threshold of 70",
        "part": "open_load",
        "from": 40,
        "to": step.to,
    }


def test_with_the_rows_at_hand_a_step_names_the_fewest_defects_to_close() -> None:
    judged = defects(open_load=40, overdue_share=0.5)
    to = next_steps(judged)[0].to
    assert to is not None
    closings = [
        Closing(RowRef("defect", "jira", "PAY-12"), load=to + 1, score=69.99),
        Closing(RowRef("defect", "jira", "PAY-31"), load=to, score=70.0),
        Closing(RowRef("defect", "jira", "PAY-40"), load=0, score=90.0),
    ]
    assert next_steps(judged, closings)[0].text.endswith(": closing PAY-12 and PAY-31 is enough")


@given(stories(defects=7))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_closing_the_defects_named_is_enough(story: Story) -> None:
    document = judge(story.facts, default_policy()).document()
    rubric = default_policy().rubric(story.base.tier)
    judged = Judged(BY_SLUG["defects"], rubric, document["criteria"]["defects"])
    closings = explain(story.base, story.rows, default_policy(), spans=SPANS).closings
    for step in next_steps(judged, closings):
        if "is enough" in step.text and step.text.rpartition("closing ")[1]:
            named = (
                step.text.rpartition("closing ")[2]
                .removesuffix(" is enough")
                .replace(" and ", ", ")
                .split(", ")
            )
            last = closings[len(named) - 1]
            assert last.score >= judged.rule.threshold
            assert step.to is not None
            assert last.load <= step.to


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (["no_feed", "incident", {}], "connect a source that reports incidents"),
        (["silent", "page", {"last_heard": "2026-05-02T00:00:00+00:00"}], "revive the feed of pages"),
        (
            ["too_short", "defect", {"observed_days": 12.5, "minimum_days": 30}],
            "keep the feed of defects going for 18 more days",
        ),
        (
            ["too_few", "pipeline_run", {"rows": 3, "minimum": 5}],
            "wait for more pipeline runs: 3 of the 5 needed are there",
        ),
        (
            ["unattributed", "incident", {"incidents": 4, "attributed": 1}],
            "name the change or the cause of more incidents: 1 of 4 are attributed",
        ),
    ],
)
def test_where_evidence_is_missing_the_step_is_to_get_it(gap: list[Any], text: str) -> None:
    numbers: dict[str, Any] = {"score": None, "parts": {}, "shown": {}, "gaps": [gap]}
    (step,) = next_steps(Judged(BY_SLUG["defects"], default_policy().rubric(3), numbers))
    assert step.document() == {"text": text, "part": None, "from": None, "to": None}


def test_on_a_curve_that_rises_and_falls_the_nearer_side_is_reached() -> None:
    curve = Curve(((0, 0), (0.2, 100), (0.5, 100), (1, 0)))
    assert reach(curve, 80, 0.1, unit=0.01) == 0.16
    assert reach(curve, 80, 0.9, unit=0.01) == 0.6
    assert reach(curve, 80, 0.3, unit=0.01) is None
    assert reach(Curve(((0, 0), (1, 50))), 80, 0.3, unit=0.01) is None


def test_a_peak_narrower_than_a_unit_is_reached_exactly() -> None:
    curve = Curve(((0, 0), (0.5, 100), (1, 0)))
    assert reach(curve, 90, 0, unit=1) == pytest.approx(0.45)


def test_a_step_towards_coverage_names_the_signals_that_are_missing() -> None:
    numbers: dict[str, Any] = {
        "score": 70.0,
        "parts": {"coverage": [0.7, 70.0], "detection": [None, None], "pre_production": [None, None]},
        "shown": {"missing": "saturation, runbook", "partial": None},
        "gaps": [],
    }
    (step,) = next_steps(Judged(BY_SLUG["telemetry"], default_policy().rubric(3), numbers))
    assert "(missing: saturation, runbook)" in step.document()["text"]
