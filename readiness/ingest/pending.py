"""What a chunk says of one row, before it is known whether that row is stored already."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from readiness.evidence import RECORDS, Key, Problem, Rejection, Statement, disorder
from readiness.merge import StoredRow, fold

Place = TypeVar("Place")
"""Where a record came from, for whoever gave it: a line number, an index."""


@dataclass(slots=True)
class Pending(Generic[Place]):
    """Statements of one row in the order of their arrival, and the row they make."""

    said: list[tuple[Place, Statement]]
    row: StoredRow
    refused: list[tuple[Place, Rejection]] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """The row's key, in the order of ``KEYS``."""
        return self.said[0][1].key

    def fold_onto(self, stored: StoredRow | None, now: datetime) -> None:
        """Fold statement by statement; one that would make an impossible row is refused, the rest stays."""
        self.refused.clear()
        row = stored
        for place, statement in self.said:
            merged = fold(row, statement, now)
            problems = disorder(RECORDS[statement.kind].ORDERS, merged.values)
            if problems:
                reasons = tuple(Problem(name, f"{reason} once merged") for name, reason in problems)
                self.refused.append((place, Rejection(reasons)))
            else:
                row = merged
        if row is not None:  # a record alone is in order, so there is a row
            self.row = row


def gather(said: Iterable[tuple[Place, Statement]], now: datetime) -> list[Pending[Place]]:
    """One pending row per key, in the order in which the keys came first."""
    pending: dict[Key, Pending[Place]] = {}
    repeated: dict[Key, Pending[Place]] = {}
    for place, statement in said:
        known = pending.get(statement.key)
        if known is None:
            pending[statement.key] = Pending([(place, statement)], fold(None, statement, now))
        else:
            known.said.append((place, statement))
            repeated[statement.key] = known
    for known in repeated.values():
        known.fold_onto(None, now)
    return list(pending.values())
