"""Writes a chunk of pending rows inside one transaction: new ones are inserted, different ones merged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from readiness.evidence import Kind
from readiness.ingest.pending import Pending
from readiness.ingest.services import Services
from readiness.ingest.staging import Row, Staging, as_json, staging
from readiness.ingest.tables import EVENT_TIMES, RENAMED, Table
from readiness.merge import StoredRow, changed

STRETCHED = frozenset({"last_seen_at"})
"""What a heartbeat moves on: that alone is no reason to judge a service again."""


class RacedError(Exception):
    """Another writer's row hindered our insert and cannot be found; the chunk must be tried anew."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How feeds came to be known: ``heard``, or ``declared`` by somebody for a reason."""

    origin: str = "heard"
    declared_by: str = ""
    reason: str = ""


HEARD = Origin()


class Writer:
    """Writes rows of one kind, received at ``now``; ``origin`` is that of feeds."""

    def __init__(self, table: Table, services: Services, *, origin: Origin, now: datetime) -> None:
        self.table = table
        self.services = services
        self.origin = origin
        self.now = now
        self._pick = itemgetter(*table.values)
        self._service_at = (*table.key, *table.values).index("service")
        self.touched: set[int] = set()
        """Services whose judgement what the last call wrote may change."""

    def write(self, pending: Sequence[Pending[Any]]) -> tuple[int, int]:
        """How many rows were created and how many updated. Raises ``RacedError``; needs a transaction."""
        stage = staging(self.table)
        self.touched.clear()
        with connection.cursor() as cursor:
            stage.open(cursor)
            rows = ((number, None, True, *self._columns(each)) for number, each in enumerate(pending))
            stage.fill(cursor, rows)
            known = stage.mark(cursor)
            created = self._insert(stage, cursor) if known < len(pending) else 0
            if known + created < len(pending):
                # Another writer stored some meanwhile. Ours are found too, and differ in nothing.
                known += stage.mark(cursor)
                if known < len(pending):
                    raise RacedError
            updated = self._update(stage, cursor, pending) if known else 0
            stage.close(cursor)
        return created, updated

    def _insert(self, stage: Staging, cursor: CursorWrapper) -> int:
        self.touched |= stage.services(cursor, "s.row_id IS NULL")
        return stage.insert(cursor, self.now)

    def _update(self, stage: Staging, cursor: CursorWrapper, pending: Sequence[Pending[Any]]) -> int:
        """Merge the stored rows that differ; how many of them changed a value."""
        differing = stage.differing(cursor)
        stage.touch(cursor, self.now)
        if not differing:
            return 0
        rows = [self._merged(pending[number], columns) for number, columns in self._stored(differing)]
        stage.fill(cursor, rows)
        if self.table.names_deployment:
            self.touched |= stage.services(cursor, "s.altered")
        stage.rewrite(cursor, self.now)
        return sum(altered for _, _, altered, *_ in rows)

    def _stored(self, differing: Mapping[int, int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Numbers and columns of stored rows, locked in one order, so that two writers do not deadlock."""
        numbers = {pk: number for number, pk in differing.items()}
        found = self.table.rows().filter(pk__in=numbers).select_for_update()
        for columns in found.order_by("pk").values("pk", *self.table.names):
            yield numbers[columns["pk"]], columns

    def _merged(self, pending: Pending[Any], columns: Mapping[str, Any]) -> Row:
        """Fold what was said onto what is stored now, which may be newer than what was compared."""
        stored = StoredRow(self._values(columns), columns["stated_at"], columns["statements"])
        pending.fold_onto(stored, self.now)
        merged = self._columns(pending, columns)
        names = changed(stored, pending.row)
        if names - STRETCHED:
            self.touched |= {columns["service_id"], merged[self._service_at]}
        return 0, columns["pk"], bool(names), *merged

    def _values(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """A stored row's values under the records' names, with the service's slug for its id."""
        values = {name: columns[RENAMED.get(name, name)] for name in self.table.values}
        if "service" in values:
            values["service"] = self.services.numbered(values["service"]).slug
        return values

    def _columns(self, pending: Pending[Any], stored: Mapping[str, Any] | None = None) -> list[Any]:
        """A row in the order of the table's ``names``."""
        row = pending.row
        columns = [*pending.key, *self._pick(row.values), row.stated_at, as_json(row.statements)]
        service = self.services.of(columns[self._service_at])
        columns[self._service_at] = service.pk
        kind = self.table.kind
        if kind in EVENT_TIMES:
            columns += service.disturbed(row.values[EVENT_TIMES[kind]])
        elif kind is Kind.DEPENDENCY:
            target = self.services.named(row.values["on"])
            columns.append(target and target.pk)
        elif kind is Kind.FEED:
            columns += self._how_known(stored)
        return columns

    def _how_known(self, stored: Mapping[str, Any] | None) -> tuple[str, str, str]:
        """A feed that is known stays as it came to be known: who vouched first is on record."""
        if stored is not None:
            return stored["origin"], stored["declared_by"], stored["reason"]
        return self.origin.origin, self.origin.declared_by, self.origin.reason
