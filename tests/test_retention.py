"""Retention: which scorecards, evaluations and alerts go, and that a dry run shows what is deleted then."""

import datetime as dt
from collections.abc import Iterable
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessLog
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness import clock, retention, tasks
from readiness.management.commands.purge import Command
from readiness.models import Alert, CurrentScore, Evaluation, EvaluationBatch, Scorecard, Service
from readiness.models.scorecard import Kind
from tests.command_line import answer
from tests.factories import (
    NOW,
    AlertFactory,
    CurrentScoreFactory,
    EvaluationBatchFactory,
    EvaluationFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ServiceFactory,
    ago,
)

pytestmark = pytest.mark.django_db

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
NOON = NOW + 12 * HOUR  # a Wednesday
LONG_AGO = ago(days=200)
MONDAY = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands at noon."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr(clock, "real_now", lambda: NOON)


@pytest.fixture
def pay() -> Service:
    """A service."""
    return ServiceFactory.create(slug="pay")


def cards(service: Service, moments: Iterable[dt.datetime], **values: Any) -> list[Scorecard]:
    """Live scorecards as of these moments."""
    return [ScorecardFactory.create(service=service, at=at, **{"created_at": at, **values}) for at in moments]


def kept(**conditions: Any) -> list[dt.datetime]:
    """The moments that are left, newest first."""
    return list(
        Scorecard.objects.filter(**conditions).order_by("-at", "-revision").values_list("at", flat=True)
    )


def deleted() -> dict[str, int]:
    """What a purge deletes, by rule; a dry run before it says the same, and one after it nothing."""
    planned = {share.rule.name: share.rows for share in retention.plan()}
    before = {rule.name: rule.model._default_manager.count() for rule in retention.RULES}
    done = retention.purge()
    assert {share.rule.name: share.rows for share in done} == planned
    assert not any(share.held for share in done)
    for model in {rule.model for rule in retention.RULES}:
        names = [rule.name for rule in retention.RULES if rule.model is model]
        gone = before[names[0]] - model._default_manager.count()
        assert gone == sum(planned[name] for name in names)
    assert not any(share.rows for share in retention.plan())
    return {name: rows for name, rows in planned.items() if rows}


# Live scorecards -------------------------------------------------------------------------------------


def test_the_last_live_scorecard_of_each_day_is_kept(pay: Service) -> None:
    yesterday = NOW - DAY
    cards(pay, [yesterday, yesterday + 5 * HOUR, yesterday + 23 * HOUR, yesterday - HOUR, yesterday - DAY])

    assert deleted() == {"live scorecards": 3}
    assert kept() == [yesterday + 23 * HOUR, yesterday - HOUR]


def test_nothing_of_the_day_that_is_not_over_is_deleted(pay: Service) -> None:
    cards(pay, [NOW, NOW + HOUR, NOW + 11 * HOUR])

    assert deleted() == {}


def test_a_day_is_a_day_in_utc(pay: Service) -> None:
    east = dt.timezone(dt.timedelta(hours=9))
    cards(pay, [dt.datetime(2026, 6, 20, 8, tzinfo=east), dt.datetime(2026, 6, 20, 10, tzinfo=east)])

    assert deleted() == {}


def test_after_90_days_the_last_of_each_week_is_kept(pay: Service) -> None:
    # Mondays to Sundays that ended more than 90 days ago
    cards(pay, [MONDAY + each * DAY for each in range(14)])

    assert deleted() == {"live scorecards": 12}
    assert kept() == [MONDAY + 13 * DAY, MONDAY + 6 * DAY]


def test_the_week_in_which_90_days_end_is_kept_by_days(pay: Service) -> None:
    line = NOW - 90 * DAY  # a Thursday
    monday = line - 3 * DAY
    cards(pay, [monday - DAY, monday - 2 * DAY, *(monday + each * DAY for each in range(7))])

    assert deleted() == {"live scorecards": 1}
    assert kept() == [*(monday + each * DAY for each in range(6, -1, -1)), monday - DAY]


def test_services_do_not_stand_in_for_each_other_nor_replays_for_live_ones(pay: Service) -> None:
    moments = [NOW - DAY, NOW - DAY + HOUR]
    cards(pay, moments[:1])
    cards(ServiceFactory.create(), moments[1:])
    cards(pay, moments[1:], kind=Kind.REPLAY)

    assert deleted() == {}


def test_of_one_moment_the_newest_revision_is_the_last(pay: Service) -> None:
    old, new = (cards(pay, [NOW - DAY], revision=revision)[0] for revision in (1, 2))

    assert deleted() == {"live scorecards": 1}
    assert list(Scorecard.objects.all()) == [new]
    assert old.pk != new.pk


def test_the_current_score_keeps_its_scorecard(pay: Service) -> None:
    held, *_ = cards(pay, [LONG_AGO, LONG_AGO + HOUR, LONG_AGO + 2 * HOUR])
    CurrentScoreFactory.create(scorecard=held)

    assert deleted() == {"live scorecards": 1}
    assert kept() == [LONG_AGO + 2 * HOUR, LONG_AGO]
    assert CurrentScore.objects.get().scorecard == held


# Replays ---------------------------------------------------------------------------------------------


def test_replays_are_left_alone_for_90_days_after_they_were_written(pay: Service) -> None:
    cards(pay, [MONDAY + each * DAY for each in range(7)], kind=Kind.REPLAY, created_at=ago(days=89))
    cards(pay, [MONDAY], kind=Kind.REPLAY, created_at=ago(days=1), revision=2)

    assert deleted() == {}


def test_replays_are_thinned_like_live_ones_for_each_policy(pay: Service) -> None:
    for version in (1, 2):
        policy = PolicyVersionFactory.create(version=version)
        week = [MONDAY + each * DAY for each in range(7)]
        cards(pay, week[: 7 - version], kind=Kind.REPLAY, created_at=ago(days=91), policy=policy)

    assert deleted() == {"replayed moments": 5 + 4}
    assert kept() == [MONDAY + 5 * DAY, MONDAY + 4 * DAY]


def test_replaced_revisions_of_a_replay_go_after_90_days(pay: Service) -> None:
    for revision, days in ((1, 95), (2, 91), (3, 10), (4, 5)):
        cards(pay, [MONDAY], kind=Kind.REPLAY, revision=revision, created_at=ago(days=days))

    assert deleted() == {"replayed revisions": 2}
    assert sorted(Scorecard.objects.values_list("revision", flat=True)) == [3, 4]


# Evaluations and alerts ------------------------------------------------------------------------------


def test_old_evaluations_without_scorecards_go_with_their_batches(pay: Service) -> None:
    fleet = {"state": "done", "at": LONG_AGO, "started_at": LONG_AGO}
    empty = EvaluationFactory.create(**fleet)
    EvaluationBatchFactory.create_batch(2, evaluation=empty)
    with_cards, recent, running = (
        EvaluationFactory.create(**{**fleet, **own})
        for own in ({}, {"started_at": ago(days=89)}, {"state": "running"})
    )
    newest = EvaluationFactory.create(**{**fleet, "at": ago(days=120)})
    ScorecardFactory.create(service=pay, evaluation=with_cards, at=LONG_AGO)

    assert deleted() == {"batches of runs": 2, "runs": 1}
    assert set(Evaluation.objects.all()) == {with_cards, recent, running, newest}
    assert EvaluationBatch.objects.count() == 0


def test_an_evaluation_whose_last_scorecard_goes_today_goes_tomorrow(pay: Service) -> None:
    run = EvaluationFactory.create(state="done", scope="some", at=LONG_AGO, started_at=LONG_AGO)
    cards(pay, [LONG_AGO], evaluation=run)
    cards(pay, [LONG_AGO + HOUR])

    retention.purge()
    assert Evaluation.objects.filter(pk=run.pk).exists()
    retention.purge()
    assert not Evaluation.objects.filter(pk=run.pk).exists()


def test_alerts_go_400_days_after_their_end(pay: Service) -> None:
    old = {"service": pay, "began_at": ago(days=500)}
    AlertFactory.create(**old, subject="page")
    AlertFactory.create(**old, ended_at=NOON - 400 * DAY)
    AlertFactory.create(**old, ended_at=NOON - 400 * DAY - HOUR)

    assert deleted() == {"alerts": 1}
    assert Alert.objects.count() == 2


def test_sessions_go_when_they_are_over_and_log_ins_after_400_days() -> None:
    for key, hours in (("over", -1), ("lasts", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=NOON + hours * HOUR)
    for name, days in (("ada", 401), ("grace", 399)):
        AccessLog.objects.create(username=name)
        AccessLog.objects.filter(username=name).update(attempt_time=NOON - days * DAY)

    assert deleted() == {"sessions": 1, "log-ins": 1}
    assert Session.objects.get().session_key == "lasts"
    assert AccessLog.objects.get().username == "grace"


# Safe ------------------------------------------------------------------------------------------------


def test_what_something_came_to_rest_on_meanwhile_stays_and_the_rest_goes(
    pay: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [LONG_AGO + each * dt.timedelta(minutes=1) for each in range(40)]
    made = cards(pay, moments)
    CurrentScoreFactory.create(scorecard=made[7])
    field = CurrentScore._meta.get_field("scorecard")
    # Nobody was looking when the reference came: the database alone knows.
    monkeypatch.setattr(field.remote_field, "on_delete", models.PROTECT)
    monkeypatch.setattr(retention, "_free", lambda model: models.Q())
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 16)

    (share,) = [each for each in retention.purge() if each.rule.name == "live scorecards"]

    assert (share.rows, share.held) == (38, 1)
    assert kept() == [moments[39], moments[7]]


@pytest.mark.django_db(transaction=True)
def test_what_only_the_database_knows_to_be_needed_stays_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = cards(ServiceFactory.create(), [LONG_AGO + each * dt.timedelta(minutes=1) for each in range(20)])
    CurrentScoreFactory.create(scorecard=made[7])
    # The reference came between the look and the deleting: the constraint alone speaks, at the commit.
    field = CurrentScore._meta.get_field("scorecard")
    monkeypatch.setattr(field.remote_field, "on_delete", models.DO_NOTHING)
    monkeypatch.setattr(retention, "_free", lambda model: models.Q())

    (share,) = [each for each in retention.purge() if each.rule.name == "live scorecards"]

    assert (share.rows, share.held) == (18, 1)
    assert kept() == [made[19].at, made[7].at]


def test_it_may_be_stopped_and_started_again(pay: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    cards(pay, [LONG_AGO + each * dt.timedelta(minutes=1) for each in range(40)])
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 10)

    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retention.purge(stop)
    assert Scorecard.objects.count() == 30
    assert deleted() == {"live scorecards": 29}


@pytest.mark.parametrize("services", [3, 40])
def test_a_plan_takes_as_many_queries_for_many_services_as_for_few(services: int) -> None:
    for each in ServiceFactory.create_batch(services):
        cards(each, [LONG_AGO, LONG_AGO + HOUR])

    with CaptureQueriesContext(connection) as captured:
        plan = retention.plan()

    assert sum(share.rows for share in plan) == services
    assert len(captured) == 13


def test_services_are_taken_some_at_a_time_and_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SERVICES_AT_ONCE", 3)
    for each in ServiceFactory.create_batch(8):
        cards(each, [LONG_AGO, LONG_AGO + HOUR])

    assert deleted() == {"live scorecards": 8}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 24 * 400), max_size=25, unique=True))
def test_of_any_history_each_ended_day_or_week_keeps_its_last_and_no_other(hours: list[int]) -> None:
    Scorecard.objects.all().delete()
    moments = [NOON - each * HOUR for each in hours]
    cards(ServiceFactory.create(), moments)

    retention.purge()

    line = NOW - 90 * DAY
    line -= line.weekday() * DAY
    last: dict[Any, dt.datetime] = {}
    for at in sorted(moments):
        key = at if at >= NOW else at.date() if at >= line else tuple(at.isocalendar())[:2]
        last[key] = at
    assert kept() == sorted(last.values(), reverse=True)


# Command and task ------------------------------------------------------------------------------------


def test_the_command_shows_first_and_deletes_then(pay: Service) -> None:
    cards(pay, [LONG_AGO, LONG_AGO + HOUR])

    dry = answer(Command(), "--dry-run")
    assert dry.status == 0
    assert "live scorecards (readiness_scorecard): 1 row would be deleted" in dry.lines
    assert Scorecard.objects.count() == 2

    (shown,) = answer(Command(), "--dry-run", "--format=json").documents
    (done,) = answer(Command(), "--format=json").documents
    assert (shown.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert shown == done
    assert {rule["rule"]: rule["rows"] for rule in done["rules"]}["live scorecards"] == 1
    assert Scorecard.objects.count() == 1


def test_beat_purges_once_a_day(pay: Service, settings: Any) -> None:
    cards(pay, [LONG_AGO, LONG_AGO + HOUR])

    assert settings.CELERY_BEAT_SCHEDULE["purge"]["task"] == tasks.purge.name
    assert tasks.purge() == 1
    assert Scorecard.objects.count() == 1


def test_an_empty_site_has_nothing_to_delete() -> None:
    out = StringIO()
    call_command(Command(), stdout=out)
    assert "alerts (readiness_alert): 0 rows deleted" in out.getvalue()
