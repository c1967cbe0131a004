"""Measures pipelines: how often the default branch's runs succeed, and how long it stays broken."""

from collections import defaultdict
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import Coalesce, Lag, Lead

from readiness.facts import HOUR, BrokenPipeline, PipelineFacts, RowRef, RunRow
from readiness.measures.fetching import Row, by_service, fetch
from readiness.measures.scope import COUNTS, Scope
from readiness.models import PipelineRun

_DEFAULT_BRANCH = (
    Q(branch__isnull=True)
    | Q(branch="")
    | Q(service__default_branch="", branch__in=("main", "master"))
    | Q(branch=F("service__default_branch"))
)


def _runs(scope: Scope) -> "QuerySet[PipelineRun]":
    """Runs of the default branch, begun in the window, ended by T, that succeeded or failed."""
    return PipelineRun.objects.filter(
        COUNTS,
        _DEFAULT_BRANCH,
        scope.services(),
        scope.window("started_at"),
        scope.ended(),
        outcome__in=("succeeded", "failed"),
    ).order_by()


def pipeline_facts(scope: Scope) -> dict[int, PipelineFacts]:
    """Counts by the database; stretches from the runs at which a pipeline broke or healed. Two queries."""
    counts = (
        _runs(scope)
        .values("service_id")
        .annotate(
            runs=Count("pk"),
            passed=Count("pk", filter=Q(outcome="succeeded")),
            with_tests=Count("pk", filter=Q(tests_run__gt=0)),
            tests_known=Count("tests_run"),
        )
    )
    turns = by_service(_turns(scope))
    return {row["service_id"]: _facts(row, turns.get(row["service_id"], []), scope) for row in counts}


def _turns(scope: Scope) -> "QuerySet[PipelineRun, Row]":
    """Each pipeline's runs whose outcome is not that of the run before, and its last run, in order."""
    in_order: dict[str, Any] = {
        "partition_by": [F("service_id"), F("source"), F("pipeline")],
        "order_by": ["started_at", "external_id"],
    }
    broke = Q(outcome="failed") & (Q(before__isnull=True) | Q(before="succeeded"))
    healed = Q(outcome="succeeded", before="failed")
    return (
        _runs(scope)
        .annotate(
            ended=Coalesce("finished_at", "started_at"),
            before=Window(Lag("outcome"), **in_order),
            after=Window(Lead("outcome"), **in_order),
        )
        .filter(broke | healed | Q(after__isnull=True))
        .order_by("service_id", "source", "pipeline", "started_at", "external_id")
        .values_list(
            "service_id",
            "source",
            "external_id",
            "url",
            "pipeline",
            "outcome",
            "before",
            "started_at",
            "ended",
            "responders",
        )
    )


def _facts(counts: dict[str, Any], turns: list[tuple[Any, ...]], scope: Scope) -> PipelineFacts:
    restored: list[float] = []
    breakers: dict[tuple[str, str], BrokenPipeline] = {}
    answered: list[int] = []
    for _, source, external_id, url, pipeline, outcome, before, started_at, ended, responders in turns:
        if outcome == "failed" and before != "failed":
            ref = RowRef("pipeline_run", source, external_id, url, pipeline)
            breakers[source, pipeline] = BrokenPipeline(source, pipeline, ended, ref, started_at)
            answered += [] if responders is None else [responders]
        elif outcome == "failed":
            breakers[source, pipeline] = breakers[source, pipeline]._replace(newest=started_at)
        elif before == "failed":
            restored.append((ended - breakers.pop((source, pipeline)).since) / HOUR)
    since = scope.days_ago(scope.spans.broken_quiet)
    return PipelineFacts(
        runs=counts["runs"],
        succeeded=counts["passed"],
        with_tests=counts["with_tests"],
        tests_known=counts["tests_known"],
        restore_hours=tuple(sorted(hours for hours in restored if hours >= 0)),
        responders=tuple(sorted(answered)),
        broken=tuple(each for _, each in sorted(breakers.items()) if each.newest >= since),
    )


def run_rows(scope: Scope) -> dict[int, list[RunRow]]:
    """Every such run, one row each."""
    rows = _runs(scope).values_list(
        "service_id",
        "source",
        "external_id",
        "url",
        "pipeline",
        "started_at",
        "finished_at",
        "outcome",
        "tests_run",
        "responders",
    )
    grouped: dict[int, list[RunRow]] = defaultdict(list)
    for pk, source, external_id, url, pipeline, started, finished, outcome, tests, responders in fetch(rows):
        ref = RowRef("pipeline_run", source, external_id, url, pipeline)
        grouped[pk].append(
            RunRow(ref, pipeline, started, finished, outcome == "succeeded", tests, responders)
        )
    return grouped
