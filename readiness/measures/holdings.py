"""Counts what is stored of a service, kind by kind, for its page: one statement, written once a process."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.db import connection

from readiness import models
from readiness.measures.fetching import fetch_sql
from readiness.measures.scope import moment

MOMENTS: Mapping[str, tuple[type[models.Evidence], str]] = {
    "deployment": (models.Deployment, "started_at"),
    "incident": (models.Incident, "started_at"),
    "page": (models.Page, "paged_at"),
    "defect": (models.Defect, "opened_at"),
    "signal": (models.Signal, "last_seen_at"),
    "dependency": (models.Dependency, "last_seen_at"),
    "pipeline_run": (models.PipelineRun, "started_at"),
    "shift": (models.Shift, "starts_at"),
    "observation": (models.Observation, "observed_at"),
    "work_item": (models.WorkItem, "opened_at"),
}
"""Every kind, its rows and the moment that its lists go by."""


class Holding(NamedTuple):
    """How many rows there are, how many of them lie ahead, and the newest moment that does not."""

    rows: int
    ahead: int
    newest: datetime | None


def holdings(service_id: int, now: datetime) -> dict[str, Holding]:
    """What is stored of a service by kind, rows that do not count for it included."""
    at = connection.ops.adapt_datetimefield_value(now)
    found = fetch_sql(_statement(), [at, at, service_id] * len(MOMENTS))
    return {
        kind: Holding(rows, ahead, moment(newest) if newest else None) for kind, rows, ahead, newest in found
    }


@cache
def _statement() -> str:
    return " UNION ALL ".join(
        f"SELECT '{kind}', count(*), count(CASE WHEN {time} > %s THEN 1 END),"  # noqa: S608 - names of our own
        f" max(CASE WHEN {time} <= %s THEN {time} END)"
        f" FROM {model._meta.db_table} WHERE service_id = %s"  # noqa: SLF001 - Django documents it
        for kind, (model, time) in MOMENTS.items()
    )
