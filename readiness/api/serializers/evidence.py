"""Evidence rows in the shape of their records (DESIGN.md section 4), with what we know beside it."""

from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

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
    Service,
    Shift,
    Signal,
    WorkItem,
)

E = TypeVar("E", bound=Evidence)

NAMED = ("service", "source", "id", "url")
FLAGS = ("drill", "withdrawn", "excluded", "first_received_at", "last_received_at", "changed_at")


class ReferenceSerializer(serializers.Serializer[dict[str, str]]):
    """Another row, by the source that reported it and its id there."""

    # Named as in the record; REST framework keeps where a value comes from under the same name.
    source = serializers.CharField()  # type: ignore[assignment]
    id = serializers.CharField()


@extend_schema_field(ReferenceSerializer(allow_null=True))
class ReferenceField(serializers.Field[Any, Any, dict[str, str], Any]):
    """A reference, kept in two columns named after it; null where the row names nothing."""

    def __init__(self) -> None:
        super().__init__(source="*", read_only=True)

    def to_representation(self, value: Any) -> dict[str, str] | None:  # type: ignore[override]  # the stubs know no null
        """From the row to what it names."""
        external_id = getattr(value, f"{self.field_name}_id")
        if external_id is None:
            return None
        return {"source": getattr(value, f"{self.field_name}_source"), "id": external_id}


class EvidenceSerializer(serializers.ModelSerializer[E]):
    """What all kinds share."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    id = serializers.CharField(source="external_id", read_only=True)


class DeploymentSerializer(EvidenceSerializer[Deployment]):
    """A deployment."""

    remediates = ReferenceField()

    class Meta:
        model = Deployment
        fields = (
            *NAMED,
            "environment",
            "started_at",
            "finished_at",
            "outcome",
            "version",
            "commit",
            "commits",
            "lines_changed",
            "first_commit_at",
            "automated",
            "remediates",
            "remediation",
            "rollout",
            "verified_at",
            "verification",
            *FLAGS,
        )
        read_only_fields = fields


class IncidentSerializer(EvidenceSerializer[Incident]):
    """An incident."""

    caused_by = ReferenceField()

    class Meta:
        model = Incident
        fields = (
            *NAMED,
            "severity",
            "title",
            "started_at",
            "detected_at",
            "acknowledged_at",
            "resolved_at",
            "detected_by",
            "cause",
            "caused_by",
            "reviewed_at",
            "review_url",
            "after_hours",
            "night",
            *FLAGS,
        )
        read_only_fields = fields


class PageSerializer(EvidenceSerializer[Page]):
    """A page."""

    incident = ReferenceField()

    class Meta:
        model = Page
        fields = (
            *NAMED,
            "paged_at",
            "acknowledged_at",
            "incident",
            "responder",
            "responder_role",
            "alert",
            "actionable",
            "after_hours",
            "night",
            *FLAGS,
        )
        read_only_fields = fields


class DefectSerializer(EvidenceSerializer[Defect]):
    """A defect."""

    class Meta:
        model = Defect
        fields = (
            *NAMED,
            "severity",
            "title",
            "opened_at",
            "closed_at",
            "reopened",
            "found_in",
            "kind",
            *FLAGS,
        )
        read_only_fields = fields


class SignalSerializer(EvidenceSerializer[Signal]):
    """A signal."""

    class Meta:
        model = Signal
        fields = (
            *NAMED,
            "component",
            "signal",
            "environment",
            "first_seen_at",
            "last_seen_at",
            "query",
            "name",
            *FLAGS,
        )
        read_only_fields = fields


class DependencySerializer(EvidenceSerializer[Dependency]):
    """A dependency; ``target`` is the service that ``on`` names, null while the catalogue knows none."""

    target = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True, allow_null=True)

    class Meta:
        model = Dependency
        fields = (
            *NAMED,
            "on",
            "target",
            "type",
            "criticality",
            "first_seen_at",
            "last_seen_at",
            *FLAGS,
        )
        read_only_fields = fields


class PipelineRunSerializer(EvidenceSerializer[PipelineRun]):
    """A pipeline run."""

    class Meta:
        model = PipelineRun
        fields = (
            *NAMED,
            "pipeline",
            "branch",
            "started_at",
            "finished_at",
            "outcome",
            "stage_failed",
            "tests_run",
            "tests_failed",
            "responders",
            *FLAGS,
        )
        read_only_fields = fields


class ShiftSerializer(EvidenceSerializer[Shift]):
    """A shift."""

    class Meta:
        model = Shift
        fields = (*NAMED, "person", "role", "starts_at", "ends_at", "rotation", *FLAGS)
        read_only_fields = fields


class ObservationSerializer(EvidenceSerializer[Observation]):
    """An observation."""

    work_item = ReferenceField()

    class Meta:
        model = Observation
        fields = (*NAMED, "observer_role", "observed", "observed_at", "finding", "work_item", *FLAGS)
        read_only_fields = fields


class WorkItemSerializer(EvidenceSerializer[WorkItem]):
    """A work item."""

    incident = ReferenceField()

    class Meta:
        model = WorkItem
        fields = (
            *NAMED,
            "incident",
            "category",
            "title",
            "opened_at",
            "closed_at",
            "effort_hours",
            *FLAGS,
        )
        read_only_fields = fields


class FeedSerializer(serializers.ModelSerializer[Feed]):
    """A feed's span for one service; a declared one says who vouches for it and why."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)

    class Meta:
        model = Feed
        fields = (
            "service",
            "source",
            "kind",
            "since",
            "last_seen_at",
            "reports_failures",
            "url",
            "origin",
            "declared_by",
            "reason",
            "first_received_at",
            "last_received_at",
            "changed_at",
        )
        read_only_fields = fields
