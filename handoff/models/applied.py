"""Which recorded decisions of a fleet folder were applied, so that none is applied twice."""

from django.db import models


class AppliedDecision(models.Model):
    """A line of a fleet's ``decisions.jsonl``, known again by what it says. Written with what it decided."""

    fleet = models.CharField(max_length=200, help_text="The folder's name.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the line's canonical JSON.")
    applied_at = models.DateTimeField(help_text="In real time.")

    class Meta:
        constraints = [
            # two imports of one folder at once: the later waits, and finds the line applied
            models.UniqueConstraint(fields=["fleet", "digest"], name="a_decision_is_applied_once"),
        ]

    def __str__(self) -> str:
        return f"{self.fleet}: {self.digest[:12]}"
