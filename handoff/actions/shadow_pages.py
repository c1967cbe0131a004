"""Reads shadows: whose rota it is, which pages came, and what was said of each."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import Q, QuerySet

from handoff.models import Case, PageAssessment, Shadow
from handoff.shadowing import Tally
from readiness import clock
from readiness.hours import classifier
from readiness.measures.scope import COUNTS
from readiness.models import Page, Service, Shift

DRILLS: Final = Q(drill=True, withdrawn=False, excluded=False)
"""Rows of drills that count as such."""
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
    said = assessed(shadow.case, came).values()
    return Tally(
        due_at=shadow.due_at,
        pages=len(came),
        assessed=len(said),
        critical=sum(each.critical for each in said),
        actionable=sum(each.actionable for each in said),
        drill=any(page.drill for page in came),
        unturned=unturned(shadow),
    )


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
