"""Says anew what was after hours, once a team's hours changed or a service has another owner.

Stored rows are looked at in batches, each a transaction of its own, and only wrong flags are written: a run
that was stopped may simply be started again.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from readiness import rejudging
from readiness.hours import Classifier, classifier
from readiness.models import Incident, Page, Service, Team

BATCH = 2_000
"""Rows of one transaction."""


def reclassify_team(team_id: int) -> int:
    """Set the after-hours and night flags of a team's pages and incidents; how many rows were wrong.

    The team's ``hours_changed_at`` is cleared at the end, unless its hours changed once more meanwhile, and
    its services are judged soon.
    Raises ``Team.DoesNotExist``, and ``ValueError`` for hours that cannot be computed with.
    """
    team = Team.objects.get(pk=team_id)
    wrong = _reclassify_all(Q(service__owner=team_id), classifier(team.hours))
    with transaction.atomic():
        Team.objects.filter(pk=team_id, hours_changed_at=team.hours_changed_at).update(hours_changed_at=None)
        rejudging.mark(Service.objects.filter(owner=team_id).order_by().values_list("pk", flat=True))
    return wrong


def reclassify_services(service_ids: Collection[int]) -> int:
    """Set the flags of services that have new owners, by those owners' hours; how many were wrong."""
    by_hours: dict[Classifier, list[int]] = defaultdict(list)
    for service in Service.objects.filter(pk__in=service_ids).select_related("owner").order_by():
        by_hours[classifier(service.owner.hours)].append(service.pk)
    return sum(_reclassify_all(Q(service__in=pks), hours) for hours, pks in by_hours.items())


def _reclassify_all(which: Q, hours: Classifier) -> int:
    pages = _reclassify(Page.objects.filter(which), "paged_at", hours=hours)
    return pages + _reclassify(Incident.objects.filter(which), "started_at", hours=hours)


def _reclassify(rows: "QuerySet[Any]", time: str, *, hours: Classifier) -> int:
    """In order of id; the next batch begins behind the last one's end."""
    ordered = rows.order_by("pk").select_for_update(of=("self",))
    columns = ordered.values_list("pk", time, "after_hours", "night")
    wrong = last = 0
    while True:
        with transaction.atomic():  # a row must not get another time between the look and the flag
            batch = list(columns.filter(pk__gt=last)[:BATCH])
            wrong += _correct(rows, batch, hours=hours)
        if not batch:
            return wrong
        last = batch[-1][0]


def _correct(rows: "QuerySet[Any]", batch: list[tuple[Any, ...]], *, hours: Classifier) -> int:
    by_flags: dict[tuple[bool, bool], list[int]] = defaultdict(list)
    for pk, moment, *stored in batch:
        flags = hours.after_hours(moment), hours.night(moment)
        if flags != tuple(stored):
            by_flags[flags].append(pk)
    return sum(
        rows.filter(pk__in=pks).update(after_hours=after_hours, night=night)
        for (after_hours, night), pks in by_flags.items()
    )
