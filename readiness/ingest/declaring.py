"""Checks feeds that somebody declares: past periods alone, each once, and nothing heard is stretched."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from readiness.evidence import FeedRecord, Problem, Record, Rejection
from readiness.ingest.services import Services
from readiness.ingest.store import EVERYTHING
from readiness.models import Feed

Place = TypeVar("Place")
Whose = tuple[str, str, int]
"""Source, kind and service of spans."""


@dataclass(frozen=True, slots=True)
class _Span:
    since: datetime
    until: datetime
    declared: bool

    def hinders(self, record: FeedRecord) -> bool:
        """Whether it covers some of what is declared. A declared span may be declared again as it is."""
        if self.declared and self.since == record.since and self.until >= record.last_seen_at:
            return False
        return self.since <= record.last_seen_at and self.until >= record.since


def declarable(
    read: Sequence[tuple[Place, Record | Rejection]], services: Services, *, until: datetime
) -> Iterator[tuple[Place, Record | Rejection]]:
    """The same feeds, with a rejection for each that may not be declared. One query, whatever their number.

    ``until`` is the clock's now: nobody can vouch for what lies ahead of it.
    """
    known = _known([record for _, record in read if isinstance(record, FeedRecord)], services)
    for place, record in read:
        if not isinstance(record, FeedRecord):
            yield place, record
            continue
        problem = _problem(record, known=_spans(record, services, known=known), until=until)
        yield place, Rejection((problem,)) if problem else record
        for whose in _whose(record, services):
            known[whose].append(_Span(record.since, record.last_seen_at, declared=False))


def _problem(record: FeedRecord, *, known: Sequence[_Span], until: datetime) -> Problem | None:
    if EVERYTHING in record.services:
        return Problem("services", "must be named one by one: * is for fleet folders")
    if record.last_seen_at > until:
        return Problem("last_seen_at", "lies ahead of the clock: only past periods can be declared")
    if any(span.hinders(record) for span in known):
        return Problem("since", "begins a span of which some is covered already: see the feeds")
    return None


def _whose(record: FeedRecord, services: Services) -> Iterator[Whose]:
    slugs, _ = services.slugs(record.services)
    return ((record.source, record.kind.value, services.of(slug).pk) for slug in slugs)


def _spans(record: FeedRecord, services: Services, *, known: dict[Whose, list[_Span]]) -> list[_Span]:
    return [span for whose in _whose(record, services) for span in known[whose]]


def _known(records: Sequence[FeedRecord], services: Services) -> dict[Whose, list[_Span]]:
    """Stored spans of the sources and kinds that the records name."""
    found: dict[Whose, list[_Span]] = defaultdict(list)
    stored = Feed.objects.filter(
        source__in={record.source for record in records}, kind__in={record.kind.value for record in records}
    )
    columns = stored.order_by().values_list("source", "kind", "service", "since", "last_seen_at", "origin")
    for source, kind, service, since, last, origin in columns:
        found[source, kind, service].append(_Span(since, last, declared=origin == Feed.DECLARED))
    return found
