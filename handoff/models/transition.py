"""The audit of decisions. Append-only: triggers in the database refuse edits and deletions."""

import datetime as dt

from django.db import models
from django.db.models import Q

from readiness.models import Scorecard, Service


class Transition(models.Model):
    """Something of a service went from one state to another: by whom or which rule, when, and why."""

    class Subject(models.TextChoices):
        MANAGEMENT = "management", "who runs it"
        WAIVER = "waiver", "waiver"
        CONSULTANT = "consultant", "consultant"
        CASE = "case", "case"
        REVIEW = "review", "review"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="transitions")
    subject = models.CharField(max_length=20, choices=Subject.choices)
    subject_id = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Key of the waiver, consultant or case; none for the service itself.",
    )
    about = models.CharField(max_length=200, blank=True, help_text="What was waived, or who advises.")
    move = models.CharField(max_length=40)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    actor = models.CharField(
        max_length=300, help_text="Id and name of the person, or the rule with its version."
    )
    reason = models.TextField(blank=True)
    at = models.DateTimeField(help_text="When it took effect, by the clock.")
    recorded_at = models.DateTimeField(help_text="When it was written, in real time.")
    scorecards: "models.ManyToManyField[Scorecard, TransitionScorecard]" = models.ManyToManyField(
        Scorecard, through="TransitionScorecard", related_name="+", help_text="What it relied on."
    )

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            # the timeline of a service
            models.Index(fields=["service", "-at", "-id"], name="transition_of_service"),
            # the story of one waiver
            models.Index(
                fields=["subject", "subject_id"],
                name="transition_of_subject",
                condition=Q(subject_id__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(actor=""), name="transition_has_an_actor"),
            models.CheckConstraint(
                condition=~Q(from_state=models.F("to_state")), name="transition_leads_elsewhere"
            ),
        ]

    def __str__(self) -> str:
        moment: dt.datetime = self.at
        return f"{self.about or self.get_subject_display()}: {self.to_state}, {moment:%Y-%m-%d}"


class TransitionScorecard(models.Model):
    """A scorecard that a decision relied on; it is kept as long as the decision."""

    transition = models.ForeignKey(Transition, on_delete=models.PROTECT, related_name="reliances")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transition", "scorecard"], name="transition_relies_once")
        ]

    def __str__(self) -> str:
        return f"{self.transition_id} relied on {self.scorecard_id}"
