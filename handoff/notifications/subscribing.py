"""What people do with subscriptions: make, change, switch off, test; and dead letters: send them again."""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet

from handoff.actions.recording import name_of
from handoff.actions.refusals import InvalidError, NotAllowedError
from handoff.models import Delivery, Message, Subscription
from handoff.models.notification import TEST, TOPICS
from handoff.notifications import chats
from handoff.notifications.addresses import destination
from handoff.notifications.routing import TEST_LINE, due_at
from readiness import clock, rights
from readiness.models import Team

RECEIVERS: Final = 20
"""Addresses of one e-mail."""
SWITCHED_OFF: Final = "the subscription was switched off"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a subscription to be. An empty ``address`` leaves the one that is there."""

    team: Team | None
    topics: Iterable[str]
    channel: str
    address: str
    urgency: str
    new_secret: bool = False
    """Make another secret for a webhook that has one; what was signed with the former is believed no more."""

    @property
    def team_id(self) -> int | None:
        """The key of the team; none for the whole fleet."""
        return None if self.team is None else self.team.pk


def may_subscribe(user: User, team_id: int | None) -> bool:
    """Whether somebody may change a team's subscriptions, or with ``None`` those for the whole fleet."""
    if user.has_perm(rights.SUBSCRIBE):
        return True
    return user.has_perm(rights.SUBSCRIBE_OWN) and team_id is not None and rights.is_member(user, team_id)


def seen_by(user: User) -> Q:
    """Which subscriptions somebody may look at: their teams', and all for those who may change all."""
    return Q() if user.has_perm(rights.SUBSCRIBE) else Q(team__in=rights.teams_of(user))


def subscribe(wish: Wish, *, by: User) -> Subscription:
    """Make a subscription. Raises ``NotAllowedError``, and ``InvalidError`` for topics or an address."""
    _allow(by, wish.team_id)
    now = clock.real_now()
    return _written(Subscription(due_at=now, made_at=now), wish, by=by)


def change(subscription: Subscription, wish: Wish, *, by: User) -> Subscription:
    """Change one; what waits goes to where it leads now. Raises as :func:`subscribe`."""
    _allow(by, subscription.team_id)
    _allow(by, wish.team_id)
    if wish.channel != subscription.channel and not wish.address:
        raise InvalidError("address", "Another channel needs another address.")
    return _written(subscription, wish, by=by)


def _written(subscription: Subscription, wish: Wish, *, by: User) -> Subscription:
    topics = [each for each, _ in TOPICS if each in set(wish.topics)]
    if not topics:
        raise InvalidError("topics", "Choose what to hear of.")
    address = wish.address.strip()
    if address:
        subscription.address = checked(wish.channel, address)
    elif not subscription.address:
        raise InvalidError("address", "Say where messages go.")
    signs = wish.channel == Subscription.Channel.WEBHOOK
    if not signs:
        subscription.secret = ""
    elif wish.new_secret or not subscription.secret:
        subscription.secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    now = clock.real_now()
    subscription.team, subscription.topics = wish.team, topics
    subscription.channel, subscription.urgency = wish.channel, wish.urgency
    subscription.made_by = name_of(by)
    subscription.due_at, subscription.failures = now, 0
    with transaction.atomic():
        subscription.save()
        waiting = Delivery.objects.pending().filter(subscription=subscription)
        waiting.update(due_at=due_at(subscription, now))
    return subscription


def switch(subscription: Subscription, *, on: bool, by: User) -> None:
    """Switch it on, or off; what waited when it was switched off is a dead letter. ``NotAllowedError``."""
    _allow(by, subscription.team_id)
    with transaction.atomic():
        subscription.active = on
        subscription.save(update_fields=["active"])
        if not on:
            waiting = Delivery.objects.pending().filter(subscription=subscription)
            waiting.update(state=Delivery.State.DEAD, error=SWITCHED_OFF)


def test(subscription: Subscription, *, by: User) -> Delivery:
    """Have a test message sent, soon and whatever waits. Raises ``NotAllowedError``, ``InvalidError``."""
    _allow(by, subscription.team_id)
    if not subscription.active:
        raise InvalidError("active", "It is switched off: nothing is sent.")
    now = clock.real_now()
    with transaction.atomic():
        message = Message.objects.create(
            event=Message.Event.TEST,
            topic=TEST,
            facts={"who": name_of(by)},
            at=clock.now(),
            written_at=now,
            routed_at=now,
        )
        # whoever is sending just now keeps the lease: only a pause after failures ends here
        Subscription.objects.filter(pk=subscription.pk, failures__gt=0).update(due_at=now)
        return Delivery.objects.create(message=message, subscription=subscription, line=TEST_LINE, due_at=now)


def send_again(letters: "QuerySet[Delivery]", *, by: User) -> int:
    """Send dead letters again, as if for the first time, to subscriptions that are on; how many.

    Each goes before what waits behind it in its line. Raises ``NotAllowedError`` where one of them belongs to
    a team whose subscriptions this person may not change.
    """
    teams = set(letters.order_by().values_list("subscription__team", flat=True).distinct())
    for team in teams:
        _allow(by, team)
    dead = letters.filter(state=Delivery.State.DEAD, subscription__active=True)
    keys = list(dead.values_list("pk", flat=True))
    again = Delivery.objects.filter(pk__in=keys, state=Delivery.State.DEAD)
    return again.update(state=Delivery.State.PENDING, attempts=0, due_at=clock.real_now())


def checked(channel: str, address: str) -> str:
    """An address that the channel can use, as it is kept. Raises ``InvalidError``."""
    allow_private = settings.ALLOW_PRIVATE_WEBHOOKS
    if channel == Subscription.Channel.EMAIL:
        return _mailboxes(address)
    if channel == Subscription.Channel.CHAT:
        if reason := chats.problem(address, allow_private=allow_private):
            raise InvalidError("address", reason)
        return address
    try:
        destination(address, allow_private=allow_private)
    except ValueError as error:
        raise InvalidError("address", str(error)) from error
    return address


def _mailboxes(text: str) -> str:
    found = [parseaddr(each)[1] for each in text.split(",") if each.strip()]
    if not text.isprintable():  # a line's end would begin another header
        found = [""]
    try:
        for each in found:
            validate_email(each)
    except ValidationError:
        raise InvalidError("address", "Write e-mail addresses with commas between them.") from None
    if not 0 < len(found) <= RECEIVERS:
        raise InvalidError("address", f"From one to {RECEIVERS} e-mail addresses.")
    return ", ".join(found)


def _allow(by: User, team_id: int | None) -> None:
    if not may_subscribe(by, team_id):
        raise NotAllowedError("You may change the subscriptions of your own teams; SRE leads may change all.")
