"""Lists of evidence, one for each kind: read-only, filtered and searched, whatever their length."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    FieldTextFilter,
)

from readiness.admin.exclusions import Excludable
from readiness.admin.exports import Columns, evidence_columns, kind_of_list
from readiness.admin.filters import (
    BetweenFilter,
    CountsFilter,
    OpenFilter,
    SeverityFilter,
    UnresolvedFilter,
)
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.admin.sheets import EvidenceImports
from readiness.models import (
    Defect,
    Dependency,
    Deployment,
    Evidence,
    Incident,
    Observation,
    Page,
    PipelineRun,
    Shift,
    Signal,
    WorkItem,
)

WHOSE: tuple[Any, ...] = (("service", AutocompleteSelectFilter), ("source", FieldTextFilter), CountsFilter)


class EvidenceAdmin(EvidenceImports, Excludable, ReadOnlyAdmin):
    """What every kind's list has. Rows are found by id, and by title where they have one."""

    search_fields: tuple[str, ...] = ("external_id__startswith",)
    search_help_text = "The beginning of an id"
    list_display: tuple[str, ...] = ()
    list_select_related: tuple[str, ...] = ("service",)
    exclude = ("statements",)
    sortable_by: tuple[str, ...] = ()

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Whose row it is and what it says, then whether it counts and where it stands outside."""
        return ("service", *self.list_display, "counts", "source", "row")

    def exported(self) -> Columns:
        """As the kind's record names them."""
        return evidence_columns(kind_of_list(self.model), self.model)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Evidence]":
        """Without what only merging reads."""
        rows: QuerySet[Evidence] = super().get_queryset(request)
        return rows.defer("statements")

    @admin.display(description="hours")
    def disturbed(self, row: Incident | Page) -> SafeString | str:
        """Whether it was after hours, or at night, where the owner team is."""
        if row.night:
            return label("night", "bad")
        return label("after hours", "warn") if row.after_hours else "business hours"

    @admin.display(description="counts")
    def counts(self, row: Evidence) -> SafeString | str:
        """Whether judgement sees the row, or why not."""
        why = [word for word in ("drill", "withdrawn", "excluded") if getattr(row, word)]
        return label(", ".join(why), "warn", title="Kept and shown, not counted") if why else "yes"

    @admin.display(description="id")
    def row(self, row: Evidence) -> SafeString | str:
        """The id, as a link to the row's own page outside where the source gave one."""
        if not row.url or not row.url.startswith(("http://", "https://")):
            return row.external_id
        return format_html(
            '<a class="rd-link" href="{}" rel="noreferrer noopener">{} ↗</a>', row.url, row.external_id
        )


@admin.register(Deployment)
class DeploymentAdmin(EvidenceAdmin):
    """Versions and switches that reached an environment."""

    list_display = (
        "started_at",
        "environment",
        "outcome",
        "version",
        "commits",
        "remediation",
        "verification",
    )
    sortable_by = ("started_at",)
    list_filter = (
        *WHOSE,
        ("started_at", BetweenFilter),
        ("outcome", ChoicesDropdownFilter),
        ("verification", ChoicesDropdownFilter),
        ("environment", FieldTextFilter),
    )


@admin.register(Incident)
class IncidentAdmin(EvidenceAdmin):
    """Disturbances."""

    list_display = ("started_at", "severity", "title", "resolved_at", "cause", "disturbed")
    sortable_by = ("started_at",)
    search_fields = ("external_id__startswith", "title__icontains")
    search_help_text = "The beginning of an id, or words of a title"
    list_filter = (
        *WHOSE,
        ("started_at", BetweenFilter),
        SeverityFilter,
        UnresolvedFilter,
        ("cause", ChoicesDropdownFilter),
        ("after_hours", BooleanRadioFilter),
    )


@admin.register(Page)
class PageAdmin(EvidenceAdmin):
    """Calls of the pager."""

    list_display = ("paged_at", "responder", "responder_role", "alert", "actionable", "disturbed")
    sortable_by = ("paged_at",)
    list_filter = (
        *WHOSE,
        ("paged_at", BetweenFilter),
        ("responder_role", ChoicesDropdownFilter),
        ("after_hours", BooleanRadioFilter),
        ("night", BooleanRadioFilter),
        ("actionable", BooleanRadioFilter),
    )


@admin.register(Defect)
class DefectAdmin(EvidenceAdmin):
    """Faults."""

    list_display = ("opened_at", "severity", "title", "closed_at", "kind", "found_in", "reopened")
    sortable_by = ("opened_at",)
    search_fields = ("external_id__startswith", "title__icontains")
    search_help_text = "The beginning of an id, or words of a title"
    list_filter = (
        *WHOSE,
        ("opened_at", BetweenFilter),
        SeverityFilter,
        OpenFilter,
        ("kind", ChoicesDropdownFilter),
        ("found_in", ChoicesDropdownFilter),
    )


@admin.register(Signal)
class SignalAdmin(EvidenceAdmin):
    """Telemetry, as spans in which it was seen."""

    list_display = ("signal", "component", "environment", "name", "first_seen_at", "last_seen_at")
    ordering = ("-pk",)  # by time there is no index over the whole fleet
    list_filter = (*WHOSE, ("signal", ChoicesDropdownFilter), ("last_seen_at", BetweenFilter))


@admin.register(Dependency)
class DependencyAdmin(EvidenceAdmin):
    """Who needs whom."""

    list_display = ("on", "known", "type", "criticality", "first_seen_at", "last_seen_at")
    list_select_related = ("service", "target")
    ordering = ("-pk",)  # by name there is no index over the whole fleet
    search_fields = ("external_id__startswith", "on__startswith")
    search_help_text = "The beginning of an id, or of the name of what is needed"
    list_filter = (*WHOSE, ("type", ChoicesDropdownFilter), ("criticality", ChoicesDropdownFilter))

    @admin.display(description="in the catalogue")
    def known(self, row: Dependency) -> SafeString | str:
        """The service it means, unless the catalogue does not know it."""
        return str(row.target) if row.target else label("unknown", "unknown")


@admin.register(PipelineRun)
class PipelineRunAdmin(EvidenceAdmin):
    """Runs of build and test pipelines."""

    list_display = (
        "started_at",
        "pipeline",
        "branch",
        "outcome",
        "stage_failed",
        "tests_run",
        "tests_failed",
    )
    sortable_by = ("started_at",)
    list_filter = (
        *WHOSE,
        ("started_at", BetweenFilter),
        ("outcome", ChoicesDropdownFilter),
        ("branch", FieldTextFilter),
    )


@admin.register(Shift)
class ShiftAdmin(EvidenceAdmin):
    """Turns on call."""

    list_display = ("person", "role", "starts_at", "ends_at", "rotation")
    ordering = ("-pk",)  # by time there is no index over the whole fleet
    list_filter = (*WHOSE, ("starts_at", BetweenFilter), ("role", ChoicesDropdownFilter))


@admin.register(Observation)
class ObservationAdmin(EvidenceAdmin):
    """What people saw when they watched."""

    list_display = ("observed_at", "observed", "observer_role", "finding", "work_item_id")
    ordering = ("-pk",)  # by time there is no index over the whole fleet
    list_filter = (
        *WHOSE,
        ("observed_at", BetweenFilter),
        ("observed", ChoicesDropdownFilter),
        ("observer_role", ChoicesDropdownFilter),
    )


@admin.register(WorkItem)
class WorkItemAdmin(EvidenceAdmin):
    """Work on services."""

    list_display = ("opened_at", "category", "title", "closed_at", "effort_hours")
    sortable_by = ("opened_at",)
    search_fields = ("external_id__startswith", "title__icontains")
    search_help_text = "The beginning of an id, or words of a title"
    list_filter = (*WHOSE, ("opened_at", BetweenFilter), OpenFilter, ("category", ChoicesDropdownFilter))
