"""Exclusions: who took a row of evidence out of judgement, or back into it, when and why. Append-only."""

from django.db import models
from django.db.models import Q

from readiness.models.catalogue import Service
from readiness.models.evidence import KINDS


class Exclusion(models.Model):
    """One change of a row's ``excluded`` flag, by a person."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="exclusions", db_index=False)
    kind = models.CharField(max_length=20, choices=KINDS)
    row_id = models.BigIntegerField(help_text="The row's key; rows of evidence are never deleted.")
    row = models.CharField(max_length=401, help_text="The row as its source names it: source:id.")
    excluded = models.BooleanField(help_text="Taken out of judgement, or taken back into it.")
    actor = models.CharField(max_length=300, help_text="Id and name of the person.")
    reason = models.TextField()
    at = models.DateTimeField(help_text="When, by the clock.")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            # the history of a row
            models.Index(fields=["kind", "row_id"], name="exclusion_row"),
            # the page of a service
            models.Index(fields=["service", "-at"], name="exclusion_service_at"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="exclusion_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.row} {'excluded' if self.excluded else 'taken back'}"
