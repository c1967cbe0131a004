"""The numbers for Prometheus: who gets them, what they say, and what they cost."""

import datetime as dt
from contextlib import closing
from uuid import uuid4

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from readiness import clock, rejudging
from readiness.evaluation.runs import FLEET
from readiness.models import Alert, Evaluation
from readiness.monitoring import broker
from tests.factories import (
    CurrentScoreFactory,
    DefectFactory,
    EvaluationBatchFactory,
    EvaluationFactory,
    FeedFactory,
    ServiceFactory,
)

pytestmark = pytest.mark.django_db

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape() -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, in order of their names."""
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    return {
        (
            sample.name.removeprefix("handoff_"),
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("header", ["", "Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer ü"])
def test_without_the_token_there_are_no_numbers(header: str) -> None:
    response = Client().get("/metrics", headers={"Authorization": header})

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert b"handoff_" not in response.content


def test_where_no_token_is_set_there_is_no_such_address(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_an_empty_installation_has_numbers() -> None:
    numbers = scrape()

    assert numbers["evaluations_failed",] == 0
    assert ("evaluation_age_seconds",) not in numbers
    assert numbers["services", "none", "unknown", "never_judged"] == 0
    assert {numbers["alerts_open", kind] for kind in Alert.Kind.values} == {0}


def test_the_last_evaluation_of_the_fleet() -> None:
    now = clock.now()
    times = {"started_at": now, "finished_at": now + dt.timedelta(seconds=90)}
    EvaluationFactory.create(state="done", at=now - dt.timedelta(hours=3), failed=2, **times)
    EvaluationFactory.create(state="done", at=now - dt.timedelta(hours=30), **times)
    EvaluationFactory.create(state="done", at=now, scope="a few services", **times)
    EvaluationFactory.create(state="failed", at=now, **times)
    numbers = scrape()

    assert FLEET == "fleet"
    assert numbers["evaluation_duration_seconds",] == 90
    assert numbers["evaluation_age_seconds",] == pytest.approx(3 * 3_600, abs=60)
    assert numbers["evaluation_services_failed",] == 2
    assert numbers["evaluations_failed",] == 1


def test_services_by_who_runs_them_and_how_they_were_judged() -> None:
    ServiceFactory.create()
    CurrentScoreFactory.create(verdict_of="handoff", verdict="ready", management_state="developer_managed")
    CurrentScoreFactory.create(verdict_of="handoff", verdict="ready", management_state="developer_managed")
    CurrentScoreFactory.create(verdict_of=None, verdict=None, management_state=None)
    numbers = scrape()

    assert numbers["services", "handoff", "developer_managed", "ready"] == 2
    assert numbers["services", "none", "none", "none"] == 1
    assert numbers["services", "none", "unknown", "never_judged"] == 1


def test_the_longest_silence_of_what_is_judged_silent() -> None:
    now = clock.now()
    silent, other, heard = (CurrentScoreFactory.create(silent=words).service for words in _SILENT)
    for service, days in ((silent, 9), (silent, 5), (other, 3), (heard, 20)):
        last = now - dt.timedelta(days=days)
        FeedFactory.create(service=service, kind="deployment", source=f"{days}", last_seen_at=last)
    numbers = scrape()

    assert numbers["feed_silent_services", "deployment"] == 2
    assert numbers["feed_silent_services", "incident"] == 1
    assert numbers["feed_silence_seconds", "deployment"] == pytest.approx(5 * 86_400, abs=60)
    assert numbers["feed_silence_seconds", "page"] == 0


_SILENT = (" deployment incident ", " deployment ", "")


def test_what_waits() -> None:
    run = EvaluationFactory.create()
    EvaluationBatchFactory.create(evaluation=run, due_at=clock.real_now())
    EvaluationBatchFactory.create(evaluation=run, due_at=clock.real_now(), done=True)
    service = ServiceFactory.create()
    rejudging.mark([service.pk])
    waits = scrape()["rejudgements_due",]
    service.rejudgement.due_at = clock.real_now()
    service.rejudgement.save()
    numbers = scrape()

    assert numbers["batches_due",] == 1
    assert (waits, numbers["rejudgements_due",]) == (0, 1)


def test_messages_that_no_worker_took(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = f"waiting-{uuid4().hex}"  # other tests leave messages in the usual one
    monkeypatch.setitem(current_app.conf, "task_default_queue", queue)
    before = scrape()
    with current_app.connection_for_write() as to_broker, closing(to_broker.SimpleQueue(queue)) as waits:
        for each in range(3):
            waits.put({"each": each})
        numbers = scrape()
        waits.clear()

    assert (before["broker_up",], numbers["broker_up",]) == (1, 1)
    assert (before["broker_messages",], numbers["broker_messages",]) == (0, 3)


def test_a_broker_that_is_away_is_a_number_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> int:
        raise broker.BrokerAwayError

    monkeypatch.setattr(broker, "waiting", away)
    numbers = scrape()

    assert numbers["broker_up",] == 0
    assert ("broker_messages",) not in numbers


def test_open_alerts_by_kind() -> None:
    service = ServiceFactory.create()
    now = clock.now()
    Alert.objects.create(kind="feed_silent", service=service, subject="page", text="x", began_at=now)
    Alert.objects.create(kind="feed_silent", service=service, text="x", began_at=now, ended_at=now)

    assert scrape()["alerts_open", "feed_silent"] == 1


def test_a_scrape_sees_to_the_alerts_of_evaluations_for_no_sweep_tells_that_none_runs() -> None:
    ServiceFactory.create()
    EvaluationFactory.create(state="failed", failed=1, at=clock.now())

    assert scrape()["alerts_open", "evaluation_failed"] == 1
    Evaluation.objects.update(state="done", failed=0)
    assert scrape()["alerts_open", "evaluation_failed"] == 0


def test_rows_of_evidence_are_estimated_not_counted() -> None:
    DefectFactory.create_batch(3)
    with connection.cursor() as cursor:
        for table in ("readiness_defect", "readiness_pipelinerun"):  # what other tests had outlives them
            cursor.execute(f"ANALYZE {table}")
    with CaptureQueriesContext(connection) as queries:
        numbers = scrape()

    assert numbers["evidence_rows", "defect"] == 3
    assert numbers["evidence_rows", "pipeline_run"] == 0
    assert not [
        query for query in queries if "COUNT(*)" in query["sql"] and "readiness_defect" in query["sql"]
    ]


def test_a_scrape_costs_the_same_for_any_fleet() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            scrape()
        return len(made)

    CurrentScoreFactory.create(silent=" deployment ")
    few = queries()
    for score in CurrentScoreFactory.create_batch(5, silent=" deployment "):
        FeedFactory.create(service=score.service)

    assert queries() == few
