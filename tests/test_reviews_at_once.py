"""Of many who sign or launch at once one does, the others are told. PostgreSQL, a connection for each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from handoff import actions
from handoff.checklists import Side
from handoff.models import Review, SignOff, Transition, VerdictOverride
from readiness import rights
from readiness.models import ManagementChange, Service
from tests.reviewing import UNREADY, Desk, numbers

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 8


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")
    return Desk(monkeypatch)


def at_once(act: Callable[[int], object]) -> list[str]:
    """What became of each: done, or the kind of refusal."""
    start = Barrier(MANY)

    def one(number: int) -> str:
        try:
            start.wait(timeout=30)
            act(number)
        except actions.RefusedError as refused:
            return type(refused).__name__
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(MANY) as pool:
        return sorted(pool.map(one, range(MANY)))


def test_of_many_who_launch_one_does(desk: Desk) -> None:
    review = desk.ready_to_launch()
    told = at_once(lambda _: actions.launch(Review.objects.get(pk=review.pk), by=desk.developer))
    assert told == ["MovedError"] * (MANY - 1) + ["done"]
    assert ManagementChange.objects.count() == 1
    assert Transition.objects.filter(move="launch", subject="management").count() == 1
    assert Service.objects.get(pk=desk.service.pk).lifecycle == "live"


def test_of_many_who_sign_for_a_side_one_does(desk: Desk) -> None:
    review = desk.attested(desk.open())
    people = [desk.person(f"dev-{each}", "developer", "developer", desk.developers) for each in range(MANY)]
    told = at_once(
        lambda each: actions.sign_review(
            Review.objects.get(pk=review.pk), side=Side.DEVELOPERS, by=people[each]
        )
    )
    assert told == ["MovedError"] * (MANY - 1) + ["done"]
    assert SignOff.objects.count() == 1


def test_of_many_who_open_a_review_one_does(desk: Desk) -> None:
    told = at_once(
        lambda _: actions.open_launch_review(Service.objects.get(pk=desk.service.pk), by=desk.opener)
    )
    assert told == ["MovedError"] * (MANY - 1) + ["done"]
    assert Review.objects.count() == 1


def test_of_many_leads_who_override_a_verdict_one_does(desk: Desk) -> None:
    desk.judge(numbers(UNREADY))
    review = desk.open()
    leads = [desk.person(f"lead-{each}", rights.SRE_LEAD, "ops", desk.operations) for each in range(MANY)]
    told = at_once(
        lambda each: actions.override_verdict(
            Review.objects.get(pk=review.pk), by=leads[each], reason="It cannot wait."
        )
    )
    assert told == ["MovedError"] * (MANY - 1) + ["done"]
    assert VerdictOverride.objects.count() == 1
