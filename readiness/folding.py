"""Folds evidence rows into facts: the pure twin of what the measures let the database count.

A fleet is evaluated from counts made by the database. One service is explained, and the weight of a row is
found, by folding its rows here, with and without that row. Both give the same facts: a test compares them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from math import fsum
from typing import Any, NamedTuple

from readiness.facts import (
    HOUR,
    BlameRow,
    BrokenPipeline,
    ChangeFacts,
    DefectFacts,
    DefectRow,
    DeploymentRow,
    EdgeRow,
    FailedDeployment,
    InboundEdge,
    IncidentRow,
    ObservationRow,
    OpenDefect,
    PageRow,
    Period,
    PipelineFacts,
    PlainChanges,
    RemedyRow,
    RowKey,
    RowRef,
    RunRow,
    ServiceFacts,
    ShiftRow,
    SignalRow,
    VerifiedDeployments,
    WorkTally,
)


class WorkRow(NamedTuple):
    """A work item closed in the window."""

    ref: RowRef
    category: str
    effort_hours: float | None = None


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans that counting depends on, in days; they come from the policy."""

    recent: float = 30.0
    """What the handback verdict calls recent."""
    proving: float = 1.0
    """A deployment younger than this is not asked for its verification yet."""
    broken_quiet: float = 30.0
    """A pipeline without a run for longer than this is abandoned, not broken."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows one service is judged by, each as of T, as :mod:`readiness.facts` describes them."""

    defects: tuple[DefectRow, ...] = ()
    """Opened by T, and open at T or closed or opened in the window."""
    incidents: tuple[IncidentRow, ...] = ()
    pages: tuple[PageRow, ...] = ()
    signals: tuple[SignalRow, ...] = ()
    edges: tuple[EdgeRow, ...] = ()
    inbound: tuple[InboundEdge, ...] = ()
    deployments: tuple[DeploymentRow, ...] = ()
    remedies: tuple[RemedyRow, ...] = ()
    blames: tuple[BlameRow, ...] = ()
    other_environments: tuple[RowRef, ...] = ()
    runs: tuple[RunRow, ...] = ()
    shifts: tuple[ShiftRow, ...] = ()
    work: tuple[WorkRow, ...] = ()
    observations: tuple[ObservationRow, ...] = ()

    def without(self, ref: RowRef) -> "Rows":
        """The same rows but for one evidence row, wherever it plays a part."""
        identity = ref[:3]
        kept: dict[str, Any] = {}
        for each in fields(self):
            rows = getattr(self, each.name)
            if each.name != "inbound":
                rows = tuple(row for row in rows if _identity(row) != identity)
            kept[each.name] = rows
        if ref.kind == "deployment":
            gone = RowKey(ref.source, ref.id)
            # a reference to a row that is gone resolves to nothing, and attributes no incident
            kept["incidents"] = tuple(
                row._replace(attributed=row.attributed and row.caused_by != gone) for row in kept["incidents"]
            )
        return Rows(**kept)


def _identity(row: Any) -> tuple[str, str, str]:
    ref: RowRef = row if isinstance(row, RowRef) else row.ref
    return ref[:3]


def fold(base: ServiceFacts, rows: Rows, spans: Spans) -> ServiceFacts:
    """The facts of a service: catalogue, standing and feeds from ``base``, all evidence from ``rows``."""
    return replace(
        base,
        defects=defect_facts(rows.defects, base, spans),
        incidents=tuple(sorted(rows.incidents, key=lambda row: (row.started_at, row.ref.source, row.ref.id))),
        pages=rows.pages,
        signals=rows.signals,
        edges=rows.edges,
        inbound=rows.inbound,
        changes=change_facts(rows, base, spans),
        pipeline=pipeline_facts(rows.runs, base.period, spans),
        shifts=rows.shifts,
        work=work_tallies(rows.work),
        observations=rows.observations,
    )


def defect_facts(rows: Sequence[DefectRow], base: ServiceFacts, spans: Spans) -> DefectFacts:
    """Count the defects of one service; rates count from the first covered moment of its defect feed on."""
    period = base.period
    since = base.coverage("defect").first_covered
    fresh = [row for row in rows if period.holds(row.opened_at)]
    arrived = Counter(
        row.severity
        for row in fresh
        if row.found_in != "pre_production" and since is not None and row.opened_at >= since
    )
    closed = [row for row in rows if row.closed_at is not None and period.holds(row.closed_at)]
    return DefectFacts(
        open=tuple(OpenDefect(row.ref, row.severity, row.opened_at) for row in rows if row.closed_at is None),
        arrivals=(arrived[1], arrived[2], arrived[3], arrived[4]),
        first_half=sum(row.opened_at <= period.middle for row in fresh),
        second_half=sum(row.opened_at > period.middle for row in fresh),
        closed=len(closed),
        closed_known=sum(row.reopened is not None for row in closed),
        closed_reopened=sum(bool(row.reopened) for row in closed),
        kinds_known=sum(row.kind is not None for row in fresh),
        design_or_code=sum(row.kind in ("design", "code") for row in fresh),
        found_known=sum(row.found_in is not None for row in fresh),
        found_in_production=sum(row.found_in == "production" for row in fresh),
        recent_severe=tuple(sorted(row.ref for row in fresh if _severe_fault(row, period.at, spans))),
    )


def _severe_fault(row: DefectRow, at: datetime, spans: Spans) -> bool:
    recent = row.opened_at > at - timedelta(days=spans.recent)
    return recent and row.severity == 1 and row.kind in ("design", "code") and row.found_in == "production"


def change_facts(rows: Rows, base: ServiceFacts, spans: Spans) -> ChangeFacts:
    """Sort the production deployments of one service into plain changes, failed ones, and the rest."""
    remedies = _by_target(rows.remedies)
    blames = _by_target(rows.blames)
    passes = _passes(rows.deployments)
    failed: list[FailedDeployment] = []
    plain: list[DeploymentRow] = []
    for row in rows.deployments:
        key = RowKey(row.ref.source, row.ref.id)
        if key in remedies or key in blames or row.verification == "failed":
            passed_at = next((each.verified_at for each in passes if each.started_at > row.started_at), None)
            speak = Against(remedies.get(key, ()), blames.get(key, ()), passed_at)
            failed.append(failed_deployment(row, base, spans, speak=speak))
        elif row.outcome == "succeeded" and not row.remediates:
            plain.append(row)
    remediating = [row for row in rows.deployments if row.remediates]
    return ChangeFacts(
        plain=plain_changes(plain, base, spans),
        failed=tuple(
            sorted(failed, key=lambda each: (each.row.started_at, each.row.ref.source, each.row.ref.id))
        ),
        production=len(rows.deployments),
        remediating=len(remediating),
        remedies=tuple(sorted(Counter(row.remediation for row in remediating if row.remediation).items())),
        verified=verified_deployments(
            rows.deployments, failed, base.period.at - timedelta(days=spans.proving)
        ),
        other_environment=bool(rows.other_environments),
    )


def _by_target(rows: Iterable[Any]) -> dict[RowKey, tuple[Any, ...]]:
    grouped: dict[RowKey, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.target].append(row)
    return {key: tuple(sorted(each, key=lambda row: row.ref[:3])) for key, each in grouped.items()}


class _Pass(NamedTuple):
    started_at: datetime
    id: str
    verified_at: datetime


def _passes(deployments: Iterable[DeploymentRow]) -> list[_Pass]:
    """The succeeded deployments whose verification passed, by start, then id."""
    return sorted(
        _Pass(row.started_at, row.ref.id, row.verified_at or row.ended_at)
        for row in deployments
        if row.outcome == "succeeded" and row.verification == "passed"
    )


class Against(NamedTuple):
    """What speaks against a deployment, and when the first later one passed, which may make it good."""

    remedies: tuple[RemedyRow, ...] = ()
    blames: tuple[BlameRow, ...] = ()
    passed_at: datetime | None = None


def failed_deployment(
    row: DeploymentRow, base: ServiceFacts, spans: Spans, *, speak: Against
) -> FailedDeployment:
    """A failed deployment with its place in the rate and, where something mended it, the moment of that."""
    since = base.coverage("deployment").first_covered
    return FailedDeployment(
        row=row,
        in_rate=since is not None and row.started_at >= since,
        recent=row.started_at > base.period.at - timedelta(days=spans.recent),
        remedies=speak.remedies,
        blames=speak.blames,
        mended_at=_mended_at(row, speak),
    )


def _mended_at(row: DeploymentRow, speak: Against) -> datetime | None:
    ends = [remedy.ended_at for remedy in speak.remedies if remedy.ended_at >= row.started_at]
    if ends:
        return min(ends)
    if speak.blames:
        resolved = [blame.resolved_at for blame in speak.blames]
        known = [moment for moment in resolved if moment is not None]
        return max(known) if len(known) == len(resolved) else None
    return speak.passed_at


def plain_changes(rows: Sequence[DeploymentRow], base: ServiceFacts, spans: Spans) -> PlainChanges:
    """Count the changes nothing speaks against."""
    since = base.coverage("deployment").first_covered
    recent = base.period.at - timedelta(days=spans.recent)
    return PlainChanges(
        total=len(rows),
        in_rate=sum(since is not None and row.started_at >= since for row in rows),
        recent=sum(row.started_at > recent for row in rows),
        automated=sum(row.automated is True for row in rows),
        manual=sum(row.automated is False for row in rows),
        commits=tuple(sorted(row.commits for row in rows if row.commits is not None)),
        lead_hours=tuple(sorted(hours for row in rows if (hours := row.lead_hours) is not None)),
    )


def verified_deployments(
    rows: Iterable[DeploymentRow], failed: Iterable[FailedDeployment], until: datetime
) -> VerifiedDeployments:
    """Count verdicts of the succeeded deployments that began by ``until``."""
    mended = {each.row.ref for each in failed if each.mended_at is not None}
    asked = [row for row in rows if row.outcome == "succeeded" and row.started_at <= until]
    verdicts = Counter(row.verification for row in asked)
    return VerifiedDeployments(
        total=len(asked),
        passed=verdicts["passed"],
        inconclusive=verdicts["inconclusive"],
        failed=verdicts["failed"],
        failed_and_mended=sum(row.verification == "failed" and row.ref in mended for row in asked),
    )


def pipeline_facts(rows: Sequence[RunRow], period: Period, spans: Spans) -> PipelineFacts:
    """Count the runs of one service and fold each pipeline's runs into its stretches of failure."""
    pipelines: dict[tuple[str, str], list[RunRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.started_at, row.ref.id)):
        pipelines[row.ref.source, row.pipeline].append(row)
    restored: list[float] = []
    broken: list[BrokenPipeline] = []
    answered: list[int] = []
    for (source, pipeline), runs in sorted(pipelines.items()):
        breaker: RunRow | None = None
        for run in runs:
            if breaker is None and not run.succeeded:
                breaker = run
                answered += [run.responders] if run.responders is not None else []
            elif breaker is not None and run.succeeded:
                restored.append((run.ended_at - breaker.ended_at) / HOUR)
                breaker = None
        if breaker and runs[-1].started_at >= period.at - timedelta(days=spans.broken_quiet):
            broken.append(
                BrokenPipeline(source, pipeline, breaker.ended_at, breaker.ref, runs[-1].started_at)
            )
    return PipelineFacts(
        runs=len(rows),
        succeeded=sum(row.succeeded for row in rows),
        with_tests=sum(bool(row.tests_run) for row in rows),
        tests_known=sum(row.tests_run is not None for row in rows),
        restore_hours=tuple(sorted(hours for hours in restored if hours >= 0)),
        responders=tuple(sorted(answered)),
        broken=tuple(broken),
    )


def work_tallies(rows: Iterable[WorkRow]) -> tuple[WorkTally, ...]:
    """Tally work items by category, in order of its name."""
    grouped: dict[str, list[WorkRow]] = defaultdict(list)
    for row in rows:
        grouped[row.category].append(row)
    return tuple(_tally(category, grouped[category]) for category in sorted(grouped))


def _tally(category: str, rows: Sequence[WorkRow]) -> WorkTally:
    known = [row.effort_hours for row in rows if row.effort_hours is not None]
    return WorkTally(category, len(rows), len(known), round(fsum(known), 6))
