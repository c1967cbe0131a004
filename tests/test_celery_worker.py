"""A real worker on Redis judges the fleet at night; what a dead one left, the sweep takes up."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.db import OperationalError
from redis import Redis

from config import celery_app
from readiness import alerting, evaluation, tasks
from tests.own_database import WAIT, OwnDatabase, own_name
from tests.worked_fleet import expected
from tests.workers import send, wait_for, workers_of

SERVICES = len(expected()["services"])
DONE = "SELECT count(*) FROM readiness_evaluationbatch WHERE done"
STATE = "SELECT state, kind, scope, services, written, failed FROM readiness_evaluation"
WHOLE = [("done", "live", "fleet", SERVICES, SERVICES, 0)]


@pytest.fixture
def fleet(broker: str, tmp_path: Path, worked_database: OwnDatabase) -> Iterator[OwnDatabase]:
    """The worked fleet in a database that workers share; every service is a batch."""
    told = {"CELERY_BROKER_URL": broker, "EVALUATION_BATCH_SIZE": "1"}
    database = OwnDatabase(own_name("worker"), tmp_path, told).create(worked_database)
    yield database
    database.drop()


@pytest.fixture
def start_worker(fleet: OwnDatabase) -> "Iterator[Callable[[], subprocess.Popen[bytes]]]":
    """Starts a worker; all of them are ended afterwards."""
    with workers_of(fleet) as start:
        yield start


@pytest.mark.needs_database
def test_the_nightly_task_judges_the_fleet_on_a_real_worker(
    fleet: OwnDatabase, broker: str, start_worker: "Callable[[], subprocess.Popen[bytes]]"
) -> None:
    worker = start_worker()
    send(tasks.evaluate_nightly, broker)
    wait_for(lambda: fleet.rows(STATE) == WHOLE)

    assert fleet.rows("SELECT count(DISTINCT service_id), count(*) FROM readiness_scorecard") == [
        (SERVICES, SERVICES)
    ]
    assert fleet.rows("SELECT count(*) FROM readiness_currentscore") == [(SERVICES,)]
    worker.terminate()
    assert worker.wait(WAIT) == 0


@pytest.mark.needs_database
def test_what_a_killed_worker_and_an_emptied_broker_left_is_taken_up_by_the_sweep(
    fleet: OwnDatabase, broker: str, start_worker: "Callable[[], subprocess.Popen[bytes]]"
) -> None:
    first = start_worker()
    send(tasks.evaluate_nightly, broker)
    wait_for(lambda: fleet.rows(DONE) >= [(1,)])
    first.kill()
    first.wait(WAIT)
    Redis.from_url(broker).flushdb()
    assert (1,) <= fleet.rows(DONE)[0] < (SERVICES,)
    assert fleet.rows(STATE)[0][0] == "running"
    # what the dead one was at is held for a while: the test does not wait for it
    fleet.change("UPDATE readiness_evaluationbatch SET due_at = '2026-01-01 00:00:00+00:00' WHERE NOT done")

    start_worker()
    send(tasks.sweep, broker)
    wait_for(lambda: fleet.rows(STATE) == WHOLE)
    assert fleet.rows("SELECT count(DISTINCT service_id), count(*) FROM readiness_scorecard") == [
        (SERVICES, SERVICES)
    ]


def test_the_beat_table_holds_the_nightly_run_that_the_setting_says_and_a_sweep_each_minute() -> None:
    table = celery_app.conf.beat_schedule
    nightly, sweep = table["evaluate-nightly"], table["sweep"]

    assert nightly["schedule"] == crontab.from_string(settings.NIGHTLY_EVALUATION)
    assert nightly["task"] == tasks.evaluate_nightly.name
    assert (sweep["task"], timedelta(seconds=sweep["schedule"])) == (tasks.sweep.name, timedelta(minutes=1))
    celery_app.loader.import_default_modules()
    assert {entry["task"] for entry in table.values()} <= set(celery_app.tasks)


def test_a_task_ends_before_the_lease_of_its_batch_does() -> None:
    for task in (tasks.evaluate_nightly, tasks.run_evaluation, tasks.run_batch, tasks.sweep):
        assert task.soft_time_limit < task.time_limit
        assert timedelta(seconds=task.time_limit) < evaluation.runs.LEASE
        assert task.retry_backoff
        assert task.retry_jitter
        assert task.max_retries


def test_a_sweep_that_breaks_still_raises_and_ends_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[str] = []

    def broken() -> None:
        raise ValueError("broken")

    monkeypatch.setattr(evaluation, "close_finished", broken)
    monkeypatch.setattr(alerting, "watch", lambda: watched.append("alerts"))
    with pytest.raises(ValueError, match="broken"):
        tasks.sweep()
    assert watched == ["alerts"]


def test_a_task_is_tried_again_when_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def away_at_first(batch_id: int) -> bool:
        tried.append(batch_id)
        if len(tried) == 1:
            raise OperationalError("server closed the connection")
        return True

    monkeypatch.setattr(evaluation, "run_batch", away_at_first)
    assert tasks.run_batch.apply(args=(7,)).get() is True
    assert tried == [7, 7]
