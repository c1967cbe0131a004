"""Lists what was received after a judgement and is of its time: why judging the moment again may differ."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from readiness import models
from readiness.facts import RowRef

HAPPENED: Mapping[type[models.Evidence], str] = {
    models.Deployment: "started_at",
    models.Incident: "started_at",
    models.Page: "paged_at",
    models.Defect: "opened_at",
    models.Signal: "first_seen_at",
    models.Dependency: "first_seen_at",
    models.PipelineRun: "started_at",
    models.Shift: "starts_at",
    models.Observation: "observed_at",
    models.WorkItem: "opened_at",
}
"""Every kind of rows, and the moment at which what they tell of began."""


class Arrival(NamedTuple):
    """A row, when what it tells of began (``None``: nobody said), and when it came in and last changed."""

    ref: RowRef
    happened_at: datetime | None
    first_received_at: datetime
    changed_at: datetime


def received_after(
    service_id: int,
    moment: datetime,
    at: datetime,
    *,
    until: datetime | None = None,
    most: int | None = None,
) -> list[Arrival]:
    """Rows a service is judged by as of ``at`` that came in or changed after ``moment``, in order of change.

    ``moment`` is in real time, as a scorecard's ``created_at``. Beside the service's own rows there are those
    of others that name its deployments or depend on it. Rows that do not count are listed too, since they may
    have counted before; a row that moved to another service is that one's. Eleven queries, one a table.

    With ``until`` (real time) only rows that came in, or last changed, by then; with ``most`` the newest so
    many of each kind.
    """
    between = Q(changed_at__gt=moment)
    if until is not None:
        received = Q(first_received_at__gt=moment, first_received_at__lte=until)
        between &= Q(changed_at__lte=until) | received
    found = _feeds(service_id, at, between=between, most=most)
    for model, happened in HAPPENED.items():
        since = Q(**{f"{happened}__lte": at}) | Q(**{f"{happened}__isnull": True})
        rows = model._default_manager.filter(  # noqa: SLF001 - documented by Django
            concerning(model, service_id), since, between
        )
        kind = model._meta.verbose_name_raw.replace(" ", "_")  # noqa: SLF001 - documented by Django
        found += _arrivals(kind, rows.order_by("-changed_at", "-pk")[:most], happened)
    return sorted(found, key=lambda each: (each.changed_at, each.ref[:3]))


def _arrivals(kind: str, rows: "QuerySet[Any]", happened: str) -> list[Arrival]:
    columns = ("source", "external_id", "url", happened, "first_received_at", "changed_at")
    return [
        Arrival(RowRef(kind, source, external_id, url), *moments)
        for source, external_id, url, *moments in rows.values_list(*columns)
    ]


def concerning(model: type[models.Evidence], service_id: int) -> Q:
    """Rows of a service, and those of others that speak of it."""
    own = Q(service=service_id)
    if model is models.Dependency:
        return own | Q(target=service_id)
    if model is models.Deployment:
        return own | _names_a_deployment("remediates", service_id)
    if model is models.Incident:
        return own | _names_a_deployment("caused_by", service_id)
    return own


def _names_a_deployment(column: str, service_id: int) -> Q:
    named = models.Deployment.objects.filter(
        service=service_id, source=OuterRef(f"{column}_source"), external_id=OuterRef(f"{column}_id")
    )
    return Q(**{f"{column}_id__isnull": False}) & Q(Exists(named))


def _feeds(service_id: int, at: datetime, *, between: Q, most: int | None) -> list[Arrival]:
    spans = models.Feed.objects.filter(between, service=service_id, since__lte=at)
    rows = spans.order_by("-changed_at", "-pk")[:most]
    return [
        Arrival(
            RowRef("feed", feed.source, feed.kind, feed.url),
            feed.since,
            feed.first_received_at,
            feed.changed_at,
        )
        for feed in rows
    ]
