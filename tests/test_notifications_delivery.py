"""Messages arrive at real receivers on loopback: at least once, in order, and nobody waits for others."""

import datetime as dt
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import factory
import pytest
from django.core import mail
from django.db import transaction
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook

from handoff import actions
from handoff.models import Delivery, Message, Subscription, Transition
from handoff.notifications import delivering, noticing, routing, timing, webhooks
from handoff.tasks_notifications import tell
from readiness import clock
from readiness.models import Service
from tests import receivers
from tests.factories import (
    AlertFactory,
    DeliveryFactory,
    MessageFactory,
    ServiceFactory,
    SubscriptionFactory,
    TeamFactory,
)
from tests.receivers import Answer, Receiver, Talk, receiving

pytestmark = pytest.mark.django_db
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _private_allowed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers on loopback are meant, and hanging ones are cut off sooner than in earnest."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    monkeypatch.setattr(webhooks, "DEADLINE_SECONDS", 0.7)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that takes everything."""
    with receiving(receivers.takes) as made:
        yield made


def subscribed(receiver: Receiver, service: Service | None = None, **how: Any) -> Subscription:
    """The owners of a service, or whoever reads for the fleet, are told by this receiver."""
    team = service.owner if service else None
    made: Subscription = SubscriptionFactory.create(team=team, address=receiver.address, **how)
    return made


def happened(service: Service, *abouts: str) -> None:
    """Waivers of these names were asked for, one after the other."""
    now = clock.now()
    for about in abouts:
        told = Transition(
            service=service,
            subject="waiver",
            about=about,
            move="ask",
            to_state="asked",
            actor="1 Ada",
            reason="It takes until August.",
            at=now,
        )
        actions.recording.record([told])


def due_now() -> None:
    """Let all that waits after a failure be tried now."""
    Delivery.objects.pending().update(due_at=LONG_AGO)
    Subscription.objects.update(due_at=LONG_AGO)


def states() -> dict[str, str]:
    """What became of each message, by what it is about."""
    rows = Delivery.objects.order_by("message").select_related("message__transition")
    return {row.message.transition.about: row.state for row in rows if row.message.transition}


def test_a_decision_arrives_signed_with_what_why_and_what_to_do(
    receiver: Receiver, settings: Settings
) -> None:
    settings.SITE_URL = "https://handoff.example.org"
    service = ServiceFactory.create(slug="pay")
    subscription = subscribed(receiver, service)
    happened(service, "telemetry")
    assert tell() == 1
    [heard] = receiver.heard
    event = Webhook(subscription.secret).verify(heard.body, heard.headers)
    assert heard.headers["Content-Type"] == "application/cloudevents+json"
    assert event["type"] == "handoff.waiver.asked"
    assert event["id"] == heard.headers["webhook-id"]
    assert event["data"]["why"] == "It takes until August."
    assert event["data"]["url"].startswith("https://handoff.example.org/admin/readiness/service/")
    assert states() == {"telemetry": "sent"}
    assert tell() == 0
    assert len(receiver.heard) == 1


def test_the_outbox_is_written_with_the_decision_or_not_at_all() -> None:
    service = ServiceFactory.create()
    happened(service, "telemetry")
    message = Message.objects.get()
    assert message.transition == Transition.objects.get()
    with transaction.atomic():
        happened(service, "defects")
        transaction.set_rollback(True)
    assert Message.objects.count() == Transition.objects.count() == 1


def test_history_is_on_record_and_not_told_as_news(receiver: Receiver) -> None:
    service = ServiceFactory.create()
    subscribed(receiver, service)
    actions.adopt(service, state="ops_managed", effective_at=LONG_AGO, actor="1 Ada", reason="it ran")
    assert tell() == 0
    assert Message.objects.get().deliveries.count() == 0


def test_teams_hear_of_their_own_and_of_what_they_chose_alone(receiver: Receiver) -> None:
    ops = TeamFactory.create()
    mine, other = ServiceFactory.create(slug="mine", ops_team=ops), ServiceFactory.create(slug="other")
    owners, running, fleet = (
        subscribed(receiver, mine),
        subscribed(receiver, team_id=ops.pk),
        subscribed(receiver),
    )
    subscribed(receiver, mine, topics=["consultant"])
    subscribed(receiver, mine, active=False)
    happened(mine, "telemetry")
    happened(other, "defects")
    tell()
    told = {
        (row.subscription_id, row.message.service.slug)
        for row in Delivery.objects.all()
        if row.message.service
    }
    assert told == {
        (owners.pk, "mine"),
        (running.pk, "mine"),
        (fleet.pk, "mine"),
        (fleet.pk, "other"),
    }


def test_one_that_answers_500_at_first_gets_it_again_and_the_order_is_kept() -> None:
    def fails_at_first(talk: Talk, number: int) -> None:
        talk.status(500 if number <= 2 else 200)

    service, other = ServiceFactory.create(), ServiceFactory.create()
    with receiving(fails_at_first) as receiver:
        subscribed(receiver)
        happened(service, "one", "two")
        happened(other, "else")
        happened(service, "three")
        assert tell() == 0
        assert receiver.about == ["one"]
        first = Delivery.objects.get(message__transition__about="one")
        assert (first.attempts, first.error) == (1, "127.0.0.1 answered 500")
        assert first.due_at > clock.real_now()
        due_now()
        assert tell() == 0
        due_now()
        assert tell() == 4
        mine = [each for each in receiver.about if each != "else"]
        assert mine == ["one", "one", "one", "two", "three"]
        identities = {each.headers["webhook-id"] for each in receiver.heard[:3]}
        assert len(identities) == 1
    assert set(states().values()) == {"sent"}
    assert Subscription.objects.get().failures == 0


def test_a_message_that_is_refused_keeps_back_its_own_service_alone() -> None:
    def refuses_one(talk: Talk, number: int) -> None:
        talk.status(500 if talk.server.receiver.about[number - 1] == "bad" else 200)

    bad, good = ServiceFactory.create(), ServiceFactory.create()
    with receiving(refuses_one) as receiver:
        subscription = subscribed(receiver)
        happened(bad, "bad", "after it")
        happened(good, "good", "better")
        tell()
        Subscription.objects.update(due_at=LONG_AGO)  # the pause is over; the message itself waits longer
        tell()
        assert receiver.about == ["bad", "good", "better"]
    assert states() == {"bad": "pending", "after it": "pending", "good": "sent", "better": "sent"}
    subscription.refresh_from_db()
    assert subscription.failures == 0


@pytest.mark.parametrize("answer", [receivers.hangs, receivers.drips])
def test_a_hanging_or_hostile_receiver_keeps_nobody_else_waiting(receiver: Receiver, answer: Answer) -> None:
    service = ServiceFactory.create()
    with ExitStack() as stack:
        for _ in range(5):
            bad = stack.enter_context(receiving(answer))
            subscribed(bad, service)
        subscribed(receiver, service)
        happened(service, *(f"waiver {number}" for number in range(10)))
        began = time.monotonic()
        tell()
        assert time.monotonic() - began < 5
    assert receiver.about == [f"waiver {number}" for number in range(10)]


def test_whoever_hangs_is_left_alone_for_longer_and_longer() -> None:
    service = ServiceFactory.create()
    with receiving(receivers.hangs) as receiver:
        subscription = subscribed(receiver, service)
        happened(service, "one")
        tell()
        assert tell() == 0
        assert len(receiver.heard) == 1
    subscription.refresh_from_db()
    assert subscription.failures == 1
    assert subscription.due_at > clock.real_now()
    assert "gave no answer within" in Delivery.objects.get().error


def test_a_body_without_end_is_not_read() -> None:
    with receiving(receivers.floods) as receiver:
        subscribed(receiver)
        happened(ServiceFactory.create(), "one")
        assert tell() == 1


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    def leads_on(talk: Talk, number: int) -> None:
        talk.status(307, Location=receiver.address)

    with receiving(leads_on) as trap:
        subscribed(trap)
        happened(ServiceFactory.create(), "one")
        assert tell() == 0
    assert receiver.heard == []
    assert "redirects are not followed" in Delivery.objects.get().error


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "0"]
)
def test_a_private_receiver_is_refused_when_it_is_sent_to_whatever_it_is_called(
    receiver: Receiver, settings: Settings, host: str
) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    service = ServiceFactory.create()
    SubscriptionFactory.create(team=service.owner, address=f"https://{host}:{receiver.port}/hook")
    happened(service, "one")
    assert tell() == 0
    assert receiver.heard == []
    assert "no public address" in Delivery.objects.get().error


def test_a_name_is_looked_up_once_and_one_private_address_of_it_spoils_all(
    receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [
            (2, 1, 6, "", (address, port)) for address in ("93.184.215.14", "127.0.0.1")[: len(asked) + 1]
        ]

    connected: list[str] = []

    def refused(address: tuple[str, int], **_: Any) -> Any:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", refused)
    service = ServiceFactory.create()
    SubscriptionFactory.create(team=service.owner, address=f"https://rebinds.example:{receiver.port}/")
    happened(service, "one")
    tell()
    assert (asked, connected) == (["rebinds.example"], [])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", ("93.184.215.14", port))]
    )
    due_now()
    tell()
    assert connected == ["93.184.215.14"]  # the address that was judged, not the name


def test_a_worker_killed_between_sending_and_saying_so_is_followed_by_one_that_sends_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ServiceFactory.create()
    subscribed(receiver, service)
    happened(service, "one", "two")
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_arrived", lambda parcel: killed())
        with pytest.raises(SystemExit):
            tell()
    assert receiver.about == ["one"]
    assert tell() == 0  # its lease still holds
    Subscription.objects.update(due_at=LONG_AGO)  # until it runs out
    assert tell() == 2
    assert receiver.about == ["one", "one", "two"]
    assert set(states().values()) == {"sent"}


def killed() -> int:
    """Go away without a word."""
    raise SystemExit


def test_of_two_workers_one_has_a_receiver(receiver: Receiver) -> None:
    service = ServiceFactory.create()
    subscription = subscribed(receiver, service)
    happened(service, "one")
    routing.route()
    parcel = delivering._taken(subscription.pk)
    assert parcel is not None
    assert delivering._taken(subscription.pk) is None
    assert tell() == 0
    delivering._arrived(parcel)
    assert receiver.heard == []


def test_who_lost_its_lease_does_not_undo_what_the_next_one_did(receiver: Receiver) -> None:
    service = ServiceFactory.create()
    subscription = subscribed(receiver, service)
    happened(service, "one")
    routing.route()
    late = delivering._taken(subscription.pk)
    Subscription.objects.update(due_at=LONG_AGO)
    assert tell() == 1
    assert late is not None
    delivering._failed(late, TimeoutError())
    assert states() == {"one": "sent"}
    subscription.refresh_from_db()
    assert subscription.failures == 0


def test_after_enough_attempts_a_message_is_a_dead_letter_and_its_line_goes_on() -> None:
    def refuses_one(talk: Talk, number: int) -> None:
        talk.status(500 if talk.server.receiver.about[number - 1] == "bad" else 200)

    service = ServiceFactory.create()
    with receiving(refuses_one) as receiver:
        subscribed(receiver, service)
        happened(service, "bad", "good")
        for _ in range(timing.ATTEMPTS + 1):
            tell()
            due_now()
        assert receiver.about == ["bad"] * timing.ATTEMPTS + ["good"]
    assert states() == {"bad": "dead", "good": "sent"}


def test_who_wants_no_more_is_not_asked_again() -> None:
    with receiving(lambda talk, number: talk.status(410)) as receiver:
        subscribed(receiver)
        happened(ServiceFactory.create(), "one")
        tell()
    assert states() == {"one": "dead"}


def test_what_waited_a_week_for_a_receiver_that_fails_is_given_up() -> None:
    with receiving(lambda talk, number: talk.status(503)) as receiver:
        subscription = subscribed(receiver)
        old = MessageFactory.create(written_at=clock.real_now() - timing.GIVE_UP)
        first = DeliveryFactory.create(subscription=subscription)
        waits = DeliveryFactory.create(
            subscription=subscription, message=old, line=7, due_at=clock.real_now() + timing.LONGEST
        )
        tell()
    first.refresh_from_db()
    waits.refresh_from_db()
    assert (first.state, waits.state) == ("pending", "dead")


# Alerts ----------------------------------------------------------------------------------------------


def test_an_alert_is_told_of_once_when_it_is_raised_and_once_when_it_ends(receiver: Receiver) -> None:
    alert = AlertFactory.create(service__slug="pay", began_at=clock.now())
    subscribed(receiver, alert.service)
    assert tell() == 1
    assert tell() == 0
    alert.ended_at = clock.now()
    alert.save()
    assert tell() == 1
    assert tell() == 0
    assert [each.event["type"] for each in receiver.heard] == ["handoff.alert.raised", "handoff.alert.ended"]
    assert receiver.heard[0].event["data"]["why"] == alert.text


def test_who_should_act_on_an_alert_hears_of_it_and_the_fleets_are_for_the_leads(receiver: Receiver) -> None:
    acting = TeamFactory.create()
    AlertFactory.create(team=acting)
    AlertFactory.create(kind="evaluation_missed", service=None, team=None, subject="")
    subscribed(receiver, team_id=acting.pk)
    subscribed(receiver)
    assert tell() == 3


def test_an_alert_that_came_and_went_between_two_sweeps_is_told_of_and_a_former_one_is_not(
    receiver: Receiver,
) -> None:
    AlertFactory.create(began_at=clock.now() - dt.timedelta(minutes=2), ended_at=clock.now())
    AlertFactory.create(began_at=LONG_AGO, ended_at=LONG_AGO)
    assert noticing.notice() == 2
    assert list(Message.objects.order_by("pk").values_list("event", flat=True)) == [
        "alert_raised",
        "alert_ended",
    ]


def test_what_an_alert_said_stays_what_was_told(receiver: Receiver) -> None:
    alert = AlertFactory.create(text="At first.")
    subscribed(receiver, alert.service)
    noticing.notice()
    alert.text = "Later."
    alert.save()
    tell()
    assert receiver.heard[0].event["data"]["why"] == "At first."


# Other ways ------------------------------------------------------------------------------------------


def test_an_email_says_it_in_words(mailoutbox: list[mail.EmailMessage]) -> None:
    service = ServiceFactory.create(slug="pay")
    SubscriptionFactory.create(
        team=service.owner, channel="email", address="ada@example.org, bob@example.org", secret=""
    )
    happened(service, "telemetry")
    assert tell() == 1
    [sent] = mailoutbox
    assert sent.to == ["ada@example.org", "bob@example.org"]
    assert sent.subject == "[Handoff] pay: waiver telemetry is asked"
    assert "Why: It takes until August." in str(sent.body)
    assert "What to do: Somebody else than its author" in str(sent.body)


def test_a_mail_server_that_is_away_is_tried_again(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    DeliveryFactory.create(
        subscription=SubscriptionFactory.create(channel="email", address="ada@example.org", secret="")
    )
    tell()
    row = Delivery.objects.get()
    assert (row.state, row.error) == ("pending", "the mail server: ConnectionRefusedError")


def test_a_chat_hears_it_through_apprise() -> None:
    service = ServiceFactory.create(slug="pay")
    with receiving(lambda talk, number: talk.status(200)) as chat:
        address = f"mmost://127.0.0.1:{chat.port}/3ccdd113474722377935511fc85d3dd4"
        SubscriptionFactory.create(team=service.owner, channel="chat", address=address, secret="")
        happened(service, "telemetry")
        assert tell() == 1
        assert "pay: waiver telemetry is asked" in chat.heard[0].body.decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
def test_a_private_chat_is_refused_whatever_it_is_called(
    receiver: Receiver, settings: Settings, host: str
) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    address = f"mmost://{host}:{receiver.port}/3ccdd113474722377935511fc85d3dd4"
    subscription = SubscriptionFactory.create(channel="chat", address=address, secret="")
    DeliveryFactory.create(subscription=subscription)
    assert tell() == 0
    assert receiver.heard == []
    assert "no public address" in Delivery.objects.get().error


def test_a_digest_holds_the_day_in_one_and_comes_in_the_morning(
    receiver: Receiver, mailoutbox: list[mail.EmailMessage]
) -> None:
    service = ServiceFactory.create(slug="pay")
    daily: dict[str, Any] = {"team": service.owner, "urgency": "daily"}
    subscription = SubscriptionFactory.create(address=receiver.address, **daily)
    SubscriptionFactory.create(channel="email", address="ada@example.org", secret="", **daily)
    happened(service, "one", "two", "three")
    assert tell() == 0
    for row in Delivery.objects.all():
        assert row.due_at == timing.next_digest(service.owner.hours, row.message.written_at)
    due_now()
    assert tell() == 6
    [heard] = receiver.heard
    event = Webhook(subscription.secret).verify(heard.body, heard.headers)
    assert event["type"] == "handoff.digest"
    assert [each["data"]["about"] for each in event["data"]["messages"]] == ["one", "two", "three"]
    assert mailoutbox[0].subject.startswith("[Handoff] 3 messages until ")
    assert "3. pay: waiver three is asked" in str(mailoutbox[0].body)


def test_a_digest_that_failed_comes_whole_and_in_order_later() -> None:
    with receiving(lambda talk, number: talk.status(500 if number == 1 else 200)) as receiver:
        service = ServiceFactory.create()
        subscribed(receiver, service, urgency="daily")
        happened(service, "one", "two")
        routing.route()
        due_now()
        tell()
        happened(service, "three")
        due_now()
        assert tell() == 2  # the third waits for the next morning
        assert [each["data"]["about"] for each in receiver.heard[1].event["data"]["messages"]] == [
            "one",
            "two",
        ]


@pytest.mark.parametrize("number", [3, 12])
def test_deciding_who_is_told_takes_as_many_queries_for_many_messages(
    number: int, django_assert_max_num_queries: Any
) -> None:
    service = ServiceFactory.create()
    SubscriptionFactory.create_batch(number, team=service.owner)
    happened(service, *map(str, range(number)))
    AlertFactory.create_batch(number, service=service, subject=factory.Sequence(str))
    with django_assert_max_num_queries(16):  # SQLite inserts so many rows by several statements
        noticing.notice()
        routing.route()
    assert Delivery.objects.count() == 2 * number * number
