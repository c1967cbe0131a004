"""Services as machines write them: what the catalogue says, and the state in which a service was found."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from handoff.api.standing import StandingQuestion, StandingSerializer, standing
from handoff.catalogue import Catalogue, ServiceRecord, write
from readiness import clock
from readiness.api.permissions import MayWrite
from readiness.api.records import record_schema
from readiness.api.schema import Written
from readiness.api.views import catalogue as readable
from readiness.api.writing import ANSWERS, answer, records_of
from readiness.evidence import Problem, Rejection
from readiness.ingest import Outcome, RowReport, rejected
from readiness.models import MachineToken, Service
from readiness.models.token import CATALOGUE
from readiness.turns import take_turn


class ServiceViewSet(readable.ServiceViewSet):
    """Services, each with its current judgement; machine tokens write what the catalogue says of them."""

    schema = Written()
    permission_classes = (MayWrite,)
    kind = CATALOGUE

    def record_schema(self) -> dict[str, Any]:
        """What goes in."""
        return record_schema(ServiceRecord)

    @extend_schema(responses=ANSWERS)
    def create(self, request: Request) -> JsonResponse:
        """Write one service, or a list of them; what is not stated stays. A live one gets its first state."""
        token: Any = request.auth
        return answer(request, _written(records_of(request.data), token))

    @extend_schema(parameters=[StandingQuestion], responses=StandingSerializer)
    @action(detail=True)
    def standing(self, request: Request, slug: str) -> Response:
        """Who ran it at a moment, since when, and by which decision."""
        question: Any = StandingQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        service = readable.named(Service.objects.all(), slug)
        asked = standing(service, question.validated_data.get("at") or clock.now())
        return Response(StandingSerializer(asked).data)


def _written(said: Sequence[Any], token: MachineToken) -> list[RowReport]:
    with transaction.atomic():
        take_turn()
        catalogue = Catalogue(make_missing=False)
        read = [(number, _checked(number, each, catalogue, token=token)) for number, each in enumerate(said)]
        entries = {
            number: catalogue.entry(record) for number, record in read if isinstance(record, ServiceRecord)
        }
        reports = [
            rejected(number, "", record.problems)
            if isinstance(record, Rejection)
            else RowReport(
                number,
                record.slug,
                _outcome(catalogue, record.slug, changed=bool(entries[number].changes)),
                entries[number].changes,
            )
            for number, record in read
        ]
        changed = [entry for entry in entries.values() if entry.changes]
        if changed:
            write(changed, actor=f"token {token.name}", reason="written over REST")
    return reports


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
