"""The frozen dataclasses that measures fill and criteria read: what judgement may know of a service at T.

All of it is *as of T*: rows after T are not there, an end after T is ``None``, a verification after T has not
happened, and rows that do not count (drills, withdrawn, excluded) were left out. Moments are aware, in UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class RowRef(NamedTuple):
    """Names one evidence row, and says where a person can look at it."""

    kind: str
    source: str
    id: str
    url: str | None = None
    title: str | None = None

    @property
    def name(self) -> str:
        """The row as people write it: ``source:id``."""
        return f"{self.source}:{self.id}"


class RowKey(NamedTuple):
    """What a reference of one row to another says; it may resolve to nothing."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Period:
    """The window ``(at - days, at]`` a judgement looks back over."""

    at: datetime
    days: float

    @property
    def start(self) -> datetime:
        """The moment after which the window begins (exclusive)."""
        return self.at - timedelta(days=self.days)

    @property
    def middle(self) -> datetime:
        """Where the window's second half begins."""
        return self.at - timedelta(days=self.days / 2)

    def holds(self, moment: datetime) -> bool:
        """Whether a row of this moment is in the window."""
        return self.start < moment <= self.at


class FeedStatus(StrEnum):
    """What can be said at T of a kind of evidence (SCORING.md section 1)."""

    OBSERVED = "observed"
    NO_FEED = "no_feed"
    SILENT = "silent"
    TOO_SHORT = "too_short"


class FeedSpan(NamedTuple):
    """One span in which a source reported a kind of evidence for a service, begun by T."""

    kind: str
    source: str
    since: datetime
    last_seen_at: datetime
    declared: bool = False
    reports_failures: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """How well a kind of evidence was heard: ``stretches`` are the covered time, in order, cut at T."""

    status: FeedStatus
    observed_days: float = 0.0
    first_covered: datetime | None = None
    stretches: tuple[tuple[datetime, datetime], ...] = ()
    last_heard: datetime | None = None
    sources: tuple[str, ...] = ()
    declared: bool = False

    @property
    def observed(self) -> bool:
        """Whether a criterion that needs this kind may have a score."""
        return self.status is FeedStatus.OBSERVED


NO_COVERAGE = Coverage(FeedStatus.NO_FEED)


class DefectRow(NamedTuple):
    """A defect opened by T; ``closed_at`` is ``None`` while it is open at T."""

    ref: RowRef
    severity: int
    opened_at: datetime
    closed_at: datetime | None = None
    reopened: int | None = None
    found_in: str | None = None
    kind: str | None = None


class OpenDefect(NamedTuple):
    """A defect open at T."""

    ref: RowRef
    severity: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class DefectFacts:
    """Counts of defects; ``arrivals`` is by severity, without pre-production."""

    open: tuple[OpenDefect, ...] = ()
    arrivals: tuple[int, int, int, int] = (0, 0, 0, 0)
    first_half: int = 0
    second_half: int = 0
    closed: int = 0
    closed_known: int = 0
    closed_reopened: int = 0
    kinds_known: int = 0
    design_or_code: int = 0
    found_known: int = 0
    found_in_production: int = 0
    recent_severe: tuple[RowRef, ...] = ()
    """Severity 1, kind design or code, found in production, opened in the recent span (30 days)."""


class IncidentRow(NamedTuple):
    """An incident of the service that began by T; ``resolved_at`` is ``None`` while it is open at T."""

    ref: RowRef
    severity: int
    started_at: datetime
    resolved_at: datetime | None = None
    detected_by: str | None = None
    cause: str | None = None
    caused_by: RowKey | None = None
    attributed: bool = False
    """``caused_by`` names a production deployment that counts at T (of any service)."""
    after_hours: bool = False
    night: bool = False


class PageRow(NamedTuple):
    """A page of the window; ``acknowledged_at`` is ``None`` when that did not happen by T."""

    ref: RowRef
    paged_at: datetime
    acknowledged_at: datetime | None = None
    incident: RowKey | None = None
    actionable: bool | None = None
    after_hours: bool = False
    night: bool = False
    responder: str | None = None
    responder_role: str | None = None


class SignalRow(NamedTuple):
    """A signal row with ``first_seen_at <= T`` and ``last_seen_at > T - W``."""

    ref: RowRef
    signal: str
    component: str | None
    environment: str | None
    last_seen_at: datetime


class EdgeRow(NamedTuple):
    """A dependency of the service that is live at T, never on itself; duplicates are still there."""

    ref: RowRef
    target: str
    type: str
    hard: bool
    target_tier: int | None = None
    """``None`` for a target outside the catalogue."""
    same_cycle: bool = False
    """The target leads back to this service along synchronous edges of the whole fleet."""


class InboundEdge(NamedTuple):
    """A dependency of another service on this one, live at T."""

    caller: str
    type: str
    hard: bool


class DeploymentRow(NamedTuple):
    """A production deployment of the window that had ended by T (or has no end)."""

    ref: RowRef
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    remediates: bool = False
    remediation: str | None = None
    automated: bool | None = None
    commits: int | None = None
    first_commit_at: datetime | None = None
    verification: str | None = None
    """The verdict reached by T, else ``None``."""
    verified_at: datetime | None = None

    @property
    def ended_at(self) -> datetime:
        """The finish, else the start."""
        return self.finished_at or self.started_at

    @property
    def lead_hours(self) -> float | None:
        """Hours from the first commit to the finish, else the start (DORA change lead time)."""
        if self.first_commit_at is None:
            return None
        return (self.ended_at - self.first_commit_at) / HOUR


class RemedyRow(NamedTuple):
    """A succeeded production deployment (of any service) that remediates one of this service's."""

    ref: RowRef
    target: RowKey
    ended_at: datetime
    remediation: str | None = None


class BlameRow(NamedTuple):
    """An incident of severity 1 to 4 (of any service), begun by T, that blames a deployment of ours."""

    ref: RowRef
    target: RowKey
    started_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailedDeployment:
    """A production deployment that failed in the sense of SCORING.md (change_safety): a failed change."""

    row: DeploymentRow
    in_rate: bool
    """It began at or after the first covered moment."""
    recent: bool
    """It began in the recent span (30 days), the one the handback verdict looks at."""
    remedies: tuple[RemedyRow, ...] = ()
    blames: tuple[BlameRow, ...] = ()
    mended_at: datetime | None = None

    @property
    def recovery_hours(self) -> float | None:
        """Hours from the first incident that names it (else its start) to the mending; ``None`` unmended."""
        if self.mended_at is None:
            return None
        begun = min((blame.started_at for blame in self.blames), default=self.row.started_at)
        return max(0.0, (self.mended_at - begun) / HOUR)


@dataclass(frozen=True, slots=True)
class PlainChanges:
    """The changes nothing speaks against: production, succeeded, remediate nothing, did not fail."""

    total: int = 0
    in_rate: int = 0
    recent: int = 0
    automated: int = 0
    manual: int = 0
    commits: tuple[int, ...] = ()
    lead_hours: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifiedDeployments:
    """Succeeded production deployments that began at least 24 h before T, by the verdict reached by T."""

    total: int = 0
    passed: int = 0
    inconclusive: int = 0
    failed: int = 0
    failed_and_mended: int = 0


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """The window's production deployments. ``failed`` is in order of start, then source, then id."""

    plain: PlainChanges = PlainChanges()
    failed: tuple[FailedDeployment, ...] = ()
    production: int = 0
    """All production deployments of the window, whatever became of them."""
    remediating: int = 0
    """Those of them that remediate another (DORA rework)."""
    remedies: tuple[tuple[str, int], ...] = ()
    """Use of each remedy: (toggle_off | fix_forward | rollback, how many), ordered by name."""
    verified: VerifiedDeployments = VerifiedDeployments()
    other_environment: bool = False
    """A deployment row of the window names an environment other than production."""

    @property
    def changes(self) -> int:
        """All changes of the window."""
        return self.plain.total + len(self.failed)

    @property
    def changes_in_rate(self) -> int:
        """Changes from the first covered moment on."""
        return self.plain.in_rate + sum(1 for each in self.failed if each.in_rate)

    @property
    def unmended(self) -> tuple[FailedDeployment, ...]:
        """Failed changes that nothing had mended by T."""
        return tuple(each for each in self.failed if each.mended_at is None)


class RunRow(NamedTuple):
    """A run of the default branch (or none named), begun in the window, ended by T, succeeded or failed."""

    ref: RowRef
    pipeline: str
    started_at: datetime
    finished_at: datetime | None
    succeeded: bool
    tests_run: int | None = None
    responders: int | None = None

    @property
    def ended_at(self) -> datetime:
        """A run without an end ended at its start."""
        return self.finished_at or self.started_at


class BrokenPipeline(NamedTuple):
    """A pipeline that fails at T and whose newest run began at most 30 days before T."""

    source: str
    pipeline: str
    since: datetime
    ref: RowRef
    """The run that broke it."""
    newest: datetime
    """When its newest run began."""


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    """Counts of runs; ``restore_hours`` has the ended stretches (negative ones left out)."""

    runs: int = 0
    succeeded: int = 0
    with_tests: int = 0
    """Runs that say how many tests they ran, and ran at least one."""
    tests_known: int = 0
    restore_hours: tuple[float, ...] = ()
    responders: tuple[int, ...] = ()
    """People who answered, of each stretch whose first failed run says so."""
    broken: tuple[BrokenPipeline, ...] = ()


class ShiftRow(NamedTuple):
    """The hours of an on-call shift that lie inside the window."""

    ref: RowRef
    person: str
    role: str
    hours: float


class WorkTally(NamedTuple):
    """Work items of a category closed in the window."""

    category: str
    items: int
    effort_known: int
    effort_hours: float


class ObservationRow(NamedTuple):
    """An observation of the window."""

    ref: RowRef
    role: str
    observed: str
    observed_at: datetime
    names_work: bool = False
    done: bool = False
    """The work item it names was closed by T."""


class WaiverFact(NamedTuple):
    """A waiver live at T; ``target`` is a criterion's slug or a blocker's code."""

    id: int
    target: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What judgement must know of decisions, as of T."""

    state: str | None = None
    """``developer_managed``, ``ops_managed`` or ``None`` for a service that is not live."""
    handback_at: datetime | None = None
    """The moment of the last handback of kind repair, by T."""
    waivers: tuple[WaiverFact, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """Everything one service is judged by."""

    service: str
    period: Period
    tier: int = 3
    lifecycle: str = "live"
    """``pre_launch``, ``live`` or ``retired``."""
    launched_on: date | None = None
    components: tuple[str, ...] = ()
    hours: Mapping[str, object] = field(default_factory=dict)
    """The owner team's hours as used: time_zone, country, subdivision, business_hours, weekend."""
    standing: Standing = Standing()
    feeds: Mapping[str, Coverage] = field(default_factory=dict)
    reports_failures: bool = False
    """At least one deployment feed span that covers T says ``reports_failures``."""
    defects: DefectFacts = DefectFacts()
    incidents: tuple[IncidentRow, ...] = ()
    """All of severity 1 and 2 begun by T, of the others those of the clock's look-back, in order of start."""
    pages: tuple[PageRow, ...] = ()
    signals: tuple[SignalRow, ...] = ()
    edges: tuple[EdgeRow, ...] = ()
    inbound: tuple[InboundEdge, ...] = ()
    changes: ChangeFacts = ChangeFacts()
    pipeline: PipelineFacts = PipelineFacts()
    shifts: tuple[ShiftRow, ...] = ()
    work: tuple[WorkTally, ...] = ()
    observations: tuple[ObservationRow, ...] = ()

    def coverage(self, kind: str) -> Coverage:
        """How a kind of evidence was heard; ``no_feed`` where nobody reports it."""
        return self.feeds.get(kind, NO_COVERAGE)


def coverage(
    spans: Iterable[FeedSpan], period: Period, *, silence_days: float, minimum_days: float
) -> Coverage:
    """Fold the spans of one kind, all begun by T, into its coverage (SCORING.md section 1).

    Covered time is the union of ``[since, last_seen_at + silence_days]`` cut at T; observed days are its
    length inside the window. Raises nothing: without spans the answer is ``no_feed``.
    """
    ordered = sorted(spans, key=lambda span: span.since)
    if not ordered:
        return NO_COVERAGE
    grace = timedelta(days=silence_days)
    stretches = _union((span.since, min(span.last_seen_at + grace, period.at)) for span in ordered)
    inside = [(max(begin, period.start), end) for begin, end in stretches if end > period.start]
    observed = sum((end - begin for begin, end in inside), timedelta()) / DAY
    status = FeedStatus.OBSERVED
    if stretches[-1][1] < period.at:
        status = FeedStatus.SILENT
    elif observed < minimum_days:
        status = FeedStatus.TOO_SHORT
    return Coverage(
        status=status,
        observed_days=observed,
        first_covered=inside[0][0] if inside else None,
        stretches=stretches,
        last_heard=min(max(span.last_seen_at for span in ordered), period.at),
        sources=tuple(sorted({span.source for span in ordered})),
        declared=any(span.declared for span in ordered),
    )


def _union(stretches: Iterable[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    """Merge stretches that are sorted by their beginning."""
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in stretches:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return tuple(merged)
