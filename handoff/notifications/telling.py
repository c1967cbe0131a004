"""From rows to what is told: the facts of a message, and what is sent to a subscription."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from handoff.models import Message, Subscription
from handoff.notifications import chats, cloudevents, webhooks
from handoff.notifications.addresses import destination
from handoff.notifications.failing import UndeliveredError
from handoff.notifications.wording import Happening, digest, letter, words
from readiness import clock

Sending = Callable[[], None]
"""Sends; touches no database, for it runs in a thread. Raises :class:`UndeliveredError`."""

RELATED = ("service", "transition", "alert")
"""What :func:`happening` reads of a message."""


def happening(message: Message) -> Happening:
    """The facts of a message."""
    decision = message.transition
    told: dict[str, Any] = dict(message.facts)
    if decision is not None:
        told |= {
            "about": decision.about,
            "move": decision.move,
            "from_state": decision.from_state,
            "to_state": decision.to_state,
            "actor": decision.actor,
            "reason": decision.reason,
        }
    return Happening(
        key=message.pk,
        event=message.event,
        topic=message.topic,
        at=message.at,
        service=message.service.slug if message.service else "",
        url=f"{settings.SITE_URL}{_path(message)}",
        **told,
    )


def _path(message: Message) -> str:
    if message.service_id is not None:
        return reverse("admin:readiness_service_change", args=[message.service_id])
    if message.event == Message.Event.TEST:
        return reverse("admin:handoff_subscription_changelist")
    return reverse("admin:readiness_alert_changelist")


def sending(subscription: Subscription, messages: Sequence[Message]) -> Sending:
    """What delivers these messages, oldest first, in one; what it needs of the database is read by now."""
    return _CHANNELS[subscription.channel](subscription, [happening(each) for each in messages])


def _by_email(subscription: Subscription, happenings: list[Happening]) -> Sending:
    subject, text = _text(happenings)
    to = [each.strip() for each in subscription.address.split(",")]

    def send() -> None:
        try:
            EmailMessage(subject, text, to=to).send()
        except (OSError, ValueError) as error:  # what smtplib raises is an OSError
            raise UndeliveredError(f"the mail server: {type(error).__name__}") from error

    return send


def _by_chat(subscription: Subscription, happenings: list[Happening]) -> Sending:
    subject, text = _text(happenings)
    address, allow_private = subscription.address, settings.ALLOW_PRIVATE_WEBHOOKS
    return lambda: chats.say(address, subject, text, allow_private=allow_private)


def _by_webhook(subscription: Subscription, happenings: list[Happening]) -> Sending:
    now, source, allow_private = clock.real_now(), settings.SITE_URL, settings.ALLOW_PRIVATE_WEBHOOKS
    if len(happenings) == 1:
        event = cloudevents.document(happenings[0], source)
    else:
        event = cloudevents.digest(happenings, source, at=happenings[-1].at)
    body, headers = cloudevents.signed(event, subscription.secret, now=now)
    address = subscription.address

    def send() -> None:
        try:
            where = destination(address, allow_private=allow_private)
        except ValueError as error:  # the setting was another one when it was written
            raise UndeliveredError(str(error)) from error
        webhooks.post(where, body, headers, allow_private=allow_private)

    return send


def _text(happenings: list[Happening]) -> tuple[str, str]:
    said = [words(each) for each in happenings]
    if len(said) == 1:
        return said[0].subject, letter(said[0])
    return digest(said, until=happenings[-1].at)


_CHANNELS: dict[str, Callable[[Subscription, list[Happening]], Sending]] = {
    Subscription.Channel.EMAIL: _by_email,
    Subscription.Channel.CHAT: _by_chat,
    Subscription.Channel.WEBHOOK: _by_webhook,
}
