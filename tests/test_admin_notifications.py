"""Subscriptions, messages and dead letters in the admin: who may do what, and what is never shown."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from handoff import actions
from handoff.actions import InvalidError, NotAllowedError
from handoff.models import Delivery, Message, Subscription
from handoff.notifications import subscribing
from handoff.notifications.subscribing import Wish
from handoff.tasks_notifications import forget, tell
from readiness import clock
from readiness.models import Team
from tests.admin_pages import Visitor, exported, text
from tests.factories import (
    AlertFactory,
    DeliveryFactory,
    MessageFactory,
    ServiceFactory,
    SubscriptionFactory,
    TeamFactory,
    ago,
)
from tests.members import member
from tests.receivers import receiving, takes

pytestmark = pytest.mark.django_db
LIST = "/admin/handoff/subscription/"
MESSAGES = "/admin/handoff/message/"
DELIVERIES = "/admin/handoff/delivery/"
URL = "https://hooks.example.org/services/T0/B0/verysecret"


@pytest.fixture
def team() -> Team:
    """The team that ada is in."""
    made: Team = TeamFactory.create(slug="payers")
    return made


class Guest(Visitor):
    """Somebody of a standard group, logged in."""

    def __init__(self, group: str, teams: list[Team] | None = None, name: str = "ada") -> None:
        self.user: User = member(group, name=name, teams=teams or [])
        self.client = Client()
        self.client.force_login(self.user)

    def get(self, path: str, *, status: int = 200, **query: Any) -> str:
        """A page's text."""
        answer = self.client.get(path, query)
        assert answer.status_code == status, (path, answer.status_code)
        return text(answer)

    def post(self, path: str, *, status: int = 200, **data: Any) -> str:
        """The text of the page that a form leads to."""
        answer = self.client.post(path, data, follow=True)
        assert answer.status_code == status, (path, answer.status_code)
        return text(answer)


def filled(team: Team | None, **changes: Any) -> dict[str, Any]:
    """The form, filled in."""
    said = {
        "team": team.pk if team else "",
        "topics": ["waiver", "alert"],
        "channel": "webhook",
        "address": URL,
        "urgency": "at_once",
    }
    return {**said, **changes}


@pytest.mark.parametrize(
    ("group", "teams"), [("developer", True), ("ops engineer", True), ("SRE lead", False)]
)
def test_members_subscribe_for_their_team_and_leads_for_any(team: Team, group: str, teams: bool) -> None:
    guest = Guest(group, [team] if teams else [])
    page = guest.post(f"{LIST}new/", **filled(team))
    made = Subscription.objects.get()
    assert (made.team, made.topics, made.address) == (team, ["waiver", "alert"], URL)
    assert made.secret in page  # this once
    shown = guest.get(f"{LIST}{made.pk}/change/")
    for page in (shown, guest.get(LIST), guest.get(f"{LIST}{made.pk}/edit/")):
        assert made.secret not in page
        assert "verysecret" not in page
    assert "https://hooks.example.org/…" in shown


def test_an_export_holds_neither_addresses_nor_secrets(team: Team) -> None:
    made = SubscriptionFactory.create(team=team, address=URL)
    file = exported(Guest("SRE lead"), LIST).getvalue().decode()
    assert "payers" in file
    assert made.secret not in file
    assert "verysecret" not in file


def test_the_whole_fleet_is_for_leads(team: Team) -> None:
    Guest("SRE lead", name="grace").post(f"{LIST}new/", **filled(None))
    assert Subscription.objects.get().team is None
    Guest("developer", [team]).post(f"{LIST}new/", **filled(None))
    assert Subscription.objects.count() == 1


@pytest.mark.parametrize("group", ["developer", "ops engineer"])
def test_another_teams_subscriptions_are_neither_seen_nor_touched(team: Team, group: str) -> None:
    other = SubscriptionFactory.create(address=URL)
    fleet = SubscriptionFactory.create(team=None)
    letter = DeliveryFactory.create(subscription=other, state="dead")
    guest = Guest(group, [team])
    assert str(other.team) not in guest.get(LIST)
    for each in (other, fleet):
        guest.get(f"{LIST}{each.pk}/change/", status=404)
        guest.get(f"{LIST}{each.pk}/edit/", status=404)
        guest.post(f"{LIST}{each.pk}/test/", status=404)
        guest.post(f"{LIST}{each.pk}/switch/", status=404, on="no")
    guest.post(f"{LIST}new/", **filled(other.team))
    assert Subscription.objects.count() == 2
    assert str(other) not in guest.get(DELIVERIES)
    guest.post(DELIVERIES, action="send_again", _selected_action=[letter.pk])
    letter.refresh_from_db()
    assert letter.state == "dead"
    with pytest.raises(NotAllowedError):
        subscribing.send_again(Delivery.objects.all(), by=guest.user)
    with pytest.raises(NotAllowedError):
        subscribing.change(other, Wish(team, ["alert"], "email", "a@example.org", "at_once"), by=guest.user)


def test_viewers_see_messages_and_nothing_of_where_they_go(team: Team) -> None:
    made = SubscriptionFactory.create(team=team)
    message = DeliveryFactory.create(subscription=made).message
    guest = Guest("viewer", [team])
    for path in (LIST, f"{LIST}{made.pk}/change/", f"{LIST}new/", DELIVERIES):
        guest.get(path, status=403)
    assert "a test message" in guest.get(MESSAGES)
    assert "nobody whom you may see" in guest.get(f"{MESSAGES}{message.pk}/change/")


@pytest.mark.parametrize(
    ("channel", "address", "why"),
    [
        ("webhook", "http://example.org/", "https://"),
        ("webhook", "https://127.0.0.1/", "no public address"),
        ("webhook", "https://[::ffff:169.254.169.254]/", "no public address"),
        ("email", "nobody", "e-mail addresses"),
        ("email", "a@example.org\r\nBcc: b@example.org", "e-mail addresses"),
        ("email", ",".join(f"a{number}@example.org" for number in range(21)), "From one to 20"),
        ("chat", "json://example.org/", "begins with one of"),
        ("chat", "syslog://", "begins with one of"),
        ("chat", "slack://", "cannot read"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_words(
    team: Team, channel: str, address: str, why: str
) -> None:
    user = member("SRE lead")
    with pytest.raises(InvalidError, match=why):
        subscribing.subscribe(Wish(team, ["alert"], channel, address, "at_once"), by=user)
    assert not Subscription.objects.exists()


def test_the_form_says_what_is_wrong_beside_the_field(team: Team) -> None:
    page = Guest("SRE lead").post(f"{LIST}new/", **filled(team, address="https://10.0.0.1/"))
    assert "10.0.0.1 is no public address" in page


def test_a_change_keeps_address_and_secret_unless_asked(team: Team) -> None:
    made = SubscriptionFactory.create(team=team, address=URL)
    guest, path = Guest("developer", [team]), f"{LIST}{made.pk}/edit/"
    former = made.secret
    guest.post(path, **filled(team, address="", urgency="daily"))
    made.refresh_from_db()
    assert (made.address, made.secret, made.urgency) == (URL, former, "daily")
    page = guest.post(path, **filled(team, address="", new_secret="on"))
    made.refresh_from_db()
    assert made.secret != former
    assert made.secret in page
    guest.post(path, **filled(team, channel="email", address=""))
    made.refresh_from_db()
    assert made.channel == "webhook"  # another channel needs another address


def test_the_button_sends_a_test_message(team: Team, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with receiving(takes) as receiver:
        made = SubscriptionFactory.create(
            team=team, address=receiver.address, failures=3, due_at=clock.real_now()
        )
        DeliveryFactory.create(subscription=made, due_at=clock.real_now().replace(year=2100))
        page = Guest("developer", [team]).post(f"{LIST}{made.pk}/test/")
        assert "A test message is on its way" in page
        tell()
        assert [each.event["type"] for each in receiver.heard] == ["handoff.test"]
    page = Guest("developer", [team], name="bob").get(f"{LIST}{made.pk}/change/")
    assert "sent" in page


def test_a_subscription_is_switched_off_and_on(team: Team) -> None:
    made = SubscriptionFactory.create(team=team)
    waits = DeliveryFactory.create(subscription=made)
    guest = Guest("developer", [team])
    guest.post(f"{LIST}{made.pk}/switch/", on="no")
    waits.refresh_from_db()
    made.refresh_from_db()
    assert (made.active, waits.state, waits.error) == (False, "dead", subscribing.SWITCHED_OFF)
    with pytest.raises(InvalidError):
        subscribing.test(made, by=guest.user)
    assert subscribing.send_again(Delivery.objects.all(), by=guest.user) == 0
    guest.post(f"{LIST}{made.pk}/switch/", on="yes")
    made.refresh_from_db()
    assert made.active


def test_buttons_are_no_links(team: Team) -> None:
    made = SubscriptionFactory.create(team=team)
    guest = Guest("developer", [team])
    guest.get(f"{LIST}{made.pk}/test/", status=405)
    guest.get(f"{LIST}{made.pk}/switch/", status=405)


def test_dead_letters_are_sent_again(team: Team, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with receiving(takes) as receiver:
        made = SubscriptionFactory.create(team=team, address=receiver.address)
        dead = DeliveryFactory.create(subscription=made, state="dead", attempts=12, error="it was away")
        sent = DeliveryFactory.create(subscription=made, state="sent", sent_at=ago(days=1))
        guest = Guest("developer", [team])
        assert "it was away" in guest.get(f"{DELIVERIES}?state__exact=dead")
        page = guest.post(DELIVERIES, action="send_again", _selected_action=[dead.pk, sent.pk])
        assert "1 message is sent again" in page
        assert tell() == 1
        assert [each.headers["webhook-id"] for each in receiver.heard] == [f"msg_{dead.message_id}"]
    dead.refresh_from_db()
    assert (dead.state, dead.error) == ("sent", "")


def decided(slug: str) -> Message:
    """What there is to tell of a decision about a service of this name."""
    service = ServiceFactory.create(slug=slug)
    actions.adopt(service, state="ops_managed", effective_at=clock.now(), actor="1 Ada", reason="it ran")
    return Message.objects.get(transition__service=service)


def test_a_message_page_says_all_of_it_and_who_was_told(team: Team) -> None:
    message = decided("pay")
    DeliveryFactory.create(message=message, subscription=SubscriptionFactory.create(team=team))
    page = Guest("developer", [team]).get(f"{MESSAGES}{message.pk}/change/")
    assert "pay: who runs it is ops-managed" in page
    assert "Why: it ran" in page
    assert "payers by webhook" in page


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize(("path", "queries"), [(LIST, 8), (MESSAGES, 9), (DELIVERIES, 8)])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    rows: int, path: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        message = decided(f"pay-{number}")
        DeliveryFactory.create(message=message)
    AlertFactory.create()
    guest = Guest("SRE lead")
    with django_assert_num_queries(queries):
        guest.get(path)


def test_what_was_told_long_ago_is_forgotten_and_open_alerts_are_not_told_anew() -> None:
    old: dict[str, Any] = {"written_at": ago(days=91), "routed_at": ago(days=91), "event": "alert_raised"}
    lasting = MessageFactory.create(alert=AlertFactory.create(), **old)
    ended = AlertFactory.create(began_at=ago(days=700), ended_at=ago(days=600))
    over = MessageFactory.create(alert=ended, **old)
    new = MessageFactory.create()
    DeliveryFactory.create(message=over)
    assert forget() == 1
    assert set(Message.objects.all()) == {lasting, new}
    assert forget() == 0
