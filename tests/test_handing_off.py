"""Handoffs: reviewed, accepted, shadowed page by page, taken over, backed up; and what keeps each from it."""

import datetime as dt

import pytest

from handoff import actions
from handoff.actions.review_escalating import escalate_reviews
from handoff.checklists import Side
from handoff.consequences import Change, Happening
from handoff.models import Case, Transition
from readiness.models import Alert, ManagementChange, Service
from tests.handing_back import DAY
from tests.handing_off import Handover

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Handover:
    """A service that is ready."""
    return Handover(monkeypatch)


def test_from_proposal_to_taking_over(place: Handover) -> None:
    case = place.moved()

    assert case.state == "backed_up"
    assert case.confirmed_at is not None
    assert case.backup_ends_at == case.confirmed_at + 28 * DAY
    assert case.reachable_until == (case.confirmed_at + 180 * DAY).date()
    assert {person.name for person in case.reachable.all()} == {"dora", "dan"}
    assert case.review is not None
    assert case.review.state == "used"
    change = ManagementChange.objects.filter(service=place.service).latest("effective_at")
    assert (change.state, change.way, change.effective_at) == ("ops_managed", "handoff", case.confirmed_at)
    told = Transition.objects.filter(subject="case").order_by("pk").values_list("move", "to_state")
    assert list(told) == [
        ("propose", "proposed"),
        ("open review", "in_review"),
        ("approve", "approved"),
        ("begin shadow", "shadowing"),
        ("take over", "backed_up"),
    ]


def test_the_review_decides(place: Handover) -> None:
    case = place.in_review()
    assert case.review is not None
    with pytest.raises(actions.InvalidError, match="Its review rejects it"):
        actions.reject_handoff(case, by=place.eng, reason="No.")
    item = case.review.items.get(slug="load_tested")
    actions.report_finding(item, remark="It falls over at 10 a second.", blocking=True, by=place.eng)
    with pytest.raises(actions.NotAllowedError, match="Who proposed"):
        actions.reject_review(case.review, reason="It falls over.", by=place.dan)

    actions.reject_review(case.review, reason="It falls over.", by=place.eng)

    case.refresh_from_db()
    assert (case.state, case.ended_at) == ("rejected", place.now)
    assert case.decider.endswith("olga")
    last = Transition.objects.filter(subject="case").latest("pk")
    assert (last.move, last.reason) == ("reject", "It falls over.")


def test_who_proposed_it_signs_for_no_side(place: Handover) -> None:
    case = place.in_review()
    assert case.review is not None

    with pytest.raises(actions.NotAllowedError, match="Who proposed the handoff does not sign"):
        actions.sign_review(case.review, side=Side.DEVELOPERS, by=place.dan)


def test_a_review_that_lapses_or_is_withdrawn_ends_the_handoff(place: Handover) -> None:
    case = place.in_review()
    place.pass_time(90 * DAY)
    actions.lapse_reviews()
    case.refresh_from_db()
    assert (case.state, case.ended_at) == ("lapsed", place.now)

    place.judge_ready()
    another = place.in_review()
    assert another.review is not None
    actions.withdraw_review(another.review, by=place.lead, reason="Not now.")
    another.refresh_from_db()
    assert another.state == "withdrawn"


def test_withdrawing_a_handoff_ends_its_review_and_its_shadow(place: Handover) -> None:
    case, shadow = place.shadowed()
    with pytest.raises(actions.NotAllowedError, match="or an SRE lead"):
        actions.withdraw_handoff(case, by=place.eng, reason="No.")

    actions.withdraw_handoff(case, by=place.lead, reason="The team moves house.")

    shadow.refresh_from_db()
    assert (shadow.outcome, shadow.ended_at) == ("cut_short", place.now)
    assert case.review is not None
    case.review.refresh_from_db()
    assert case.review.state == "withdrawn"


def test_its_ops_team_accepts_seeing_what_it_would_carry(place: Handover) -> None:
    case = place.approved()
    for somebody in (place.lead, place.dev, place.stranger):
        with pytest.raises(actions.NotAllowedError):
            actions.accept_handoff(case, by=somebody)
    with pytest.raises(actions.InvalidError, match="has not accepted"):
        actions.begin_shadow(case, by=place.eng)

    actions.accept_handoff(case, by=place.other)

    case.refresh_from_db()
    assert case.accepted_by.endswith("otto")
    assert case.room_seen is not None
    assert (case.room_seen["people"], case.room_seen["services"]) == (6, 0)
    with pytest.raises(actions.MovedError, match="otto accepted it already"):
        actions.accept_handoff(case, by=place.eng)
    actions.begin_shadow(case, by=place.eng)


def test_a_team_without_room_says_why_it_accepts(place: Handover) -> None:
    case = place.approved()
    place.pass_time(dt.timedelta(minutes=1))
    card = place.judge_ready()
    card.numbers["criteria"]["after_hours"]["parts"]["after_hours_per_week"] = [50.0, 0.0]
    card.save()

    with pytest.raises(actions.InvalidError, match="no room"):
        actions.accept_handoff(case, by=place.other)
    actions.accept_handoff(case, by=place.other, reason="Two more people come next week.")

    assert case.comments.filter(text__contains="Two more people").exists()


def test_a_change_of_the_ops_team_takes_the_acceptance_back(place: Handover) -> None:
    case = place.offered()
    actions.accept_handoff(case, by=place.other)
    happening = Happening(Change.OPS_TEAM, "sre", "sre-west")

    actions.change_services({place.service.pk: [happening]}, actor="1 ada", reason="catalogue of shop")

    case.refresh_from_db()
    assert (case.state, case.accepted_by, case.accepted_at, case.room_seen) == ("proposed", "", None, None)
    assert "otto is taken back" in case.comments.latest("pk").text


def test_nobody_confirms_before_the_shadow_has_ended_well(place: Handover) -> None:
    case, shadow = place.shadowed()
    two = [place.person(place.dev), place.person(place.dan)]

    def refused(match: str) -> None:
        with pytest.raises(actions.InvalidError, match=match):
            actions.confirm_shadow(case, side=Side.DEVELOPERS, by=place.dev, reachable=two)

    refused("It lasts until")
    refused("olga")
    refused("No page came")
    place.pass_time(DAY)
    drill = place.page(drill=True)
    refused("1 page of 1 not assessed")
    actions.assess_page(case, drill, critical=True, actionable=True, by=place.eng)
    real = place.page()
    with pytest.raises(actions.InvalidError, match="none of the shadow's"):
        actions.assess_page(case, drill, critical=True, actionable=True, by=place.eng)
    actions.assess_page(case, real, critical=True, actionable=False, by=place.eng)
    refused("0 % of the assessed pages are actionable: at least 80 % must be")
    actions.assess_page(case, real, critical=True, actionable=True, by=place.dev, remark="We turned it off.")
    place.turn()
    place.now = shadow.due_at - dt.timedelta(seconds=1)
    refused("It lasts until")
    place.now = shadow.due_at
    refused("Its newest scorecard is too old")
    place.judge_ready(telemetry=40.0)
    refused("Since it was signed: Telemetry coverage")


def test_both_sides_confirm_each_by_a_person_of_its_own(place: Handover) -> None:
    case, _ = place.due()
    two = [place.person(place.dev), place.person(place.dan)]
    for side, somebody in (
        (Side.DEVELOPERS, place.eng),
        (Side.OPERATIONS, place.dev),
        (Side.DEVELOPERS, place.dan),
        (Side.OPERATIONS, place.lead),
    ):
        with pytest.raises(actions.NotAllowedError):
            actions.confirm_shadow(case, side=side, by=somebody, reachable=two)
    with pytest.raises(actions.InvalidError, match="Name 2 developers"):
        actions.confirm_shadow(case, side=Side.DEVELOPERS, by=place.dev, reachable=two[:1])
    with pytest.raises(actions.InvalidError, match="Only members of its owner team"):
        actions.confirm_shadow(
            case, side=Side.DEVELOPERS, by=place.dev, reachable=[*two, place.person(place.eng)]
        )

    actions.confirm_shadow(case, side=Side.DEVELOPERS, by=place.dev, reachable=two)

    case.refresh_from_db()
    assert case.state == "shadowing"
    with pytest.raises(actions.MovedError, match="dora confirmed"):
        actions.confirm_shadow(case, side=Side.DEVELOPERS, by=place.dev, reachable=two)
    actions.confirm_shadow(case, side=Side.OPERATIONS, by=place.other)
    case.refresh_from_db()
    assert case.state == "backed_up"


def test_a_shadow_is_begun_once_more_and_then_the_handoff_lapses(place: Handover) -> None:
    case, first = place.shadowed()
    actions.stop_shadow(case, by=place.dev, reason="Half of the pages are noise.")
    first.refresh_from_db()
    assert (case.state, first.outcome) == ("approved", "stopped")
    place.pass_time()
    actions.begin_shadow(case, by=place.eng)

    actions.stop_shadow(case, by=place.eng, reason="Still noise.")

    case.refresh_from_db()
    assert case.state == "lapsed"
    assert case.review is not None
    case.review.refresh_from_db()
    assert case.review.state == "lapsed"


def test_whoever_advised_the_developers_does_so_no_longer(place: Handover) -> None:
    consultant = actions.name_consultant(place.service, person=place.person(place.other), by=place.eng)

    place.moved()

    consultant.refresh_from_db()
    assert consultant.ended_at == place.now


def test_a_handback_ends_the_time_of_back_up(place: Handover) -> None:
    case = place.moved()
    place.pass_time()
    place.judge("below")
    assert actions.proposing_obstacle(place.service, "handback", place.eng) == ""

    handback = actions.propose_handback(place.service, reason="It fell over.", by=place.eng)

    case.refresh_from_db()
    assert (case.state, case.ended_at) == ("completed", place.now)
    assert list(Case.objects.open()) == [handback]


def test_back_up_ends_early_with_a_reason(place: Handover) -> None:
    case = place.moved()
    with pytest.raises(actions.NotAllowedError):
        actions.complete_handoff(case, by=place.dev, reason="We are tired.")
    with pytest.raises(actions.InvalidError):
        actions.complete_handoff(case, by=place.eng, reason=" ")

    actions.complete_handoff(case, by=place.eng, reason="No page in two weeks.")

    assert (case.state, case.ended_at) == ("completed", place.now)


def test_a_signed_review_waits_for_nobody_and_its_handoff_does(place: Handover) -> None:
    place.approved()
    place.pass_time(15 * DAY)

    escalate_reviews(place.now)
    actions.keep_alerts_of_cases(place.now)

    assert list(Alert.objects.values_list("kind", flat=True)) == ["case_stalled"]


def test_what_was_deprecated_meanwhile_is_not_taken_over(place: Handover) -> None:
    case, _ = place.due()
    Service.objects.filter(pk=place.service.pk).update(deprecated=True)
    case.service.refresh_from_db()

    with pytest.raises(actions.InvalidError, match="deprecated"):
        actions.confirm_shadow(case, side=Side.OPERATIONS, by=place.eng)
