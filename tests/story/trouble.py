"""Tells of incidents, and of the pager: what woke whom, how soon it was answered, whether it was worth it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from tests.story.chronicle import Chronicle, Reference, between, how_many, minutes, reference
from tests.story.plot import Pace
from tests.story.words import ALERTS, SMALL

SMALL_CAUSES = ("external", "dependency", "capacity", "external")
STORM_PAGES = 14
REVIEWED_AFTER = timedelta(days=6)
"""Every incident of severity 1 or 2 is reviewed, within a week."""
SEVERE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An incident from its begin to its end."""

    at: datetime
    severity: int
    title: str
    cause: str
    until: datetime


def tell_incident(
    chronicle: Chronicle, trouble: Trouble, chance: Random, *, caused_by: Reference | None = None
) -> None:
    """The incident; where an alert found it, the page that told of it."""
    plot, at = chronicle.plot, trouble.at
    pace = plot.pace_on(at.date())
    by_alert = chance.random() < pace.seen_by_alert
    detected = at + minutes(chance.uniform(1, 3) if by_alert else chance.uniform(4, 9))
    acknowledged = detected + minutes(between(chance, (1, 5)))
    reviewed = at + REVIEWED_AFTER
    incident = chronicle.tell(
        "incident",
        severity=trouble.severity,
        title=trouble.title,
        started_at=at,
        detected_at=detected,
        acknowledged_at=acknowledged,
        resolved_at=max(trouble.until, acknowledged),
        detected_by="alert" if by_alert else chance.choice(("person", "customer")),
        cause=trouble.cause,
        caused_by=caused_by,
        reviewed_at=reviewed
        if trouble.severity <= SEVERE and reviewed <= plot.heard_until("incident")
        else None,
    )
    if by_alert:
        _tell_page(
            chronicle, detected, (acknowledged - detected), alert=chance.choice(ALERTS), incident=incident
        )


def tell_troubles(chronicle: Chronicle) -> None:
    """The outages of the plot, and small incidents that no change caused."""
    chance = chronicle.chance("troubles")
    for outage in chronicle.plot.outages:
        until = outage.at + minutes(outage.minutes)
        trouble = Trouble(
            at=outage.at, severity=outage.severity, title=outage.title, cause=outage.cause, until=until
        )
        tell_incident(chronicle, trouble, chance)
    for monday, pace in _weeks_in_use(chronicle):
        for _ in range(how_many(chance, pace.small_incidents_per_30_days * 7 / 30)):
            at, which = chronicle.working_moment(chance, monday), chance.randrange(len(SMALL_CAUSES))
            trouble = Trouble(
                at=at,
                severity=3 if chance.random() < 0.4 else 4,
                title=SMALL[which],
                cause=SMALL_CAUSES[which],
                until=at + minutes(between(chance, (14, 48))),
            )
            tell_incident(chronicle, trouble, chance)


def tell_pages(chronicle: Chronicle) -> None:
    """Pages by week, in business hours and outside, and the day on which the pager did not stop."""
    chance = chronicle.chance("pages")
    for monday, pace in _weeks_in_use(chronicle):
        for _ in range(how_many(chance, pace.pages)):
            _tell_alert(chronicle, chance, pace, at=chronicle.working_moment(chance, monday))
        for _ in range(how_many(chance, pace.after_hours)):
            night = chance.random() < pace.nights
            at = chronicle.resting_moment(chance, monday, night=night)
            _tell_alert(chronicle, chance, pace, at=at)
    storm = chronicle.plot.storm_on
    if storm:
        for number in range(STORM_PAGES):
            monday = storm - timedelta(days=storm.weekday())
            at = chronicle.resting_moment(chance, monday, night=number % 3 == 0)
            _tell_alert(chronicle, chance, chronicle.plot.pace_on(monday), at=at)


def _weeks_in_use(chronicle: Chronicle) -> Iterator[tuple[date, Pace]]:
    """The weeks since the launch, with their pace."""
    launch = chronicle.plot.launch
    if launch is not None:
        for monday in chronicle.weeks(max(launch, chronicle.plot.begin)):
            if monday >= launch.date():
                yield monday, chronicle.plot.pace_on(monday)


def _tell_alert(chronicle: Chronicle, chance: Random, pace: Pace, *, at: datetime) -> None:
    _tell_page(
        chronicle,
        at,
        minutes(between(chance, pace.answer_minutes)),
        alert=chance.choice(ALERTS),
        actionable=chance.random() < pace.actionable,
    )


def _tell_page(
    chronicle: Chronicle,
    at: datetime,
    answered_after: timedelta,
    *,
    alert: str,
    incident: str | None = None,
    actionable: bool = True,
) -> None:
    person = chronicle.on_call(at)
    chronicle.tell(
        "page",
        paged_at=at,
        acknowledged_at=at + answered_after,
        incident=reference("incident", incident),
        responder=person.log_in,
        responder_role=person.role,
        alert=alert,
        actionable=actionable,
    )
