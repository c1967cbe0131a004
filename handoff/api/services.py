"""Services as machines write them: what the catalogue says, and the state in which a service was found."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http import JsonResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from handoff.api.acting import Acts
from handoff.api.consequences import NOT_ACCEPTED, ConsequencesSerializer, told
from handoff.api.standing import StandingQuestion, StandingSerializer, standing
from handoff.catalogue import Catalogue, Entry, ServiceRecord, consequences_of, write
from handoff.consequences import Foreseen
from readiness import clock
from readiness.api.permissions import MayWrite
from readiness.api.problems import MEDIA_TYPE
from readiness.api.records import record_schema
from readiness.api.schema import Written
from readiness.api.views import catalogue as readable
from readiness.api.writing import ANSWERS, answer, records_of
from readiness.evidence import Problem, Rejection
from readiness.ingest import Outcome, RowReport, rejected
from readiness.models import MachineToken, Service
from readiness.models.token import CATALOGUE
from readiness.turns import take_turn

UNACCEPTED = {
    (HTTPStatus.CONFLICT, MEDIA_TYPE): OpenApiResponse(
        ConsequencesSerializer, description="Something is open of the services, and nobody accepted its end."
    )
}


class ServiceViewSet(Acts, readable.ServiceViewSet):
    """Services, each with its current judgement; machine tokens write what the catalogue says of them."""

    schema = Written()
    permission_classes = (MayWrite,)
    kind = CATALOGUE

    def record_schema(self) -> dict[str, Any]:
        """What goes in."""
        return record_schema(ServiceRecord)

    @extend_schema(responses=ANSWERS | UNACCEPTED)
    def create(self, request: Request) -> JsonResponse:
        """Write one service, or a list of them; what is not stated stays. A live one gets its first state.

        What would end a case, review, waiver or consulting that is open, or leave it with another team, is
        not written until the record says `"accept_consequences": true`; `consequences` lists what that is.
        """
        token: Any = request.auth
        reports, unaccepted = _written(records_of(request.data), token)
        if not unaccepted:
            return answer(request, reports)
        more = {"consequences": [told(number, each) for number, each in unaccepted.items()]}
        return answer(request, reports, none_taken=HTTPStatus.CONFLICT, more=more)

    @extend_schema(parameters=[StandingQuestion], responses=StandingSerializer)
    @action(detail=True)
    def standing(self, request: Request, slug: str) -> Response:
        """Who ran it at a moment, since when, and by which decision."""
        question: Any = StandingQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        service = readable.named(Service.objects.all(), slug)
        asked = standing(service, question.validated_data.get("at") or clock.now())
        return Response(StandingSerializer(asked).data)


def _written(said: Sequence[Any], token: MachineToken) -> tuple[list[RowReport], dict[int, Foreseen]]:
    """What became of the records, and what was not accepted of which."""
    with transaction.atomic():
        take_turn()
        catalogue = Catalogue(make_missing=False)
        read = [(number, _checked(number, each, catalogue, token=token)) for number, each in enumerate(said)]
        entries = {
            number: catalogue.entry(record) for number, record in read if isinstance(record, ServiceRecord)
        }
        unaccepted = _unaccepted(read, entries)
        reports = [
            rejected(number, "", record.problems)
            if isinstance(record, Rejection)
            else rejected(number, record.slug, [Problem("accept_consequences", NOT_ACCEPTED)])
            if number in unaccepted
            else RowReport(
                number,
                record.slug,
                _outcome(catalogue, record.slug, changed=bool(entries[number].changes)),
                entries[number].changes,
            )
            for number, record in read
        ]
        changed = [entry for number, entry in entries.items() if entry.changes and number not in unaccepted]
        if changed:
            write(changed, actor=f"token {token.name}", reason="written over REST")
    return reports, unaccepted


def _unaccepted(
    read: Sequence[tuple[int, ServiceRecord | Rejection]], entries: Mapping[int, Entry]
) -> dict[int, Foreseen]:
    """What would come of the records that do not accept it, by number."""
    asked = {
        record.slug: number
        for number, record in read
        if isinstance(record, ServiceRecord) and entries[number].changes and not record.accept_consequences
    }
    found = consequences_of([entries[number] for number in asked.values()])
    return {asked[each.slug]: each for each in found}


def _checked(
    number: int, said: Any, catalogue: Catalogue, *, token: MachineToken
) -> ServiceRecord | Rejection:
    record = ServiceRecord.read(said)
    if isinstance(record, Rejection):
        return record
    problems = catalogue.problems(record, number)
    if not token.may_write_for(record.slug):
        reason = f"names {record.slug}, for which the token {token.name} may not write"
        problems = [Problem("slug", reason), *problems]
    return Rejection(tuple(problems)) if problems else record


def _outcome(catalogue: Catalogue, slug: str, *, changed: bool) -> Outcome:
    if not catalogue.knows(slug):
        return Outcome.CREATED
    return Outcome.UPDATED if changed else Outcome.UNCHANGED
