"""Policies as stored: immutable versions of a rubric."""

from django.db import models

from readiness.policy import Policy, load_policy


class PolicyVersion(models.Model):
    """One version of a policy; what is judged under it stays under it."""

    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    text = models.TextField(help_text="The YAML as it was given.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the policy's canonical form.")
    created_at = models.DateTimeField()
    author = models.CharField(max_length=300, default="", blank=True, help_text="Who made this version.")
    note = models.TextField(default="", blank=True, help_text="Why it was made.")
    in_force = models.BooleanField(default=False)

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

    def parsed(self) -> Policy:
        """The rubric itself; raises ``PolicyError`` when the text is none."""
        return load_policy(self.text)


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
