"""Scorecards, evaluations and policies."""

from http import HTTPStatus

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from readiness import clock, evaluation, governing, rights
from readiness.api.documents import document
from readiness.api.filters.judgement import EvaluationFilter, PolicyFilter, ScorecardFilter
from readiness.api.permissions import MayEvaluate
from readiness.api.problems import MEDIA_TYPE, Conflict, ProblemSerializer
from readiness.api.serializers.judgement import (
    DiffQuestion,
    EvaluationRequestSerializer,
    EvaluationSerializer,
    ExplainedQuestion,
    PolicyDetailSerializer,
    PolicyDiffSerializer,
    PolicySerializer,
    ScorecardDocumentSerializer,
    ScorecardSerializer,
)
from readiness.api.views.base import ListViewSet
from readiness.comparing import differences
from readiness.models import Evaluation, EvaluationBatch, PolicyVersion, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.nudging import nudge
from readiness.policy_schema import policy_schema
from readiness.tasks import run_evaluation

NUMBER = r"[0-9]{1,18}"
UNREADABLE = {
    (HTTPStatus.CONFLICT, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, description="Another release stored a version that this one cannot read."
    )
}


class ScorecardViewSet(ListViewSet[Scorecard]):
    """Scorecards: every judgement that was written, live and replayed."""

    queryset = Scorecard.objects.select_related("service", "policy").defer("numbers", "policy__text")
    serializer_class = ScorecardSerializer
    filterset_class = ScorecardFilter
    lookup_value_regex = NUMBER
    orderings = {
        "at": "at",
        "judged_at": "created_at",
        "service": "service__slug",
        "score": "score",
        "possible": "possible",
        "evidence": "evidence",
    }
    ordering = ("-at",)

    @extend_schema(parameters=[ExplainedQuestion], responses=ScorecardDocumentSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One scorecard, whole."""
        question = ExplainedQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        return Response(document(self.get_object(), explain=question.validated_data["explain"]))

    def get_queryset(self) -> QuerySet[Scorecard]:
        """Only one scorecard alone needs its numbers and its policy's text."""
        rows = super().get_queryset()
        return rows.defer(None).select_related("service", "policy", "evaluation") if self.detail else rows


def _batches(**conditions: bool) -> Coalesce:
    """How many batches an evaluation has; counted for the rows of a page, not for all."""
    counted = EvaluationBatch.objects.filter(evaluation=OuterRef("pk"), **conditions).order_by()
    number = counted.values("evaluation").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


class EvaluationViewSet(mixins.RetrieveModelMixin, ListViewSet[Evaluation]):
    """Evaluations, and how far they are."""

    queryset = (
        Evaluation.objects.select_related("policy")
        .defer("cycles", "policy__text")
        .annotate(batches_all=_batches(), batches_done=_batches(done=True))
    )
    serializer_class = EvaluationSerializer
    filterset_class = EvaluationFilter
    permission_classes = (MayEvaluate,)
    lookup_value_regex = NUMBER
    orderings = {"at": "at", "started_at": "started_at", "finished_at": "finished_at"}
    ordering = ("-started_at",)

    @extend_schema(request=EvaluationRequestSerializer, responses={202: EvaluationSerializer})
    def create(self, request: Request) -> Response:
        """Start an evaluation; the answer's Location tells how far it is."""
        asked = EvaluationRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        at, services = asked.validated_data.get("at"), asked.validated_data.get("services")
        _refuse_what_is_not_theirs(request, services)
        started = evaluation.request(
            at or clock.now(),
            services,
            request.user.get_username(),
            # What is judged in hindsight neither proposes nor becomes the current score.
            kind=Kind.REPLAY if at else Kind.LIVE,
        )
        nudge(run_evaluation, started.pk)
        shown = self.get_serializer(self.get_queryset().get(pk=started.pk))
        location = reverse("evaluation-detail", args=[started.pk], request=request)
        return Response(shown.data, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


def _refuse_what_is_not_theirs(request: Request, services: list[int] | None) -> None:
    """Raises ``PermissionDenied`` with the services that the one logged in may not evaluate."""
    if services is None:
        if not request.user.has_perm(rights.EVALUATE):
            raise PermissionDenied(
                "Evaluating the fleet takes the right to add evaluations, which SRE leads have. "
                "Name services of your own teams instead."
            )
        return
    rows = Service.objects.filter(pk__in=services).only("pk", "slug", "owner", "ops_team")
    if others := rights.refused(request.user, rights.EVALUATE, rows):
        slugs = ", ".join(sorted(service.slug for service in others))
        raise PermissionDenied(f"Your teams neither own nor run {slugs}.")


def _refuse_unreadable(*versions: PolicyVersion) -> None:
    """Raises ``Conflict`` for a version that another release stored and this one cannot read."""
    for version in versions:
        if refused := governing.unreadable(version):
            raise Conflict(refused)


class PolicyViewSet(ListViewSet[PolicyVersion]):
    """Policies, version by version."""

    queryset = PolicyVersion.objects.with_state().prefetch_related("activations").defer("text")
    serializer_class = PolicySerializer
    filterset_class = PolicyFilter
    lookup_value_regex = NUMBER
    orderings = {"name": "name", "version": "version", "created_at": "created_at"}
    ordering = ("name", "-version")

    def get_serializer_class(self) -> type[serializers.ModelSerializer[PolicyVersion]]:
        """One version alone shows its rubric, too."""
        return PolicyDetailSerializer if self.action == "retrieve" else PolicySerializer

    def get_queryset(self) -> QuerySet[PolicyVersion]:
        """One version alone needs its text."""
        rows = super().get_queryset()
        return rows.defer(None) if self.detail else rows

    @extend_schema(responses={200: PolicyDetailSerializer, **UNREADABLE})
    def retrieve(self, request: Request, pk: str) -> Response:
        """One version, with its text and what that says."""
        version = self.get_object()
        _refuse_unreadable(version)
        return Response(self.get_serializer(version).data)

    @extend_schema(parameters=[DiffQuestion], responses={200: PolicyDiffSerializer, **UNREADABLE})
    @action(detail=True)
    def diff(self, request: Request, pk: str) -> Response:
        """What differs from the version in force, or another one."""
        question = DiffQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        new = self.get_object()
        old = question.validated_data.get("against") or evaluation.in_force()
        _refuse_unreadable(old, new)
        changes = differences(evaluation.parsed(old), evaluation.parsed(new))
        return Response(PolicyDiffSerializer({"old": old, "new": new, "changes": changes}).data)

    @extend_schema(filters=False, responses={200: OpenApiTypes.OBJECT})
    @action(detail=False, pagination_class=None, url_path="schema")
    def file_schema(self, request: Request) -> Response:
        """The JSON Schema of a policy file."""
        return Response(policy_schema())
