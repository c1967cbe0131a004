"""Pipeline health: success, time to restore, and a broken pipeline where a policy gates on it."""

from datetime import timedelta

import pytest

from readiness.criteria.pipeline import PIPELINE
from readiness.facts import BrokenPipeline, PipelineFacts
from readiness.policy import load_policy
from tests.judging import AT, DEFAULT, codes, facts, gaps, judge, reason, ref, scores, shown, values

GATED = load_policy(DEFAULT.replace("tiers:\n", "tiers:\n  2: {criteria: {pipeline: {gated: true}}}\n"))


def _broken(hours: float, id_: str = "r") -> BrokenPipeline:
    return BrokenPipeline("tests", "main", AT - timedelta(hours=hours), ref("pipeline_run", id_), AT)


def test_success_and_the_median_time_to_restore_are_halves_of_the_score() -> None:
    runs = PipelineFacts(runs=10, succeeded=8, restore_hours=(0.5, 1.0, 10.0), with_tests=3, tests_known=4)
    outcome = judge("pipeline", facts(pipeline=runs))
    assert values(outcome) == {"success_rate": 0.8, "restore_hours": 1}
    assert scores(outcome) == {"success_rate": 50, "restore_hours": 90}
    assert outcome.score == 70
    assert shown(outcome)["tested_share"] == 0.75


def test_a_pipeline_that_never_broke_is_judged_by_success_alone() -> None:
    outcome = judge("pipeline", facts(pipeline=PipelineFacts(runs=5, succeeded=5)))
    assert (values(outcome)["restore_hours"], outcome.score) == (None, 100)


def test_five_runs_are_needed() -> None:
    assert gaps(judge("pipeline", facts(pipeline=PipelineFacts(runs=4, succeeded=4)))) == [
        ("too_few", "pipeline_run")
    ]


@pytest.mark.parametrize(("hours", "stands"), [(24, False), (24.01, True)])
def test_a_pipeline_broken_for_more_than_a_day_blocks_where_it_is_gated(hours: float, stands: bool) -> None:
    found = facts(pipeline=PipelineFacts(runs=5, succeeded=4, broken=(_broken(hours),)))
    assert ("pipeline_broken" in codes(PIPELINE.judge(found, GATED.rubric(2)))) is stands
    assert codes(PIPELINE.judge(found, GATED.rubric(3))) == []


def test_a_broken_pipeline_does_not_block_without_a_score() -> None:
    found = facts(pipeline=PipelineFacts(runs=5, broken=(_broken(99),)), unheard=("pipeline_run",))
    assert codes(PIPELINE.judge(found, GATED.rubric(2))) == []


def test_the_reason_says_what_is_broken_now() -> None:
    runs = PipelineFacts(runs=5, succeeded=4, broken=(_broken(3),))
    assert reason("pipeline", judge("pipeline", facts(pipeline=runs))) == (
        "80 % of 5 runs succeeded, 1 pipeline broken now."
    )
