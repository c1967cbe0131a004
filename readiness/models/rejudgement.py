"""Services whose evidence changed since they were judged: the row is the queue, ``due_at`` the debounce."""

from django.db import models

from readiness.models.catalogue import Service


class Rejudgement(models.Model):
    """A service to judge again soon. More changes move ``due_at`` on, but not past a limit from ``since``."""

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, primary_key=True, related_name="rejudgement"
    )
    since = models.DateTimeField(help_text="When the first change that awaits judgement came in (real time).")
    due_at = models.DateTimeField(help_text="Not judged before (real time).")

    class Meta:
        ordering = ["due_at"]
        indexes = [
            # the sweep: what is due
            models.Index(fields=["due_at"], name="rejudgement_due"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} at {self.due_at:%Y-%m-%d %H:%M}"
