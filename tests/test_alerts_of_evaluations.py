"""Alerts about the nightly evaluation: missed, failed, and how each ends by itself."""

import datetime as dt
from typing import Any

import pytest
from celery.schedules import crontab
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from hypothesis import example, given
from hypothesis import strategies as st

from readiness import alerting, clock, tasks
from readiness.alerting.schedule import last_due
from readiness.models import Alert, Evaluation, Service
from tests.factories import AlertFactory, EvaluationFactory, ServiceFactory

NIGHT = dt.datetime(2026, 7, 1, 2, tzinfo=dt.UTC)
"""When the nightly evaluation is due."""
MISSED, FAILED = Alert.Kind.EVALUATION_MISSED, Alert.Kind.EVALUATION_FAILED


def after(**span: float) -> dt.datetime:
    """A moment after the nightly evaluation was due."""
    return NIGHT + dt.timedelta(**span)


@pytest.fixture(autouse=True)
def site(request: pytest.FixtureRequest, settings: Any) -> None:
    """A site of a service that has existed since noon of the day before."""
    settings.NIGHTLY_EVALUATION, settings.CLOCK_OFFSET = "0 2 * * *", dt.timedelta(0)
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        MigrationRecorder(connection).migration_qs.update(applied=after(hours=-14))
        ServiceFactory.create()


def ended(at: dt.datetime, state: str = "done", **values: Any) -> Evaluation:
    """An evaluation of the fleet that has ended."""
    return EvaluationFactory.create(at=at, state=state, finished_at=at, **values)


def open_kinds() -> list[str]:
    """The kinds of what is open."""
    return list(Alert.objects.open().order_by("kind").values_list("kind", flat=True))


@pytest.mark.django_db
def test_a_night_without_an_evaluation_is_missed_two_hours_later() -> None:
    alerting.watch(after(hours=1, minutes=59))
    assert open_kinds() == []

    alerting.watch(after(hours=2))

    alert = Alert.objects.get()
    assert (alert.kind, alert.service, alert.team, alert.subject) == (MISSED, None, None, "")
    assert alert.began_at == after(hours=2)
    assert "nightly one was due on 2026-07-01 02:00 UTC; there was never one" in alert.text
    assert "See whether worker and beat run" in alert.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "missed"),
    [
        ({}, False),
        ({"at": after(minutes=-1)}, True),
        ({"state": "running"}, True),
        ({"kind": "replay"}, True),
        ({"scope": "some"}, True),
        ({"state": "failed", "failed": 1}, False),  # that it failed is an alert of its own
    ],
)
def test_only_an_ended_live_evaluation_of_the_fleet_as_of_a_later_moment_counts(
    values: dict[str, Any], missed: bool
) -> None:
    ended(**{"at": after(minutes=1), **values})

    alerting.watch(after(hours=3))

    assert (MISSED in open_kinds()) is missed


@pytest.mark.django_db
def test_a_missed_evaluation_ends_when_one_was_made_up_for_by_whomever() -> None:
    alerting.watch(after(hours=3))
    ended(after(hours=9))

    changed = alerting.watch(after(hours=10))

    assert (changed.raised, changed.ended) == (0, 1)
    assert Alert.objects.get().ended_at == after(hours=10)


@pytest.mark.django_db
def test_while_it_lasts_it_is_one_alert_that_names_the_last_night() -> None:
    ended(after(days=-1))
    for hours in (3, 4, 27, 28):
        alerting.watch(after(hours=hours))

    alert = Alert.objects.get()
    assert alert.began_at == after(hours=3)
    assert "due on 2026-07-02 02:00 UTC; the last one is as of 2026-06-30 02:00 UTC" in alert.text


@pytest.mark.django_db
def test_nothing_is_missed_before_the_first_night_of_a_site() -> None:
    MigrationRecorder(connection).migration_qs.update(applied=after(minutes=1))

    assert alerting.watch(after(hours=12)) == alerting.Changed()
    assert alerting.watch(after(hours=27)).raised == 1


@pytest.mark.django_db
def test_a_site_without_services_has_no_alerts(django_assert_num_queries: Any) -> None:
    from_before = AlertFactory.create(kind=MISSED, service=None, team=None, subject="")
    Service.objects.all().delete()

    alerting.watch(after(hours=3))
    assert open_kinds() == []
    from_before.refresh_from_db()
    assert from_before.ended_at == after(hours=3)
    with django_assert_num_queries(2):
        alerting.watch(after(hours=4))


@pytest.mark.django_db
def test_beat_goes_by_the_real_time_and_alerts_by_the_clock(settings: Any) -> None:
    settings.CLOCK_OFFSET = dt.timedelta(hours=-6)

    alerting.watch(after(hours=1, minutes=59) + clock.offset())
    assert open_kinds() == []
    alerting.watch(after(hours=2) + clock.offset())

    alert = Alert.objects.get()
    assert alert.began_at == after(hours=-4)
    assert "due on 2026-06-30 20:00 UTC" in alert.text


@pytest.mark.django_db
def test_an_evaluation_that_could_not_judge_all_is_an_alert_that_names_them() -> None:
    errors = [{"service": "pay", "error": "…"}, {"service": "quote", "error": "…"}]
    run = ended(after(minutes=5), failed=3, errors=[*errors, {"service": None, "error": "…"}])

    alerting.watch(after(hours=1))

    alert = Alert.objects.get()
    assert (alert.kind, alert.team) == (FAILED, None)
    assert "could not judge 2 services (pay and quote) and 1 whole batch" in alert.text
    assert alert.numbers == {"evaluation": run.pk, "failed": 3}


@pytest.mark.django_db
def test_a_failed_evaluation_ends_with_a_newer_good_one_and_is_reworded_by_a_newer_bad_one() -> None:
    first: dict[str, Any] = {"failed": 1, "errors": [{"service": "pay", "error": "…"}]}
    ended(after(minutes=5), **first)
    alerting.watch(after(hours=1))
    ended(after(hours=2), failed=1, errors=[{"service": "quote", "error": "…"}])
    alerting.watch(after(hours=3))

    alert = Alert.objects.get()
    assert (alert.began_at, "quote" in alert.text, "pay" in alert.text) == (after(hours=1), True, False)

    EvaluationFactory.create(at=after(hours=4))  # under way: nothing is known yet
    alerting.watch(after(hours=5))
    assert open_kinds() == [FAILED]

    ended(after(hours=6))
    alerting.watch(after(hours=7))
    alert.refresh_from_db()
    assert alert.ended_at == after(hours=7)


@pytest.mark.django_db
def test_looking_twice_is_as_good_as_once_and_what_comes_back_is_a_new_alert() -> None:
    assert alerting.watch(after(hours=3)).raised == 1
    assert alerting.watch(after(hours=3)) == alerting.Changed()
    ended(after(hours=4))
    alerting.watch(after(hours=5))
    alerting.watch(after(hours=27))

    found = list(Alert.objects.order_by("pk").values_list("began_at", "ended_at"))
    assert found == [(after(hours=3), after(hours=5)), (after(hours=27), None)]


@pytest.mark.django_db
def test_the_sweep_looks_each_minute(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: after(hours=3))

    tasks.sweep()

    assert settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"] == 60
    assert open_kinds() == [MISSED]


@pytest.mark.django_db
def test_without_a_sweep_whoever_asks_from_outside_raises_and_ends_them(
    django_assert_num_queries: Any,
) -> None:
    silent = AlertFactory.create()
    assert alerting.watch_evaluations(after(hours=3)) == alerting.Changed(raised=1)
    with django_assert_num_queries(5):
        assert alerting.watch_evaluations(after(hours=3)) == alerting.Changed()
    ended(after(hours=4))

    assert alerting.watch_evaluations(after(hours=5)) == alerting.Changed(ended=1)
    assert Alert.objects.open().get() == silent


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_end_an_alert_before_it_began() -> None:
    alerting.watch(after(hours=3))
    ended(after(minutes=5))

    alerting.watch(after(hours=1))

    alert = Alert.objects.get()
    assert alert.ended_at == alert.began_at == after(hours=3)


MOMENTS = st.integers(0, 8 * 365 * 24 * 60).map(lambda minutes: after(minutes=-minutes))
LINES = st.sampled_from(
    ["0 2 * * *", "*/7 * * * *", "30 4 * * 0", "15 3 1 * *", "0 0 29 2 *", "5 1-3 * 2,6 1-5", "0 12 31 * 5"]
)


@given(LINES, MOMENTS)
@example("0 2 * * *", NIGHT)
def test_a_line_was_last_due_when_celery_says_that_the_next_time_is_later(line: str, by: dt.datetime) -> None:
    schedule = crontab.from_string(line)
    due = last_due(line, by)

    assert due is not None
    assert due <= by
    # celery's next after just before it is itself, and the one after it lies ahead
    assert following(schedule, due - dt.timedelta(minutes=1)) == due
    assert following(schedule, due) > by


def following(schedule: Any, moment: dt.datetime) -> dt.datetime:
    """When celery would start it next."""
    begun, remaining, _ = schedule.remaining_delta(moment, tz=dt.UTC)
    due: dt.datetime = begun + remaining
    return due


def test_a_line_that_was_not_due_for_many_years_is_no_reason_to_wait() -> None:
    assert last_due("0 0 29 2 4", NIGHT) == dt.datetime(2024, 2, 29, tzinfo=dt.UTC)
    assert last_due("0 0 29 2 1", NIGHT) is None  # a Monday: in 2016
