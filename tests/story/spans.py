"""Tells what holds for a while: telemetry, dependencies, turns on call, and which feeds were heard."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import cycle

from tests.story.chronicle import SOURCES, WEEK, Chronicle, Row, written
from tests.story.organisation import TEAM, members
from tests.story.plot import GOLDEN, KINDS, SIGNALS, Plot

HEARTBEAT = timedelta(minutes=12)
"""Telemetry was seen last so long before the story ends."""
DAY = timedelta(days=1)
ROSTER_AHEAD = timedelta(weeks=4)


def tell_signals(chronicle: Chronicle) -> None:
    """Every signal of every component in production; the golden ones in staging, too."""
    plot = chronicle.plot
    since = max(plot.begin, plot.in_production_since)
    for component in plot.components:
        for name in SIGNALS:
            if name in plot.missing:
                continue
            _tell_signal(chronicle, name, component, environment="production", since=since)
            if name in GOLDEN:
                _tell_signal(chronicle, name, component, environment="staging", since=plot.begin)


def _tell_signal(
    chronicle: Chronicle, name: str, component: str, *, environment: str, since: datetime
) -> None:
    plot = chronicle.plot
    until = plot.heard_until("signal") - HEARTBEAT
    for lost in plot.lost:
        if environment == "production" and name in lost.signals and component in lost.components:
            until = min(until, datetime.combine(lost.on, time(11, 20), UTC))
    chronicle.tell(
        "signal",
        component=component,
        signal=name,
        environment=environment,
        first_seen_at=since,
        last_seen_at=until,
    )


def tell_dependencies(chronicle: Chronicle) -> None:
    """Whom it calls, since when."""
    plot = chronicle.plot
    for call in plot.calls:
        since = max(plot.begin, datetime.combine(call.since, time(), UTC))
        chronicle.tell(
            "dependency",
            on=call.on,
            type=call.type,
            criticality="hard" if call.hard else "soft",
            first_seen_at=since,
            last_seen_at=plot.heard_until("dependency") - HEARTBEAT,
        )


def tell_shifts(chronicle: Chronicle) -> None:
    """A week on call for each in turn, some of them ahead."""
    plot, tz = chronicle.plot, chronicle.team.tz
    if plot.launch is None:
        return
    monday = max(plot.begin, plot.launch)
    monday -= timedelta(days=monday.weekday())
    ahead = ROSTER_AHEAD if plot.lifecycle == "production" else timedelta()
    while monday < plot.heard_until("shift") + ahead:
        person = chronicle.turn(monday.date())
        chronicle.tell(
            "shift",
            person=person.log_in,
            role=person.role,
            starts_at=datetime.combine(monday.date(), time(9), tz),
            ends_at=datetime.combine(monday.date() + WEEK, time(9), tz),
            rotation="first",
        )
        monday += WEEK


def tell_shadows(chronicle: Chronicle) -> None:
    """A day for each ops engineer in turn, beside the developers."""
    team = chronicle.plot.ops_team
    engineers = members(team, ("ops",))
    for shadow in chronicle.plot.shadows:
        day = datetime.combine(shadow.since.date(), time(9), TEAM[team].tz)
        turns = cycle(engineers)
        while day < shadow.until:
            person = next(turns)
            chronicle.tell(
                "shift",
                person=person.log_in,
                role=person.role,
                starts_at=day,
                ends_at=day + DAY,
                rotation="shadow",
            )
            day += DAY


def feed_rows(plots: Iterable[Plot]) -> Iterator[Row]:
    """Who was heard from when to when; services with the same span share a line."""
    spans: defaultdict[tuple[str, datetime, datetime], list[str]] = defaultdict(list)
    for plot in plots:
        for kind in plot.kinds:
            spans[kind, plot.begin, plot.heard_until(kind)].append(plot.slug)
    for (kind, since, until), services in sorted(
        spans.items(), key=lambda each: (KINDS.index(each[0][0]), *each[0][1:])
    ):
        yield {
            "source": SOURCES[kind],
            "kind": kind,
            "services": services,
            "since": written(since),
            "last_seen_at": written(until),
            **({"reports_failures": True} if kind == "deployment" else {}),
        }
