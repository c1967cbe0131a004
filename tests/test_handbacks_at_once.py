"""Of 50 who confirm or propose one handback at once one does, the others are told. PostgreSQL."""

from threading import Barrier
from typing import Any

import pytest

from handoff import actions
from handoff.actions import case_checks, handing_back
from handoff.models import Case, Transition
from readiness import evaluation
from readiness.models import ManagementChange
from tests.at_once import MANY, WAIT, at_once, require_postgresql
from tests.handing_back import Place

pytestmark = pytest.mark.django_db(transaction=True)
ONE = ["MovedError"] * (MANY - 1) + ["done"]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    require_postgresql()
    evaluation.in_force()
    return Place(monkeypatch)


def test_of_50_who_confirm_at_once_one_moves_the_service(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, consultant = place.prepared(), place.person(place.other)
    met, check = Barrier(MANY), case_checks.check

    def meet(*asked: Any) -> str:
        state = check(*asked)
        met.wait(WAIT)  # all saw a case that they may confirm
        return state

    monkeypatch.setattr(handing_back, "check", meet)

    def confirm(number: int) -> None:
        mine = Case.objects.select_related("service").get(pk=case.pk)
        by = place.other if number % 2 else place.lead
        actions.confirm_handback(mine, by=by, reason=f"Number {number}.", consultants=[consultant])

    assert at_once(confirm, met=met) == ONE
    assert Transition.objects.filter(subject="case", move="confirm").count() == 1
    assert Transition.objects.filter(subject="management").count() == 1
    assert ManagementChange.objects.filter(service=place.service, state="developer_managed").count() == 1


def test_of_50_who_propose_at_once_one_opens_a_case(place: Place) -> None:
    told = at_once(
        lambda number: actions.propose_handback(place.service, reason=f"Number {number}.", by=place.eng)
    )
    assert (told, Case.objects.count()) == (ONE, 1)
