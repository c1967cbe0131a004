"""Overrides of verdicts: made by an SRE lead with a reason, perhaps taken back, and never forgotten."""

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from handoff.checklists import Override
from handoff.models.review import UNDER_WAY, Review
from readiness.models import ManagementChange, Scorecard, Service


class VerdictOverrideQuerySet(models.QuerySet["VerdictOverride"]):
    """Ways to ask for overrides."""

    def standing(self) -> "VerdictOverrideQuerySet":
        """Those that nobody took back."""
        return self.filter(end__isnull=True)

    def carrying(self) -> "VerdictOverrideQuerySet":
        """Those that a review under way, or who runs a service since one was used, rests on."""
        used = Q(review__state=Review.State.USED) & ~Q(Exists(_later_changes()))
        return self.standing().filter(Q(review__state__in=UNDER_WAY) | used)

    def reason_of(self, **of: str) -> Subquery:
        """The newest one's reason for each row of an outer query: ``reason_of(service="pk")``."""
        outer = {name: OuterRef(column) for name, column in of.items()}
        return Subquery(self.filter(**outer).order_by("-pk").values("reason")[:1])


def _later_changes() -> "models.QuerySet[ManagementChange]":
    """Changes of who runs the service that came after what the review of an override led to."""
    rows = ManagementChange.objects.filter(
        service=OuterRef("service"), effective_at__gt=OuterRef("review__ended_at")
    )
    # A change of the review's own kind is the one that it led to: a handoff may end days after its review.
    return rows.exclude(way=OuterRef("review__kind"))


class VerdictOverride(models.Model):
    """An SRE lead set a verdict aside for a review. Written once: taking it back is a row of its own."""

    VERDICTS = [("not_ready", "not ready"), ("cannot_tell", "cannot tell")]

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="overrides")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="verdict_overrides")
    verdict = models.CharField(max_length=20, choices=VERDICTS)
    reasons = models.JSONField(default=list, help_text="Why the verdict was what it was, in sentences.")
    scorecard = models.ForeignKey(
        Scorecard, on_delete=models.PROTECT, related_name="+", help_text="What the verdict stands on."
    )
    items = models.JSONField(default=list, help_text="Slugs of the measured items that it settles.")
    actor = models.CharField(max_length=300, help_text="Id and name of the person.")
    reason = models.TextField()
    at = models.DateTimeField()

    objects = VerdictOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        permissions = [("override_verdict", "Can override verdicts")]
        constraints = [
            models.CheckConstraint(condition=~Q(reason="") & ~Q(actor=""), name="override_has_a_reason"),
            models.CheckConstraint(
                condition=Q(verdict__in=["not_ready", "cannot_tell"]), name="override_of_a_verdict"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} overridden by {self.actor}"

    @property
    def told(self) -> Override:
        """What the rules read."""
        return Override(self.actor, tuple(self.items))


class OverrideEnd(models.Model):
    """An override was taken back. Written once."""

    override = models.OneToOneField(VerdictOverride, on_delete=models.PROTECT, related_name="end")
    actor = models.CharField(max_length=300, help_text="Id and name of the person.")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason="") & ~Q(actor=""), name="override_end_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"taken back by {self.actor}"
