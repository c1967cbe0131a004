"""A service's scores over time, from one query, as plots need them."""

import datetime as dt
from typing import Any

from django.db.models import F

from readiness import clock
from readiness.models import Scorecard, Service
from readiness.models.scorecard import VERDICTS

LIMIT = 1000
COLUMNS = ("at", "kind", "revision", "score", "possible", "evidence", "level")
POLICY = ("policy__name", "policy__version")


def history(
    service: Service, *, since: dt.datetime | None, until: dt.datetime | None, kind: str | None
) -> dict[str, Any]:
    """The newest ``LIMIT`` judgements between two moments, both included, oldest first."""
    rows = Scorecard.objects.filter(service=service)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lte=until)
    if kind is not None:
        rows = rows.filter(kind=kind)
    # The criteria alone: the whole document would be several times as much to read.
    found = rows.order_by("-at", "-revision", "-pk").values(
        *COLUMNS, *POLICY, *VERDICTS, criteria=F("numbers__criteria")
    )[: LIMIT + 1]
    points = [_point(row) for row in found]
    return {
        "service": service.slug,
        "limit": LIMIT,
        "truncated": len(points) > LIMIT,
        "clock_offset": clock.offset().total_seconds(),
        "points": points[LIMIT - 1 :: -1] if len(points) > LIMIT else points[::-1],
    }


def _point(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{column: row[column] for column in COLUMNS},
        "policy": {"name": row["policy__name"], "version": row["policy__version"]},
        "verdicts": {name: row[name] for name in VERDICTS},
        "criteria": {slug: numbers["score"] for slug, numbers in row["criteria"].items()},
    }
