"""Decides who is told of what: from messages to deliveries."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from django.db import transaction

from handoff.models import Delivery, Message, Subscription
from handoff.notifications.timing import next_digest
from readiness import clock
from readiness.hours import Hours

AT_ONCE: Final = 500
FLEET_LINE: Final = 0
TEST_LINE: Final = -1
"""A test overtakes what waits: it shows whether messages arrive."""


def route() -> int:
    """Give each new message to the subscriptions that want it; how many messages.

    Oldest first, a batch in one transaction. Of two who route at once the second waits for the first, by the
    rows that both would write, before it comes to newer messages: so lines keep their order.
    """
    done = 0
    while number := _batch():
        done += number
    return done


def _batch() -> int:
    now = clock.real_now()
    with transaction.atomic():
        new = Message.objects.filter(routed_at=None).select_related("service", "alert").order_by("pk")
        messages = list(new[:AT_ONCE])
        if messages:
            subscriptions = list(Subscription.objects.filter(active=True).select_related("team"))
            Delivery.objects.bulk_create(_deliveries(messages, subscriptions, now), ignore_conflicts=True)
            keys = [each.pk for each in messages]
            Message.objects.filter(pk__in=keys, routed_at=None).update(routed_at=now)
    return len(messages)


def _deliveries(
    messages: list[Message], subscriptions: list[Subscription], now: dt.datetime
) -> Iterator[Delivery]:
    due = {each.pk: due_at(each, now) for each in subscriptions}
    for message in messages:
        concerned = _concerned(message)
        for each in subscriptions:
            if each.wants(message, concerned):
                line = message.service_id or FLEET_LINE
                yield Delivery(message=message, subscription=each, line=line, due_at=due[each.pk])


def _concerned(message: Message) -> set[int | None]:
    """The teams that own or run the service, or should act on the alert; by what holds now."""
    service, alert = message.service, message.alert
    teams = {service.owner_id, service.ops_team_id} if service else set()
    return (teams | ({alert.team_id} if alert else set())) - {None}


def due_at(subscription: Subscription, now: dt.datetime) -> dt.datetime:
    """When a message of now is sent: at once, or with the next digest, as the team's day begins."""
    if subscription.urgency == Subscription.Urgency.AT_ONCE:
        return now
    return next_digest(subscription.team.hours if subscription.team else Hours(), now)
