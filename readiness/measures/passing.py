"""Counts the rows whose time passed between two moments: into what was judged, or out of its window."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet, Value

from readiness import models
from readiness.measures.scope import COUNTS

_BY: Mapping[str, tuple[type[models.Evidence], str]] = {
    "deployment": (models.Deployment, "started_at"),
    "incident": (models.Incident, "started_at"),
    "page": (models.Page, "paged_at"),
    "defect": (models.Defect, "opened_at"),
    "pipeline_run": (models.PipelineRun, "started_at"),
    "shift": (models.Shift, "ends_at"),
    "observation": (models.Observation, "observed_at"),
    "work_item": (models.WorkItem, "closed_at"),
}
"""The kinds that are counted by a window, and the moment that must lie in it."""


class Passed(NamedTuple):
    """How many rows of a kind left the window, and how many known before have happened since."""

    left: int
    happened: int


def time_of(kind: str) -> str | None:
    """The column by which a kind is inside or outside the window; ``None`` for states."""
    return _BY[kind][1] if kind in _BY else None


def passed_between(
    service_id: int, first: datetime, last: datetime, *, window_days: float, known_by: datetime
) -> dict[str, Passed]:
    """By kind, for a service judged as of ``first`` and as of ``last``: rows that count. One query.

    ``known_by`` is in real time: what came in later is an arrival, not the passing of time.
    """
    window = timedelta(days=window_days)
    one, *others = (
        _counted(
            kind,
            service_id,
            left=_between(time, first - window, last - window),
            happened=_between(time, first, last) & Q(first_received_at__lte=known_by),
        )
        for kind, (_, time) in _BY.items()
    )
    found = {kind: Passed(left, happened) for kind, left, happened in one.union(*others, all=True)}
    return {kind: found[kind] for kind in _BY if any(found[kind])}


def _between(time: str, after: datetime, by: datetime) -> Q:
    return Q(**{f"{time}__gt": after, f"{time}__lte": by})


def _counted(kind: str, service_id: int, *, left: Q, happened: Q) -> "QuerySet[Any, Any]":
    model, _ = _BY[kind]
    rows = model._default_manager.filter(COUNTS, left | happened, service=service_id)  # noqa: SLF001 - documented
    counted = (
        rows.order_by()
        .annotate(of_kind=Value(kind))
        .values("of_kind")
        .annotate(left=Count("pk", filter=left), happened=Count("pk", filter=happened))
    )
    columns: QuerySet[Any, Any] = counted.values_list("of_kind", "left", "happened")
    return columns
