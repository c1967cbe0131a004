"""Reads shadows: whose rota it is, which pages came, and what was said of each."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.db.models import Max, QuerySet

from handoff.models import Case, PageAssessment, Shadow
from handoff.shadowing import Tally
from readiness import clock
from readiness.hours import classifier
from readiness.measures.scope import COUNTS, DRILLS
from readiness.models import Page, Service, Shift

AHEAD: Final = dt.timedelta(days=1)


def running(case: Case) -> Shadow | None:
    """The shadow of a case that runs."""
    shadow = case.shadows.running().first()
    if shadow is not None:
        shadow.case = case
    return shadow


def pages_of(shadow: Shadow) -> list[Page]:
    """The pages of a shadow, in the order in which they came; those of drills where no other came."""
    until = shadow.ended_at or clock.now()
    rows = Page.objects.filter(
        service=shadow.case.service_id, paged_at__gte=shadow.began_at, paged_at__lte=until
    ).order_by("paged_at", "pk")
    return list(rows.filter(COUNTS)) or list(rows.filter(DRILLS))


def assessed(case: Case, pages: Iterable[Page]) -> dict[int, PageAssessment]:
    """What was said last of each of these pages, by the page's key."""
    rows = PageAssessment.objects.filter(case=case, page__in=[page.pk for page in pages])
    return {row.page_id: row for row in rows.order_by("at", "pk")}


def tally(shadow: Shadow, pages: Sequence[Page] | None = None) -> Tally:
    """A shadow, counted as of now, or its end."""
    came = pages_of(shadow) if pages is None else pages
    return _counted(shadow, came, assessed(shadow.case, came).values(), unturned=unturned(shadow))


def tallies(shadows: Sequence[Shadow], now: dt.datetime) -> dict[int, Tally]:
    """Shadows that run, each counted as of a moment, by its key. Three queries, whatever their number.

    Their cases and services are read already.
    """
    if not shadows:
        return {}
    pages, said, had = _pages(shadows, now), _said(shadows, now), _had_shifts(shadows, now)
    found = {}
    for shadow in shadows:
        came = pages[shadow.case.service_id]
        last = said[shadow.case_id]
        absent = [name for name in shadow.rota if name not in had[shadow.pk]]
        found[shadow.pk] = _counted(
            shadow, came, [last[page.pk] for page in came if page.pk in last], unturned=absent
        )
    return found


def _counted(
    shadow: Shadow, pages: Collection[Page], said: Collection[PageAssessment], *, unturned: Sequence[str]
) -> Tally:
    """A shadow by its pages, what was said last of each, and who of the rota had no shift."""
    return Tally(
        due_at=shadow.due_at,
        pages=len(pages),
        assessed=len(said),
        critical=sum(each.critical for each in said),
        actionable=sum(each.actionable for each in said),
        drill=any(page.drill for page in pages),
        unturned=unturned,
        said_at=max((each.at for each in said), default=None),
    )


def _pages(shadows: Sequence[Shadow], now: dt.datetime) -> dict[int, list[Page]]:
    """As :func:`pages_of`, by service: it has one shadow that runs at most."""
    began = {shadow.case.service_id: shadow.began_at for shadow in shadows}
    rows = Page.objects.filter(
        COUNTS | DRILLS, service__in=began, paged_at__gte=min(began.values()), paged_at__lte=now
    )
    found: dict[int, list[Page]] = {pk: [] for pk in began}
    for page in rows.only("service", "paged_at", "drill").order_by():
        if page.paged_at >= began[page.service_id]:
            found[page.service_id].append(page)
    return {pk: [page for page in pages if not page.drill] or pages for pk, pages in found.items()}


def _said(shadows: Sequence[Shadow], now: dt.datetime) -> dict[int, dict[int, PageAssessment]]:
    """What had been said last of each page by then, by case and page."""
    rows = PageAssessment.objects.filter(case__in=[shadow.case_id for shadow in shadows], at__lte=now)
    found: dict[int, dict[int, PageAssessment]] = defaultdict(dict)
    for row in rows.order_by("at", "pk"):
        found[row.case_id][row.page_id] = row
    return found


def _had_shifts(shadows: Sequence[Shadow], now: dt.datetime) -> dict[int, set[str]]:
    """Who had a shift in each shadow by then, by its key."""
    teams = {shadow.case.service.ops_team_id for shadow in shadows} - {None}
    since = min(shadow.began_at for shadow in shadows)
    rows = Shift.objects.filter(
        COUNTS, role="ops", service__ops_team__in=teams, starts_at__lte=now, ends_at__gt=since
    )
    last_ends = rows.order_by().values_list("service__ops_team", "person").annotate(Max("ends_at"))
    ends: dict[int, dict[str, dt.datetime]] = defaultdict(dict)
    for team, person, ends_at in last_ends:
        ends[team][person] = ends_at
    return {
        shadow.pk: {
            person
            for person, ends_at in ends[shadow.case.service.ops_team_id or 0].items()
            if ends_at > shadow.began_at
        }
        for shadow in shadows
    }


def unturned(shadow: Shadow) -> list[str]:
    """Who of the ops team's rota, as it was when the shadow began, has had no shift in it."""
    until = shadow.ended_at or clock.now()
    rows = ops_shifts(shadow.case.service).filter(starts_at__lte=until, ends_at__gt=shadow.began_at)
    had = set(rows.values_list("person", flat=True))
    return [name for name in shadow.rota if name not in had]


def rota_of(service: Service, since: dt.datetime, until: dt.datetime) -> list[str]:
    """Who of the ops team had a shift in a stretch of time, by name, in order."""
    rows = ops_shifts(service).filter(starts_at__lte=until, ends_at__gt=since)
    return sorted(set(rows.values_list("person", flat=True)))


def ops_shifts(service: Service) -> "QuerySet[Shift]":
    """Shifts of ops engineers on the services of its ops team, this one among them."""
    rows: QuerySet[Shift] = Shift.objects.filter(COUNTS, role="ops", service__ops_team=service.ops_team_id)
    return rows


def bad_day(service: Service, now: dt.datetime) -> str:
    """A warning where the next day is none on which its developers work; empty on other days."""
    calendar = classifier(service.owner.hours)
    tomorrow = calendar.today(now) + AHEAD
    if not calendar.day_off(tomorrow):
        return ""
    return (
        f"Tomorrow, {tomorrow:%A} {tomorrow}, {service.owner} has a day off: "
        "the day before a weekend or holiday is a bad one to change who is paged first."
    )
