"""How far the rules that propose moves have looked."""

from django.db import models

from readiness.models import Service


class Watermark(models.Model):
    """The live scorecard of a service up to which the rules have looked; they look at what differs from it.

    A mark for each service beside its current score, and not one key for all: scorecards are not committed
    in the order of their keys, so that what lies below one key may still be on its way.
    """

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, primary_key=True, related_name="watermark"
    )
    scorecard = models.BigIntegerField(
        null=True, help_text="Key of the last scorecard looked at, which may be deleted since."
    )
    at = models.DateTimeField(null=True, help_text="The moment that it judged.")
    other_at = models.DateTimeField(
        null=True,
        help_text="Moment of the last scorecard that said anything but below: it ends a week of below, also "
        "when it is deleted since.",
    )
    other_policy = models.BigIntegerField(null=True, help_text="Key of the policy version that it was under.")

    def __str__(self) -> str:
        return f"{self.service_id} up to {self.scorecard}"
