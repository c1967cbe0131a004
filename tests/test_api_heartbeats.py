"""A feed's heartbeats over REST: they lengthen spans, bridge no silence, and open none before their token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from readiness import clock
from readiness.models import Feed
from tests.factories import FeedFactory, ServiceFactory
from tests.machines import SOURCE, Machine, reasons

pytestmark = pytest.mark.django_db

MADE = datetime(2026, 6, 1, tzinfo=UTC)
"""When the token of these tests was made."""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that reports pages for two services, and began some months ago."""
    ServiceFactory.create(slug="pay")
    ServiceFactory.create(slug="shop")
    machine = Machine(kinds=["feed", "page"])
    machine.token.created = MADE
    machine.token.save()
    return machine


def day(number: int) -> datetime:
    """So many days after the token was made."""
    return MADE + timedelta(days=number)


def beat(last: datetime, since: datetime = MADE, services: tuple[str, ...] = ("pay",)) -> dict[str, Any]:
    """What a script sends: always the same first day, and when it last heard something."""
    return {
        "source": SOURCE,
        "kind": "page",
        "services": list(services),
        "since": since.isoformat(),
        "last_seen_at": last.isoformat(),
    }


def spans(slug: str = "pay") -> list[tuple[datetime, datetime, str]]:
    """The spans of a service."""
    rows = Feed.objects.filter(service__slug=slug).order_by("since")
    return list(rows.values_list("since", "last_seen_at", "origin"))


def test_heartbeats_lengthen_one_span(machine: Machine) -> None:
    assert machine.results("feeds", beat(day(1))) == ["created"]
    assert machine.results("feeds", [beat(day(2)), beat(day(3))]) == ["updated", "updated"]
    assert machine.results("feeds", beat(day(2))) == ["unchanged"]
    assert spans() == [(MADE, day(3), "heard")]


def test_a_silence_is_not_bridged_though_the_script_names_its_first_day(machine: Machine) -> None:
    machine.write("feeds", beat(day(1)))
    assert machine.results("feeds", beat(day(8))) == ["updated"]
    assert machine.results("feeds", [beat(day(16)), beat(day(17))]) == ["created", "updated"]
    assert spans() == [(MADE, day(8), "heard"), (day(16), day(17), "heard")]

    assert machine.results("feeds", beat(day(5))) == ["unchanged"]
    assert spans() == [(MADE, day(8), "heard"), (day(16), day(17), "heard")]


def test_a_span_may_be_begun_anew_and_goes_on_where_there_was_no_silence(machine: Machine) -> None:
    machine.write("feeds", beat(day(1)))
    assert machine.results("feeds", beat(day(4), since=day(3))) == ["updated"]
    assert machine.results("feeds", beat(day(31), since=day(30))) == ["created"]
    assert spans() == [(MADE, day(4), "heard"), (day(30), day(31), "heard")]


def test_a_span_before_the_token_is_for_an_sre_lead_to_declare(machine: Machine) -> None:
    (refused,) = machine.write("feeds", beat(day(1), since=day(-1)), status=422)
    assert "an SRE lead can declare an older one" in reasons(refused)["since"]
    assert not spans()


def test_what_an_earlier_token_heard_may_be_gone_on_with(machine: Machine) -> None:
    FeedFactory.create(service__slug="old", source=SOURCE, kind="page", since=day(-90), last_seen_at=day(-2))
    assert machine.results("feeds", beat(day(1), since=day(-90), services=("old",))) == ["updated"]
    assert spans("old") == [(day(-90), day(1), "heard")]


def test_a_silence_before_the_token_is_not_filled_from_week_to_week(machine: Machine) -> None:
    FeedFactory.create(service__slug="old", source=SOURCE, kind="page", since=day(-90), last_seen_at=day(-20))
    (refused,) = machine.write("feeds", beat(day(-14), since=day(-90), services=("old",)), status=422)
    assert "before this token was made" in reasons(refused)["last_seen_at"]

    assert machine.results("feeds", beat(day(-21), since=day(-90), services=("old",))) == ["unchanged"]
    assert machine.results("feeds", beat(day(1), since=day(-90), services=("old",))) == ["created"]
    assert spans("old") == [(day(-90), day(-20), "heard"), (day(1), day(1), "heard")]


def test_it_vouches_for_no_kind_that_it_does_not_write(machine: Machine) -> None:
    (refused,) = machine.write("feeds", {**beat(day(1)), "kind": "incident"}, status=422)
    assert reasons(refused) == {
        "kind": "must be one that the token pager-sync may write, and incident is not"
    }
    assert not spans()


def test_a_declared_span_is_not_lengthened_by_a_machine(machine: Machine) -> None:
    declared = {"origin": "declared", "declared_by": "1 Ada", "reason": "the log shows it"}
    FeedFactory.create(
        service__slug="old", source=SOURCE, kind="page", since=MADE, last_seen_at=day(1), **declared
    )
    assert machine.results("feeds", beat(day(2), services=("old",))) == ["created"]
    assert spans("old") == [(MADE, day(1), "declared"), (day(2), day(2), "heard")]


def test_all_services_are_those_of_the_token() -> None:
    for slug in ("pay", "shop"):
        ServiceFactory.create(slug=slug)
    now = clock.real_now()
    machine = Machine(kinds=["feed", "page"], services=["pay"])

    machine.write(
        "feeds", beat(clock.real_now(), since=now + timedelta(seconds=2), services=("*",)), status=422
    )
    since = machine.token.created
    assert machine.results("feeds", beat(clock.real_now(), since=since, services=("*",))) == ["created"]
    assert list(Feed.objects.values_list("service__slug", flat=True)) == ["pay"]
    (refused,) = machine.write("feeds", beat(now, since=now, services=("pay", "shop")), status=422)
    assert reasons(refused) == {"services": "names shop, for which the token pager-sync may not write"}


def test_services_at_different_places_each_go_on_from_their_own(machine: Machine) -> None:
    machine.write("feeds", beat(day(1)))
    assert machine.results("feeds", beat(day(20), services=("pay", "shop"))) == ["created"]
    assert spans("pay") == [(MADE, day(1), "heard"), (day(20), day(20), "heard")]
    assert spans("shop") == [(MADE, day(20), "heard")]


def test_what_was_not_heard_yet_is_refused(machine: Machine) -> None:
    tomorrow = clock.real_now() + timedelta(days=1)
    (refused,) = machine.write("feeds", beat(tomorrow), status=422)
    assert reasons(refused) == {"last_seen_at": "lies ahead: a heartbeat is about what was heard by now"}


def test_where_the_clock_stands_elsewhere_a_token_was_made_by_that_clock(
    machine: Machine, settings: Settings
) -> None:
    settings.CLOCK_OFFSET = timedelta(days=-30)
    assert machine.results("feeds", beat(day(-29), since=day(-29))) == ["created"]
    assert machine.results("feeds", beat(day(-31), since=day(-31), services=("shop",)), status=422) == [
        "rejected"
    ]
