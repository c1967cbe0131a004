"""What a receiving team carries now, and what it would carry with one more service."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from handoff.actions.relying import newest_of
from handoff.checklists import Room
from readiness import clock, evaluation
from readiness.alerting.standing import state_at
from readiness.criteria.base import per_days
from readiness.criteria.wording import counted, number
from readiness.evaluation.judging import scope_of
from readiness.evidence import Kind, Role
from readiness.facts import FeedSpan, Period, ShiftRow, coverage
from readiness.measures import Scope
from readiness.measures.catalogue import feed_spans
from readiness.measures.incidents import page_rows
from readiness.measures.people import shift_rows
from readiness.models import Identity, Lifecycle, ManagementState, Scorecard, Service, Team
from readiness.rendering.sentences import listed

LOOK_BACK_DAYS: Final = 90
"""So far back pages are counted, and shifts tell who is in the rota."""
WEEK: Final = 7

Rates = tuple[float | None, float | None, float | None]
"""Pages a week: all, those after hours, those at night. All ``None`` where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Carrying:
    """What an ops team carries now, and with the service that was asked about. Rates have two decimals.

    Rates of pages are pages per 7 observed days, by the page feeds of the last 90 days.
    """

    team: str
    people: int
    """In its rota: on shifts as ops in the last 90 days. Where there are none: members of the team."""
    from_shifts: bool
    services: int
    """Live ones that it runs now, without the one that was asked about."""
    services_per_engineer_now: float | None
    services_per_engineer_with: float | None
    pages_now: float | None
    pages_with: float | None
    after_hours_now: float | None
    after_hours_with: float | None
    night_now: float | None
    night_with: float | None
    unheard: tuple[str, ...]
    """Slugs of the services whose pager is not heard."""
    after_hours_per_person: float | None
    """Events after hours per 7 days for each of its people, with the service, as scorecards count them."""
    unknown: tuple[str, ...]
    """Slugs of the services whose events after hours no fresh scorecard tells."""
    cap: float
    """The policy's most of ``after_hours_per_person``."""
    least_people: int
    scorecards: tuple[int, ...]
    """Keys of the scorecards that were read."""

    @property
    def room(self) -> Room:
        """What a review measures of it."""
        return Room(self.people, self.after_hours_per_person, self.cap, self.least_people)

    @property
    def fits(self) -> bool | None:
        """Whether the team has room by the policy; ``None`` where nobody can tell."""
        return self.room.fits

    def as_json(self) -> dict[str, Any]:
        """As JSON types, for the record of what was seen."""
        return {name: list(each) if isinstance(each, tuple) else each for name, each in asdict(self).items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """What :meth:`as_json` said."""
        fields: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in document.items()
        }
        return cls(**fields)


def room_of(service: Service, now: dt.datetime) -> Carrying | None:
    """What the ops team of a service carries as of ``now``, and with this service; ``None`` without a team.

    A constant number of queries, however much the team runs.
    """
    team = service.ops_team
    if team is None:
        return None
    operated = _operated(team, service, now)
    slugs = {**operated, service.pk: service.slug}
    cards = newest_of(slugs)
    own = cards.get(service.pk)
    policy = evaluation.parsed(own.policy if own else evaluation.in_force())
    scope = replace(scope_of(policy, now, sorted(slugs)), period=Period(now, LOOK_BACK_DAYS))
    shifts = shift_rows(scope)
    people, from_shifts = _rota(team, (row for pk in operated for row in shifts.get(pk, ())))
    rates = _rates(scope)
    pages_now, after_hours_now, night_now = _summed(rates, operated)
    pages_with, after_hours_with, night_with = _summed(rates, slugs)
    events = {pk: _events(cards.get(pk)) for pk in slugs}
    return Carrying(
        team=str(team),
        people=people,
        from_shifts=from_shifts,
        services=len(operated),
        services_per_engineer_now=_for_each(len(operated), people),
        services_per_engineer_with=_for_each(len(slugs), people),
        pages_now=pages_now,
        pages_with=pages_with,
        after_hours_now=after_hours_now,
        after_hours_with=after_hours_with,
        night_now=night_now,
        night_with=night_with,
        unheard=_named(slugs, (pk for pk in slugs if pk not in rates)),
        after_hours_per_person=_for_each(_sum(events.values()), people),
        unknown=_named(slugs, (pk for pk, each in events.items() if each is None)),
        cap=policy.handoff.room.after_hours_per_person_week,
        least_people=policy.handoff.room.people,
        scorecards=tuple(sorted(card.pk for card in cards.values())),
    )


def _operated(team: Team, service: Service, now: dt.datetime) -> dict[int, str]:
    """Slugs by key of the live services that the team runs now, but for this one."""
    named = Service.objects.filter(ops_team=team, lifecycle=Lifecycle.LIVE).exclude(pk=service.pk)
    run = named.alias(state=state_at(now)).filter(state=ManagementState.OPS_MANAGED)
    return {each.pk: each.slug for each in run if each.is_live_at(now)}


def _rota(team: Team, shifts: Iterable[ShiftRow]) -> tuple[int, bool]:
    """How many people carry the pager as ops, and whether shifts say so.

    Several sources may know one person by several names: who a person is counts, where that is known.
    """
    on_call = {(row.ref.source, row.person) for row in shifts if row.role == Role.OPS}
    if not on_call:
        return team.members.count(), False
    identities = Identity.objects.filter(
        source__in={source for source, _ in on_call}, external_id__in={name for _, name in on_call}
    )
    known = {
        (source, name): slug
        for source, name, slug in identities.values_list("source", "external_id", "person__slug")
    }
    return len({known.get(each, each[1]) for each in on_call}), True


def _rates(scope: Scope) -> dict[int, tuple[float, float, float]]:
    """Pages a week of each service whose pager is heard: all, after hours, at night."""
    pages = page_rows(scope)
    found = {}
    for pk, spans in feed_spans(scope).items():
        heard = coverage(
            _of_pages(spans), scope.period, silence_days=scope.silence_days, minimum_days=scope.minimum_days
        )
        if heard.observed:
            since = heard.first_covered or scope.period.start
            seen = [page for page in pages.get(pk, ()) if page.paged_at >= since]
            late, night = sum(page.after_hours for page in seen), sum(page.night for page in seen)
            days = heard.observed_days
            found[pk] = (
                per_days(len(seen), days, WEEK),
                per_days(late, days, WEEK),
                per_days(night, days, WEEK),
            )
    return found


def _of_pages(spans: Iterable[FeedSpan]) -> list[FeedSpan]:
    return [span for span in spans if span.kind == Kind.PAGE]


def _summed(rates: Mapping[int, tuple[float, float, float]], keys: Collection[int]) -> Rates:
    """Of these services together; of one that is not heard nobody can tell, so of all nobody can."""
    if any(pk not in rates for pk in keys):
        return (None, None, None)
    pages, late, night = (round(sum(rates[pk][index] for pk in keys), 2) for index in range(3))
    return (pages, late, night)


def _events(card: Scorecard | None) -> float | None:
    """Events after hours a week by a scorecard that is fresh."""
    if card is None or clock.is_stale(card.at):
        return None
    outcome = card.numbers.get("criteria", {}).get("after_hours")
    value, _ = outcome["parts"].get("after_hours_per_week", (None, None)) if outcome else (None, None)
    return None if value is None else float(value)


def _sum(each: Collection[float | None]) -> float | None:
    known = [value for value in each if value is not None]
    return sum(known) if len(known) == len(each) else None


def _for_each(load: float | None, people: int) -> float | None:
    """What each would carry; ``None`` where nobody is there, or nobody can tell."""
    return None if load is None or not people else round(load / people, 2)


def _named(slugs: Mapping[int, str], keys: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted(slugs[pk] for pk in keys))


def told(carrying: Carrying) -> list[str]:
    """The same in plain sentences."""
    asked = (
        f"at least {counted(carrying.least_people, 'person', 'people')}, and no more than "
        f"{counted(carrying.cap, 'event')} after hours a week for each"
    )
    fits = {
        True: f"It has room for it: {asked}.",
        False: f"It has no room for it: the policy asks for {asked}.",
        None: f"Nobody can tell whether it has room for it: the policy asks for {asked}.",
    }
    return [_runs(carrying), _paged(carrying), *_load(carrying), fits[carrying.fits]]


def _runs(carrying: Carrying) -> str:
    services = f"{carrying.team} runs {counted(carrying.services, 'service')}"
    if not carrying.people:
        return f"{services}, and nobody is in its rota."
    who = "" if carrying.from_shifts else " (its members, for nobody reports its shifts)"
    now, then = number(carrying.services_per_engineer_now), number(carrying.services_per_engineer_with)
    people = counted(carrying.people, "person", "people")
    return f"{services} with {people}{who}: {now} services an engineer, {then} with this one."


def _paged(carrying: Carrying) -> str:
    now = _pages(carrying.pages_now, carrying.after_hours_now, carrying.night_now)
    then = _pages(carrying.pages_with, carrying.after_hours_with, carrying.night_with)
    unheard = f" Nobody hears the pages of {listed(carrying.unheard)}." if carrying.unheard else ""
    return f"Pages a week: {now} now, {then} with this one.{unheard}"


def _pages(pages: float | None, late: float | None, night: float | None) -> str:
    if pages is None:
        return "nobody can tell how many"
    return f"{number(pages)} ({number(late)} after hours, {number(night)} at night)"


def _load(carrying: Carrying) -> list[str]:
    if carrying.after_hours_per_person is not None:
        events = counted(carrying.after_hours_per_person, "event")
        return [f"With this one, each of its people carries {events} after hours a week."]
    if carrying.unknown:
        return [f"Nobody can tell how many events after hours {listed(carrying.unknown)} would bring."]
    return []
