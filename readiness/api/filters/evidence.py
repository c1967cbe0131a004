"""Filters of the evidence kinds and of feeds."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from readiness.api.filters.base import ChoicesFilter, FlagFilter, TimedFilter, service_filter, team_filter
from readiness.api.moments import MomentFilter
from readiness.models import Feed
from readiness.models.evidence import (
    CATEGORIES,
    CAUSES,
    CRITICALITIES,
    DEFECT_KINDS,
    DEPENDENCY_TYPES,
    DETECTORS,
    FOUND_IN,
    KINDS,
    OBSERVED,
    OUTCOMES,
    REMEDIES,
    ROLES,
    ROLLOUTS,
    RUN_OUTCOMES,
    SIGNALS,
    VERIFICATIONS,
)

NO_END = "No end is known."
INCIDENT_SEVERITIES = [(severity, str(severity)) for severity in range(1, 6)]
DEFECT_SEVERITIES = [(severity, str(severity)) for severity in range(1, 5)]


class EvidenceFilter(TimedFilter):
    """What every kind of evidence can be filtered by."""

    service = service_filter()
    team = team_filter("service__owner", "Slug of the service's owner team.")
    source = django_filters.CharFilter(help_text="The reporting system's name.")
    id = django_filters.CharFilter(field_name="external_id", help_text="The source's id.")
    drill = FlagFilter(help_text="An exercise.")
    withdrawn = FlagFilter(help_text="Deleted by its source.")
    excluded = FlagFilter(help_text="Taken out of judgement by a person.")
    counted = FlagFilter(method="count", help_text="No drill, not withdrawn, not excluded.")
    changed_from = MomentFilter(
        field_name="changed_at", lookup_expr="gte", help_text="A value changed at or after this moment."
    )
    changed_to = MomentFilter(
        field_name="changed_at", lookup_expr="lte", help_text="No value changed after this moment."
    )

    def count(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Rows that count, or those that do not."""
        counts = Q(drill=False, withdrawn=False, excluded=False)
        return rows.filter(counts if value else ~counts)


class DeploymentFilter(EvidenceFilter):
    """Deployments."""

    begins = ends = "started_at"
    searched = ("external_id", "version", "commit")

    environment = django_filters.CharFilter()
    outcome = ChoicesFilter(OUTCOMES)
    version = django_filters.CharFilter()
    commit = django_filters.CharFilter()
    automated = FlagFilter()
    remediates = django_filters.CharFilter(
        field_name="remediates_id", help_text="Id of the deployment it mends."
    )
    remediation = ChoicesFilter(REMEDIES)
    rollout = ChoicesFilter(ROLLOUTS)
    verification = ChoicesFilter(VERIFICATIONS)


class IncidentFilter(EvidenceFilter):
    """Incidents."""

    begins = ends = "started_at"
    searched = ("external_id", "title")

    severity = ChoicesFilter(INCIDENT_SEVERITIES)
    open = FlagFilter(field_name="resolved_at", lookup_expr="isnull", help_text=NO_END)
    reviewed = FlagFilter(field_name="reviewed_at", lookup_expr="isnull", exclude=True)
    detected_by = ChoicesFilter(DETECTORS)
    cause = ChoicesFilter(CAUSES)
    caused_by = django_filters.CharFilter(field_name="caused_by_id", help_text="Id of a deployment.")
    after_hours = FlagFilter()
    night = FlagFilter()


class PageFilter(EvidenceFilter):
    """Pages."""

    begins = ends = "paged_at"
    searched = ("external_id", "alert")

    acknowledged = FlagFilter(field_name="acknowledged_at", lookup_expr="isnull", exclude=True)
    incident = django_filters.CharFilter(field_name="incident_id", help_text="Id of an incident.")
    responder = django_filters.CharFilter()
    responder_role = ChoicesFilter(ROLES)
    actionable = FlagFilter()
    after_hours = FlagFilter()
    night = FlagFilter()


class DefectFilter(EvidenceFilter):
    """Defects."""

    begins = ends = "opened_at"
    searched = ("external_id", "title")

    severity = ChoicesFilter(DEFECT_SEVERITIES)
    open = FlagFilter(field_name="closed_at", lookup_expr="isnull", help_text=NO_END)
    found_in = ChoicesFilter(FOUND_IN)
    kind = ChoicesFilter(DEFECT_KINDS)


class SignalFilter(EvidenceFilter):
    """Signals."""

    begins, ends = "first_seen_at", "last_seen_at"
    searched = ("external_id", "name", "component")

    signal = ChoicesFilter(SIGNALS)
    environment = django_filters.CharFilter(
        help_text="Rows without one are of production.", method="of_environment"
    )
    component = django_filters.CharFilter()

    def of_environment(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """A row without an environment is of production (SCORING.md, telemetry)."""
        found = Q(environment=value)
        return rows.filter(found | Q(environment__isnull=True) if value == "production" else found)


class DependencyFilter(EvidenceFilter):
    """Dependencies."""

    begins, ends = "first_seen_at", "last_seen_at"
    searched = ("external_id", "on")

    on = django_filters.CharFilter(help_text="The name of what it needs, as it was reported.")
    target = service_filter("target")
    known = FlagFilter(
        field_name="target",
        lookup_expr="isnull",
        exclude=True,
        help_text="The catalogue knows what it needs.",
    )
    type = ChoicesFilter(DEPENDENCY_TYPES)
    criticality = ChoicesFilter(CRITICALITIES)


class PipelineRunFilter(EvidenceFilter):
    """Pipeline runs."""

    begins = ends = "started_at"
    searched = ("external_id", "pipeline", "branch")

    pipeline = django_filters.CharFilter()
    branch = django_filters.CharFilter()
    outcome = ChoicesFilter(RUN_OUTCOMES)
    stage_failed = django_filters.CharFilter()


class ShiftFilter(EvidenceFilter):
    """Shifts."""

    begins, ends = "starts_at", "ends_at"
    searched = ("external_id", "person", "rotation")

    person = django_filters.CharFilter()
    role = ChoicesFilter(ROLES)
    rotation = django_filters.CharFilter()


class ObservationFilter(EvidenceFilter):
    """Observations."""

    begins = ends = "observed_at"
    searched = ("external_id", "finding")

    observer_role = ChoicesFilter(ROLES)
    observed = ChoicesFilter(OBSERVED)
    work_item = django_filters.CharFilter(field_name="work_item_id", help_text="Id of a work item.")


class WorkItemFilter(EvidenceFilter):
    """Work items."""

    begins = ends = "opened_at"
    searched = ("external_id", "title")

    category = ChoicesFilter(CATEGORIES)
    open = FlagFilter(field_name="closed_at", lookup_expr="isnull", help_text=NO_END)
    incident = django_filters.CharFilter(field_name="incident_id", help_text="Id of an incident.")


class FeedFilter(TimedFilter):
    """Feeds."""

    begins, ends = "since", "last_seen_at"
    searched = ("source", "reason")

    service = service_filter()
    team = team_filter("service__owner", "Slug of the service's owner team.")
    source = django_filters.CharFilter(help_text="The reporting system's name.")
    kind = ChoicesFilter(KINDS)
    origin = ChoicesFilter(Feed.ORIGINS)
    reports_failures = FlagFilter()
