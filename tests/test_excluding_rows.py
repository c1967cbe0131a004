"""Excluding rows from judgement and taking them back: on record, once, judged again by whom it concerns."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import clock, exclusions
from readiness.models import Dependency, Deployment, Exclusion, Incident, Rejudgement, WorkItem
from tests.factories import (
    DependencyFactory,
    DeploymentFactory,
    IncidentFactory,
    ObservationFactory,
    ServiceFactory,
    WorkItemFactory,
)

pytestmark = pytest.mark.django_db

WHO: dict[str, Any] = {"actor": "7 Grace", "reason": "The pager was tested."}


def marked() -> set[int]:
    """Services that will be judged again."""
    return set(Rejudgement.objects.values_list("service_id", flat=True))


def test_a_row_is_excluded_with_who_when_and_why() -> None:
    row = IncidentFactory.create(source="pager", external_id="INC-1")
    other = IncidentFactory.create()

    [change] = exclusions.exclude(Incident.objects.filter(pk=row.pk), **WHO)

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.excluded, other.excluded) == (True, False)
    assert (change.kind, change.row_id, change.row) == ("incident", row.pk, "pager:INC-1")
    assert (change.excluded, change.actor, change.reason) == (True, "7 Grace", "The pager was tested.")
    assert change.service_id == row.service_id
    assert abs(change.at - clock.now()) < dt.timedelta(minutes=1)
    assert marked() == {row.service_id}


def test_a_row_is_taken_back_and_its_history_keeps_both_changes() -> None:
    row = IncidentFactory.create()
    rows = Incident.objects.filter(pk=row.pk)

    exclusions.exclude(rows, **WHO)
    exclusions.take_back(rows, actor="7 Grace", reason="It was none.")

    row.refresh_from_db()
    assert not row.excluded
    assert [each.excluded for each in exclusions.history(row)] == [False, True]


def test_what_is_excluded_already_stays_as_it_is_and_nobody_is_judged_again() -> None:
    row = IncidentFactory.create(excluded=True)

    assert exclusions.exclude(Incident.objects.filter(pk=row.pk), **WHO) == []
    assert not Exclusion.objects.exists()
    assert marked() == set()


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_nothing_changes(reason: str) -> None:
    row = IncidentFactory.create()

    with pytest.raises(ValueError, match="reason"):
        exclusions.exclude(Incident.objects.filter(pk=row.pk), actor="7 Grace", reason=reason)
    row.refresh_from_db()
    assert not row.excluded


def _blaming_incident() -> tuple[Any, Any, int]:
    deployed = DeploymentFactory.create(external_id="d-1")
    row = IncidentFactory.create(caused_by_source="tests", caused_by_id="d-1")
    return Incident, row, deployed.service_id


def _remedy() -> tuple[Any, Any, int]:
    deployed = DeploymentFactory.create(external_id="d-1")
    row = DeploymentFactory.create(remediates_source="tests", remediates_id="d-1")
    return Deployment, row, deployed.service_id


def _blamed_deployment() -> tuple[Any, Any, int]:
    row = DeploymentFactory.create(external_id="d-1")
    incident = IncidentFactory.create(caused_by_source="tests", caused_by_id="d-1")
    return Deployment, row, incident.service_id


def _edge() -> tuple[Any, Any, int]:
    row = DependencyFactory.create()
    assert row.target_id is not None
    return Dependency, row, row.target_id


def _work() -> tuple[Any, Any, int]:
    row = WorkItemFactory.create(external_id="w-1")
    seen = ObservationFactory.create(work_item_source="tests", work_item_id="w-1")
    return WorkItem, row, seen.service_id


@pytest.mark.parametrize("setting", [_blaming_incident, _remedy, _blamed_deployment, _edge, _work])
def test_services_of_rows_that_it_names_or_that_name_it_are_judged_again_too(
    setting: Callable[[], tuple[Any, Any, int]],
) -> None:
    model, row, other = setting()
    # of the same id and another source, or of the same source and another id: not meant
    DeploymentFactory.create(source="elsewhere", external_id="d-1")
    DeploymentFactory.create(external_id="d-2")

    exclusions.exclude(model.objects.filter(pk=row.pk), **WHO)
    assert other != row.service_id
    assert marked() == {row.service_id, other}


@pytest.mark.parametrize("rows", [5, 50])
def test_many_rows_take_as_many_queries_as_few(rows: int) -> None:
    service = ServiceFactory.create()
    for number in range(rows):
        DeploymentFactory.create(service=service, external_id=f"d-{number}")
        IncidentFactory.create(service=service, caused_by_source="tests", caused_by_id=f"d-{number}")

    with CaptureQueriesContext(
        connection,
    ) as captured:
        exclusions.exclude(Incident.objects.all(), **WHO)
    statements = [each["sql"].split(maxsplit=1)[0] for each in captured]
    # the rows, their flag, the deployments they name, the services to judge again, the records
    assert [word for word in statements if word in {"SELECT", "UPDATE", "INSERT"}] == [
        "SELECT",
        "UPDATE",
        "SELECT",
        "INSERT",
        "INSERT",
    ]
    assert Exclusion.objects.count() == rows


@pytest.mark.django_db(transaction=True)
def test_two_people_who_exclude_the_same_row_at_once_write_one_change() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one write at a time: transactions there begin by taking the lock")
    row, barrier = IncidentFactory.create(), Barrier(4)

    def exclude(name: str) -> int:
        try:
            barrier.wait(20)
            return len(exclusions.exclude(Incident.objects.filter(pk=row.pk), actor=name, reason="A test."))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        changed = list(threads.map(exclude, ("ada", "grace", "joan", "mary")))

    row.refresh_from_db()
    assert row.excluded
    assert sorted(changed) == [0, 0, 0, 1]
    assert Exclusion.objects.count() == 1
