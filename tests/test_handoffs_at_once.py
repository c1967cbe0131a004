"""Of 50 who sign, accept, begin or confirm at once one does, the others are told. PostgreSQL."""

import pytest
from django.contrib.auth.models import User

from handoff import actions
from handoff.checklists import Side
from handoff.models import Case, CaseComment, Review, Shadow, ShadowConfirmation, SignOff, Transition
from readiness import rights
from readiness.models import ManagementChange
from tests.at_once import MANY, at_once, halting, require_postgresql
from tests.handing_off import Handover, sign
from tests.members import member

pytestmark = pytest.mark.django_db(transaction=True)
ONE = ["MovedError"] * (MANY - 1) + ["done"]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Handover:
    require_postgresql()
    return Handover(monkeypatch)


def engineers(place: Handover) -> list[User]:
    """As many of the ops team."""
    return [member(rights.OPS_ENGINEER, name=f"ops-{each}", teams=[place.ops]) for each in range(MANY)]


def made(move: str) -> int:
    """How often a move was made of a case."""
    return Transition.objects.filter(subject="case", move=move).count()


def fresh(case: Case) -> Case:
    """As somebody sees it who has just looked."""
    return Case.objects.select_related("service", "review").get(pk=case.pk)


def fresh_review(case: Case) -> Review:
    """Likewise."""
    return Review.objects.get(case=case.pk)


def test_of_50_who_sign_for_the_last_side_one_approves_the_handoff(place: Handover) -> None:
    case, people = place.in_review(), engineers(place)
    sign(case.review, Side.DEVELOPERS, place.dev)
    told = at_once(
        lambda each: actions.sign_review(fresh_review(case), side=Side.OPERATIONS, by=people[each])
    )
    assert told == ONE
    assert made("approve") == 1
    assert Transition.objects.filter(subject="review", move="complete").count() == 1
    assert SignOff.objects.count() == 2
    assert fresh(case).state == "approved"


def test_of_both_sides_who_sign_at_once_neither_is_lost(
    place: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = place.in_review()
    monkeypatch.setattr(SignOff.objects, "create", halting(SignOff.objects.create))
    both = ((Side.DEVELOPERS, place.dev), (Side.OPERATIONS, place.eng))
    told = at_once(lambda each: sign(fresh_review(case), both[each][0], both[each][1]), many=2)
    assert told == ["done", "done"]
    assert made("approve") == 1
    assert fresh(case).state == "approved"


def test_of_50_who_accept_one_does(place: Handover) -> None:
    case, people = place.approved(), engineers(place)
    told = at_once(lambda each: actions.accept_handoff(fresh(case), by=people[each], reason="We take it."))
    assert told == ONE
    accepted = fresh(case).accepted_by
    assert list(CaseComment.objects.values_list("author", flat=True)) == [accepted]


def test_of_50_who_begin_the_shadow_one_does(place: Handover) -> None:
    case = place.accepted()
    told = at_once(lambda _: actions.begin_shadow(fresh(case), by=place.eng))
    assert told == ONE
    assert (made("begin shadow"), Shadow.objects.count()) == (1, 1)


def test_of_50_who_confirm_for_the_last_side_one_takes_over(place: Handover) -> None:
    case, _ = place.due()
    people, near = engineers(place), [place.person(place.dev), place.person(place.dan)]
    actions.confirm_shadow(case, side=Side.DEVELOPERS, by=place.dev, reachable=near)
    told = at_once(lambda each: actions.confirm_shadow(fresh(case), side=Side.OPERATIONS, by=people[each]))
    assert told == ONE
    moved_once(place, case)


def test_of_both_sides_who_confirm_at_once_neither_is_lost(
    place: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = place.due()
    near = [place.person(place.dev), place.person(place.dan)]
    rows = ShadowConfirmation.objects
    monkeypatch.setattr(rows, "create", halting(rows.create))
    both = ((Side.DEVELOPERS, place.dev), (Side.OPERATIONS, place.eng))
    told = at_once(
        lambda each: actions.confirm_shadow(
            fresh(case), side=both[each][0], by=both[each][1], reachable=near
        ),
        many=2,
    )
    assert told == ["done", "done"]
    moved_once(place, case)


def test_of_50_of_both_sides_who_confirm_one_takes_over(place: Handover) -> None:
    case, _ = place.due()
    people, near = engineers(place), [place.person(place.dev), place.person(place.dan)]

    def confirm(number: int) -> None:
        if number % 2:
            actions.confirm_shadow(fresh(case), side=Side.OPERATIONS, by=people[number])
        else:
            actions.confirm_shadow(fresh(case), side=Side.DEVELOPERS, by=place.dev, reachable=near)

    assert at_once(confirm) == ["MovedError"] * (MANY - 2) + ["done"] * 2
    moved_once(place, case)


def moved_once(place: Handover, case: Case) -> None:
    """Operations run it, by one move, on one confirmation of each side."""
    handed = ManagementChange.objects.filter(service=place.service, way="handoff")
    assert (made("take over"), handed.count()) == (1, 1)
    assert Transition.objects.filter(subject="management", move="hand off").count() == 1
    assert Transition.objects.filter(subject="review", move="hand off").count() == 1
    assert ShadowConfirmation.objects.count() == 2
    now = fresh(case)
    assert (now.state, now.confirmed_at, now.reachable.count()) == (
        "backed_up",
        handed.get().effective_at,
        2,
    )


def test_of_50_who_complete_it_one_does(place: Handover) -> None:
    case = place.moved()
    told = at_once(lambda _: actions.complete_handoff(fresh(case), by=place.lead, reason="It is quiet."))
    assert told == ONE
    assert made("complete") == 1


def test_of_50_who_propose_a_handoff_one_opens_a_case(place: Handover) -> None:
    told = at_once(lambda _: actions.propose_handoff(place.service, reason="It is quiet.", by=place.dan))
    assert told == ONE
    assert (Case.objects.count(), made("propose")) == (1, 1)
