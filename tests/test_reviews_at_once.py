"""Of 50 who sign or launch at once one does, the others are told. PostgreSQL, a connection for each."""

import pytest

from handoff import actions
from handoff.checklists import Side
from handoff.models import Review, SignOff, Transition, VerdictOverride
from readiness import rights
from readiness.models import ManagementChange, Service
from tests.at_once import MANY, at_once, require_postgresql
from tests.reviewing import UNREADY, Desk, numbers

pytestmark = pytest.mark.django_db(transaction=True)
ONE = ["MovedError"] * (MANY - 1) + ["done"]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    require_postgresql()
    return Desk(monkeypatch)


def test_of_50_who_launch_one_does(desk: Desk) -> None:
    review = desk.ready_to_launch()
    told = at_once(lambda _: actions.launch(Review.objects.get(pk=review.pk), by=desk.developer))
    assert told == ONE
    assert ManagementChange.objects.count() == 1
    assert Transition.objects.filter(move="launch", subject="management").count() == 1
    assert Service.objects.get(pk=desk.service.pk).lifecycle == "live"


def test_of_50_who_sign_for_a_side_one_does(desk: Desk) -> None:
    review = desk.attested(desk.open())
    people = [desk.person(f"dev-{each}", "developer", "developer", desk.developers) for each in range(MANY)]
    told = at_once(
        lambda each: actions.sign_review(
            Review.objects.get(pk=review.pk), side=Side.DEVELOPERS, by=people[each]
        )
    )
    assert told == ONE
    assert SignOff.objects.count() == 1


def test_of_50_who_open_a_review_one_does(desk: Desk) -> None:
    told = at_once(
        lambda _: actions.open_launch_review(Service.objects.get(pk=desk.service.pk), by=desk.opener)
    )
    assert told == ONE
    assert Review.objects.count() == 1


def test_of_50_leads_who_override_a_verdict_one_does(desk: Desk) -> None:
    desk.judge(numbers(UNREADY))
    review = desk.open()
    leads = [desk.person(f"lead-{each}", rights.SRE_LEAD, "ops", desk.operations) for each in range(MANY)]
    told = at_once(
        lambda each: actions.override_verdict(
            Review.objects.get(pk=review.pk), by=leads[each], reason="It cannot wait."
        )
    )
    assert told == ONE
    assert VerdictOverride.objects.count() == 1
