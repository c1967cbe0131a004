"""Writes rows in bulk: a staging table is filled, and set-based SQL sorts out new, equal and different.

One idea for both databases. PostgreSQL's table is filled by COPY, SQLite's by executemany.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from readiness.ingest.tables import MOMENTS, Table

Row = Sequence[Any]
"""Number, id of the stored row or ``None``, whether its values change, and the table's ``names``."""

BOOKKEEPING = ("n", "row_id", "altered")


class Staging:
    """The staging table of one kind, in the session's temporary schema; use it inside a transaction."""

    greatest = "greatest"
    same = "IS NOT DISTINCT FROM"

    def __init__(self, table: Table) -> None:
        self.table = table
        quote = connection.ops.quote_name
        self.target = quote(table.name)
        self.name = quote(f"staged_{table.kind.value}")
        self._quote = quote
        self._names = ", ".join(map(quote, table.names))

    def open(self, cursor: CursorWrapper) -> None:
        """Make the table where the session has none yet."""
        cursor.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {self.name} AS "  # noqa: S608 - names of models and fields
            f"SELECT 0 AS n, id AS row_id, FALSE AS altered, {self._names} FROM {self.target} WHERE FALSE"
        )

    def close(self, cursor: CursorWrapper) -> None:
        """Leave the transaction to others as it was."""

    def fill(self, cursor: CursorWrapper, rows: Iterable[Row]) -> None:
        """Replace what is staged."""
        raise NotImplementedError

    def mark(self, cursor: CursorWrapper) -> int:
        """Find which of the staged rows not found yet are stored; how many."""
        return sum(self._executed(cursor, sql) for sql in self._marking)

    def services(self, cursor: CursorWrapper, which: str) -> set[int]:
        """Services of the staged rows ``s`` for which the condition holds, and of deployments they name."""
        own = f"SELECT s.service_id FROM {self.name} AS s WHERE {which}"  # noqa: S608
        if not self.table.names_deployment:
            cursor.execute(own)
        else:
            cursor.execute(
                f"{own} UNION SELECT d.service_id FROM {self.name} AS s JOIN readiness_deployment AS d "  # noqa: S608
                f"ON d.source = s.{self.table.names_deployment}_source "
                f"AND d.external_id = s.{self.table.names_deployment}_id WHERE {which}"
            )
        return {pk for (pk,) in cursor.fetchall()}

    def insert(self, cursor: CursorWrapper, now: datetime) -> int:
        """Store what is not marked; how many. Where another writer was faster, its row stays."""
        return self._executed(cursor, self._inserting, [self.moment(now)] * 3)

    def differing(self, cursor: CursorWrapper) -> dict[int, int]:
        """The marked rows of which merging must decide: number to the stored row's id."""
        cursor.execute(self._comparing)
        return dict(cursor.fetchall())

    def touch(self, cursor: CursorWrapper, now: datetime) -> int:
        """Note on marked rows that say the same as what is stored that it was said again; how many."""
        return self._executed(cursor, self._touching, [self.moment(now)])

    def rewrite(self, cursor: CursorWrapper, now: datetime) -> int:
        """Write what is staged over the stored rows; how many."""
        return self._executed(cursor, self._rewriting, [self.moment(now)] * 2)

    def moment(self, moment: datetime) -> Any:
        """A moment as SQL parameters carry it."""
        return moment

    @cached_property
    def _marking(self) -> list[str]:
        """One statement per unique index: a span's beginning may be null, and null equals nothing."""
        keys = self.table.key_names
        nullable = [name for name in keys if self.table.field(name).null]
        plain = " AND ".join(f"t.{self._quote(name)} = s.{self._quote(name)}" for name in keys)
        update = (
            f"UPDATE {self.name} AS s SET row_id = t.id FROM {self.target} AS t WHERE s.row_id IS NULL AND"  # noqa: S608
        )
        statements = [f"{update} {plain}"]
        for name in nullable:
            column = self._quote(name)
            empty = plain.replace(f"t.{column} = s.{column}", f"t.{column} IS NULL AND s.{column} IS NULL")
            statements.append(f"{update} {empty}")
        return statements

    @cached_property
    def _inserting(self) -> str:
        received = "first_received_at, last_received_at, changed_at"
        defaults = [name for name in ("excluded",) if hasattr(self.table.model, name)]
        extra = "".join(f", {name}" for name in defaults)
        values = ", FALSE" * len(defaults)
        return (
            f"INSERT INTO {self.target} ({self._names}, {received}{extra}) "  # noqa: S608
            f"SELECT {self._names}, %s, %s, %s{values} FROM {self.name} WHERE row_id IS NULL "
            "ON CONFLICT DO NOTHING"
        )

    @cached_property
    def _equal(self) -> str:
        """The stored row already is what merging would make of it, but for the newest statement's moment."""
        columns = map(self._quote, (*self.table.value_names, "statements"))
        same = " AND ".join(f"t.{column} {self.same} s.{column}" for column in columns)
        return f"({same} AND (s.statements IS NULL OR t.stated_at = s.stated_at))"

    @cached_property
    def _comparing(self) -> str:
        return (
            f"SELECT s.n, s.row_id FROM {self.name} AS s JOIN {self.target} AS t ON t.id = s.row_id "  # noqa: S608
            f"WHERE NOT {self._equal}"
        )

    @cached_property
    def _touching(self) -> str:
        return (
            f"UPDATE {self.target} AS t SET last_received_at = {self.greatest}(t.last_received_at, %s), "  # noqa: S608
            f"stated_at = {self.greatest}(t.stated_at, s.stated_at) "
            f"FROM {self.name} AS s WHERE s.row_id = t.id AND {self._equal}"
        )

    @cached_property
    def _rewriting(self) -> str:
        columns = map(self._quote, (*self.table.value_names, *MOMENTS, *self.table.derived))
        values = ", ".join(f"{column} = s.{column}" for column in columns)
        return (
            f"UPDATE {self.target} AS t SET {values}, "  # noqa: S608
            f"last_received_at = {self.greatest}(t.last_received_at, %s), "
            "changed_at = CASE WHEN s.altered THEN %s ELSE t.changed_at END "
            f"FROM {self.name} AS s WHERE s.row_id = t.id"
        )

    def _executed(self, cursor: CursorWrapper, sql: str, params: Sequence[Any] = ()) -> int:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


class PostgresStaging(Staging):
    """COPY: the fastest way in."""

    def open(self, cursor: CursorWrapper) -> None:
        """Rows are looked up by index: the planner, which knows nothing of the staging table, might scan
        millions of stored rows for each chunk of thousands.
        """
        super().open(cursor)
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")

    def close(self, cursor: CursorWrapper) -> None:
        cursor.execute("SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT")

    def fill(self, cursor: CursorWrapper, rows: Iterable[Row]) -> None:
        cursor.execute(f"TRUNCATE {self.name}")
        columns = ", ".join(BOOKKEEPING)
        with cursor.copy(f"COPY {self.name} ({columns}, {self._names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


class SqliteStaging(Staging):
    """Moments are text there, in UTC and without offset, as Django writes them."""

    greatest = "max"
    same = "IS"

    def fill(self, cursor: CursorWrapper, rows: Iterable[Row]) -> None:
        cursor.execute(f"DELETE FROM {self.name}")  # noqa: S608
        columns = ", ".join(BOOKKEEPING)
        places = ", ".join(["%s"] * (len(BOOKKEEPING) + len(self.table.names)))
        moments = self._moments
        cursor.executemany(
            f"INSERT INTO {self.name} ({columns}, {self._names}) VALUES ({places})",  # noqa: S608
            [
                [self.moment(value) if at in moments else value for at, value in enumerate(row)]
                for row in rows
            ],
        )

    def moment(self, moment: datetime | None) -> Any:
        return moment and moment.replace(tzinfo=None).isoformat(" ")

    @cached_property
    def _moments(self) -> frozenset[int]:
        names = enumerate(self.table.names, start=len(BOOKKEEPING))
        return frozenset(at for at, name in names if isinstance(self.table.field(name), models.DateTimeField))


def staging(table: Table) -> Staging:
    """The staging table of a kind in the database that is configured."""
    return STAGINGS[connection.vendor](table)


STAGINGS: dict[str, Callable[[Table], Staging]] = {
    "postgresql": PostgresStaging,
    "sqlite": SqliteStaging,
}


def as_json(value: Any) -> str | None:
    """A JSON column's text, written as Django writes it; ``None`` stays null."""
    return None if value is None else json.dumps(value)
