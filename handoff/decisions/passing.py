"""Lets time pass between recorded decisions: what it alone would have done comes about at its own moment."""

import datetime as dt
from collections.abc import Collection, Iterator

from django.db import transaction
from django.db.models import QuerySet

from handoff.actions import as_recorded, expire_waivers, lapse_reviews, newest
from handoff.actions.handback_following import follow_joint_repair, take_progress
from handoff.actions.handoff_following import moments_of, move_on
from handoff.checklists.rules import lapses_at
from handoff.models import Case, Review
from readiness import clock, rejudging
from readiness.models import Service, Waiver


def pass_time(services: Collection[int], until: dt.datetime) -> None:
    """Let waivers of these services expire, reviews and handoffs lapse, shadows that went badly stop, and
    joint repairs and back-up end, each when it was due.

    The sweeps do the same for what is live. They also follow verdicts from day to day, which nobody judged
    here: a joint repair is looked at when its end comes, or the next decision of its service; and handoffs
    are looked back at by live judgements alone.
    """
    handoffs = Case.objects.filter(kind=Case.Kind.HANDOFF, service__in=services)
    moments = {*_waivers(services), *_reviews(services), *_repairs(services), *moments_of(handoffs)}
    for moment in sorted(moments):
        if moment > until:
            return
        with transaction.atomic():
            with as_recorded(moment):
                expire_waivers(moment)
                lapse_reviews(moment)
                for case in _cases(services).filter(repair_ends_at__lte=moment):
                    follow(case.service)
                move_on(handoffs, moment)
            rejudging.mark(services)  # the live judgement follows, as it does when a sweep is first


def follow(service: Service) -> None:
    """What the judgement of the moment of a decision makes of the service's case, before that is applied."""
    case = service.cases.filter(state__in=[Case.State.JOINT_REPAIR, Case.State.STABILISING]).first()
    if case is None:
        return
    card = newest(service)
    if case.state == Case.State.JOINT_REPAIR:
        follow_joint_repair(case, card.handback if card else None, clock.now())
    elif card and case.confirmed_at and card.at >= case.confirmed_at:
        take_progress({case.pk: card})


def _cases(services: Collection[int]) -> "QuerySet[Case]":
    return Case.objects.filter(state=Case.State.JOINT_REPAIR, service__in=services).select_related("service")


def _waivers(services: Collection[int]) -> Iterator[dt.datetime]:
    rows = Waiver.objects.under_way().filter(service__in=services)
    return iter(rows.values_list("ends_at", flat=True))


def _reviews(services: Collection[int]) -> Iterator[dt.datetime]:
    rows = Review.objects.under_way().filter(service__in=services)
    return (lapses_at(row.signed_at or row.opened_at, row.lapse_days) for row in rows)


def _repairs(services: Collection[int]) -> Iterator[dt.datetime]:
    return (case.repair_ends_at for case in _cases(services) if case.repair_ends_at)
