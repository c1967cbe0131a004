"""Answers that were given to requests with an ``Idempotency-Key``, so that they can be given again."""

from django.conf import settings
from django.db import models


class Answer(models.Model):
    """What somebody was answered whose action was done. It is written in the transaction of the action:
    there is an answer exactly where something was done.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=200, help_text="As the one who asked made it up.")
    request = models.CharField(max_length=64, help_text="Digest of what was asked: method, path and body.")
    status = models.PositiveSmallIntegerField()
    location = models.TextField(blank=True, help_text="Address of what was made.")
    body = models.TextField(help_text="JSON, as it was sent.")
    given_at = models.DateTimeField(help_text="In real time.")

    class Meta:
        ordering = ["-given_at", "-pk"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="answer_once_for_a_key")]

    def __str__(self) -> str:
        return f"{self.status} to {self.user_id} for {self.key}"
