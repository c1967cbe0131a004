"""The row named as weightiest raises the score, when it is left out, by the number shown."""

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings

from readiness.criteria import BY_SLUG
from readiness.explaining import WEIGHTIEST, Ground, explain, without
from readiness.facts import DefectRow, DeploymentRow, IncidentRow, PageRow, RowRef, RunRow, SignalRow
from readiness.folding import Rows, fold
from readiness.scoring import judge
from tests.judged import AT, default_policy, service
from tests.strategies import SIGNALS, SPANS, Story, nearly_ready, steady_deployments, stories

anything = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def refs(rows: Rows) -> Iterator[RowRef]:
    """Every evidence row, once for each part it plays."""
    for each in fields(rows):
        for row in getattr(rows, each.name) if each.name != "inbound" else ():
            yield row if isinstance(row, RowRef) else row.ref


def score_of(slug: str, story: Story) -> float | None:
    """The score of one criterion, from all the rows of a service."""
    rubric = default_policy().rubric(story.base.tier)
    return BY_SLUG[slug].judge(story.facts, rubric).score


@given(stories())
@anything
def test_what_is_folded_again_without_a_row_is_what_all_other_rows_fold_to(story: Story) -> None:
    ground = Ground(story.base, story.rows, story.facts, SPANS)
    for ref in refs(story.rows):
        assert without(ground, ref) == fold(story.base, story.rows.without(ref), SPANS), ref


@given(stories() | nearly_ready(state="developer_managed"))
@anything
def test_the_weightiest_rows_raise_the_score_by_the_number_shown_and_no_other_row_by_more(
    story: Story,
) -> None:
    explanation = explain(story.base, story.rows, default_policy(), spans=SPANS)
    for slug in BY_SLUG:
        named = explanation.weightiest.get(slug, ())
        score = score_of(slug, story)
        rises = {}
        for ref in set(refs(story.rows)):
            other = score_of(slug, Story(story.base, story.rows.without(ref)))
            if score is not None and other is not None and other > score:
                rises[ref[:3]] = round(other - score, 2)
        assert len(named) == min(len(rises), WEIGHTIEST)
        assert [row.rise for row in named] == sorted(rises.values(), reverse=True)[: len(named)]
        for row in named:
            assert rises[row.ref[:3]] == row.rise > 0
            assert score is not None
            assert round(score + row.rise, 2) == row.without


@given(stories())
@anything
def test_the_rows_that_blockers_rest_on_are_named(story: Story) -> None:
    explanation = explain(story.base, story.rows, default_policy(), spans=SPANS)
    for blocker in judge(story.facts, default_policy()).blockers:
        named = {
            f"{basis.ref.kind}/{basis.ref.name}" for basis in explanation.blockers.get(blocker.criterion, ())
        }
        assert set(blocker.rows) <= named


@given(stories(defects=6))
@anything
def test_each_closing_says_what_the_score_is_once_it_and_those_before_it_are_closed(story: Story) -> None:
    explanation = explain(story.base, story.rows, default_policy(), spans=SPANS)
    closed: set[RowRef] = set()
    for closing in explanation.closings:
        closed.add(closing.ref)
        defects = tuple(
            row._replace(closed_at=AT) if row.ref in closed else row for row in story.rows.defects
        )
        after = Story(story.base, replace(story.rows, defects=defects))
        assert score_of("defects", after) == closing.score
        assert closing.load == sum((8, 4, 2, 1)[each.severity - 1] for each in after.facts.defects.open)


def big() -> Story:
    """A service with 300 rows, as many as a year brings a busy one."""
    hours = [AT - timedelta(hours=13 * number + 1) for number in range(330)]
    rows = Rows(
        defects=tuple(
            DefectRow(
                RowRef("defect", "jira", f"PAY-{n}"), 1 + n % 4, hours[5 * n], hours[4 * n] if n % 3 else None
            )
            for n in range(1, 40)
        ),
        incidents=tuple(
            IncidentRow(
                RowRef("incident", "pager", f"inc-{n}"),
                2 + n % 3,
                hours[8 * n],
                hours[8 * n] + timedelta(minutes=40),
                "alert",
                "code",
                after_hours=bool(n % 2),
            )
            for n in range(1, 30)
        ),
        pages=tuple(
            PageRow(
                RowRef("page", "pager", f"page-{n}"), hours[4 * n], after_hours=bool(n % 3), actionable=True
            )
            for n in range(1, 70)
        ),
        signals=tuple(
            SignalRow(RowRef("signal", "grafana", each), each, None, None, AT) for each in SIGNALS[1:]
        ),
        deployments=steady_deployments()
        + tuple(
            DeploymentRow(
                RowRef("deployment", "ci", f"dep-{n}"),
                hours[4 * n],
                hours[4 * n],
                "succeeded",
                automated=True,
                commits=n,
            )
            for n in range(1, 70)
        ),
        runs=tuple(
            RunRow(RowRef("pipeline_run", "ci", f"run-{n}"), "main", hours[5 * n], hours[5 * n], bool(n % 4))
            for n in range(1, 60)
        ),
    )
    return Story(service(), rows)


def test_explaining_a_service_of_300_rows_takes_less_than_judging_it_60_times() -> None:
    """Judging it anew without each row would be 300 times; against that, a slow machine is no fault."""
    story = big()
    assert len(set(refs(story.rows))) >= 300

    def times() -> float:
        judged = _seconds(lambda: judge(fold(story.base, story.rows, SPANS), default_policy()))
        return _seconds(lambda: explain(story.base, story.rows, default_policy(), spans=SPANS)) / judged

    assert min(times() for _ in range(3)) <= 60


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)
