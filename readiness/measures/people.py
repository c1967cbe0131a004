"""Measures people and their work: on-call shifts, observations, work items."""

from collections import defaultdict

from django.db.models import Count, DecimalField, Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import Cast

from readiness.facts import HOUR, ObservationRow, RowRef, ShiftRow, WorkTally
from readiness.folding import WorkRow
from readiness.measures.fetching import by_service, fetch
from readiness.measures.scope import COUNTS, Scope
from readiness.models import Observation, Shift, WorkItem


def shift_rows(scope: Scope) -> dict[int, list[ShiftRow]]:
    """The shifts that reach into the window, with their hours inside it. One query."""
    rows = (
        Shift.objects.filter(COUNTS, scope.services(), ends_at__gt=scope.period.start, starts_at__lt=scope.at)
        .order_by("starts_at", "source", "external_id")
        .values_list(
            "service_id", "source", "external_id", "url", "rotation", "person", "role", "starts_at", "ends_at"
        )
    )
    found: dict[int, list[ShiftRow]] = defaultdict(list)
    for pk, source, external_id, url, rotation, person, role, starts_at, ends_at in fetch(rows):
        hours = (min(ends_at, scope.at) - max(starts_at, scope.period.start)) / HOUR
        found[pk].append(ShiftRow(RowRef("shift", source, external_id, url, rotation), person, role, hours))
    return found


def observation_rows(scope: Scope) -> dict[int, list[ObservationRow]]:
    """The observations of the window, and whether the work they named was done by T. One query."""
    done = WorkItem.objects.filter(
        COUNTS,
        source=OuterRef("work_item_source"),
        external_id=OuterRef("work_item_id"),
        closed_at__lte=scope.at,
    )
    rows = (
        Observation.objects.filter(COUNTS, scope.services(), scope.window("observed_at"))
        .annotate(done=Exists(done))
        .order_by("observed_at", "source", "external_id")
        .values_list(
            "service_id",
            "source",
            "external_id",
            "url",
            "finding",
            "observer_role",
            "observed",
            "observed_at",
            "work_item_id",
            "done",
        )
    )
    found: dict[int, list[ObservationRow]] = defaultdict(list)
    for pk, source, external_id, url, finding, role, observed, moment, work_item, closed in fetch(rows):
        ref = RowRef("observation", source, external_id, url, finding[:200])
        found[pk].append(ObservationRow(ref, role, observed, moment, work_item is not None, bool(closed)))
    return found


def _closed(scope: Scope) -> "QuerySet[WorkItem]":
    return WorkItem.objects.filter(COUNTS, scope.services(), scope.window("closed_at")).order_by()


def work_tallies(scope: Scope) -> dict[int, tuple[WorkTally, ...]]:
    """Work items closed in the window, by category. One query.

    Effort is summed as decimals: the same rows give the same sum in whatever order the database reads them.
    """
    effort = Cast("effort_hours", DecimalField(max_digits=30, decimal_places=15))
    rows = (
        _closed(scope)
        .values("service_id", "category")
        .annotate(count=Count("pk"), known=Count("effort_hours"), hours=Sum(effort))
        .order_by("service_id", "category")
        .values_list("service_id", "category", "count", "known", "hours")
    )
    return {
        pk: tuple(WorkTally(row[1], row[2], row[3], round(float(row[4] or 0), 6)) for row in each)
        for pk, each in by_service(rows).items()
    }


def work_rows(scope: Scope) -> dict[int, list[WorkRow]]:
    """Every work item closed in the window, one row each."""
    rows = _closed(scope).values_list(
        "service_id", "source", "external_id", "url", "title", "category", "effort_hours"
    )
    return {
        pk: [WorkRow(RowRef("work_item", *row[1:5]), *row[5:]) for row in each]
        for pk, each in by_service(rows).items()
    }
