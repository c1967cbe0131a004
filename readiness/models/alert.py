"""Alerts: what somebody must see to now. Each is a row that ends by itself when its reason does."""

from django.db import models
from django.db.models import F, Q

from readiness.models.catalogue import Service, Team


class AlertQuerySet(models.QuerySet["Alert"]):
    """Ways to ask for alerts."""

    def open(self) -> "AlertQuerySet":
        """Those whose reason still holds."""
        return self.filter(ended_at__isnull=True)


class Alert(models.Model):
    """Something that is wrong from ``began_at`` until ``ended_at``, and who should act."""

    class Kind(models.TextChoices):
        EVALUATION_MISSED = "evaluation_missed", "evaluation missed"
        EVALUATION_FAILED = "evaluation_failed", "evaluation failed"
        FEED_SILENT = "feed_silent", "feed silent"
        FLYING_BLIND = "flying_blind", "flying blind"
        WAIVER_ENDS = "waiver_ends", "waiver ends"
        REVIEW_STALLED = "review_stalled", "review stalled"
        LAUNCHED_WITHOUT_REVIEW = "launched_without_review", "launched without a review"
        CONDITION_OVERDUE = "condition_overdue", "condition overdue"
        CASE_STALLED = "case_stalled", "case stalled"
        PLAN_OVERDUE = "plan_overdue", "plan overdue"
        STABILISATION_STALLED = "stabilisation_stalled", "stabilisation stalled"

    kind = models.CharField(max_length=30, choices=Kind.choices)
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, null=True, blank=True, related_name="alerts", db_index=False
    )
    subject = models.CharField(
        max_length=200,
        blank=True,
        help_text="What of the service or the fleet it is about: a kind of feed, what is waived.",
    )
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="alerts",
        help_text="Who should act; nobody named: the SRE leads.",
    )  # fmt: skip
    text = models.TextField(help_text="What is wrong and what to do, in a sentence or two.")
    numbers = models.JSONField(default=dict, help_text="What it was raised from.")
    began_at = models.DateTimeField(help_text="When it was first seen, by the clock.")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-pk"]
        indexes = [
            # the page of a service
            models.Index(fields=["service", "-began_at"], name="alert_service_began"),
            # every page counts the open ones, and each sweep reads them
            models.Index(fields=["kind"], name="alert_open", condition=Q(ended_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "service", "subject"],
                condition=Q(ended_at__isnull=True, service__isnull=False),
                name="one_open_alert_of_a_service",
            ),
            # a null equals nothing, so what concerns the whole fleet needs an index of its own
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(ended_at__isnull=True, service__isnull=True),
                name="one_open_alert_of_the_fleet",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
                name="alert_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        subject = self.subject.replace("_", " ")
        return f"{self.get_kind_display()}: {subject}" if subject else self.get_kind_display()
