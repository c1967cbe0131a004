"""Feeds as machines report them: a heartbeat lengthens a span, and never bridges a silence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness import clock
from readiness.evidence import FeedRecord, Problem
from readiness.ingest.services import Services
from readiness.models import Feed, MachineToken

AHEAD = timedelta(minutes=5)
"""Clocks differ by so much."""

Whose = tuple[str, str]
"""Kind and service of spans; the source is the token's."""


@dataclass(slots=True)
class _Span:
    since: datetime
    last_seen_at: datetime
    declared: bool


class Heartbeats:
    """The spans of a token's source. Two queries, whatever the number of heartbeats.

    ``stale`` is the silence after which a new span begins.
    """

    def __init__(
        self, token: MachineToken, records: Sequence[FeedRecord], services: Services, *, stale: timedelta
    ) -> None:
        # Where a demo's clock stands in the past, so does everything that its machines hear.
        self.made = token.created + clock.offset()
        self.source = token.source
        self.services = services
        self.stale = stale
        self._spans = self._stored(records)

    def placed(self, record: FeedRecord, *, now: datetime) -> list[FeedRecord] | Problem:
        """The record as its services' spans have it, a record a beginning; or what is wrong."""
        if record.last_seen_at > now + AHEAD:
            return Problem("last_seen_at", "lies ahead: a heartbeat is about what was heard by now")
        beginnings: dict[datetime, list[str]] = {}
        for slug in self.services.slugs(record.services)[0]:
            since = self._since(record, slug)
            if since is None:
                return self._too_early(record, slug)
            beginnings.setdefault(since, []).append(slug)
        for since, names in beginnings.items():
            self._note(record, names, since=since)
        return [
            record.model_copy(update={"since": since, "services": tuple(names)})
            for since, names in beginnings.items()
        ]

    def _too_early(self, record: FeedRecord, slug: str) -> Problem:
        made = f"{self.made:%Y-%m-%d %H:%M} UTC"
        reason = (
            f"lies before this token was made ({made}), and no span of {slug} reaches there: an SRE lead can "
            "declare an older one in the admin, with reason and link"
        )
        return Problem("last_seen_at" if record.last_seen_at < self.made else "since", reason)

    def _stored(self, records: Iterable[FeedRecord]) -> dict[Whose, list[_Span]]:
        """Spans by kind and service, in order of their beginning."""
        records = list(records)
        slugs = {slug for record in records for slug in self.services.slugs(record.services)[0]}
        rows = Feed.objects.filter(
            source=self.source,
            kind__in={record.kind.value for record in records},
            service__in=[self.services.of(slug).pk for slug in slugs],
        ).order_by("since")
        spans: dict[Whose, list[_Span]] = {}
        for row in rows.values_list("kind", "service__slug", "since", "last_seen_at", "origin"):
            kind, slug, since, last_seen_at, origin = row
            spans.setdefault((kind, slug), []).append(
                _Span(since, last_seen_at, declared=origin == Feed.DECLARED)
            )
        return spans

    def _since(self, record: FeedRecord, slug: str) -> datetime | None:
        """Where the span begins that this heartbeat is of.

        ``None`` when it would begin before the token, or grow by what was heard only before the token: from
        week to week, a whole silence could be filled so.
        """
        spans = self._spans.get((record.kind.value, slug), [])
        heard = [each for each in spans if not each.declared and each.since <= record.last_seen_at]
        newest = heard[-1] if heard else None
        if newest is not None and record.last_seen_at <= newest.last_seen_at:
            return newest.since
        if record.last_seen_at < self.made:
            return None
        if newest is not None and record.last_seen_at - newest.last_seen_at <= self.stale:
            return newest.since
        begins = record.since
        if newest is not None and begins <= newest.last_seen_at:
            begins = record.last_seen_at  # a script that names its first day goes on after a silence
        if any(each.since == begins for each in spans):  # declared: what was vouched for is not heard
            begins = record.last_seen_at
        return begins if begins >= self.made else None

    def _note(self, record: FeedRecord, slugs: Iterable[str], *, since: datetime) -> None:
        """What a later heartbeat of the same request must know."""
        for slug in slugs:
            spans = self._spans.setdefault((record.kind.value, slug), [])
            span = next((each for each in spans if each.since == since and not each.declared), None)
            if span is None:
                spans.append(_Span(since, record.last_seen_at, declared=False))
                spans.sort(key=lambda each: each.since)
            else:
                span.last_seen_at = max(span.last_seen_at, record.last_seen_at)
