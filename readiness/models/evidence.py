"""Evidence: facts from outside, one row each, with source, id and link, named as in the records."""

from collections.abc import Iterable
from enum import StrEnum

from django.db import models
from django.db.models import F, Q

from readiness import evidence
from readiness.models.catalogue import Service

Choices = list[tuple[str, str]]


def _choices(words: Iterable[StrEnum]) -> Choices:
    return [(word.value, word.value.replace("_", " ")) for word in words]


def _not_before(earlier: str, later: str, *, name: str) -> models.CheckConstraint:
    """``later`` is unknown or not before ``earlier``."""
    return models.CheckConstraint(
        condition=Q(**{f"{later}__isnull": True})
        | Q(**{f"{earlier}__isnull": True})
        | Q(**{f"{later}__gte": F(earlier)}),
        name=name,
    )


def _one_of(field: str, choices: Choices, *, name: str) -> models.CheckConstraint:
    """``field`` is unknown or one of its choices."""
    values = [value for value, _ in choices]
    return models.CheckConstraint(
        condition=Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__in": values}), name=name
    )


class Evidence(models.Model):
    """What every evidence row has. A row counts when it is no drill, not withdrawn and not excluded."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="%(class)ss", db_index=False)
    source = models.CharField(max_length=200)
    external_id = models.CharField("id", max_length=200)
    url = models.URLField(max_length=1000, null=True, blank=True)
    drill = models.BooleanField(default=False)
    withdrawn = models.BooleanField(default=False)
    excluded = models.BooleanField(
        default=False, help_text="Taken out of judgement by a person, with a reason."
    )
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When a statement last changed a value of this row.")
    stated_at = models.DateTimeField(help_text="The moment of the newest statement.")
    statements = models.JSONField(
        null=True,
        blank=True,
        help_text="Moments of the fields that other statements than the newest speak for.",
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


def _identity(kind: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["source", "external_id"], name=f"{kind}_source_id_unique")


OUTCOMES = _choices(evidence.Outcome)
REMEDIES = _choices(evidence.Remediation)
ROLLOUTS = _choices(evidence.Rollout)
VERIFICATIONS = _choices(evidence.Verification)
DETECTORS = _choices(evidence.Detection)
CAUSES = _choices(evidence.Cause)
ROLES = _choices(evidence.Role)
FOUND_IN = _choices(evidence.FoundIn)
DEFECT_KINDS = _choices(evidence.DefectKind)
SIGNALS = _choices(evidence.SignalName)
DEPENDENCY_TYPES = _choices(evidence.DependencyType)
CRITICALITIES = _choices(evidence.Criticality)
RUN_OUTCOMES = _choices(evidence.RunOutcome)
OBSERVED = _choices(evidence.Observed)
CATEGORIES = _choices(evidence.Category)
KINDS = _choices(kind for kind in evidence.Kind if kind not in (evidence.Kind.FEED, evidence.Kind.PERSON))
"""The kinds a feed may report."""


class Deployment(Evidence):
    """A version, or a switch, that reached an environment."""

    environment = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=OUTCOMES)
    version = models.CharField(max_length=200, null=True, blank=True)
    commit = models.CharField(max_length=200, null=True, blank=True)
    commits = models.PositiveIntegerField(null=True, blank=True, help_text="Batch size.")
    lines_changed = models.PositiveIntegerField(null=True, blank=True)
    first_commit_at = models.DateTimeField(null=True, blank=True)
    automated = models.BooleanField(null=True, blank=True)
    remediates_source = models.CharField(max_length=200, null=True, blank=True)
    remediates_id = models.CharField(max_length=200, null=True, blank=True)
    remediation = models.CharField(max_length=20, choices=REMEDIES, null=True, blank=True)
    rollout = models.CharField(max_length=20, choices=ROLLOUTS, null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verification = models.CharField(max_length=20, choices=VERIFICATIONS, null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            # measures.changes: the window of a service, and the next one in order; the service page's table
            models.Index(fields=["service", "started_at", "external_id"], name="deployment_service_time"),
            # measures.changes: who remediates a deployment of ours, without a look at the wide rows
            models.Index(
                fields=["remediates_source", "remediates_id"],
                include=[
                    "id",
                    "environment",
                    "outcome",
                    "started_at",
                    "finished_at",
                    "drill",
                    "withdrawn",
                    "excluded",
                ],
                name="deployment_remedies",
                condition=Q(remediates_id__isnull=False),
            ),
            # measures.changes: what telemetry found wanting
            models.Index(
                fields=["service", "started_at"],
                name="deployment_unproven",
                condition=Q(verification="failed"),
            ),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["started_at"], name="deployment_time"),
        ]
        constraints = [
            _identity("deployment"),
            _not_before("started_at", "finished_at", name="deployment_ends_after_start"),
            _one_of("outcome", OUTCOMES, name="deployment_outcome_known"),
            _one_of("remediation", REMEDIES, name="deployment_remediation_known"),
            _one_of("rollout", ROLLOUTS, name="deployment_rollout_known"),
            _one_of("verification", VERIFICATIONS, name="deployment_verification_known"),
        ]


class Incident(Evidence):
    """Something that disturbed a service, from its start to its resolution."""

    severity = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=500)
    started_at = models.DateTimeField()
    detected_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    detected_by = models.CharField(max_length=20, choices=DETECTORS, null=True, blank=True)
    cause = models.CharField(max_length=20, choices=CAUSES, null=True, blank=True)
    caused_by_source = models.CharField(max_length=200, null=True, blank=True)
    caused_by_id = models.CharField(max_length=200, null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_url = models.URLField(max_length=1000, null=True, blank=True)
    after_hours = models.BooleanField(default=False)
    night = models.BooleanField(default=False)

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            # measures.incidents: all of a service by T; the service page's table
            models.Index(fields=["service", "started_at"], name="incident_service_time"),
            # measures.changes: which incidents name a deployment of ours, by the index alone too
            models.Index(
                fields=["caused_by_source", "caused_by_id"],
                include=["id", "severity", "started_at", "drill", "withdrawn", "excluded"],
                name="incident_blames",
                condition=Q(caused_by_id__isnull=False),
            ),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["started_at"], name="incident_time"),
        ]
        constraints = [
            _identity("incident"),
            _not_before("started_at", "resolved_at", name="incident_ends_after_start"),
            models.CheckConstraint(
                condition=Q(severity__gte=1, severity__lte=5), name="incident_severity_1_to_5"
            ),
            _one_of("detected_by", DETECTORS, name="incident_detected_by_known"),
            _one_of("cause", CAUSES, name="incident_cause_known"),
        ]


class Page(Evidence):
    """Somebody was disturbed by the pager."""

    paged_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    incident_source = models.CharField(max_length=200, null=True, blank=True)
    incident_id = models.CharField(max_length=200, null=True, blank=True)
    responder = models.CharField(max_length=200, null=True, blank=True)
    responder_role = models.CharField(max_length=20, choices=ROLES, null=True, blank=True)
    alert = models.CharField(max_length=500, null=True, blank=True)
    actionable = models.BooleanField(null=True, blank=True)
    after_hours = models.BooleanField(default=False)
    night = models.BooleanField(default=False)

    class Meta:
        ordering = ["-paged_at", "-pk"]
        indexes = [
            # measures.pages: the window of a service; the service page's table
            models.Index(fields=["service", "paged_at"], name="page_service_time"),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["paged_at"], name="page_time"),
        ]
        constraints = [
            _identity("page"),
            _not_before("paged_at", "acknowledged_at", name="page_acknowledged_after"),
            _one_of("responder_role", ROLES, name="page_responder_role_known"),
        ]


class Defect(Evidence):
    """A fault in design, code or configuration."""

    severity = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    reopened = models.PositiveIntegerField(null=True, blank=True)
    found_in = models.CharField(max_length=20, choices=FOUND_IN, null=True, blank=True)
    kind = models.CharField(max_length=20, choices=DEFECT_KINDS, null=True, blank=True)

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [
            # measures.defects: all of a service by T; the service page's table
            models.Index(fields=["service", "opened_at"], name="defect_service_time"),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["opened_at"], name="defect_time"),
        ]
        constraints = [
            _identity("defect"),
            _not_before("opened_at", "closed_at", name="defect_closed_after_opened"),
            models.CheckConstraint(
                condition=Q(severity__gte=1, severity__lte=4), name="defect_severity_1_to_4"
            ),
            _one_of("found_in", FOUND_IN, name="defect_found_in_known"),
            _one_of("kind", DEFECT_KINDS, name="defect_kind_known"),
        ]


class Signal(Evidence):
    """A piece of telemetry that was there from first to last seen."""

    component = models.CharField(max_length=200, null=True, blank=True)
    signal = models.CharField(max_length=20, choices=SIGNALS)
    environment = models.CharField(max_length=200, null=True, blank=True, help_text="Empty means production.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    query = models.TextField(null=True, blank=True)
    name = models.CharField(max_length=500, null=True, blank=True)

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        indexes = [
            # measures.signals: what of a service was seen inside the window
            models.Index(fields=["service", "last_seen_at"], name="signal_service_seen"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "first_seen_at"], name="signal_source_id_span_unique"
            ),
            _not_before("first_seen_at", "last_seen_at", name="signal_span_in_order"),
            _one_of("signal", SIGNALS, name="signal_name_known"),
        ]


class Dependency(Evidence):
    """A service needs another; ``target`` is empty while the catalogue does not know it."""

    on = models.CharField("on", max_length=200)
    target = models.ForeignKey(
        Service, on_delete=models.SET_NULL, null=True, blank=True, related_name="dependents"
    )
    type = models.CharField(max_length=20, choices=DEPENDENCY_TYPES)
    criticality = models.CharField(max_length=10, choices=CRITICALITIES, null=True, blank=True)
    first_seen_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["service_id", "on", "pk"]
        verbose_name_plural = "dependencies"
        indexes = [
            # measures.graph: the edges of a service, and of the fleet
            models.Index(fields=["service", "type"], name="dependency_service_type"),
        ]
        constraints = [
            # absent and null are one value of the span's beginning; two partial rules, since SQLite has no
            # NULLS NOT DISTINCT
            models.UniqueConstraint(
                fields=["source", "external_id", "first_seen_at"],
                condition=Q(first_seen_at__isnull=False),
                name="dependency_source_id_span_unique",
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=Q(first_seen_at__isnull=True),
                name="dependency_source_id_unique",
            ),
            _not_before("first_seen_at", "last_seen_at", name="dependency_span_in_order"),
            _one_of("type", DEPENDENCY_TYPES, name="dependency_type_known"),
            _one_of("criticality", CRITICALITIES, name="dependency_criticality_known"),
        ]


class PipelineRun(Evidence):
    """A run of a build or test pipeline."""

    pipeline = models.CharField(max_length=200)
    branch = models.CharField(max_length=200, null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=RUN_OUTCOMES)
    stage_failed = models.CharField(max_length=200, null=True, blank=True)
    tests_run = models.PositiveIntegerField(null=True, blank=True)
    tests_failed = models.PositiveIntegerField(null=True, blank=True)
    responders = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many people answered a failure."
    )

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            # measures.pipelines: the window of a service; the service page's table
            models.Index(fields=["service", "started_at"], name="pipelinerun_service_time"),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["started_at"], name="pipelinerun_time"),
        ]
        constraints = [
            _identity("pipelinerun"),
            _not_before("started_at", "finished_at", name="pipelinerun_ends_after_start"),
            _one_of("outcome", RUN_OUTCOMES, name="pipelinerun_outcome_known"),
        ]


class Shift(Evidence):
    """A turn of the on-call rota."""

    person = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=ROLES)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    rotation = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        ordering = ["-starts_at", "-pk"]
        indexes = [
            # measures.shifts: the shifts of a service that reach into the window
            models.Index(fields=["service", "ends_at"], name="shift_service_end"),
        ]
        constraints = [
            _identity("shift"),
            _not_before("starts_at", "ends_at", name="shift_ends_after_start"),
            _one_of("role", ROLES, name="shift_role_known"),
        ]


class Observation(Evidence):
    """What somebody saw when watching a client or a downstream work centre use the service."""

    observer_role = models.CharField(max_length=20, choices=ROLES)
    observed = models.CharField(max_length=20, choices=OBSERVED)
    observed_at = models.DateTimeField()
    finding = models.TextField()
    work_item_source = models.CharField(max_length=200, null=True, blank=True)
    work_item_id = models.CharField(max_length=200, null=True, blank=True)

    class Meta:
        ordering = ["-observed_at", "-pk"]
        indexes = [
            # measures.observations: the window of a service
            models.Index(fields=["service", "observed_at"], name="observation_service_time"),
        ]
        constraints = [
            _identity("observation"),
            _one_of("observer_role", ROLES, name="observation_role_known"),
            _one_of("observed", OBSERVED, name="observation_observed_known"),
        ]


class WorkItem(Evidence):
    """Work on a service: a feature, an incident's aftermath, technical debt or non-functional work."""

    incident_source = models.CharField(max_length=200, null=True, blank=True)
    incident_id = models.CharField(max_length=200, null=True, blank=True)
    category = models.CharField(max_length=20, choices=CATEGORIES)
    title = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    effort_hours = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [
            # measures.work: what of a service was closed in the window
            models.Index(fields=["service", "closed_at"], name="workitem_service_closed"),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["opened_at"], name="workitem_time"),
        ]
        constraints = [
            _identity("workitem"),
            _not_before("opened_at", "closed_at", name="workitem_closed_after_opened"),
            _one_of("category", CATEGORIES, name="workitem_category_known"),
        ]


class Feed(models.Model):
    """A span of time in which a source reported one kind of evidence for a service."""

    HEARD, DECLARED = "heard", "declared"
    ORIGINS = [(HEARD, "heard"), (DECLARED, "declared")]

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="feeds", db_index=False)
    source = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=KINDS)
    since = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    reports_failures = models.BooleanField(
        null=True, blank=True, help_text="Deployments: the source marks what it rolled back."
    )
    url = models.URLField(max_length=1000, null=True, blank=True)
    origin = models.CharField(max_length=10, choices=ORIGINS, default=HEARD)
    declared_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    # As in Evidence: without them a feed's flags would depend on the order in which its statements came.
    stated_at = models.DateTimeField(help_text="The moment of the newest statement.")
    statements = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["service_id", "kind", "since", "pk"]
        indexes = [
            # measures.feeds: the spans of a service
            models.Index(fields=["service", "kind"], name="feed_service_kind"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "kind", "service", "since"], name="feed_span_unique"),
            _not_before("since", "last_seen_at", name="feed_span_in_order"),
            _one_of("kind", KINDS, name="feed_kind_known"),
            models.CheckConstraint(
                condition=Q(origin="heard") | (Q(origin="declared") & ~Q(reason="") & ~Q(declared_by="")),
                name="feed_declared_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.source}"
