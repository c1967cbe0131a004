"""Measures incidents and pages: what disturbed somebody, when, and what is known of why."""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from readiness.facts import IncidentRow, PageRow, RowRef
from readiness.measures.fetching import by_service
from readiness.measures.scope import COUNTS, Scope, key, until
from readiness.models import Deployment, Incident, Page


def incident_rows(scope: Scope) -> dict[int, list[IncidentRow]]:
    """Incidents begun by T: all of severity 1 and 2, of others what the look-back sees. One query."""
    blamed = Deployment.objects.filter(
        COUNTS,
        scope.ended(),
        source=OuterRef("caused_by_source"),
        external_id=OuterRef("caused_by_id"),
        environment="production",
        started_at__lte=scope.at,
    )
    horizon = scope.days_ago(max(scope.look_back_days, scope.period.days))
    seen = (
        Q(severity__lte=2)
        | Q(started_at__gt=horizon)
        | Q(resolved_at__isnull=True)
        | Q(resolved_at__gt=horizon)
    )
    rows = (
        Incident.objects.filter(COUNTS, scope.services(), seen, started_at__lte=scope.at)
        .annotate(attributed=Exists(blamed))
        .order_by("started_at", "source", "external_id")
        .values_list(
            "service_id",
            "source",
            "external_id",
            "url",
            "title",
            "severity",
            "started_at",
            "resolved_at",
            "detected_by",
            "cause",
            "caused_by_source",
            "caused_by_id",
            "attributed",
            "after_hours",
            "night",
        )
    )
    return {pk: [_incident(row, scope) for row in each] for pk, each in by_service(rows).items()}


def _incident(columns: tuple[Any, ...], scope: Scope) -> IncidentRow:
    _, source, external_id, url, title, severity, started_at, resolved_at, *rest = columns
    detected_by, cause, named_source, named_id, attributed, after_hours, night = rest
    return IncidentRow(
        ref=RowRef("incident", source, external_id, url, title),
        severity=severity,
        started_at=started_at,
        resolved_at=until(resolved_at, scope.at),
        detected_by=detected_by,
        cause=cause,
        caused_by=key(named_source, named_id),
        attributed=bool(attributed),
        after_hours=after_hours,
        night=night,
    )


def page_rows(scope: Scope) -> dict[int, list[PageRow]]:
    """The pages of the window. One query."""
    rows = (
        Page.objects.filter(COUNTS, scope.services(), scope.window("paged_at"))
        .order_by()
        .values_list(
            "service_id",
            "source",
            "external_id",
            "url",
            "alert",
            "paged_at",
            "acknowledged_at",
            "incident_source",
            "incident_id",
            "actionable",
            "after_hours",
            "night",
            "responder",
            "responder_role",
        )
    )
    return {pk: [_page(row, scope) for row in each] for pk, each in by_service(rows).items()}


def _page(columns: tuple[Any, ...], scope: Scope) -> PageRow:
    _, source, external_id, url, alert, paged_at, acknowledged_at, named_source, named_id, *rest = columns
    return PageRow(
        RowRef("page", source, external_id, url, alert),
        paged_at,
        until(acknowledged_at, scope.at),
        key(named_source, named_id),
        *rest,
    )
