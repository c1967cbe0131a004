"""Simulations and backtests that people asked for in the admin: how far they are, and what they found."""

from django.db import models
from django.db.models import Q

from readiness.models.policy import PolicyVersion


class Simulation(models.Model):
    """A candidate policy tried on stored evidence. No scorecard is written; what was found stands here."""

    class Kind(models.TextChoices):
        SIMULATION = "simulation", "simulation"
        BACKTEST = "backtest", "backtest"

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="simulations")
    baseline = models.ForeignKey(
        PolicyVersion, on_delete=models.CASCADE, null=True, related_name="+",
        help_text="What the candidate is compared with; a backtest compares with what came after.",
    )  # fmt: skip
    since = models.DateTimeField()
    until = models.DateTimeField()
    every_days = models.PositiveSmallIntegerField()
    horizon_days = models.PositiveSmallIntegerField(null=True, help_text="Of a backtest.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    steps = models.PositiveIntegerField(help_text="Moments to judge.")
    done = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    requested_by = models.CharField(max_length=300)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(help_text="Not taken up before; moved ahead while somebody works on it.")
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(since__lte=models.F("until")), name="simulation_in_order"),
            models.CheckConstraint(condition=Q(every_days__gte=1), name="simulation_steps_ahead"),
        ]
        indexes = [
            # the sweep: what nobody is at
            models.Index(fields=["due_at"], name="simulation_due", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.policy_id}"
