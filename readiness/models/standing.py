"""Standing: what judgement must know of decisions. Read here; written by ``handoff.actions`` alone."""

import datetime as dt

from django.db import models
from django.db.models import Q

from readiness.models.catalogue import Service


class ManagementState(models.TextChoices):
    """Who runs a live service."""

    DEVELOPER_MANAGED = "developer_managed", "developer-managed"
    OPS_MANAGED = "ops_managed", "ops-managed"


class ManagementChangeQuerySet(models.QuerySet["ManagementChange"]):
    """Ways to ask for management changes."""

    def by(self, moment: dt.datetime) -> "ManagementChangeQuerySet":
        """Changes that were in effect at this moment or had been before it."""
        return self.filter(effective_at__lte=moment)


class ManagementChange(models.Model):
    """From this moment on the service is in this state; the period ends where the next change begins."""

    HANDBACK_REPAIR = "handback_repair"
    WAYS = [
        ("adoption", "adopted without review"),
        ("handoff", "handoff"),
        (HANDBACK_REPAIR, "handback (repair)"),
        ("handback_release", "handback (release)"),
    ]

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="management_changes")
    state = models.CharField(max_length=20, choices=ManagementState.choices)
    effective_at = models.DateTimeField(help_text="Adopted states may reach back to the beginning of time.")
    way = models.CharField(max_length=20, choices=WAYS)
    actor = models.CharField(
        max_length=300, help_text="Id and name of the person, or the rule with its version."
    )
    reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField()

    objects = ManagementChangeQuerySet.as_manager()

    class Meta:
        ordering = ["service_id", "-effective_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "effective_at"], name="one_management_change_a_moment"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ManagementState.values), name="management_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} since {self.effective_at:%Y-%m-%d}"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Ways to ask for waivers."""

    def live_at(self, moment: dt.datetime) -> "WaiverQuerySet":
        """Approved by this moment, not ended and not revoked by it."""
        return self.filter(approved_at__lte=moment, ends_at__gt=moment).filter(
            Q(revoked_at__isnull=True) | Q(revoked_at__gt=moment)
        )


class Waiver(models.Model):
    """A time-limited, reasoned, approved exception to one criterion or blocker of one service."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="waivers")
    target = models.CharField(max_length=100, help_text="A criterion's slug or a blocker's code.")
    reason = models.TextField()
    url = models.URLField(max_length=1000, blank=True)
    author = models.CharField(max_length=300)
    approver = models.CharField(max_length=300)
    approved_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["service_id", "-ends_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("approved_at")), name="waiver_ends_after_approval"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_has_a_reason"),
            models.CheckConstraint(condition=~Q(author=models.F("approver")), name="waiver_two_people"),
        ]

    def __str__(self) -> str:
        return f"{self.target} of {self.service_id} until {self.ends_at:%Y-%m-%d}"
