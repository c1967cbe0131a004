"""Scorecards, evaluations and policies."""

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from readiness import clock, evaluation
from readiness.api.documents import document
from readiness.api.filters.judgement import EvaluationFilter, PolicyFilter, ScorecardFilter
from readiness.api.serializers.judgement import (
    EvaluationRequestSerializer,
    EvaluationSerializer,
    ExplainedQuestion,
    PolicyDetailSerializer,
    PolicySerializer,
    ScorecardDocumentSerializer,
    ScorecardSerializer,
)
from readiness.api.views.base import ListViewSet
from readiness.models import Evaluation, EvaluationBatch, PolicyVersion, Scorecard
from readiness.models.scorecard import Kind
from readiness.nudging import nudge
from readiness.tasks import run_evaluation

NUMBER = r"[0-9]{1,18}"


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


class MayStartEvaluations(BasePermission):
    """Reading takes a log-in, starting the right to add evaluations, which SRE leads have."""

    message = "Starting an evaluation takes the right to add evaluations, which SRE leads have."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the one logged in may do this."""
        return request.method != "POST" or request.user.has_perm("readiness.add_evaluation")


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
    permission_classes = (IsAuthenticated, MayStartEvaluations)
    lookup_value_regex = NUMBER
    orderings = {"at": "at", "started_at": "started_at", "finished_at": "finished_at"}
    ordering = ("-started_at",)

    @extend_schema(request=EvaluationRequestSerializer, responses={202: EvaluationSerializer})
    def create(self, request: Request) -> Response:
        """Start an evaluation; the answer's Location tells how far it is."""
        asked = EvaluationRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        at = asked.validated_data.get("at")
        started = evaluation.request(
            at or clock.now(),
            asked.validated_data.get("services"),
            request.user.get_username(),
            # What is judged in hindsight neither proposes nor becomes the current score.
            kind=Kind.REPLAY if at else Kind.LIVE,
        )
        nudge(run_evaluation, started.pk)
        shown = self.get_serializer(self.get_queryset().get(pk=started.pk))
        location = reverse("evaluation-detail", args=[started.pk], request=request)
        return Response(shown.data, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


class PolicyViewSet(mixins.RetrieveModelMixin, ListViewSet[PolicyVersion]):
    """Policies, version by version."""

    queryset = PolicyVersion.objects.defer("text")
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
