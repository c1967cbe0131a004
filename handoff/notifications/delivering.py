"""Sends what is due, every receiver by itself: rows are the queue, a lease keeps others away meanwhile.

At least once: whoever dies between sending and saying so is followed by somebody who sends again. In
order: to one receiver one parcel is under way, and a message waits for those before it about the same
service. Nobody waits for a slow receiver: each is in a thread of its own for a short time, and one that
failed is left alone for longer and longer.
"""

import datetime as dt
import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from handoff.models import Delivery, Subscription
from handoff.notifications.failing import UndeliveredError
from handoff.notifications.telling import RELATED, sending
from handoff.notifications.timing import ATTEMPTS, GIVE_UP, delay, pause
from readiness import clock

logger = logging.getLogger(__name__)

LEASE: Final = dt.timedelta(minutes=3)
"""Longer than any attempt takes; after a worker's death its receivers wait so long."""
BUDGET: Final = 40.0
"""Seconds after which nothing new is begun: the next sweep goes on."""
THREADS: Final = 32
DIGEST: Final = 100
"""Messages that one digest holds at most; the next one follows at once."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is under way to one receiver."""

    subscription: Subscription
    deliveries: Sequence[Delivery]
    lease: dt.datetime


def deliver(only: int | None = None, *, seconds: float = BUDGET) -> int:
    """Send what is due, to all subscriptions or to one, for about so long; how many messages arrived."""
    end = time.monotonic() + seconds
    waiting = deque(_receivers(only))
    running: dict[Future[None], Parcel] = {}
    arrived = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as threads:
        while running or (waiting and time.monotonic() < end):
            while waiting and len(running) < THREADS and time.monotonic() < end:
                if parcel := _taken(waiting.popleft()):
                    messages = [each.message for each in parcel.deliveries]
                    running[threads.submit(sending(parcel.subscription, messages))] = parcel
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                parcel = running.pop(future)
                error = future.exception()
                if error is None:
                    arrived += _arrived(parcel)
                    waiting.append(parcel.subscription.pk)  # behind the others: each has its turn
                else:
                    _failed(parcel, error)
    return arrived


def _receivers(only: int | None) -> list[int]:
    """Subscriptions that something is due for and nobody is at; those that failed come last."""
    now = clock.real_now()
    due = Delivery.objects.next_of_their_lines(now).filter(subscription=OuterRef("pk"))
    found = _takeable(now).filter(Exists(due)).order_by("failures", "due_at", "pk")
    return list((found if only is None else found.filter(pk=only)).values_list("pk", flat=True))


def _takeable(now: dt.datetime) -> "QuerySet[Subscription]":
    return Subscription.objects.filter(active=True, due_at__lte=now)


def _taken(subscription_id: int) -> Parcel | None:
    """Take what is next of a receiver, unless somebody else is at it or nothing is due."""
    now = clock.real_now()
    lease = now + LEASE
    if not _takeable(now).filter(pk=subscription_id).update(due_at=lease):
        return None
    subscription = Subscription.objects.get(pk=subscription_id)
    deliveries = _next(subscription, now)
    if not deliveries:
        _give_back(subscription_id, lease).update(due_at=now)
        return None
    return Parcel(subscription, deliveries, lease)


def _next(subscription: Subscription, now: dt.datetime) -> list[Delivery]:
    """One message, or all that a digest holds. An earlier one that is not due keeps back those behind it."""
    if subscription.urgency == Subscription.Urgency.AT_ONCE:
        rows = Delivery.objects.next_of_their_lines(now).filter(subscription=subscription)
        return list(_with_messages(rows)[:1])
    kept_back: set[int] = set()
    found = []
    for each in _with_messages(Delivery.objects.pending().filter(subscription=subscription))[: 2 * DIGEST]:
        if each.due_at > now:
            kept_back.add(each.line)
        elif each.line not in kept_back:
            found.append(each)
    return found[:DIGEST]


def _with_messages(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    return rows.select_related(*(f"message__{each}" for each in RELATED)).order_by("message_id", "pk")


def _give_back(subscription_id: int, lease: dt.datetime) -> "QuerySet[Subscription]":
    """The receiver as long as the lease is ours."""
    return Subscription.objects.filter(pk=subscription_id, due_at=lease)


def _pending(parcel: Parcel) -> "QuerySet[Delivery]":
    return Delivery.objects.pending().filter(pk__in=[each.pk for each in parcel.deliveries])


def _arrived(parcel: Parcel) -> int:
    """Say so, even where the lease ran out meanwhile: it did arrive."""
    now = clock.real_now()
    with transaction.atomic():
        number = _pending(parcel).update(state=Delivery.State.SENT, sent_at=now, error="")
        _give_back(parcel.subscription.pk, parcel.lease).update(due_at=now, failures=0)
    return number


def _failed(parcel: Parcel, error: BaseException) -> None:
    """Try each later, or not again; and leave the receiver alone for a while."""
    if not isinstance(error, UndeliveredError):
        logger.error("delivery %s broke", parcel.deliveries[0].pk, exc_info=error)
    reason = str(error) if isinstance(error, UndeliveredError) else f"broke: {type(error).__name__}"
    final = isinstance(error, UndeliveredError) and error.final
    now, failures = clock.real_now(), parcel.subscription.failures + 1
    with transaction.atomic():
        wait_until = now + pause(failures, random.random())  # noqa: S311 - spreads, hides nothing
        mine = _give_back(parcel.subscription.pk, parcel.lease)
        if not mine.update(due_at=wait_until, failures=failures):
            return  # somebody else took over, and knows better
        for each in parcel.deliveries:
            _try_later(each, reason, now=now, final=final)
        too_old = Q(message__written_at__lt=now - GIVE_UP)
        _all_pending(parcel.subscription).filter(too_old).update(state=Delivery.State.DEAD, error=reason)


def _try_later(delivery: Delivery, reason: str, *, now: dt.datetime, final: bool) -> None:
    attempts = delivery.attempts + 1
    dead = final or attempts >= ATTEMPTS
    later = now + delay(attempts, random.random())  # noqa: S311 - spreads, hides nothing
    Delivery.objects.pending().filter(pk=delivery.pk).update(
        attempts=F("attempts") + 1,
        state=Delivery.State.DEAD if dead else Delivery.State.PENDING,
        due_at=now if dead else later,
        error=reason,
    )


def _all_pending(subscription: Subscription) -> "QuerySet[Delivery]":
    return Delivery.objects.pending().filter(subscription=subscription)
