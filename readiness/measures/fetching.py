"""Fetches the rows of a measure without the detours that many rows cannot afford."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from psycopg.types.datetime import TimestamptzLoader

Row = tuple[Any, ...]


def fetch(rows: "QuerySet[Any, Any]") -> Sequence[Row]:
    """The tuples of a ``values_list``. Columns must be plain: no JSON, whose conversion is the ORM's.

    On PostgreSQL moments are read by psycopg's own loader: Django puts one in its place that is written in
    Python, and a fleet has millions of moments. All sessions are in UTC, so both give the same.
    """
    if connection.vendor != "postgresql":
        return list(rows)
    try:
        return fetch_sql(*rows.query.sql_with_params())
    except EmptyResultSet:
        return []


def fetch_sql(statement: str, parameters: Sequence[Any]) -> list[Row]:
    """The rows of a statement of our own. SQLite's moments are for ``scope.moment`` to read."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(statement, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


@contextmanager
def well_planned() -> Iterator[None]:
    """Lets PostgreSQL sort a batch in memory, and read it by its index rather than scan all with two workers.

    By default a batch's sorts and joins spill to disk. Several batches run beside each other anyway.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL max_parallel_workers_per_gather = 0")
        yield


def by_service(rows: "QuerySet[Any, Any]") -> dict[int, list[Row]]:
    """:func:`fetch`, grouped by the first column, the service's key."""
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in fetch(rows):
        grouped[row[0]].append(row)
    return grouped
