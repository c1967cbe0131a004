"""Stores a sheet's records and says of each row what became of it, field by field, before anybody commits.

Nothing is decided here: the rows go through :class:`Ingest`, and what was stored before is compared with what
is stored after. The caller's transaction decides whether that stays: a preview rolls it back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from readiness.evidence import FeedRecord, Kind, Problem, Record, Rejection, blank
from readiness.ingest.store import Ingest
from readiness.ingest.tables import TABLES

BATCH = 2_000
"""Rows looked up by one query."""

Key = tuple[Any, ...]
Columns = Mapping[str, Any]


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Change:
    """A field that has another value than before; ``None`` is none."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of a row of a sheet, or why it was refused."""

    number: int
    name: str
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()


def rejected(number: int, name: str, problems: Iterable[Problem]) -> RowReport:
    """The report of a refused row."""
    return RowReport(number, name, Outcome.REJECTED, problems=tuple(problems))


class RowByRow:
    """Stores the rows of one kind through ``ingest``, which knows when, and who declares feeds."""

    def __init__(self, kind: Kind, ingest: Ingest) -> None:
        self.table = TABLES[kind]
        self.ingest = ingest
        self._refused: dict[int, Rejection] = {}

    def store(self, read: Sequence[tuple[int, Record | Rejection]]) -> list[RowReport]:
        """Store numbered records in order; a report of each row. A constant number of queries a batch."""
        self._refused.clear()
        good = dict(self._good(read))
        keys = {number: self.keys(record) for number, record in good.items()}
        asked = [key for each in keys.values() for key in each]
        before = self._stored(asked)
        self.ingest.store(self.table.kind, good.items(), refuse=self._refuse)
        after = self._stored(asked)
        return [
            rejected(number, _name(record), self._refused[number].problems)
            if number in self._refused
            else self._report(number, _name(record), [(before.get(key), after[key]) for key in keys[number]])
            for number, record in read
        ]

    def _refuse(self, number: int, rejection: Rejection) -> None:
        self._refused[number] = rejection

    def _good(self, read: Iterable[tuple[int, Record | Rejection]]) -> Iterator[tuple[int, Record]]:
        """What could be read. Two rows that name one thing are a slip of the hand: which of them is meant?"""
        seen: dict[Key, int] = {}
        for number, record in read:
            if isinstance(record, Rejection):
                self._refuse(number, record)
                continue
            first = min((seen.setdefault(key, number) for key in self.keys(record)), default=number)
            if first == number:
                yield number, record
            else:
                reason = f"is about the same thing as row {first}; keep one of them"
                self._refuse(number, Rejection((Problem("", reason),)))

    def keys(self, record: Record) -> list[Key]:
        """The keys of the rows that a record speaks of, as the table holds them."""
        if isinstance(record, FeedRecord):
            slugs, _ = self.ingest.services.slugs(record.services)
            pks = [self.ingest.services.of(slug).pk for slug in slugs]
            return [(record.source, record.kind.value, pk, record.since) for pk in pks]
        return [tuple(record.__dict__[name] for name in self.table.key)]

    def _stored(self, keys: Sequence[Key]) -> dict[Key, Columns]:
        """Rows by key. A query may find rows that nobody asked for, where sources differ: they do no harm."""
        names = self.table.key_names
        found: dict[Key, Columns] = {}
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            asked = {f"{name}__in": {key[at] for key in batch} for at, name in enumerate(names[:2])}
            if self.table.kind is Kind.FEED:
                asked["service__in"] = {key[2] for key in batch}
            rows = self.table.rows().filter(**asked).order_by()
            for row in rows.values(*names, *self.table.value_names):
                found[tuple(row[name] for name in names)] = row
        return found

    def _report(self, number: int, name: str, pairs: Sequence[tuple[Columns | None, Columns]]) -> RowReport:
        changes = [change for before, after in pairs for change in self._changes(before, after)]
        if any(before is None for before, _ in pairs):
            outcome = Outcome.CREATED
        else:
            outcome = Outcome.UPDATED if changes else Outcome.UNCHANGED
        return RowReport(number, name, outcome, tuple(dict.fromkeys(changes)))

    def _changes(self, before: Columns | None, after: Columns) -> Iterator[Change]:
        for column, name in zip(self.table.values, self.table.value_names, strict=True):
            old = blank(column) if before is None else before[name]
            if old != after[name]:
                yield Change(column, self._said(column, old), self._said(column, after[name]))

    def _said(self, column: str, value: Any) -> Any:
        known = column == "service" and value is not None
        return self.ingest.services.numbered(value).slug if known else value


def _name(record: Record | Rejection) -> str:
    """What a row is called: where it comes from and its id there."""
    if isinstance(record, Rejection):
        return ""
    if isinstance(record, FeedRecord):
        return f"{record.kind.value} from {record.source}: {', '.join(record.services)}"
    return f"{record.__dict__['source']}:{record.__dict__['id']}"
