"""What only handoffs have: shadows with their assessed pages and confirmations, and looks back."""

import datetime as dt
from typing import Final

from django.db import models
from django.db.models import F, Q

from handoff.checklists import Side
from handoff.models.case import Case
from readiness.models import Page, Scorecard

SIDES: Final = [(side.value, side.value) for side in (Side.DEVELOPERS, Side.OPERATIONS)]


class ShadowQuerySet(models.QuerySet["Shadow"]):
    """Ways to ask for shadows."""

    def running(self) -> "ShadowQuerySet":
        """Those that have not ended."""
        return self.filter(ended_at__isnull=True)


class Shadow(models.Model):
    """A time in which operations are paged beside the developers. A case has two at most."""

    class Outcome(models.TextChoices):
        TOOK_OVER = "took_over", "operations took over"
        STOPPED = "stopped", "stopped"
        CUT_SHORT = "cut_short", "ended with its case"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="shadows")
    began_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="The earliest end, once the rota has turned, too.")
    rota = models.JSONField(
        default=list, blank=True, help_text="Who is on call in the ops team, by name; each has a shift in it."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)

    objects = ShadowQuerySet.as_manager()

    class Meta:
        ordering = ["case_id", "began_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(ended_at__isnull=True), name="one_shadow_at_a_time"
            ),
            models.CheckConstraint(condition=Q(due_at__gt=F("began_at")), name="shadow_lasts"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="")
                | (Q(ended_at__gte=F("began_at")) & ~Q(outcome="")),
                name="shadow_ends_with_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        moment: dt.datetime = self.began_at
        return f"shadow of {moment:%Y-%m-%d}"


class ShadowConfirmation(models.Model):
    """One side says that a shadow ended well. Written once; each side by a person of its own."""

    shadow = models.ForeignKey(Shadow, on_delete=models.PROTECT, related_name="confirmations")
    side = models.CharField(max_length=10, choices=SIDES)
    actor = models.CharField(max_length=300, help_text="Id and name of the person.")
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["shadow", "side"], name="one_confirmation_a_side"),
            models.UniqueConstraint(fields=["shadow", "actor"], name="a_person_confirms_once"),
            models.CheckConstraint(
                condition=Q(side__in=[side for side, _ in SIDES]), name="confirming_side_is_known"
            ),
            models.CheckConstraint(condition=~Q(actor=""), name="confirmation_has_an_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.side}: {self.actor}"


class PageAssessment(models.Model):
    """What somebody said of a page of a shadow. Written once; of several the newest counts."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="assessments")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="+")
    critical = models.BooleanField(help_text="It was right to wake somebody for it.")
    actionable = models.BooleanField(help_text="Whoever was paged could do something about it.")
    remark = models.TextField(blank=True)
    actor = models.CharField(max_length=300, help_text="Id and name of the person.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(actor=""), name="assessment_has_an_actor"),
        ]

    def __str__(self) -> str:
        critical, actionable = ("" if said else "not " for said in (self.critical, self.actionable))
        return f"{critical}critical, {actionable}actionable"


class LookBack(models.Model):
    """What a handoff came to so many days after it, beside the scorecard of the move. Written once."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="look_backs")
    days = models.PositiveSmallIntegerField()
    scorecard = models.ForeignKey(
        Scorecard, on_delete=models.PROTECT, related_name="+", help_text="The judgement of that day."
    )
    numbers = models.JSONField(help_text="For each measure what it was at the move, and what it is.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["case_id", "days"]
        constraints = [models.UniqueConstraint(fields=["case", "days"], name="one_look_back_of_a_day")]

    def __str__(self) -> str:
        return f"{self.days} days after"
