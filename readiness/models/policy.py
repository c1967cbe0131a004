"""Policies as stored: immutable versions of a rubric."""

from django.db import models


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    """Ways to ask for versions."""

    def with_state(self) -> "PolicyVersionQuerySet":
        """With ``state``: whether a version is a draft, in force, or was."""
        was = PolicyActivation.objects.filter(policy=models.OuterRef("pk"))
        states = PolicyVersion.State
        return self.annotate(
            state=models.Case(
                models.When(in_force=True, then=models.Value(states.IN_FORCE)),
                models.When(models.Exists(was), then=models.Value(states.PAST)),
                default=models.Value(states.DRAFT),
                output_field=models.CharField(),
            )
        )


class PolicyVersion(models.Model):
    """One version of a policy; what is judged under it stays under it."""

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        IN_FORCE = "in_force", "in force"
        PAST = "past", "past"

    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    text = models.TextField(help_text="The YAML as it was given.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the policy's canonical form.")
    created_at = models.DateTimeField()
    author = models.CharField(max_length=300, default="", blank=True, help_text="Who made this version.")
    note = models.TextField(default="", blank=True, help_text="Why it was made.")
    in_force = models.BooleanField(default=False)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="policy_version_unique"),
            models.UniqueConstraint(fields=["name", "digest"], name="policy_text_once"),
            models.UniqueConstraint(
                fields=["in_force"], condition=models.Q(in_force=True), name="one_policy_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class PolicyActivation(models.Model):
    """From this moment on live evaluations judge under this version. Append-only."""

    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="activations")
    at = models.DateTimeField(help_text="When, by the clock.")
    actor = models.CharField(max_length=300, help_text="Id and name of the person, or the rule.")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.policy_id} since {self.at:%Y-%m-%d}"
