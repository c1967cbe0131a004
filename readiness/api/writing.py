"""Evidence as machines write it: one record or a list, each checked against the token, each answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.http import JsonResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from readiness import clock, evaluation
from readiness.api.heartbeats import Heartbeats
from readiness.api.limits import MOST, ROUNDS
from readiness.api.problems import MEDIA_TYPE, Busy, refusal
from readiness.api.serializers.writing import NothingWrittenSerializer, WrittenSerializer
from readiness.evidence import REFERENCES, FeedRecord, Kind, Problem, Record, Rejection, parse_object
from readiness.ingest import Ingest, Outcome, RacedError, RowByRow, RowReport, rejected
from readiness.ingest.tables import TABLES
from readiness.models import MachineToken

MIXED, ALL_REFUSED = 207, 422
EVERYTHING = "*"

HALVES = {f"{name}_{half}": name for name in REFERENCES for half in ("source", "id")}
"""A reference is stored in two columns, and is one field of a record."""

Read = tuple[int, Record | Rejection]

ANSWERS = {
    200: OpenApiResponse(WrittenSerializer, description="All were taken, or said nothing new."),
    MIXED: OpenApiResponse(WrittenSerializer, description="Some were refused; the others are written."),
    (ALL_REFUSED, MEDIA_TYPE): OpenApiResponse(NothingWrittenSerializer, description="None was taken."),
}
OVERTALKED = Problem(
    "", f"{ROUNDS} records before it speak of the same row: send this one in another request"
)


def records_of(body: Any) -> list[Any]:
    """A body's records. Raises ``ValidationError`` for a list that is empty or too long."""
    if not isinstance(body, list):
        return [body]
    if not body:
        raise ValidationError("The list is empty: there is nothing to write.")
    if len(body) > MOST:
        raise ValidationError(f"A list has at most {MOST:,} records, this one {len(body):,}: send several.")
    return body


def answer(
    request: Request,
    reports: Sequence[RowReport],
    *,
    none_taken: int = ALL_REFUSED,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> JsonResponse:
    """What became of each record: 200 when all were taken, 207 when some were, ``none_taken`` otherwise.

    ``more`` stands beside it.
    """
    counts = dict.fromkeys((each.value for each in Outcome), 0)
    for report in reports:
        counts[report.outcome.value] += 1
    told = {"counts": counts, "results": [_told(report) for report in reports], **more}
    refused = counts[Outcome.REJECTED.value]
    if refused == len(reports):
        detail = "No record was taken; `results` says why, record by record."
        return refusal(request, status=none_taken, detail=detail, more=told)
    return JsonResponse(told, status=MIXED if refused else 200)


def _told(report: RowReport) -> dict[str, Any]:
    return {
        "index": report.number,
        "name": report.name,
        "result": report.outcome.value,
        "changed": list(dict.fromkeys(HALVES.get(each.field, each.field) for each in report.changes)),
        "errors": [{"field": each.field or None, "reason": each.reason} for each in report.problems],
    }


class EvidenceWriting:
    """What one request of a token writes of one kind, received at ``now`` (the real time)."""

    def __init__(self, kind: Kind, token: MachineToken, now: datetime) -> None:
        self.kind = kind
        self.token = token
        self.now = now
        self.ingest = Ingest(now)
        self.services = self.ingest.services
        self.ingest.everything = [slug for slug in self.services.all_slugs() if token.may_write_for(slug)]

    def write(self, body: Any) -> list[RowReport]:
        """Store the records of a body; a report of each, in order. Raises ``ValidationError``."""
        read = [(number, self._parsed(each)) for number, each in enumerate(records_of(body))]
        allowed = list(self._allowed(read))
        placed = self._placed(allowed) if self.kind is Kind.FEED else [[each] for each in allowed]
        return [_joined(reports) for reports in self._stored(placed)]

    def _parsed(self, said: Any) -> Record | Rejection:
        return parse_object(self.kind, said, self.now)

    def _allowed(self, read: Sequence[Read]) -> Iterator[Read]:
        foreign = self._foreign(read)
        for number, record in read:
            problems = () if isinstance(record, Rejection) else tuple(self._objections(record, foreign))
            yield number, Rejection(problems) if problems else record

    def _objections(self, record: Record, foreign: dict[str, str]) -> Iterator[Problem]:
        source, name = record.__dict__["source"], self.token.name
        if source != self.token.source:
            yield Problem("source", f"must be {self.token.source!r}: the token {name} writes of no other")
        if isinstance(record, FeedRecord):
            if not self.token.may_write(record.kind.value):
                said = record.kind.value.replace("_", " ")
                yield Problem("kind", f"must be one that the token {name} may write, and {said} is not")
            yield from self._strangers("services", [each for each in record.services if each != EVERYTHING])
            return
        yield from self._strangers("service", [record.__dict__["service"]])
        if record.__dict__["id"] in foreign:
            owner = foreign[record.__dict__["id"]]
            yield Problem("id", f"is a row of {owner}, for which the token {name} may not write")

    def _strangers(self, field: str, names: Sequence[str]) -> Iterator[Problem]:
        """Services that nobody knows, and those that the token was not made for."""
        slugs, unknown = self.services.slugs(names)
        for name in unknown:
            yield Problem(field, f"{name!r} is no service or alias that the catalogue knows")
        for slug in slugs:
            if not self.token.may_write_for(slug):
                yield Problem(field, f"names {slug}, for which the token {self.token.name} may not write")

    def _foreign(self, read: Sequence[Read]) -> dict[str, str]:
        """Rows that are stored for services outside the token's reach, by id: writing would move them."""
        ids = [
            record.__dict__["id"]
            for _, record in read
            if isinstance(record, Record) and not isinstance(record, FeedRecord)
        ]
        if not ids:
            return {}
        rows = TABLES[self.kind].rows().filter(source=self.token.source, external_id__in=ids).order_by()
        found = rows.values_list("external_id", "service__slug")
        return {row: slug for row, slug in found if not self.token.may_write_for(slug)}

    def _placed(self, read: Sequence[Read]) -> list[list[Read]]:
        """Heartbeats as the spans that they are of; one may be of several."""
        records = [self._spelt(record) for _, record in read if isinstance(record, FeedRecord)]
        stale = timedelta(days=evaluation.parsed(evaluation.in_force()).feeds.silence_days)
        beats = Heartbeats(self.token, records, self.services, stale=stale)
        placed: list[list[Read]] = []
        for number, record in read:
            if not isinstance(record, FeedRecord):
                placed.append([(number, record)])
                continue
            spans = beats.placed(self._spelt(record), now=self.now)
            if isinstance(spans, Problem):
                placed.append([(number, Rejection((spans,)))])
            else:
                placed.append([(number, span) for span in spans])
        return placed

    def _spelt(self, record: FeedRecord) -> FeedRecord:
        """With the token's services for a ``*``."""
        if EVERYTHING not in record.services:
            return record
        return record.model_copy(update={"services": tuple(self.ingest.everything) or (EVERYTHING,)})

    def _stored(self, placed: Sequence[Sequence[Read]]) -> list[list[RowReport]]:
        """Store in rounds, in each of which a row is spoken of once: who says two things of it is answered
        for each.
        """
        reports: list[list[RowReport]] = [[] for _ in placed]
        waiting = [(at, read) for at, group in enumerate(placed) for read in group]
        for _ in range(ROUNDS):
            if not waiting:
                break
            now, waiting = _first_of_each(waiting, self._keys)
            rows = RowByRow(self.kind, self.ingest)
            found = rows.store([(number, record) for number, (_, (_, record)) in enumerate(now)])
            for (at, (index, _)), report in zip(now, found, strict=True):
                reports[at].append(
                    RowReport(index, report.name, report.outcome, report.changes, report.problems)
                )
        for at, (index, _) in waiting:
            reports[at].append(rejected(index, "", [OVERTALKED]))
        return reports

    def _keys(self, record: Record | Rejection) -> list[Any]:
        return [] if isinstance(record, Rejection) else RowByRow(self.kind, self.ingest).keys(record)


Waiting = tuple[int, Read]


def _first_of_each(
    waiting: Sequence[Waiting], keys: Callable[[Record | Rejection], list[Any]]
) -> tuple[list[Waiting], list[Waiting]]:
    """Those that speak first of each row, and those that must wait for them, both in order."""
    seen: set[Any] = set()
    first: list[Waiting] = []
    later: list[Waiting] = []
    for each in waiting:
        own = keys(each[1][1])
        (later if seen.intersection(own) else first).append(each)
        seen.update(own)
    return first, later


def _joined(reports: Sequence[RowReport]) -> RowReport:
    """One report of a record that was stored as several."""
    first = reports[0]
    problems = [problem for report in reports for problem in report.problems]
    if problems:
        return rejected(first.number, first.name, problems)
    outcomes = [report.outcome for report in reports]
    outcome = next(each for each in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED) if each in outcomes)
    changes = dict.fromkeys(change for report in reports for change in report.changes)
    return RowReport(first.number, first.name, outcome, tuple(changes))


def write_evidence(request: Request, kind: Kind) -> JsonResponse:
    """Write a request's evidence and answer record by record. Raises ``ValidationError``, and ``Busy``."""
    token: Any = request.auth
    writing = EvidenceWriting(kind, token, clock.real_now())
    try:
        return answer(request, writing.write(request.data))
    except RacedError as error:
        raise Busy from error
