"""Teams, systems, and services with their scorecard and history."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from readiness import reading
from readiness.api.documents import document
from readiness.api.filters.catalogue import ServiceFilter, SystemFilter, TeamFilter
from readiness.api.histories import history
from readiness.api.serializers.catalogue import ServiceSerializer, SystemSerializer, TeamSerializer
from readiness.api.serializers.judgement import (
    HistoryQuestion,
    HistorySerializer,
    ScorecardDocumentSerializer,
    ScorecardQuestion,
)
from readiness.api.views.base import ListViewSet
from readiness.models import Service, System, Team

# Aliases may have dots in them; a null character is nothing a database can look for.
NAME = r"[^/\x00]+"


class TeamViewSet(mixins.RetrieveModelMixin, ListViewSet[Team]):
    """Teams. Who is in them is personal data and stays out."""

    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    filterset_class = TeamFilter
    lookup_field = "slug"
    lookup_value_regex = NAME
    orderings = {"slug": "slug", "title": "title"}
    ordering = ("slug",)


class SystemViewSet(mixins.RetrieveModelMixin, ListViewSet[System]):
    """Systems."""

    queryset = System.objects.select_related("owner")
    serializer_class = SystemSerializer
    filterset_class = SystemFilter
    lookup_field = "slug"
    lookup_value_regex = NAME
    orderings = {"slug": "slug", "title": "title", "owner": "owner__slug"}
    ordering = ("slug",)


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
        return _named(self.get_queryset(), self.kwargs["slug"])

    @extend_schema(parameters=[ScorecardQuestion], responses=ScorecardDocumentSerializer)
    @action(detail=True)
    def scorecard(self, request: Request, slug: str) -> Response:
        """The current scorecard, or the newest one at or before a moment."""
        question = ScorecardQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        scorecard = reading.latest(
            _named(Service.objects.all(), slug), at=asked.get("at"), kind=asked.get("kind")
        )
        if scorecard is None:
            raise NotFound(f"{slug} has no such scorecard: it was not judged then.")
        return Response(document(scorecard, explain=asked["explain"]))

    @extend_schema(parameters=[HistoryQuestion], responses=HistorySerializer)
    @action(detail=True)
    def history(self, request: Request, slug: str) -> Response:
        """Scores over time, for plots."""
        question: Any = HistoryQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        service = _named(Service.objects.all(), slug)
        return Response(
            history(service, since=asked.get("from"), until=asked.get("to"), kind=asked.get("kind"))
        )


def _named(services: QuerySet[Service], name: str) -> Service:
    """Raises ``NotFound``."""
    found = list(services.filter(pk__in=Service.objects.named(name).values("pk")))
    if not found:
        raise NotFound(f"There is no service with the slug or alias {name}.")
    return next((service for service in found if service.slug == name), found[0])
