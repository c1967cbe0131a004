"""Merges statements about one row: the newest wins, field by field, in any order (DESIGN.md section 4).

A row remembers the moment of each column's newest statement, but keeps only the exceptions: most rows are
stated once, whole, and then one moment says it all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from readiness.evidence import COLUMNS, Kind, Statement, blank

GROWING: Mapping[Kind, frozenset[str]] = {Kind.FEED: frozenset({"last_seen_at"})}
"""Columns that only grow: a feed is never unmade, so no statement takes back that it was heard."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row's values with the moments they rest on; columns are those of ``COLUMNS``, missing ones are blank.

    ``stated_at`` is the moment of the newest statement. ``statements`` (column to ISO moment in UTC, ``None``
    when empty) holds the columns whose moment is another, and those that were stated blank. A blank column
    without an entry was never stated, so an older statement may still fill it.
    """

    values: Mapping[str, Any]
    stated_at: datetime
    statements: Mapping[str, str] | None = None

    def moment(self, column: str) -> datetime | None:
        """When the column's value was stated; ``None`` when it never was."""
        if self.statements is not None and column in self.statements:
            return datetime.fromisoformat(self.statements[column])
        default = blank(column)
        return None if self.values.get(column, default) == default else self.stated_at


def fold(row: StoredRow | None, statement: Statement, arrived_at: datetime) -> StoredRow:
    """Add a statement to what is stored (``None``: nothing yet); at equal moments it wins: it arrived later.

    The result's ``stated_at`` may move on though no value changed: it must be stored all the same, or an
    older statement arriving afterwards would win.
    """
    moment = statement.moment or arrived_at
    cleared = [column for column, value in statement.stated.items() if value == blank(column)]
    blanks = {column: _written(moment) for column in cleared}
    alone = StoredRow(_complete(statement), moment, blanks or None)
    return alone if row is None else merge_rows(statement.kind, row, alone)


def merge_rows(kind: Kind, earlier: StoredRow, later: StoredRow) -> StoredRow:
    """Merge two rows of one key, each folded from its own statements; those of ``later`` arrived later."""
    newest = max(earlier.stated_at, later.stated_at)
    growing = GROWING.get(kind, frozenset())
    values: dict[str, Any] = {}
    statements: dict[str, str] = {}
    for column in COLUMNS[kind]:
        before, after = earlier.moment(column), later.moment(column)
        winner = later if after is not None and (before is None or after >= before) else earlier
        value = winner.values.get(column, blank(column))
        if column in growing:
            value = _furthest(earlier.values.get(column), later.values.get(column))
        values[column] = value
        moment = after if winner is later else before
        if moment is not None and (moment != newest or value == blank(column)):
            statements[column] = _written(moment)
    return StoredRow(values, newest, statements or None)


def changed(old: StoredRow, new: StoredRow) -> frozenset[str]:
    """The columns whose values differ."""
    columns = old.values.keys() | new.values.keys()
    return frozenset(
        column
        for column in columns
        if old.values.get(column, blank(column)) != new.values.get(column, blank(column))
    )


def _complete(statement: Statement) -> dict[str, Any]:
    values = {column: blank(column) for column in COLUMNS[statement.kind]}
    values.update(statement.stated)
    return values


def _furthest(one: datetime | None, other: datetime | None) -> datetime | None:
    known = [moment for moment in (one, other) if moment is not None]
    return max(known, default=None)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
