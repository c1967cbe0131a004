"""Adopting: the state in which a service was found is recorded once, and only for one that is live."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from pytest_django import DjangoAssertNumQueries

from handoff.actions import BEGINNING_OF_TIME, Adoption, adopt, adopt_all, adopted_from
from readiness.models import ManagementChange, Service
from tests.factories import ManagementChangeFactory, ServiceFactory, TeamFactory

LAUNCH = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)


def _adopt(service: Service, state: str = "ops_managed") -> ManagementChange | None:
    return adopt(service, state=state, effective_at=LAUNCH, actor="import", reason="catalogue of tests")


@pytest.mark.django_db
def test_a_live_service_is_adopted_without_review_and_on_record() -> None:
    change = _adopt(ServiceFactory())

    assert change is not None
    change.refresh_from_db()
    assert (change.state, change.effective_at, change.way) == ("ops_managed", LAUNCH, "adoption")
    assert (change.actor, change.reason) == ("import", "catalogue of tests")
    assert change.get_way_display() == "adopted without review"


@pytest.mark.django_db
def test_a_service_that_has_a_state_keeps_it() -> None:
    change = ManagementChangeFactory(state="developer_managed")

    assert _adopt(change.service) is None
    assert ManagementChange.objects.get() == change


@pytest.mark.django_db
@pytest.mark.parametrize("where_in_life", ["pre_launch", "retired"])
def test_nobody_runs_a_service_before_launch_or_after_retirement(where_in_life: str) -> None:
    service = ServiceFactory(**{where_in_life: True})

    assert _adopt(service) is None
    assert not ManagementChange.objects.exists()


def test_an_adopted_state_holds_from_the_launch_day_or_from_the_beginning_of_time() -> None:
    assert adopted_from(dt.date(2025, 6, 1)) == LAUNCH
    assert adopted_from(None) == BEGINNING_OF_TIME


@pytest.mark.django_db
@pytest.mark.parametrize("number", [2, 40])
def test_many_services_are_adopted_in_a_constant_number_of_queries(
    number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    team = TeamFactory()
    services = ServiceFactory.create_batch(number, owner=team)
    adoptions = [Adoption(service.pk, "developer_managed", LAUNCH) for service in services]

    # savepoint, look, lock, second look, changes, transitions, messages, release
    with django_assert_num_queries(8):
        changes = adopt_all(adoptions, actor="import", reason="tests")

    assert len(changes) == ManagementChange.objects.count() == number


@pytest.mark.django_db(transaction=True)
def test_of_two_who_adopt_at_once_one_does() -> None:
    service = ServiceFactory()

    def adopt_elsewhere(moment: dt.datetime) -> bool:
        try:
            change = adopt(service, state="ops_managed", effective_at=moment, actor="a", reason="b")
            return change is not None
        finally:
            connections["default"].close()

    moments = [LAUNCH + dt.timedelta(days=n) for n in range(4)]
    if connection.vendor == "sqlite":
        adopted = [adopt_elsewhere(moment) for moment in moments]  # an in-memory database has one writer
    else:
        with ThreadPoolExecutor(4) as threads:
            adopted = list(threads.map(adopt_elsewhere, moments))

    assert sum(adopted) == 1
    assert ManagementChange.objects.count() == 1
