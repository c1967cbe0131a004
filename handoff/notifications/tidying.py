"""Forgets what was told and answered long ago: decisions and alerts themselves are kept elsewhere."""

import datetime as dt
from typing import Final

from django.db.models import Q

from handoff.models import Answer, Message
from readiness import clock

KEPT: Final = dt.timedelta(days=90)
ANSWERS_KEPT: Final = dt.timedelta(hours=24)
CHUNK: Final = 1_000


def forget() -> int:
    """Delete messages of more than 90 days ago, with their deliveries; how many messages.

    That an alert was raised is remembered while it is open, and for as long after: it would be told of anew.
    """
    old = Message.objects.filter(written_at__lt=clock.real_now() - KEPT, routed_at__isnull=False)
    lasting = Q(alert__ended_at__isnull=True) | Q(alert__ended_at__gte=clock.now() - KEPT)
    told = old.exclude(Q(event=Message.Event.ALERT_RAISED) & lasting)
    number = 0
    while keys := list(told.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        Message.objects.filter(pk__in=keys).delete()
        number += len(keys)
    return number


def forget_answers() -> int:
    """Delete answers of more than 24 hours ago: their keys are free again. How many there were."""
    number, _ = Answer.objects.filter(given_at__lt=clock.real_now() - ANSWERS_KEPT).delete()
    return number
