"""Judgements as stored: evaluations, their batches, immutable scorecards, current scores."""

from django.db import models
from django.db.models import Q

from readiness.models.catalogue import Service
from readiness.models.policy import PolicyVersion

VERDICTS = {
    "handoff": ("ready", "not_ready", "cannot_tell"),
    "launch": ("ready", "not_ready", "cannot_tell"),
    "deploy": ("ready", "not_ready", "cannot_tell"),
    "handback": ("holds", "below", "urgent", "cannot_tell"),
}


class Kind(models.TextChoices):
    """Whether a judgement was made at its time, or in hindsight."""

    LIVE = "live", "live"
    REPLAY = "replay", "replay"


class Evaluation(models.Model):
    """One run over the fleet, or part of it, as of one moment; resumable through its batches."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="evaluations")
    scope = models.CharField(
        max_length=64, default="fleet", help_text="'fleet', or a digest of the services asked for."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    clock_offset = models.DurationField(help_text="How far the clock stood from the real time.")
    cycles = models.JSONField(
        default=dict,
        help_text="Service id to the number of its cycle of synchronous edges, over the whole fleet.",
    )
    services = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list, blank=True)
    requested_by = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="evaluation_kind_known"),
            # whoever asks for a run that is under way joins it
            models.UniqueConstraint(
                fields=["at", "kind", "policy", "scope"],
                condition=Q(state="running"),
                name="evaluation_runs_once",
            ),
        ]
        indexes = [
            # the sweep: runs that a broker or a worker forgot; readiness.evaluation: the last one's cycles
            models.Index(fields=["state", "at"], name="evaluation_state_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


class EvaluationBatch(models.Model):
    """A share of an evaluation's services; the row is the queue, a task only a nudge."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    service_ids = models.JSONField()
    done = models.BooleanField(default=False)
    due_at = models.DateTimeField(help_text="Not taken up before; moved ahead while somebody works on it.")
    attempts = models.PositiveSmallIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["evaluation_id", "number"]
        verbose_name_plural = "evaluation batches"
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "number"], name="batch_number_unique"),
        ]
        indexes = [
            # the sweep: batches that are due
            models.Index(fields=["due_at"], name="batch_due", condition=Q(done=False)),
        ]

    def __str__(self) -> str:
        return f"batch {self.number} of {self.evaluation_id}"


class Scorecard(models.Model):
    """One service judged under one policy version as of one moment; immutable."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="scorecards", db_index=False)
    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="scorecards", null=True)
    policy = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, related_name="scorecards", db_index=False
    )
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    revision = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    clock_offset = models.DurationField()
    score = models.FloatField()
    possible = models.FloatField()
    evidence = models.FloatField()
    level = models.CharField(max_length=10)
    management_state = models.CharField(max_length=20, null=True)
    handoff = models.CharField(max_length=20, null=True)
    launch = models.CharField(max_length=20, null=True)
    deploy = models.CharField(max_length=20, null=True)
    handback = models.CharField(max_length=20, null=True)
    numbers = models.JSONField()

    class Meta:
        ordering = ["-at", "-revision", "-pk"]
        indexes = [
            # history of a service, newest first; `?at=`
            models.Index(fields=["service", "-at"], name="scorecard_service_at"),
            # admin and REST lists over the fleet, newest first
            models.Index(fields=["-at"], name="scorecard_at"),
        ]
        constraints = [
            # two writers of one moment: the second fails, looks again, and finds nothing left to write
            models.UniqueConstraint(
                fields=["service", "policy", "at", "kind", "revision"], name="scorecard_revision_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} at {self.at:%Y-%m-%d}"


class CurrentScore(models.Model):
    """The newest live judgement of each service, with what lists filter and sort by in columns."""

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, primary_key=True, related_name="current"
    )
    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    score = models.FloatField()
    possible = models.FloatField()
    evidence = models.FloatField()
    level = models.CharField(max_length=10)
    management_state = models.CharField(max_length=20, null=True)
    verdict = models.CharField(
        max_length=20, null=True, help_text="The verdict that applies: launch, handoff or handback."
    )
    verdict_of = models.CharField(max_length=10, null=True, help_text="Which verdict that is.")
    deploy = models.CharField(max_length=20, null=True)
    blockers = models.PositiveSmallIntegerField(default=0)
    below = models.TextField(default="", help_text="Criteria under their threshold, as ' slug slug '.")
    silent = models.TextField(default="", help_text="Kinds whose feed is silent, as ' kind kind '.")
    trend = models.FloatField(null=True, help_text="Score now minus the score about 28 days earlier.")

    class Meta:
        indexes = [
            # the fleet list: filter by verdict, sort by score
            models.Index(fields=["verdict", "score"], name="current_verdict_score"),
            # the fleet list's default order
            models.Index(fields=["score"], name="current_score"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id}: {self.score}"
