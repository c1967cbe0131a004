"""A service whose evidence changed is judged again soon: once for many changes, and no change is lost."""

import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from readiness import clock, evaluation, rejudging, tasks
from readiness.evidence import Kind, Record, Rejection, parse_object
from readiness.ingest import Ingest
from readiness.models import Evaluation, Rejudgement, Scorecard, Service
from tests.factories import DeploymentFactory, ServiceFactory
from tests.machines import record

pytestmark = pytest.mark.django_db

NOW = clock.real_now()


@pytest.fixture(autouse=True)
def services() -> None:
    """Two services."""
    ServiceFactory.create(slug="pay")
    ServiceFactory.create(slug="shop")


def taken(number: int, rejection: Rejection) -> None:
    """Every row of these tests is good."""
    pytest.fail(str(rejection))


def store(*rows: dict[str, Any], kind: Kind) -> None:
    """Store rows as every way in does."""
    read: Iterable[tuple[int, Record | Rejection]] = (
        (number, parse_object(kind, row, NOW)) for number, row in enumerate(rows)
    )
    Ingest(clock.real_now()).store(kind, read, refuse=taken)


def noted() -> set[str]:
    """Slugs of the services that await judgement."""
    return set(Rejudgement.objects.values_list("service__slug", flat=True))


def forget() -> None:
    """As if the sweep had taken all."""
    Rejudgement.objects.all().delete()


def make_due() -> None:
    """As if the wait were over."""
    Rejudgement.objects.update(due_at=clock.real_now() - timedelta(seconds=1))


def test_a_new_row_and_a_changed_one_note_their_service_and_a_repeated_one_does_not() -> None:
    store(record("defects"), kind=Kind.DEFECT)
    assert noted() == {"pay"}

    forget()
    store(record("defects"), kind=Kind.DEFECT)
    assert noted() == set()

    store(record("defects", severity=1), kind=Kind.DEFECT)
    assert noted() == {"pay"}


def test_a_row_that_moves_notes_both_services() -> None:
    store(record("defects"), kind=Kind.DEFECT)
    forget()
    store(record("defects", service="shop"), kind=Kind.DEFECT)
    assert noted() == {"pay", "shop"}


def test_an_incident_notes_the_service_of_the_deployment_that_it_names() -> None:
    DeploymentFactory.create(service=Service.objects.get(slug="shop"), source="ci", external_id="d-1")
    blamed = {"source": "ci", "id": "d-1"}

    store(record("incidents"), kind=Kind.INCIDENT)
    assert noted() == {"pay"}
    forget()
    store(record("incidents", caused_by=blamed), kind=Kind.INCIDENT)
    assert noted() == {"pay", "shop"}
    forget()
    store(record("incidents", "another", caused_by=blamed), kind=Kind.INCIDENT)
    assert noted() == {"pay", "shop"}


def test_a_heartbeat_is_no_reason_and_a_new_span_is_one() -> None:
    beat = {"source": "pager", "kind": "page", "services": ["pay"], "since": "2026-06-01T00:00:00Z"}
    store({**beat, "last_seen_at": "2026-06-02T00:00:00Z"}, kind=Kind.FEED)
    assert noted() == {"pay"}
    forget()
    store({**beat, "last_seen_at": "2026-06-03T00:00:00Z"}, kind=Kind.FEED)
    assert noted() == set()


def test_more_changes_put_it_off_but_not_for_ever() -> None:
    pay = Service.objects.get(slug="pay")
    rejudging.mark([pay.pk])
    first = Rejudgement.objects.get()
    assert first.due_at - first.since == settings.REJUDGE_AFTER

    rejudging.mark([pay.pk])
    again = Rejudgement.objects.get()
    assert again.since == first.since
    assert again.due_at > first.due_at
    assert not rejudging.due().exists()
    assert rejudging.due(again.due_at).exists()

    Rejudgement.objects.update(since=clock.real_now() - settings.REJUDGE_AFTER * rejudging.AT_MOST)
    assert rejudging.due().exists()


def test_the_sweep_judges_what_is_due_once_and_leaves_what_is_not() -> None:
    pay, shop = Service.objects.order_by("slug")
    rejudging.mark([pay.pk])
    make_due()
    rejudging.mark([shop.pk])

    tasks.sweep()
    run = Evaluation.objects.get()
    assert (run.kind, run.services, run.requested_by) == ("live", 1, "evidence changed")
    assert noted() == {"shop"}
    evaluation.run(run)
    assert Scorecard.objects.get().service == pay

    tasks.sweep()
    assert Evaluation.objects.count() == 1


def test_an_evaluation_of_the_fleet_sees_all_that_is_noted() -> None:
    rejudging.mark(Service.objects.values_list("pk", flat=True))
    evaluation.request(clock.now(), kind="replay")
    assert noted() == {"pay", "shop"}
    evaluation.request(clock.now())
    assert noted() == set()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_comes_in_while_the_sweep_takes_its_service_is_noted_anew() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("one connection writes at a time on SQLite; CI runs this on PostgreSQL")
    pay = Service.objects.get(slug="pay").pk
    rejudging.mark([pay])
    make_due()

    def change() -> None:
        rejudging.mark([pay])
        connection.close()

    coming = threading.Thread(target=change)
    with transaction.atomic():
        assert evaluation.rejudge_due() is not None
        coming.start()
        coming.join(0.5)
        assert coming.is_alive()  # it waits for what is taken
    coming.join(10)
    assert noted() == {"pay"}
