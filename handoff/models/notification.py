"""Telling people: who wants to hear what and where, what there is to tell, and how far each message came."""

import datetime as dt

from django.db import models
from django.db.models import Exists, OuterRef, Q

from handoff.models.transition import Transition
from readiness.models import Alert, Service, Team

ALERTS = "alert"
TEST = "test"
TOPICS = [*Transition.Subject.choices, (ALERTS, "alerts")]
"""What can be subscribed to: decisions by what they are about, and alerts."""


class Subscription(models.Model):
    """A team, or nobody in particular for the whole fleet, wants to hear of some topics at one address."""

    class Channel(models.TextChoices):
        EMAIL = "email", "e-mail"
        CHAT = "chat", "chat"
        WEBHOOK = "webhook", "webhook"

    class Urgency(models.TextChoices):
        AT_ONCE = "at_once", "at once"
        DAILY = "daily", "daily digest"

    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="subscriptions",
        help_text="Hears of services that it owns or runs, and of alerts on which it should act. Nobody: of "
        "the whole fleet, which is for SRE leads.",
    )  # fmt: skip
    topics = models.JSONField(default=list, help_text="What it is told of.")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    address = models.TextField(
        help_text="E-mail addresses with commas between them, an apprise address of a chat, or an https:// "
        "address. It may hold a secret, so it is not shown again."
    )
    secret = models.CharField(max_length=100, blank=True, help_text="Signs what a webhook gets.")
    urgency = models.CharField(max_length=10, choices=Urgency.choices, default=Urgency.AT_ONCE)
    active = models.BooleanField(default=True)
    made_by = models.CharField(max_length=300, help_text="Id and name of the person who wrote it last.")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(
        help_text="Nothing is sent before, in real time: somebody is sending, or the receiver failed."
    )
    failures = models.PositiveIntegerField(default=0, help_text="In a row, up to now.")

    class Meta:
        ordering = ["team__slug", "pk"]
        permissions = [("change_own_subscription", "Can change subscriptions of own teams")]
        constraints = [
            models.CheckConstraint(condition=~Q(address=""), name="subscription_leads_somewhere"),
            models.CheckConstraint(
                condition=~Q(channel="webhook") | ~Q(secret=""), name="webhook_has_a_secret"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team or 'the whole fleet'} by {self.get_channel_display()}"

    def wants(self, message: "Message", concerned: set[int | None]) -> bool:
        """Whether it is told of this; ``concerned`` are the teams whose matter it is."""
        return message.topic in self.topics and (self.team_id is None or self.team_id in concerned)


class Message(models.Model):
    """Something to tell, written beside what happened, in one transaction. Words are made when it is sent."""

    class Event(models.TextChoices):
        TRANSITION = "transition", "decision"
        ALERT_RAISED = "alert_raised", "alert raised"
        ALERT_ENDED = "alert_ended", "alert ended"
        TEST = "test", "test"

    event = models.CharField(max_length=20, choices=Event.choices)
    topic = models.CharField(max_length=20)
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    transition = models.OneToOneField(
        Transition, on_delete=models.PROTECT, null=True, blank=True, related_name="message"
    )
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    facts = models.JSONField(default=dict, help_text="Of an alert, which may change: as it was then.")
    at = models.DateTimeField(help_text="When it happened, by the clock.")
    written_at = models.DateTimeField(help_text="In real time.")
    routed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was clear who is told, in real time."
    )

    class Meta:
        ordering = ["-pk"]
        indexes = [
            # the sweep: what nobody has looked at yet
            models.Index(fields=["id"], name="message_to_route", condition=Q(routed_at__isnull=True)),
            # the sweep: which alerts were told of
            models.Index(fields=["event", "alert"], name="message_of_alert"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "event"], condition=Q(alert__isnull=False), name="alert_is_told_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} {self.pk}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Ways to ask for deliveries."""

    def pending(self) -> "DeliveryQuerySet":
        """Those that are still to be sent."""
        return self.filter(state=Delivery.State.PENDING)

    def next_of_their_lines(self, now: dt.datetime) -> "DeliveryQuerySet":
        """Those that may be sent now: due, and nothing that waits stands before them in their line."""
        before = Delivery.objects.pending().filter(
            subscription=OuterRef("subscription"), line=OuterRef("line"), message__lt=OuterRef("message")
        )
        return self.pending().filter(~Exists(before), due_at__lte=now)


class Delivery(models.Model):
    """One message on its way to one subscription."""

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        SENT = "sent", "sent"
        DEAD = "dead", "dead letter"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    line = models.BigIntegerField(help_text="Key of the service, whose messages arrive in order.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField(help_text="Not sent before, in real time.")
    attempts = models.PositiveIntegerField(default=0, help_text="That failed.")
    error = models.TextField(blank=True, help_text="Why the last attempt failed.")
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-message_id", "-pk"]
        verbose_name_plural = "deliveries"
        indexes = [
            # the sweep: what stands first in each line
            models.Index(
                fields=["subscription", "line", "message"], name="delivery_line", condition=Q(state="pending")
            ),
            # the list of dead letters
            models.Index(fields=["state", "-message"], name="delivery_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "message"], name="a_message_reaches_a_subscription_once"
            ),
            models.CheckConstraint(
                condition=Q(state="sent") ^ Q(sent_at__isnull=True), name="delivery_sent_has_its_moment"
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.message_id} to {self.subscription}"
