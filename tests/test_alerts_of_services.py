"""Alerts about single services: silent feeds and flying blind, who should act, and how each ends."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import alerting
from readiness.alerting import keeping
from readiness.alerting.feeds import kinds_read
from readiness.models import Alert, Feed, PolicyVersion, Service
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    EvaluationFactory,
    FeedFactory,
    ManagementChangeFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ServiceFactory,
    TeamFactory,
    ago,
)
from tests.judged import default_policy

SILENT, BLIND = Alert.Kind.FEED_SILENT, Alert.Kind.FLYING_BLIND
DAY = dt.timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def policy() -> None:
    """The default policy is in force, and the fleet was judged last night."""
    PolicyVersionFactory.create(in_force=True)
    EvaluationFactory.create(at=NOW, state="done")


def service(**values: Any) -> Service:
    """A service with an ops team."""
    return ServiceFactory.create(ops_team=TeamFactory.create(), **values)


def open_alerts(kind: str = SILENT) -> list[Alert]:
    """What is open."""
    return list(Alert.objects.open().filter(kind=kind).order_by("service_id", "subject"))


# Feeds -----------------------------------------------------------------------------------------------


def test_a_feed_that_was_heard_and_is_silent_for_a_week_is_an_alert_of_those_who_run_the_service() -> None:
    developers, ops = service(developer_managed=True), service(ops_managed=True)
    for each in (developers, ops):
        FeedFactory.create(service=each, kind="pipeline_run", source="jenkins", last_seen_at=ago(days=8))

    alerting.watch(NOW)

    first, second = open_alerts()
    assert (first.service, first.team) == (developers, developers.owner)
    assert (second.service, second.team) == (ops, ops.ops_team)
    assert (first.subject, first.began_at) == ("pipeline_run", NOW)
    assert first.text == (
        "Nothing was heard of pipeline runs since 2026-06-23 00:00 UTC (from jenkins): what rests on the "
        "pipeline run feed cannot be judged. Revive what reports them, or connect another source."
    )
    assert first.numbers["source"] == "jenkins"
    assert first.numbers["last_heard"] == ago(days=8).isoformat()


@pytest.mark.parametrize(
    ("spans", "silent"),
    [
        ([{"last_seen_at": ago(days=7, seconds=1)}], True),
        ([{"last_seen_at": ago(days=7)}], False),
        ([{"last_seen_at": ago(days=30), "declared": True}], False),  # it ends by nature
        ([{"last_seen_at": ago(days=90)}, {"since": ago(days=40), "last_seen_at": ago(days=2)}], False),
        ([{"last_seen_at": ago(days=90)}, {"source": "other", "last_seen_at": ago(days=2)}], False),
        ([{"last_seen_at": ago(days=90)}, {"since": ago(days=9), "declared": True}], False),  # vouched for
        ([{"last_seen_at": ago(days=90)}, {"since": NOW + DAY, "last_seen_at": NOW + DAY}], True),  # not yet
        ([{"last_seen_at": ago(days=90), "kind": "shift"}], True),
    ],
)
def test_silent_is_what_judgement_calls_silent(spans: list[dict[str, Any]], silent: bool) -> None:
    pay = service()
    for number, span in enumerate(spans):
        since = {"since": ago(days=365 + number)}
        FeedFactory.create(service=pay, **{"source": "jenkins", **since, **span})

    alerting.watch(NOW)

    assert bool(open_alerts()) is silent


def test_a_feed_that_is_heard_again_ends_its_alert_and_another_one_stays() -> None:
    pay = service()
    spans = [
        FeedFactory.create(service=pay, kind=kind, last_seen_at=ago(days=9)) for kind in ("page", "defect")
    ]
    alerting.watch(NOW)

    Feed.objects.filter(pk=spans[0].pk).update(last_seen_at=NOW)
    changed = alerting.watch(NOW + DAY)

    assert (changed.raised, changed.ended) == (0, 1)
    assert [alert.subject for alert in open_alerts()] == ["defect"]
    assert Alert.objects.get(subject="page").ended_at == NOW + DAY


def test_a_service_that_retires_ends_its_alerts() -> None:
    pay = service()
    FeedFactory.create(service=pay, last_seen_at=ago(days=9))
    alerting.watch(NOW)
    assert len(open_alerts()) == 1

    Service.objects.filter(pk=pay.pk).update(lifecycle="retired")
    alerting.watch(NOW + DAY)

    assert open_alerts() == []


def test_who_should_act_follows_the_service_to_those_who_run_it_now() -> None:
    pay = service(developer_managed=True)
    FeedFactory.create(service=pay, last_seen_at=ago(days=9))
    alerting.watch(NOW)
    ManagementChangeFactory.create(service=pay, state="ops_managed", way="handoff", effective_at=NOW + DAY)

    alerting.watch(NOW + 2 * DAY)

    (alert,) = open_alerts()
    assert (alert.team, alert.began_at) == (pay.ops_team, NOW)


def test_all_sources_that_were_heard_are_named_the_last_one_first() -> None:
    pay = service()
    FeedFactory.create(service=pay, source="old", last_seen_at=ago(days=99))
    FeedFactory.create(service=pay, source="new", last_seen_at=ago(days=9))

    alerting.watch(NOW)

    (alert,) = open_alerts()
    assert "(from new and old)" in alert.text
    assert [each["source"] for each in alert.numbers["sources"]] == ["new", "old"]


def test_the_kinds_are_those_that_the_policy_reads() -> None:
    kinds = kinds_read(default_policy())

    assert {"deployment", "incident", "signal", "observation"} <= kinds
    assert "feed" not in kinds


def test_without_a_policy_in_force_nobody_knows_what_silence_is() -> None:
    FeedFactory.create(service=service(), last_seen_at=ago(days=9))
    PolicyVersion.objects.update(in_force=False)

    assert alerting.watch(NOW) == alerting.Changed()


# Flying blind ----------------------------------------------------------------------------------------

NUMBERS: dict[str, Any] = {
    "verdicts": {
        "handback": {
            "verdict": "cannot_tell",
            "reasons": [
                ["insufficient", {"criterion": "after_hours"}],
                ["not_observed", {"kind": "incident", "status": "silent"}],
            ],
            "waivers": [],
        }
    },
    "criteria": {"after_hours": {"gaps": [["silent", "page", {"last_heard": "2026-06-01T00:00:00+00:00"}]]}},
    "feeds": {"incident": {"status": "silent", "last_heard": "2026-06-02T00:00:00+00:00"}},
}


def judged(pay: Service, verdicts: dict[float, str | None], **values: Any) -> None:
    """Scorecards so many days ago with their handback verdicts; the newest is the current score."""
    cards = [
        ScorecardFactory.create(service=pay, at=ago(days=days), handback=verdict, numbers=NUMBERS, **values)
        for days, verdict in sorted(verdicts.items(), reverse=True)
    ]
    card = cards[-1]
    CurrentScoreFactory.create(
        scorecard=card, verdict=card.handback, verdict_of="handback" if card.handback else None
    )


def test_an_ops_managed_service_that_nobody_can_judge_for_14_days_flies_blind() -> None:
    pay = service(ops_managed=True)
    judged(pay, {20: "holds", 15: "cannot_tell", 8: "cannot_tell", 1: "cannot_tell"})

    alerting.watch(NOW)

    (alert,) = open_alerts(BLIND)
    assert (alert.service, alert.team, alert.began_at) == (pay, pay.ops_team, NOW)
    assert alert.text == (
        "Since 2026-06-16 nobody can tell whether operations should keep this service: Out-of-hours load: "
        "cannot be judged, page feed silent since 2026-06-01 and incident feed silent since 2026-06-02. "
        "Bring this evidence back, or a failing service stays unseen."
    )
    assert alert.numbers == {
        "since": ago(days=15).isoformat(),
        "scorecards": 3,
        "criteria": ["after_hours"],
        "feeds": ["incident", "page"],
    }


@pytest.mark.parametrize(
    ("verdicts", "blind"),
    [
        ({14: "cannot_tell", 0: "cannot_tell"}, True),
        ({13.9: "cannot_tell", 0: "cannot_tell"}, False),
        ({15: "cannot_tell"}, False),  # one scorecard is no stretch
        ({30: "cannot_tell", 16: "cannot_tell"}, True),  # and nobody judged since: nothing told
        ({30: "holds", 16: "cannot_tell"}, False),
        ({20: "cannot_tell", 10: "holds", 1: "cannot_tell"}, False),
        ({20: "cannot_tell", 10: "below", 1: "cannot_tell"}, False),
        ({20: "cannot_tell", 10: None, 1: "cannot_tell"}, False),  # run by developers meanwhile
        ({20: "cannot_tell", 10: "cannot_tell", 1: "holds"}, False),
        ({20: "holds", 14.5: "cannot_tell", 1: "cannot_tell"}, True),
    ],
)
def test_every_live_scorecard_of_the_stretch_must_say_so(
    verdicts: dict[float, str | None], blind: bool
) -> None:
    judged(service(ops_managed=True), verdicts)

    alerting.watch(NOW)

    assert bool(open_alerts(BLIND)) is blind


@pytest.mark.parametrize(
    ("values", "blind"),
    [
        ({"ops_managed": True}, True),
        ({"developer_managed": True}, False),
        ({"ops_managed": True, "lifecycle": "retired"}, False),
        ({"ops_managed": True, "launched_on": dt.date(2026, 7, 2)}, False),
    ],
)
def test_only_live_services_that_operations_run_fly_blind(values: dict[str, Any], blind: bool) -> None:
    judged(service(**values), {15: "cannot_tell", 1: "cannot_tell"})

    alerting.watch(NOW)

    assert bool(open_alerts(BLIND)) is blind


def test_replays_do_not_make_a_service_blind_and_do_not_make_it_see() -> None:
    replayed, blind = service(ops_managed=True), service(ops_managed=True)
    judged(replayed, {20: "cannot_tell", 15: "cannot_tell"}, kind="replay")
    judged(blind, {15: "cannot_tell", 1: "cannot_tell"})
    ScorecardFactory.create(service=blind, at=ago(days=5), handback="holds", kind="replay")

    alerting.watch(NOW)

    assert [alert.service for alert in open_alerts(BLIND)] == [blind]


def test_it_ends_when_a_scorecard_tells_again_or_operations_no_longer_run_it() -> None:
    told, returned, still = (service(ops_managed=True) for _ in range(3))
    for each in (told, returned, still):
        judged(each, {15: "cannot_tell", 1: "cannot_tell"})
    alerting.watch(NOW)
    assert len(open_alerts(BLIND)) == 3

    later = NOW + DAY
    ScorecardFactory.create(service=told, at=later, handback="below")
    ManagementChangeFactory.create(
        service=returned, state="developer_managed", way="handback_repair", effective_at=later
    )
    alerting.watch(later)

    assert [alert.service for alert in open_alerts(BLIND)] == [still]
    assert Alert.objects.filter(kind=BLIND, ended_at=later).count() == 2


# Many, often, at once --------------------------------------------------------------------------------


def fleet(name: str, number: int) -> None:
    """Services with a silent feed each; one in a hundred flies blind."""
    team = TeamFactory.create()
    services = Service.objects.bulk_create(
        Service(slug=f"{name}-{each}", owner=team, ops_team=team) for each in range(number)
    )
    received = dict.fromkeys(("first_received_at", "last_received_at", "changed_at", "stated_at"), NOW)
    Feed.objects.bulk_create(
        Feed(
            service=each, kind="page", source="hub", since=ago(days=99), last_seen_at=ago(days=9), **received
        )
        for each in services
    )
    for each in services[: number // 100]:
        ManagementChangeFactory.create(service=each, state="ops_managed")
        judged(each, {15: "cannot_tell", 1: "cannot_tell"})


def queries(now: dt.datetime) -> int:
    """How many queries a look takes, without the inserts of what it raises, which are so many at a time."""
    with CaptureQueriesContext(connection) as captured:
        alerting.watch(now)
    return sum("INSERT" not in query["sql"] for query in captured.captured_queries)


def test_a_fleet_of_2000_takes_as_many_queries_as_one_of_200() -> None:
    fleet("few", 200)
    raising, steady = queries(NOW), queries(NOW)
    fleet("more", 1_800)

    # the first one also asked whether there are services at all
    assert (queries(NOW) + 1, queries(NOW)) == (raising, steady)
    assert steady <= 8
    assert (len(open_alerts()), len(open_alerts(BLIND))) == (2_000, 20)

    Feed.objects.update(last_seen_at=NOW)
    assert alerting.watch(NOW) == alerting.Changed(0, 2_000)


def test_looking_twice_raises_once() -> None:
    pay = service(ops_managed=True)
    FeedFactory.create(service=pay, last_seen_at=ago(days=9))
    judged(pay, {15: "cannot_tell", 1: "cannot_tell"})

    assert alerting.watch(NOW).raised == 2
    assert alerting.watch(NOW + DAY) == alerting.Changed()
    assert Alert.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_look_at_once_raise_once(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")
    FeedFactory.create(service=service(), last_seen_at=ago(days=9))
    meet, look = threading.Barrier(2), keeping.open_alerts

    def together() -> keeping.Open:
        found = look()
        meet.wait(20)
        return found

    def watch() -> None:
        try:
            alerting.watch(NOW)
        finally:
            connection.close()

    monkeypatch.setattr(alerting, "open_alerts", together)
    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(watch) for _ in range(2)]:
            each.result(20)

    assert Alert.objects.count() == 1
