"""Lists of evidence and feeds, which machine tokens write."""

from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from readiness.api.filters import evidence as filters
from readiness.api.permissions import MayWrite
from readiness.api.records import evidence_schema
from readiness.api.schema import Written
from readiness.api.serializers import evidence as serializers
from readiness.api.views.base import ListViewSet
from readiness.api.writing import ANSWERS, write_evidence
from readiness.evidence import Kind
from readiness.models import (
    Defect,
    Dependency,
    Deployment,
    Evidence,
    Feed,
    Incident,
    Observation,
    Page,
    PipelineRun,
    Shift,
    Signal,
    WorkItem,
)

E = TypeVar("E", bound=Evidence)
M = TypeVar("M", bound=Model)

COMMON = {
    "service": "service__slug",
    "source": "source",
    "id": "external_id",
    "first_received_at": "first_received_at",
    "last_received_at": "last_received_at",
    "changed_at": "changed_at",
}
# Long columns of joined rows that no evidence list shows.
UNSHOWN = ("description", "components", "depends_on", "links")


def _rows(model: type[E]) -> QuerySet[E]:
    unshown = [f"service__{column}" for column in UNSHOWN]
    return model._default_manager.select_related("service").defer("statements", *unshown)  # noqa: SLF001 - the typed way to the manager of any model


class EvidenceViewSet(ListViewSet[M]):
    """A list of one kind, which machine tokens write."""

    schema = Written()
    permission_classes = (MayWrite,)
    kind: ClassVar[Kind]

    def record_schema(self) -> dict[str, Any]:
        """What goes in."""
        return evidence_schema(self.kind)

    @extend_schema(responses=ANSWERS)
    def create(self, request: Request) -> JsonResponse:
        """Write one record, or a list of them; each is answered. Safe to repeat."""
        return write_evidence(request, self.kind)


class DeploymentViewSet(EvidenceViewSet[Deployment]):
    """Deployments."""

    kind = Kind.DEPLOYMENT
    queryset = _rows(Deployment)
    serializer_class = serializers.DeploymentSerializer
    filterset_class = filters.DeploymentFilter
    orderings = {
        "started_at": "started_at",
        "finished_at": "finished_at",
        "environment": "environment",
        "outcome": "outcome",
        **COMMON,
    }
    ordering = ("-started_at",)


class IncidentViewSet(EvidenceViewSet[Incident]):
    """Incidents."""

    kind = Kind.INCIDENT
    queryset = _rows(Incident)
    serializer_class = serializers.IncidentSerializer
    filterset_class = filters.IncidentFilter
    orderings = {"started_at": "started_at", "resolved_at": "resolved_at", "severity": "severity", **COMMON}
    ordering = ("-started_at",)


class PageViewSet(EvidenceViewSet[Page]):
    """Pages."""

    kind = Kind.PAGE
    queryset = _rows(Page)
    serializer_class = serializers.PageSerializer
    filterset_class = filters.PageFilter
    orderings = {"paged_at": "paged_at", "acknowledged_at": "acknowledged_at", **COMMON}
    ordering = ("-paged_at",)


class DefectViewSet(EvidenceViewSet[Defect]):
    """Defects."""

    kind = Kind.DEFECT
    queryset = _rows(Defect)
    serializer_class = serializers.DefectSerializer
    filterset_class = filters.DefectFilter
    orderings = {"opened_at": "opened_at", "closed_at": "closed_at", "severity": "severity", **COMMON}
    ordering = ("-opened_at",)


class SignalViewSet(EvidenceViewSet[Signal]):
    """Signals."""

    kind = Kind.SIGNAL
    queryset = _rows(Signal)
    serializer_class = serializers.SignalSerializer
    filterset_class = filters.SignalFilter
    orderings = {
        "last_seen_at": "last_seen_at",
        "first_seen_at": "first_seen_at",
        "signal": "signal",
        "environment": "environment",
        **COMMON,
    }
    ordering = ("-last_seen_at",)


class DependencyViewSet(EvidenceViewSet[Dependency]):
    """Dependencies."""

    kind = Kind.DEPENDENCY
    queryset = (
        _rows(Dependency)
        .select_related("target")
        .defer("statements", *[f"target__{each}" for each in UNSHOWN])
    )
    serializer_class = serializers.DependencySerializer
    filterset_class = filters.DependencyFilter
    orderings = {
        "on": "on",
        "type": "type",
        "criticality": "criticality",
        "first_seen_at": "first_seen_at",
        "last_seen_at": "last_seen_at",
        **COMMON,
    }
    ordering = ("service", "on")


class PipelineRunViewSet(EvidenceViewSet[PipelineRun]):
    """Pipeline runs."""

    kind = Kind.PIPELINE_RUN
    queryset = _rows(PipelineRun)
    serializer_class = serializers.PipelineRunSerializer
    filterset_class = filters.PipelineRunFilter
    orderings = {
        "started_at": "started_at",
        "finished_at": "finished_at",
        "pipeline": "pipeline",
        "outcome": "outcome",
        **COMMON,
    }
    ordering = ("-started_at",)


class ShiftViewSet(EvidenceViewSet[Shift]):
    """Shifts."""

    kind = Kind.SHIFT
    queryset = _rows(Shift)
    serializer_class = serializers.ShiftSerializer
    filterset_class = filters.ShiftFilter
    orderings = {"starts_at": "starts_at", "ends_at": "ends_at", "person": "person", "role": "role", **COMMON}
    ordering = ("-starts_at",)


class ObservationViewSet(EvidenceViewSet[Observation]):
    """Observations."""

    kind = Kind.OBSERVATION
    queryset = _rows(Observation)
    serializer_class = serializers.ObservationSerializer
    filterset_class = filters.ObservationFilter
    orderings = {"observed_at": "observed_at", "observer_role": "observer_role", **COMMON}
    ordering = ("-observed_at",)


class WorkItemViewSet(EvidenceViewSet[WorkItem]):
    """Work items."""

    kind = Kind.WORK_ITEM
    queryset = _rows(WorkItem)
    serializer_class = serializers.WorkItemSerializer
    filterset_class = filters.WorkItemFilter
    orderings = {
        "opened_at": "opened_at",
        "closed_at": "closed_at",
        "category": "category",
        "effort_hours": "effort_hours",
        **COMMON,
    }
    ordering = ("-opened_at",)


class FeedViewSet(EvidenceViewSet[Feed]):
    """Feeds: the spans in which a source was heard, or is declared to have been."""

    kind = Kind.FEED
    queryset = Feed.objects.select_related("service").defer(*[f"service__{column}" for column in UNSHOWN])
    serializer_class = serializers.FeedSerializer
    filterset_class = filters.FeedFilter
    orderings = {
        "service": "service__slug",
        "kind": "kind",
        "source": "source",
        "since": "since",
        "last_seen_at": "last_seen_at",
        "changed_at": "changed_at",
    }
    ordering = ("service", "kind", "since")
