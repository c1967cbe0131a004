"""Tells of defects, of what people saw when they watched, and of the work that came of both."""

from datetime import date, datetime, timedelta
from random import Random

from tests.story.chronicle import Chronicle, between, by_now, how_many, reference
from tests.story.organisation import members
from tests.story.plot import Pace, Role
from tests.story.words import DEFECTS, FINDINGS, SHARES, WORK

WORK_DAYS = (2.0, 25.0)
EFFORT_HOURS = (2.0, 40.0)
OBSERVERS: tuple[Role, ...] = ("developer", "designer", "tester", "architect", "manager")


def tell_defects(chronicle: Chronicle) -> None:
    """Defects by week; the severe ones are closed sooner, some never."""
    chance = chronicle.chance("defects")
    for monday in chronicle.weeks():
        pace = chronicle.plot.pace_on(monday)
        for _ in range(how_many(chance, pace.defects_per_30_days * 7 / 30)):
            _tell_defect(chronicle, chance, pace, opened=chronicle.working_moment(chance, monday))


def _tell_defect(chronicle: Chronicle, chance: Random, pace: Pace, *, opened: datetime) -> None:
    (severity,) = chance.choices((2, 3, 4), pace.severities)
    days = between(chance, pace.closing_days) * (1 if severity == 2 else 2)
    left = chance.random() < pace.left_open
    closed = None if left else by_now(opened + timedelta(minutes=round(days * 24 * 60)))
    fault = "code" if chance.random() < 0.7 else "design"
    used = chronicle.plot.launch is not None and opened >= chronicle.plot.launch
    chronicle.tell(
        "defect",
        severity=severity,
        title=chance.choice(DEFECTS),
        opened_at=opened,
        closed_at=closed,
        reopened=(1 if chance.random() < pace.reopened else 0) if closed else None,
        found_in="production" if used and chance.random() < 0.65 else "pre_production",
        kind=fault if chance.random() < pace.faults else chance.choice(("configuration", "other")),
    )


def tell_work(chronicle: Chronicle) -> None:
    """Work by week, divided among features, incidents, old debts and what nobody sees."""
    chance = chronicle.chance("work")
    for monday in chronicle.weeks():
        pace = chronicle.plot.pace_on(monday)
        for _ in range(how_many(chance, pace.work_per_30_days * 7 / 30)):
            (category,) = chance.choices(list(SHARES), list(SHARES.values()))
            _tell_item(
                chronicle,
                chance,
                category=category,
                title=chance.choice(WORK[category]),
                opened=chronicle.working_moment(chance, monday),
            )


def tell_observations(chronicle: Chronicle) -> None:
    """What those who build it saw at clients and downstream; some of it became work."""
    chance = chronicle.chance("observations")
    launch = chronicle.plot.launch
    for monday in chronicle.weeks():
        pace = chronicle.plot.pace_on(monday)
        for _ in range(how_many(chance, pace.observations_per_90_days * 7 / 90)):
            if launch is not None and monday >= launch.date():
                _tell_observation(chronicle, chance, pace, monday=monday)


def _tell_observation(chronicle: Chronicle, chance: Random, pace: Pace, *, monday: date) -> None:
    at, finding = chronicle.working_moment(chance, monday), chance.choice(FINDINGS)
    item = None
    if chance.random() < pace.acted_upon:
        item = _tell_item(chronicle, chance, category="feature", title=f"Seen: {finding}", opened=at)
    person = chance.choice(members(chronicle.plot.team, OBSERVERS))
    chronicle.tell(
        "observation",
        observer_role=person.role,
        observed=chance.choice(("client", "downstream")),
        observed_at=at,
        finding=finding,
        work_item=reference("work_item", item),
    )


def _tell_item(chronicle: Chronicle, chance: Random, *, category: str, title: str, opened: datetime) -> str:
    closed = by_now(opened + timedelta(days=round(between(chance, WORK_DAYS), 2)))
    return chronicle.tell(
        "work_item",
        category=category,
        title=title,
        opened_at=opened,
        closed_at=closed,
        effort_hours=round(between(chance, EFFORT_HOURS)) if closed else None,
    )
