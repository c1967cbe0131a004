"""Out-of-hours load: how often does the service wake somebody, for good reason, and do they answer?"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, ClassVar

from pydantic import Field

from readiness.criteria.base import SHARE, Criterion, Measured, gaps_of_feeds, names, per_days, share_known
from readiness.criteria.outcome import Blocker, Gap, Shown, Value
from readiness.criteria.wording import change, counted, number, percent, sentence
from readiness.facts import FeedStatus, IncidentRow, PageRow, RowKey, RowRef, ServiceFacts
from readiness.rubric import Days, Rubric, RubricCriterion, Settings, Severity, Share


class AfterHoursSettings(Settings):
    """What disturbs, how long an answer may take, and what is a storm."""

    rate_days: Days
    worst_severity: Severity
    """Incidents up to this severity (1 is the gravest) disturb somebody."""
    unacknowledged_minutes: Annotated[float, Field(strict=True, gt=0, le=10080)]
    """What an event that nobody acknowledged counts, once it is that old."""
    acknowledged_percentile: Annotated[float, Field(strict=True, gt=0, le=1)]
    storm_events: Annotated[int, Field(strict=True, ge=1)]
    storm_days: Days
    shift_hours: Annotated[float, Field(strict=True, gt=0, le=168)]
    known_share: Share


class Event:
    """What disturbed somebody once: pages of one UTC day about one incident, one page, or one incident."""

    __slots__ = ("acknowledged_at", "actionable", "after_hours", "at", "night", "paged", "ref")

    def __init__(self, row: PageRow | IncidentRow, at: datetime, page: PageRow | None = None) -> None:
        self.ref: RowRef = row.ref
        self.at = at
        self.after_hours = row.after_hours
        self.night = row.night
        self.paged = page is not None
        self.acknowledged_at = page.acknowledged_at if page is not None else None
        self.actionable = page.actionable if page is not None else None

    def joined_by(self, page: PageRow) -> None:
        """Take in one more page: the first one gives the moment, any of them an answer or an action."""
        if (page.paged_at, page.ref.source, page.ref.id) < (self.at, self.ref.source, self.ref.id):
            self.ref, self.at = page.ref, page.paged_at
            self.after_hours, self.night = page.after_hours, page.night
        acknowledged = page.acknowledged_at
        if acknowledged is not None and (self.acknowledged_at is None or acknowledged < self.acknowledged_at):
            self.acknowledged_at = acknowledged
        if page.actionable is not None:
            self.actionable = self.actionable or page.actionable


class AfterHours(Criterion[AfterHoursSettings]):
    """Out-of-hours load."""

    slug = "after_hours"
    title = "Out-of-hours load"
    needs = ("page",)
    evidence_kinds = ("page", "incident")
    part_titles: ClassVar[Mapping[str, str]] = {
        "after_hours_per_week": "events after hours per week",
        "night_per_week": "events at night per week",
        "actionable_share": "share of events that asked for an action",
        "ack_p90_minutes": "minutes to acknowledge after hours (90th percentile)",
    }
    units: ClassVar[Mapping[str, str]] = {
        "after_hours_per_week": "events per 7 days",
        "night_per_week": "events per 7 days",
        "actionable_share": SHARE,
        "ack_p90_minutes": "minutes",
        "judged_by": "kind of evidence",
        "events": "events",
        "after_hours_events": "events",
        "night_events": "events",
        "most_in_a_shift": "events in 12 hours",
    }
    settings = AfterHoursSettings

    def feed_gaps(self, facts: ServiceFacts, rubric: Rubric) -> tuple[Gap, ...]:
        """Incidents stand in for pages that nobody reports at all; a silent pager is not replaced."""
        gaps = super().feed_gaps(facts, rubric)
        if not gaps or facts.coverage("page").status is not FeedStatus.NO_FEED:
            return gaps
        incidents = gaps_of_feeds(facts, rubric, ("incident",))
        return gaps + incidents if incidents else ()

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Rates from the first covered moment on; answers and actions over the whole window."""
        settings: AfterHoursSettings = rubric.criteria[self.slug].settings
        kind = _judged_by(facts)
        heard = facts.coverage(kind)
        since = heard.first_covered or facts.period.start
        events = _events(facts, settings)
        late = [event for event in events if event.after_hours]
        nights = [event for event in events if event.night]
        values = (
            per_days(sum(event.at >= since for event in late), heard.observed_days, settings.rate_days),
            per_days(sum(event.at >= since for event in nights), heard.observed_days, settings.rate_days),
            _actionable(events, settings),
            _answered(events, at=facts.period.at, settings=settings),
        )
        busiest = _busiest([event.at for event in events], timedelta(hours=settings.shift_hours))
        shown = (
            ("judged_by", kind),
            ("events", len(events)),
            ("after_hours_events", len(late)),
            ("night_events", len(nights)),
            # The SRE Book (ch. 11) allows two in a shift of 12 hours.
            ("most_in_a_shift", busiest),
        )
        return Measured(values, shown)

    def blockers(self, facts: ServiceFacts, rule: RubricCriterion[AfterHoursSettings]) -> tuple[Blocker, ...]:
        """``after_hours_storm``: so many events after hours within so many days."""
        settings = rule.settings
        if not _could_storm(facts, settings):
            return ()
        late = [event for event in _events(facts, settings) if event.after_hours]
        storm = _storm(late, settings)
        if not storm:
            return ()
        numbers = (("events", len(storm)), ("from", storm[0].at.isoformat()))
        return (Blocker("after_hours_storm", self.slug, names(event.ref for event in storm), numbers),)

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """How often, how often at night, whether it was worth it, how fast the answer was."""
        answer, actionable = parts.get("ack_p90_minutes"), parts.get("actionable_share")
        stands_in = shown.get("judged_by") == "incident"
        return sentence(
            "judged by incidents, since nobody reports pages" if stands_in else None,
            f"{counted(parts['after_hours_per_week'], 'event')} after hours a week",
            f"{number(parts['night_per_week'])} at night",
            f"{percent(actionable)} of them asked for an action" if actionable is not None else None,
            f"nine in ten acknowledged within {counted(answer, 'minute')}" if answer is not None else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Fewer events, better alerts, a faster answer."""
        return change(self.part_titles[part], from_, to, share=self.units[part] == SHARE)


def late_events(facts: ServiceFacts, settings: AfterHoursSettings) -> tuple[int, float]:
    """Events after hours from the first covered moment on, and the days in which they could be seen."""
    heard = facts.coverage(_judged_by(facts))
    since = heard.first_covered or facts.period.start
    late = sum(event.after_hours and event.at >= since for event in _events(facts, settings))
    return late, heard.observed_days


def _judged_by(facts: ServiceFacts) -> str:
    """The kind whose observed time the rates are told per."""
    return "incident" if facts.coverage("page").status is FeedStatus.NO_FEED else "page"


def _events(facts: ServiceFacts, settings: AfterHoursSettings) -> list[Event]:
    """The window's events, of pages first; in no order."""
    events: list[Event] = []
    grouped: dict[tuple[int, RowKey], Event] = {}
    named: set[tuple[str, str]] = set()
    for page in facts.pages:
        incident = page.incident
        event = Event(page, page.paged_at, page)
        if incident is not None:
            named.add(incident)
            # Moments are in UTC, so this is the UTC day.
            day = (page.paged_at.toordinal(), incident)
            first = grouped.setdefault(day, event)
            if first is not event:
                first.joined_by(page)
                continue
        events.append(event)
    start = facts.period.start
    for row in facts.incidents:
        unnamed = row.severity <= settings.worst_severity and (row.ref.source, row.ref.id) not in named
        if unnamed and row.started_at > start:
            events.append(Event(row, row.started_at))
    return events


def _actionable(events: Iterable[Event], settings: AfterHoursSettings) -> float | None:
    """Of the events made of pages, the share that asked for an action, where known."""
    said = [event.actionable for event in events if event.paged]
    known = len(said) - said.count(None)
    return share_known(said.count(True), known, of=len(said), least=settings.known_share)


def _answered(events: list[Event], *, at: datetime, settings: AfterHoursSettings) -> float | None:
    """The percentile, by nearest rank, of the minutes to the first acknowledgement after hours.

    ``None`` when nobody ever acknowledged anything, since then acknowledgements are likely not reported.
    """
    if not any(event.acknowledged_at for event in events):
        return None
    waits = []
    for event in events:
        if not (event.paged and event.after_hours):
            continue
        if event.acknowledged_at is not None:
            waits.append((event.acknowledged_at - event.at).total_seconds() / 60)
        elif (at - event.at).total_seconds() >= settings.unacknowledged_minutes * 60:
            waits.append(settings.unacknowledged_minutes)
    if not waits:
        return None
    waits.sort()
    return waits[ceil(settings.acknowledged_percentile * len(waits)) - 1]


def _could_storm(facts: ServiceFacts, settings: AfterHoursSettings) -> bool:
    """Whether there are rows enough in so few days: grouping them into events only makes them fewer."""
    moments = [page.paged_at for page in facts.pages if page.after_hours]
    start = facts.period.start
    moments += [row.started_at for row in facts.incidents if row.after_hours and row.started_at > start]
    least = settings.storm_events
    if len(moments) < least:
        return False
    moments.sort()
    span = timedelta(days=settings.storm_days)
    return any(last - first < span for first, last in zip(moments, moments[least - 1 :], strict=False))


def _storm(late: list[Event], settings: AfterHoursSettings) -> list[Event]:
    """The first span with that many events or more, in order; empty when there is none."""
    late.sort(key=lambda event: (event.at, event.ref))
    span, least = timedelta(days=settings.storm_days), settings.storm_events
    for first, last in zip(late, late[least - 1 :], strict=False):
        if last.at < first.at + span:
            return [event for event in late if first.at <= event.at < first.at + span]
    return []


def _busiest(moments: list[datetime], span: timedelta) -> int:
    """The most events within any span of that length."""
    moments.sort()
    most = 0
    for index, moment in enumerate(moments):
        while index + most < len(moments) and moments[index + most] - moment < span:
            most += 1
    return most


AFTER_HOURS = AfterHours()
