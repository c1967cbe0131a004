"""Teams, systems, and services with their scorecard and history."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import JsonResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from readiness import reading
from readiness.api.catalogue_records import SystemRecord, TeamRecord
from readiness.api.catalogue_writing import write_systems, write_teams
from readiness.api.changes import changes
from readiness.api.documents import document
from readiness.api.filters.catalogue import ServiceFilter, SystemFilter, TeamFilter
from readiness.api.histories import history
from readiness.api.permissions import MayAsk, MayWrite
from readiness.api.problems import MEDIA_TYPE, Conflict, ProblemSerializer
from readiness.api.records import record_schema
from readiness.api.schema import Written
from readiness.api.serializers.catalogue import ServiceSerializer, SystemSerializer, TeamSerializer
from readiness.api.serializers.changes import ChangesQuestion, ChangesSerializer
from readiness.api.serializers.gate import GateQuestion, GateSerializer
from readiness.api.serializers.judgement import (
    HistoryQuestion,
    HistorySerializer,
    ScorecardDocumentSerializer,
    ScorecardQuestion,
)
from readiness.api.views.base import ListViewSet
from readiness.api.writing import ANSWERS
from readiness.gate import DoesNotApplyError, ask
from readiness.models import Service, System, Team
from readiness.models.token import CATALOGUE

# Aliases may have dots in them; a null character is nothing a database can look for.
NAME = r"[^/\x00]+"
CONFLICT = {
    (HTTPStatus.CONFLICT, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, description="The question does not apply to the state the service is in."
    )
}


class TeamViewSet(mixins.RetrieveModelMixin, ListViewSet[Team]):
    """Teams. Who is in them is personal data and stays out."""

    schema = Written()
    permission_classes = (MayWrite,)
    kind = CATALOGUE
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    filterset_class = TeamFilter
    lookup_field = "slug"
    lookup_value_regex = NAME
    orderings = {"slug": "slug", "title": "title"}
    ordering = ("slug",)

    def record_schema(self) -> dict[str, Any]:
        """What goes in."""
        return record_schema(TeamRecord)

    @extend_schema(responses=ANSWERS)
    def create(self, request: Request) -> JsonResponse:
        """Write one team, or a list of them; what is not stated stays."""
        return write_teams(request)


class SystemViewSet(mixins.RetrieveModelMixin, ListViewSet[System]):
    """Systems."""

    schema = Written()
    permission_classes = (MayWrite,)
    kind = CATALOGUE
    queryset = System.objects.select_related("owner")
    serializer_class = SystemSerializer
    filterset_class = SystemFilter
    lookup_field = "slug"
    lookup_value_regex = NAME
    orderings = {"slug": "slug", "title": "title", "owner": "owner__slug"}
    ordering = ("slug",)

    def record_schema(self) -> dict[str, Any]:
        """What goes in."""
        return record_schema(SystemRecord)

    @extend_schema(responses=ANSWERS)
    def create(self, request: Request) -> JsonResponse:
        """Write one system, or a list of them; what is not stated stays."""
        return write_systems(request)


class ServiceViewSet(mixins.RetrieveModelMixin, ListViewSet[Service]):
    """Services, each with its current judgement."""

    queryset = Service.objects.select_related("owner", "ops_team", "system", "current").prefetch_related(
        "aliases"
    )
    serializer_class = ServiceSerializer
    filterset_class = ServiceFilter
    lookup_field = "slug"
    lookup_value_regex = NAME
    orderings = {
        "slug": "slug",
        "title": "title",
        "tier": "tier",
        "lifecycle": "lifecycle",
        "team": "owner__slug",
        "launched_on": "launched_on",
        "verdict": "current__verdict",
        "score": "current__score",
        "possible": "current__possible",
        "evidence": "current__evidence",
        "level": "current__level",
        "state": "current__management_state",
        "blockers": "current__blockers",
        "trend": "current__trend",
        "at": "current__at",
    }
    ordering = ("slug",)

    def get_object(self) -> Service:
        """By slug or alias; a slug wins over another service's alias."""
        return named(self.get_queryset(), self.kwargs["slug"])

    @extend_schema(parameters=[ScorecardQuestion], responses=ScorecardDocumentSerializer)
    @action(detail=True)
    def scorecard(self, request: Request, slug: str) -> Response:
        """The current scorecard, or the newest one at or before a moment."""
        question = ScorecardQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        scorecard = reading.latest(
            named(Service.objects.all(), slug), at=asked.get("at"), kind=asked.get("kind")
        )
        if scorecard is None:
            raise NotFound(f"{slug} has no such scorecard: it was not judged then.")
        return Response(document(scorecard, explain=asked["explain"]))

    @extend_schema(parameters=[GateQuestion], responses={200: GateSerializer, **CONFLICT})
    @action(detail=True, permission_classes=(MayAsk,))
    def gate(self, request: Request, slug: str) -> Response:
        """Ready, not ready, or cannot tell, as `manage.py gate` says it from the newest live scorecard."""
        question: Any = GateQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        service = named(Service.objects.all(), slug)
        self.check_object_permissions(request, service)
        try:
            answer = ask(
                service, asked["for"], max_age=asked.get("max_age"), remediates=asked.get("remediates")
            )
        except DoesNotApplyError as error:
            raise Conflict(str(error)) from error
        return Response(answer.document())

    @extend_schema(parameters=[ChangesQuestion], responses=ChangesSerializer)
    @action(detail=True)
    def changes(self, request: Request, slug: str) -> Response:
        """What changed between two scorecards, and why."""
        question: Any = ChangesQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        service = named(Service.objects.all(), slug)
        return Response(changes(service, since=asked.get("from"), until=asked.get("to")))

    @extend_schema(parameters=[HistoryQuestion], responses=HistorySerializer)
    @action(detail=True)
    def history(self, request: Request, slug: str) -> Response:
        """Scores over time, for plots."""
        question: Any = HistoryQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        service = named(Service.objects.all(), slug)
        return Response(
            history(service, since=asked.get("from"), until=asked.get("to"), kind=asked.get("kind"))
        )


def named(services: QuerySet[Service], name: str) -> Service:
    """Raises ``NotFound``."""
    found = list(services.filter(pk__in=Service.objects.named(name).values("pk")))
    if not found:
        raise NotFound(f"There is no service with the slug or alias {name}.")
    return next((service for service in found if service.slug == name), found[0])
