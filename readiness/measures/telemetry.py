"""Measures telemetry: which signals of a service were seen."""

from readiness.facts import RowRef, SignalRow
from readiness.measures.fetching import by_service
from readiness.measures.scope import COUNTS, Scope
from readiness.models import Signal


def signal_rows(scope: Scope) -> dict[int, list[SignalRow]]:
    """Signals first seen by T and last seen inside the window (or later). One query."""
    rows = (
        Signal.objects.filter(
            COUNTS, scope.services(), first_seen_at__lte=scope.at, last_seen_at__gt=scope.period.start
        )
        .order_by()
        .values_list(
            "service_id",
            "source",
            "external_id",
            "url",
            "name",
            "signal",
            "component",
            "environment",
            "last_seen_at",
        )
    )
    return {
        pk: [SignalRow(RowRef("signal", *row[1:5]), *row[5:]) for row in each]
        for pk, each in by_service(rows).items()
    }
