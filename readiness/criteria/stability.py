"""Stability: for how many days, of the six months asked for, has the service been proven stable?"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from readiness.criteria.base import HEARD, Criterion, Measured, gaps_of_feeds, names
from readiness.criteria.outcome import Blocker, Gap, Shown, Value
from readiness.criteria.wording import counted, number, sentence
from readiness.curves import Curve
from readiness.facts import IncidentRow, ServiceFacts
from readiness.rubric import Count, Days, Rubric, RubricCriterion, Settings, Severity, Terms

_DAY_SECONDS = 86400
_WHY = {
    "launch": "its launch",
    "severe_incident": "an incident of severity 1 was resolved",
    "incident_cluster": "incidents came too close together",
    "feed_hole": "a feed was not heard for too long",
    "handback": "it was handed back",
}


class ClusterTerms(Terms):
    """So many incidents of these severities that started within so many days reset the clock."""

    best_severity: Severity
    """The gravest severity that counts."""
    severity: Severity
    count: Annotated[int, Field(strict=True, ge=2)]
    days: Days


class StabilitySettings(Settings):
    """How long the clock must run, what pauses it, what resets it."""

    required_days: Days
    required_days_after_handback: Days
    look_back: Annotated[float, Field(strict=True, ge=1, le=10)]
    """Days count that began within so many times the required ones."""
    pausing_severity: Severity
    """An open incident up to this severity pauses the clock."""
    minor_severity: Severity
    minor_minutes_a_day: Annotated[float, Field(strict=True, ge=0, le=1440)]
    """Incidents of the minor severity pause a day in which they were open for longer, added up."""
    resetting_severity: Severity
    clusters: tuple[ClusterTerms, ...]
    hole_days: Days
    shown_stretches: Count


class Reset(NamedTuple):
    """The moment the clock counts from, and why."""

    at: datetime
    why: str


class Stretch(NamedTuple):
    """Days from ``first`` to before ``end``, as ordinals."""

    first: int
    end: int


class Pause(NamedTuple):
    """Days on which the clock stood still, and what held it."""

    days: Stretch
    why: str

    def __str__(self) -> str:
        """As people read it: first and last day, and the cause."""
        first, last = date.fromordinal(self.days.first), date.fromordinal(self.days.end - 1)
        return f"{first.isoformat()}/{last.isoformat()} {self.why}"


class Stability(Criterion[StabilitySettings]):
    """Proven stable, the six-month clock."""

    slug = "stability"
    title = "Proven stable"
    needs = ("incident", "deployment")
    evidence_kinds = ("incident",)
    part_titles: ClassVar[Mapping[str, str]] = {"clock_days": "days proven stable"}
    units: ClassVar[Mapping[str, str]] = {
        "clock_days": "days",
        "required_days": "days",
        "reset_at": "moment",
        "reset_why": "reason",
        "paused_days": "days",
        "paused": "stretches",
    }
    counts = frozenset({"clock_days"})
    settings = StabilitySettings

    def scores(self, rule: RubricCriterion[StabilitySettings], measured: Measured) -> list[float | None]:
        """The curve is over the share of the days required."""
        required = float(dict(measured.shown)["required_days"] or 1)
        return [rule.curves[0].at((measured.values[0] or 0) / required)]

    def feed_gaps(self, facts: ServiceFacts, rubric: Rubric) -> tuple[Gap, ...]:
        """Feeds heard too briefly are forgiven: the clock itself is the measure."""
        return gaps_of_feeds(facts, rubric, self.needs, enough=HEARD)

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[StabilitySettings]) -> tuple[Gap, ...]:
        """What is not launched cannot be stable."""
        launched_on = facts.launched_on
        if launched_on is not None and _midnight(launched_on) <= facts.period.at:
            return ()
        numbers = (("launched_on", launched_on.isoformat() if launched_on else None),)
        return (Gap("not_launched", None, numbers),)

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Count the proven days since the reset."""
        settings: StabilitySettings = rubric.criteria[self.slug].settings
        at = facts.period.at
        reset = _last_reset(facts, settings)
        handed_back = reset.why == "handback"
        required = settings.required_days_after_handback if handed_back else settings.required_days
        since = max(reset.at, at - timedelta(days=settings.look_back * required))
        asked = Stretch(_first_whole_day(since), at.toordinal())
        covered = _covered(facts, asked)
        paused, pauses = _pauses(facts, asked, settings)
        days = sum(stretch.end - stretch.first for stretch in covered)
        days -= sum(any(stretch.first <= day < stretch.end for stretch in covered) for day in paused)
        pauses += [Pause(stretch, "not heard") for stretch in _between(covered, asked)]
        pauses.sort()
        shown = (
            ("required_days", _whole(required)),
            ("reset_at", reset.at.isoformat()),
            ("reset_why", reset.why),
            ("paused_days", max(0, asked.end - asked.first) - days),
            ("paused", _listed(pauses, settings.shown_stretches)),
        )
        return Measured((days,), shown)

    def blockers(self, facts: ServiceFacts, rule: RubricCriterion[StabilitySettings]) -> tuple[Blocker, ...]:
        """``open_severe_incident``: one of severity 1 or 2 open at T."""
        worst = rule.settings.pausing_severity
        rows = [row.ref for row in facts.incidents if row.severity <= worst and row.resolved_at is None]
        return (Blocker("open_severe_incident", self.slug, names(rows)),) if rows else ()

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """Days proven, since when, what held the clock."""
        reset_at, why = str(shown.get("reset_at")), str(shown.get("reset_why"))
        paused = shown.get("paused_days")
        return sentence(
            f"{counted(parts['clock_days'], 'day')} proven stable of {number(shown['required_days'])} needed",
            f"last reset on {reset_at[:10]} ({_WHY.get(why, why)})",
            f"{counted(paused, 'day')} not counted" if paused else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Time is all that helps, and keeping the service quiet."""
        more = counted(to - from_, "more day", "more days")
        return f"prove {more} stable, to {number(to)} from {number(from_)}"

    def curve(self, part: str, shown: Mapping[str, Shown], rubric: Rubric) -> Curve:
        """The curve over days: what is required depends on what reset the clock."""
        required = float(shown["required_days"] or 1)
        return Curve(tuple((x * required, y) for x, y in super().curve(part, shown, rubric).points))


def _last_reset(facts: ServiceFacts, settings: StabilitySettings) -> Reset:
    """What set the clock back last; at the same moment a handback goes before anything else."""
    handback_at, launched_on = facts.standing.handback_at, facts.launched_on
    resets = [Reset(handback_at, "handback")] if handback_at is not None else []
    if launched_on is not None:
        resets.append(Reset(_midnight(launched_on), "launch"))
    resets += _resets_by_incidents(facts, settings)
    hole = timedelta(days=settings.hole_days)
    for kind in ("incident", "deployment"):
        stretches = facts.coverage(kind).stretches
        resets += [
            Reset(begun, "feed_hole")
            for (_, ended), (begun, _) in pairwise(stretches)
            if begun - ended > hole
        ]
    return max(resets, key=attrgetter("at"))


def _resets_by_incidents(facts: ServiceFacts, settings: StabilitySettings) -> Iterator[Reset]:
    """The end of each gravest incident, and the last start of each cluster."""
    for row in facts.incidents:
        if row.severity <= settings.resetting_severity:
            yield Reset(row.resolved_at or facts.period.at, "severe_incident")
    for terms in settings.clusters:
        best, worst = terms.best_severity, terms.severity
        starts = [row.started_at for row in facts.incidents if best <= row.severity <= worst]
        span = timedelta(days=terms.days)
        for first, last in zip(starts, starts[terms.count - 1 :], strict=False):
            if last - first <= span:
                yield Reset(last, "incident_cluster")


def _covered(facts: ServiceFacts, asked: Stretch) -> list[Stretch]:
    """The whole days, of those asked for, that lie in the covered time of both feeds."""
    days = []
    for begin, end in facts.coverage("incident").stretches:
        for other_begin, other_end in facts.coverage("deployment").stretches:
            first = max(_first_whole_day(max(begin, other_begin)), asked.first)
            last = min(min(end, other_end).toordinal(), asked.end)
            if first < last:
                days.append(Stretch(first, last))
    return days


def _between(covered: list[Stretch], asked: Stretch) -> Iterator[Stretch]:
    """The days asked for that nobody covered."""
    day = asked.first
    for stretch in covered:
        if stretch.first > day:
            yield Stretch(day, stretch.first)
        day = stretch.end
    if day < asked.end:
        yield Stretch(day, asked.end)


def _pauses(facts: ServiceFacts, asked: Stretch, settings: StabilitySettings) -> tuple[set[int], list[Pause]]:
    """The days that open incidents held the clock, and each incident's share in that."""
    paused: set[int] = set()
    pauses: list[Pause] = []
    minor: list[tuple[IncidentRow, Stretch]] = []
    first_asked, end_asked = asked
    at = facts.period.at
    for row in facts.incidents:
        # Its last moment counts: resolved at midnight, it was still open when that day began.
        end = (row.resolved_at or at).toordinal() + 1
        if end <= first_asked or row.severity > settings.minor_severity:
            continue
        touched = Stretch(max(row.started_at.toordinal(), first_asked), min(end, end_asked))
        if touched.first >= touched.end:
            continue
        if row.severity <= settings.pausing_severity:
            paused.update(range(*touched))
            pauses.append(Pause(touched, f"incident {row.ref.name}"))
        else:
            minor.append((row, touched))
    held = _held_by_minor(minor, at=at, limit=settings.minor_minutes_a_day * 60)
    for row, touched in minor if held else ():
        days = [day for day in range(*touched) if day in held]
        if days:
            pauses.append(Pause(Stretch(days[0], days[-1] + 1), f"incident {row.ref.name}"))
    return paused | held, pauses


def _held_by_minor(minor: Iterable[tuple[IncidentRow, Stretch]], *, at: datetime, limit: float) -> set[int]:
    """The days on which minor incidents were open for more seconds than the limit, added up."""
    seconds: dict[int, float] = {}
    for row, (first, end) in minor:
        resolved_at = row.resolved_at or at
        if end - first == 1 and row.started_at.toordinal() == resolved_at.toordinal():
            open_ = (resolved_at - row.started_at).total_seconds()
            seconds[first] = seconds.get(first, 0.0) + open_
            continue
        for day in range(first, end):
            begin = datetime.fromordinal(day).replace(tzinfo=UTC)
            opened = max((row.started_at - begin).total_seconds(), 0.0)
            closed = min((resolved_at - begin).total_seconds(), _DAY_SECONDS)
            seconds[day] = seconds.get(day, 0.0) + closed - opened
    return {day for day, open_ in seconds.items() if open_ > limit}


def _first_whole_day(moment: datetime) -> int:
    """The first UTC day that begins at or after a moment."""
    day = moment.toordinal()
    return day if moment.time() == time.min else day + 1


def _midnight(day: date) -> datetime:
    """The beginning of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _whole(days: float) -> float | int:
    """180, not 180.0."""
    return int(days) if days == int(days) else days


def _listed(pauses: list[Pause], most: int) -> str | None:
    """The last pauses as one text; the older ones are only counted."""
    if not pauses:
        return None
    older = f"{len(pauses) - most} older; " if len(pauses) > most else ""
    return older + "; ".join(str(pause) for pause in pauses[-most:])


STABILITY = Stability()
