"""Many who confirm one handback at once: one wins, the others are told. PostgreSQL, a connection for each."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from handoff import actions
from handoff.actions import case_checks, handing_back
from handoff.models import Case, Transition
from readiness import evaluation
from readiness.models import ManagementChange
from tests.handing_back import Place

pytestmark = pytest.mark.django_db(transaction=True)
MANY, WAIT = 20, 60


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """On a database that lets several write."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")
    evaluation.in_force()
    return Place(monkeypatch)


def test_of_20_who_confirm_at_once_one_moves_the_service(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, consultant = place.prepared(), place.person(place.other)
    barrier, check = threading.Barrier(MANY), case_checks.check

    def meet(*asked: Any) -> str:
        state = check(*asked)
        barrier.wait(WAIT)  # all saw a case that they may confirm
        return state

    monkeypatch.setattr(handing_back, "check", meet)

    def confirm(number: int) -> str:
        try:
            mine = Case.objects.select_related("service").get(pk=case.pk)
            by = place.other if number % 2 else place.lead
            actions.confirm_handback(mine, by=by, reason=f"Number {number}.", consultants=[consultant])
        except actions.MovedError as moved:
            return moved.state
        finally:
            connection.close()
        return "mine"

    with ThreadPoolExecutor(MANY) as threads:
        ended = list(threads.map(confirm, range(MANY)))

    assert sorted(ended) == sorted(["mine", *["stabilising"] * (MANY - 1)])
    assert Transition.objects.filter(subject="case", move="confirm").count() == 1
    assert Transition.objects.filter(subject="management").count() == 1
    assert ManagementChange.objects.filter(service=place.service, state="developer_managed").count() == 1


def test_of_many_who_propose_at_once_one_opens_a_case(place: Place) -> None:
    barrier = threading.Barrier(MANY)

    def propose(number: int) -> str:
        barrier.wait(WAIT)
        try:
            actions.propose_handback(place.service, reason=f"Number {number}.", by=place.eng)
        except actions.MovedError as moved:
            return moved.state
        finally:
            connection.close()
        return "mine"

    with ThreadPoolExecutor(MANY) as threads:
        ended = list(threads.map(propose, range(MANY)))
    assert (ended.count("mine"), ended.count("open"), Case.objects.count()) == (1, MANY - 1, 1)
