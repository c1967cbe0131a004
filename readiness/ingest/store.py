"""Stores validated records: idempotent, order-safe, in bulk, a transaction a chunk (DESIGN.md section 5)."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Generic

from django.db import OperationalError, connection, reset_queries, transaction
from psycopg.errors import DeadlockDetected

from readiness import rejudging
from readiness.evidence import FeedRecord, Kind, Problem, Record, Rejection, Statement, statement
from readiness.ingest.pending import Pending, Place, gather
from readiness.ingest.services import Services
from readiness.ingest.tables import TABLES, Table
from readiness.ingest.tally import Tally
from readiness.ingest.writing import HEARD, Origin, RacedError, Writer

CHUNKS = {"postgresql": 10_000, "sqlite": 2_000}
"""Records of one transaction; more gain nothing, and keep other writers waiting."""
PATIENCE = 5
"""How often a chunk is tried anew when other writers store the same rows at the same time."""
EVERYTHING = "*"
MANY = 500
"""So many new rows, and more than a tenth of the table, make the planner err; autovacuum, which goes by the
same tenth, puts it right only minutes later."""
NAMED = 10
"""Unknown services that a reason names; the rest is counted."""


@dataclass(slots=True)
class _Chunk(Generic[Place]):
    """What records read together say of which rows, and what was refused before it came to that."""

    pending: list[Pending[Place]]
    refused: list[tuple[Place, Rejection]]

    def tally(self, created: int, updated: int) -> Tally:
        """What became of every statement; all those of one row count as one change at most."""
        said = sum(len(row.said) for row in self.pending)
        late = sum(len(row.refused) for row in self.pending)
        unchanged = said - created - updated - late
        return Tally(created, updated, unchanged, rejected=late + len(self.refused))

    def all_refused(self) -> list[tuple[Place, Rejection]]:
        """Everything that was refused, once the chunk is written."""
        return self.refused + [late for row in self.pending for late in row.refused]


class Ingest:
    """Stores records as received at ``now`` (the real time), which is also the moment of what names none.

    ``everything`` are the slugs that a feed's ``*`` means; ``origin`` is how feeds came to be known.
    """

    def __init__(self, now: datetime, *, everything: Sequence[str] = (), origin: Origin = HEARD) -> None:
        self.now = now
        self.everything = everything
        self.origin = origin
        self.services = Services()

    def store(
        self,
        kind: Kind,
        records: Iterable[tuple[Place, Record | Rejection]],
        *,
        refuse: Callable[[Place, Rejection], None],
    ) -> Tally:
        """Store records of one kind (people excepted) in the order given; a feed counts a row a service.

        Each record comes with its place, which is handed to ``refuse`` with the reasons when it is refused;
        what was refused before passes through. ``records`` is read in a thread of its own once it is long,
        so it must not use the database. Raises ``RacedError`` when other writers store the same rows again
        and again.
        """
        total = Tally()
        writer = Writer(TABLES[kind], self.services, origin=self.origin, now=self.now)
        chunks = self._chunks(iter(records), size=CHUNKS[connection.vendor])
        with _uncollected():
            for chunk in _read_ahead(chunks):
                total += chunk.tally(*_written(writer, chunk.pending))
                for place, rejection in chunk.all_refused():
                    refuse(place, rejection)
                reset_queries()  # DEBUG collects them, and millions of rows make many
        if total.created >= MANY and connection.vendor == "postgresql":
            _analyze(writer.table, total.created)
        return total

    def _chunks(
        self, records: Iterator[tuple[Place, Record | Rejection]], *, size: int
    ) -> Iterator[_Chunk[Place]]:
        said = self._said(records)
        while read := list(islice(said, size)):
            refused = [(place, each) for place, each in read if isinstance(each, Rejection)]
            stated = ((place, each) for place, each in read if isinstance(each, Statement))
            yield _Chunk(gather(stated, self.now), refused)

    def _said(
        self, records: Iterator[tuple[Place, Record | Rejection]]
    ) -> Iterator[tuple[Place, Statement | Rejection]]:
        for place, record in records:
            if isinstance(record, Rejection):
                yield place, record
            elif isinstance(record, FeedRecord):
                yield from ((place, said) for said in self._spans(record))
            else:
                name = record.__dict__["service"]
                service = self.services.named(name)
                yield place, _unknown(name) if service is None else statement(record, service=service.slug)

    def _spans(self, record: FeedRecord) -> Iterator[Statement | Rejection]:
        """What a feed says of each service that it names, and of those that nobody knows."""
        names = self.everything if EVERYTHING in record.services else record.services
        slugs, unknown = self.services.slugs(names)
        yield from (statement(record, service=slug) for slug in slugs)
        if unknown:
            yield _unknown_of_feed(unknown)
        elif not names:
            yield _rejection("services", "means every service of the folder, and there is none")


def _read_ahead(chunks: Iterator[_Chunk[Place]]) -> Iterator[_Chunk[Place]]:
    """The same chunks, each read while the one before is stored: the database works while we parse.

    The first is read at once, so that few records need no thread.
    """
    first = next(chunks, None)
    if first is None:
        return
    yield first
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: it walks the rows of a chunk again and again (a third of the time,
    measured), and they hold no cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _written(writer: Writer, pending: Sequence[Pending[Any]]) -> tuple[int, int]:
    """Rows created and updated, in a transaction of their own."""
    if not pending:
        return 0, 0
    for _ in range(PATIENCE):
        try:
            with transaction.atomic():
                written = writer.write(pending)
                rejudging.mark(writer.touched)
                return written
        except RacedError:
            continue
        except OperationalError as error:  # two files may hold the same rows in different orders
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    raise RacedError(f"Other writers kept storing the same {writer.table.kind} rows.")


def _analyze(table: Table, created: int) -> None:
    """Count anew what a table holds: an evaluation that follows at once took minutes instead of seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table.name])
        if created * 10 > cursor.fetchone()[0]:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table.name)}")


def _unknown(name: str) -> Rejection:
    return _rejection("service", f"{name!r} is no service or alias that the catalogue knows")


def _unknown_of_feed(unknown: Sequence[str]) -> Rejection:
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    names = ", ".join(map(repr, unknown[:NAMED]))
    return _rejection("services", f"{names}{more}: no services or aliases that the catalogue knows")


def _rejection(field: str, reason: str) -> Rejection:
    return Rejection((Problem(field, reason),))
