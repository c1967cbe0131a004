"""Pipeline: is the way to production open, and soon open again when it broke?"""

from collections.abc import Mapping
from statistics import median
from typing import Annotated, ClassVar

from pydantic import Field

from readiness.criteria.base import SHARE, Criterion, Measured, names
from readiness.criteria.outcome import Blocker, Gap, Shown, Value
from readiness.criteria.wording import change, counted, percent, sentence
from readiness.facts import ServiceFacts
from readiness.rubric import Count, Rubric, RubricCriterion, Settings


class PipelineSettings(Settings):
    """How many runs it takes to tell, and how long a pipeline may stay broken."""

    minimum_runs: Count
    broken_hours: Annotated[float, Field(strict=True, ge=0, le=8760)]


class Pipeline(Criterion[PipelineSettings]):
    """Pipeline health."""

    slug = "pipeline"
    title = "Pipeline health"
    needs = ("pipeline_run",)
    evidence_kinds = ("pipeline_run",)
    part_titles: ClassVar[Mapping[str, str]] = {
        "success_rate": "share of runs that succeed",
        "restore_hours": "hours until a broken pipeline works",
    }
    units: ClassVar[Mapping[str, str]] = {
        "success_rate": SHARE,
        "restore_hours": "hours",
        "runs": "runs",
        "broken": "pipelines",
        "responders": "people",
        "tested_share": SHARE,
    }
    settings = PipelineSettings

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[PipelineSettings]) -> tuple[Gap, ...]:
        """Too few runs."""
        runs, least = facts.pipeline.runs, rule.settings.minimum_runs
        return (Gap("too_few", "pipeline_run", (("rows", runs), ("minimum", least))),) if runs < least else ()

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Success rate and restore time of the default branch."""
        runs = facts.pipeline
        values = (
            runs.succeeded / runs.runs if runs.runs else None,
            median(runs.restore_hours) if runs.restore_hours else None,
        )
        shown = (
            ("runs", runs.runs),
            ("broken", len(runs.broken)),
            ("responders", median(runs.responders) if runs.responders else None),
            ("tested_share", runs.with_tests / runs.tests_known if runs.tests_known else None),
        )
        return Measured(values, shown, self._broken(facts, rubric))

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """Success, restore time, what is broken now."""
        restore, broken = parts.get("restore_hours"), shown.get("broken")
        return sentence(
            f"{percent(parts['success_rate'])} of {counted(shown['runs'], 'run')} succeeded",
            f"a broken pipeline works again after {counted(restore, 'hour')}"
            if restore is not None
            else None,
            f"{counted(broken, 'pipeline')} broken now" if broken else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Break less, mend faster."""
        return change(self.part_titles[part], from_, to, share=self.units[part] == SHARE)

    def _broken(self, facts: ServiceFacts, rubric: Rubric) -> tuple[Blocker, ...]:
        """``pipeline_broken``, where the policy gates on pipelines: one is broken for too long."""
        rule: RubricCriterion[PipelineSettings] = rubric.criteria[self.slug]
        if not rule.gated:
            return ()
        limit = rule.settings.broken_hours * 3600
        at = facts.period.at
        rows = names(each.ref for each in facts.pipeline.broken if (at - each.since).total_seconds() > limit)
        return (Blocker("pipeline_broken", self.slug, rows),) if rows else ()


PIPELINE = Pipeline()
