"""What is told of a service: its pace of life, deeds out of the ordinary, and what they should come to."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

SEED = "larkfield"
BEGIN = datetime(2024, 12, 16, tzinfo=UTC)
"""A Monday. Nothing is known of anything before."""
ALWAYS = BEGIN.date()
END = datetime(2026, 6, 17, 9, tzinfo=UTC)
"""The moment at which the demo's clock stands."""
MADE_UP = "made-up"
"""Begins every source's name, so that no row of the story can be taken for a real one."""
PRODUCTION_AHEAD = timedelta(days=14)
"""A service is brought to production so long before it is launched, unless its plot says otherwise."""

GOLDEN = ("latency", "traffic", "errors", "saturation")
SIGNALS = (*GOLDEN, "logs", "alert", "dashboard", "runbook", "slo", "traces")
KINDS = (
    "deployment",
    "incident",
    "page",
    "defect",
    "signal",
    "dependency",
    "pipeline_run",
    "shift",
    "observation",
    "work_item",
)
BEFORE_LAUNCH = ("deployment", "incident", "defect", "signal", "dependency", "pipeline_run", "work_item")
"""Nobody is paged for a service that nobody uses."""

Span = tuple[float, float]
Role = Literal["developer", "tester", "architect", "designer", "manager", "director", "ops"]


def utc(text: str) -> datetime:
    """A moment written as ``2026-03-02`` or ``2026-03-02 14:30``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Team:
    """Owns services, or runs them; ``titles`` are words for people."""

    slug: str
    title: str
    zone: str
    country: str
    subdivision: str = ""
    hours: str = "09:00-18:00"
    kind: str = "team"

    @property
    def tz(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at the shop."""

    name: str
    role: Role
    teams: tuple[str, ...]

    @property
    def log_in(self) -> str:
        """Their name wherever they log in: ``anna.berger``."""
        return self.name.lower().replace(" ", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How life goes from a day on. Rates are per week unless the name says otherwise."""

    since: date = ALWAYS
    changes: float = 2.5
    failing: float = 0.04
    """Share of the changes that fail."""
    mending_minutes: Span = (12, 35)
    commits: Span = (1, 10)
    lead_hours: Span = (6, 160)
    automated: float = 0.95
    broken_builds: float = 0.05
    pages: float = 0.8
    """In business hours."""
    after_hours: float = 0.2
    nights: float = 0.3
    """Share of the pages after hours that come at night."""
    actionable: float = 0.85
    answer_minutes: Span = (2, 14)
    defects_per_30_days: float = 3.0
    severities: tuple[float, float, float] = (0.06, 0.44, 0.5)
    """Of defects: shares of severity 2, 3 and 4."""
    faults: float = 0.7
    """Share of the defects that lie in design or code."""
    closing_days: Span = (3, 16)
    left_open: float = 0.0
    reopened: float = 0.03
    small_incidents_per_30_days: float = 0.8
    seen_by_alert: float = 0.92
    work_per_30_days: float = 4.0
    observations_per_90_days: float = 3.2
    acted_upon: float = 0.8
    """Share of the observations that became work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An incident that no change of the service caused."""

    at: datetime
    severity: int
    minutes: int
    cause: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A deployment that mends what went before it."""

    way: str
    minutes: float
    """From the trouble's begin."""
    hurts: str = ""
    """What it broke itself; the next remedy mends that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadChange:
    """A change that hurt, the incident it caused, and how it was mended."""

    at: datetime
    title: str
    severity: int
    remedies: tuple[Remedy, ...]
    cause: str = "code"


@dataclass(frozen=True, slots=True)
class Call:
    """The service leans on another from a day on."""

    on: str
    type: str = "sync"
    hard: bool = False
    since: date = ALWAYS


@dataclass(frozen=True, slots=True)
class Lost:
    """Telemetry that went dark on a day; without a component, that of all."""

    on: date
    signals: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a scorecard should say as of a moment."""

    at: datetime
    of: Literal["launch", "handoff", "handback", ""]
    """Which verdict applies; empty for a retired service."""
    verdict: str = ""
    why: tuple[str, ...] = ()
    """The criteria that stand in the way: below their thresholds, or without evidence."""
    blockers: tuple[str, ...] = ()
    deploy: str | None = "ready"


@dataclass(frozen=True, slots=True)
class Shadow:
    """A stretch in which operations are paged beside the developers."""

    since: datetime
    until: datetime = END


@dataclass(frozen=True, slots=True)
class Moved:
    """The service changes hands by a recorded decision."""

    at: datetime
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One service and the path it lives through."""

    slug: str
    """Named for the path."""
    title: str
    story: str
    team: str
    system: str
    ops_team: str = "ops-dublin"
    tier: int = 3
    lifecycle: str = "production"
    launched_on: date | None = None
    deployed_on: date | None = None
    """It runs in production since that day, if not since two weeks before its launch."""
    state: str = "developer_managed"
    """In which it is adopted."""
    moved: tuple[Moved, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    launched_by_review: bool = False
    """The catalogue has it before its launch: a recorded decision launches it."""
    ended_at: datetime = END
    """Nothing is heard of it afterwards."""
    components: tuple[str, ...] = ("api", "worker")
    missing: tuple[str, ...] = ()
    """Signals that it never had."""
    lost: tuple[Lost, ...] = ()
    silent: dict[str, datetime] = field(default_factory=dict)
    """When the feed of a kind was heard last."""
    carriers: tuple[Role, ...] = ("developer", "tester", "architect")
    """Who takes turns on call while developers run it."""
    verifies: bool = False
    paces: tuple[Pace, ...] = (Pace(),)
    outages: tuple[Outage, ...] = ()
    bad_changes: tuple[BadChange, ...] = ()
    storm_on: date | None = None
    """A day on which the pager did not stop."""
    calls: tuple[Call, ...] = ()
    told: tuple[Told, ...]

    @property
    def key(self) -> str:
        """Begins the ids of its rows."""
        return self.title.lower().replace(" ", "-")

    @property
    def launch(self) -> datetime | None:
        """The first moment of the launch day, ``None`` while it lies ahead."""
        if self.lifecycle == "experimental" or self.launched_on is None:
            return None
        return datetime.combine(self.launched_on, time(), UTC)

    @property
    def in_production_since(self) -> datetime:
        """When production first saw it."""
        if self.deployed_on is not None:
            return datetime.combine(self.deployed_on, time(), UTC)
        return (self.launch or END) - PRODUCTION_AHEAD

    @property
    def begin(self) -> datetime:
        """When it is first heard of: ten weeks before its launch, on a Monday."""
        launch = self.launch or END
        early = launch - timedelta(weeks=10, days=launch.weekday())
        return max(BEGIN, early.replace(hour=0))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is reported of it."""
        return KINDS if self.launch else BEFORE_LAUNCH

    def heard_until(self, kind: str) -> datetime:
        """When the feed of a kind was heard last."""
        return min(self.silent.get(kind, END), self.ended_at)

    def state_on(self, at: datetime) -> str:
        """Who runs it at a moment, as a management state."""
        return [self.state, *(moved.state for moved in self.moved if moved.at <= at)][-1]

    def pace_on(self, day: date) -> Pace:
        """The pace of a day."""
        return [pace for pace in self.paces if pace.since <= day][-1]
