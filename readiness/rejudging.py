"""Notes which services' evidence changed, so that they are judged again soon, once for many changes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from readiness import clock
from readiness.models import Rejudgement

AT_MOST = 10
"""A service that changes all the time waits so many delays, and no longer."""


def mark(service_ids: Iterable[int]) -> None:
    """Have these services judged soon. Call it in the transaction that changes what they are judged by.

    An upsert, so that a sweep that takes the row meanwhile makes it come anew and no change is lost.
    """
    now = clock.real_now()
    Rejudgement.objects.bulk_create(
        # in one order, so that two writers do not wait for each other
        [Rejudgement(service_id=pk, since=now, due_at=now + _delay()) for pk in sorted(set(service_ids))],
        update_conflicts=True,
        unique_fields=["service"],
        update_fields=["due_at"],
        batch_size=1_000,
    )


def due(now: datetime | None = None) -> "QuerySet[Rejudgement]":
    """Services to judge again: nothing changed for a while, or they have waited long enough."""
    moment = now or clock.real_now()
    waited = Q(due_at__lte=moment) | Q(since__lte=moment - _delay() * AT_MOST)
    return Rejudgement.objects.filter(waited).order_by("due_at", "pk")


def _delay() -> timedelta:
    delay: timedelta = settings.REJUDGE_AFTER
    return delay
