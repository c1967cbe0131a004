"""Reviews: each move of them, and why each illegal one is refused: by rule, by right, by the database."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction

from handoff import actions
from handoff.actions import InvalidError, MovedError, NotAllowedError
from handoff.checklists import Side
from handoff.checklists.rules import now_is
from handoff.machine import REVIEW, IllegalMoveError, after
from handoff.models import ItemOutcome, Review, SignOff, Transition
from handoff.tasks import follow_reviews
from readiness.models import Alert, Evaluation, ManagementChange, Person, Scorecard, Service, Waiver
from tests.factories import (
    NOW,
    DependencyFactory,
    DeploymentFactory,
    IncidentFactory,
    ServiceFactory,
    WaiverFactory,
    ago,
)
from tests.reviewing import UNREADY, Desk, item, numbers

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
Acts = list[Callable[[], object]]
MONTH = dt.timedelta(days=30)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def moves(review: Review) -> list[str]:
    rows = Transition.objects.filter(subject="review", subject_id=review.pk)
    return list(rows.order_by("pk").values_list("move", flat=True))


def say_no(desk: Desk, review: Review, *, blocking: bool) -> None:
    actions.report_finding(
        item(review, "backup_restored"), remark="It failed.", blocking=blocking, by=desk.engineer
    )


# Opening ---------------------------------------------------------------------------------------------


def test_a_review_opens_filled_with_its_checklist_and_scorecard_on_record(desk: Desk) -> None:
    card = desk.judge()
    review = desk.open()
    assert (review.state, review.checklist, review.checklist_version) == ("open", "default", 1)
    assert review.scorecard == card
    assert item(review, "launch_verdict").outcome == "met"
    assert item(review, "known_issues").outcome == "open"
    assert not review.items.filter(slug__in=["room", "stability", "fail_over_tried"]).exists()
    (told,) = Transition.objects.filter(subject="review")
    assert (told.move, told.to_state, told.actor) == ("open", "open", review.opened_by)
    assert list(told.scorecards.all()) == [card]


def test_there_is_an_item_for_each_live_hard_synchronous_dependency(desk: Desk) -> None:
    rows: dict[str, dict[str, Any]] = {
        "bank": {},
        "gone": {"last_seen_at": ago(days=60)},
        "mail": {"type": "async"},
    }
    for slug, told in rows.items():
        target = ServiceFactory.create(slug=slug)
        DependencyFactory.create(service=desk.service, target=target, criticality="hard", **told)
    DependencyFactory.create(
        service=desk.service, target=ServiceFactory.create(slug="soft"), criticality="soft"
    )
    review = desk.open()
    assert list(review.items.exclude(dependency="").values_list("dependency", flat=True)) == ["bank"]


def test_only_its_teams_and_leads_open_a_review(desk: Desk) -> None:
    with pytest.raises(NotAllowedError):
        actions.open_launch_review(desk.service, by=desk.stranger)
    assert actions.open_launch_review(desk.service, by=desk.lead).state == "open"


@pytest.mark.parametrize("lifecycle", ["live", "retired"])
def test_only_a_service_before_its_launch_gets_a_launch_review(desk: Desk, lifecycle: str) -> None:
    desk.service.lifecycle = lifecycle
    with pytest.raises(InvalidError) as refused:
        desk.open()
    assert refused.value.field == "service"


def test_a_second_review_is_refused_by_rule_and_by_the_database(desk: Desk) -> None:
    review = desk.open()
    with pytest.raises(MovedError) as refused:
        actions.open_launch_review(desk.service, by=desk.lead)
    assert refused.value.state == "open"
    again = {name: getattr(review, name) for name in ("kind", "checklist", "checklist_version", "lapse_days")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(service=desk.service, opened_by="1 x", opened_at=NOW, **again)
    assert Review.objects.count() == 1


def test_a_scorecard_that_a_review_saw_is_held(desk: Desk) -> None:
    card = desk.open().scorecard
    assert card is not None
    with pytest.raises(IntegrityError):
        Scorecard.objects.filter(pk=card.pk).delete()


# Attesting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slug", "days"), [("design_reviewed", 365), ("load_tested", 180), ("access", 90)])
def test_an_attestation_lapses_after_its_days(desk: Desk, slug: str, days: int) -> None:
    review = desk.attested(desk.open())
    mine = item(review, slug)
    assert mine.lapses_on == TODAY + dt.timedelta(days=days)
    later = TODAY + dt.timedelta(days=days)
    assert _stands(review, slug, later - dt.timedelta(days=1)) == "met"
    assert _stands(review, slug, later) == "lapsed"


def _stands(review: Review, slug: str, day: dt.date) -> str:
    return now_is(item(review, slug).state, day).value


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"said_on": TODAY + dt.timedelta(days=1)}, "said_on"),
        ({"said_on": TODAY - dt.timedelta(days=365)}, "said_on"),
        ({"remark": ""}, "remark"),
        ({"remark": "", "url": "javascript:alert(1)"}, "url"),
    ],
)
def test_an_attestation_needs_name_date_and_proof(desk: Desk, wrong: dict[str, Any], field: str) -> None:
    said: dict[str, Any] = {"name": "Ada", "said_on": TODAY, "remark": "Looked.", "by": desk.developer}
    mine = item(desk.open(), "design_reviewed")
    with pytest.raises(InvalidError) as refused:
        actions.attest_item(mine, **{**said, **wrong})
    assert refused.value.field == field
    assert not mine.history.exists()
    actions.attest_item(mine, **said)
    assert mine.history.get().name == "Ada"


def test_what_is_measured_is_not_ticked_by_hand(desk: Desk) -> None:
    measured = item(desk.open(), "launch_verdict")
    said: dict[str, Any] = {"by": desk.developer}
    acts: Acts = [
        lambda: actions.attest_item(measured, name="Ada", said_on=TODAY, remark="Yes.", **said),
        lambda: actions.report_finding(measured, remark="No.", blocking=False, **said),
        lambda: actions.set_item_aside(measured, remark="No.", side=Side.DEVELOPERS, **said),
    ]
    for act in acts:
        with pytest.raises(InvalidError):
            act()


def test_nobody_else_works_on_a_review(desk: Desk) -> None:
    review = desk.open()
    mine = item(review, "design_reviewed")
    by = desk.stranger
    acts: Acts = [
        lambda: actions.attest_item(mine, name="Ada", said_on=TODAY, remark="Yes.", by=by),
        lambda: actions.report_finding(mine, remark="No.", blocking=True, by=by),
        lambda: actions.assign_item(mine, to=None, due_on=None, by=by),
        lambda: actions.comment_review(review, text="Hm.", by=by),
        lambda: actions.reject_review(review, reason="No.", by=by),
        lambda: actions.withdraw_review(review, by=by),
    ]
    for act in acts:
        with pytest.raises(NotAllowedError):
            act()
    assert not ItemOutcome.objects.filter(item=mine).exists()


def test_both_sides_agree_that_an_item_does_not_apply(desk: Desk) -> None:
    review = desk.open()
    mine = item(review, "risky_switched")

    def aside(side: Side, by: User) -> None:
        actions.set_item_aside(mine, remark="There is none.", side=side, by=by)

    with pytest.raises(NotAllowedError):
        aside(Side.OPERATIONS, desk.developer)
    aside(Side.DEVELOPERS, desk.developer)
    assert _stands(review, "risky_switched", TODAY) == "open"
    aside(Side.OPERATIONS, desk.engineer)
    assert _stands(review, "risky_switched", TODAY) == "not_applicable"


def test_one_person_of_both_teams_is_not_both_sides(desk: Desk) -> None:
    both = desk.person("both", "developer", "developer", desk.developers, desk.operations)
    mine = item(desk.open(), "risky_switched")
    actions.set_item_aside(mine, remark="None.", side=Side.DEVELOPERS, by=both)
    with pytest.raises(NotAllowedError):
        actions.set_item_aside(mine, remark="None.", side=Side.OPERATIONS, by=both)


def accept(desk: Desk, review: Review, due: dt.date) -> Any:
    return actions.accept_item(
        item(review, "load_tested"),
        condition="Test it with twice the load.",
        severity=2,
        owner=Person.objects.get(name="dev"),
        due_on=due,
        by=desk.engineer,
    )


def test_an_overdue_condition_reopens_its_item_and_a_fulfilled_one_does_not(desk: Desk) -> None:
    review, due = desk.open(), TODAY + MONTH
    condition = accept(desk, review, due)
    assert _stands(review, "load_tested", due) == "accepted"
    assert _stands(review, "load_tested", due + dt.timedelta(days=1)) == "open"
    actions.fulfil_condition(condition, by=desk.developer)
    assert _stands(review, "load_tested", due + dt.timedelta(days=1)) == "accepted"
    with pytest.raises(MovedError):
        actions.fulfil_condition(condition, by=desk.developer)


def test_a_condition_is_due_after_today_and_has_an_owner_on_record(desk: Desk) -> None:
    review = desk.open()
    with pytest.raises(InvalidError) as refused:
        accept(desk, review, TODAY)
    assert refused.value.field == "due_on"
    assert accept(desk, review, TODAY + MONTH).owner.name == "dev"


def test_items_are_assigned_and_spoken_of(desk: Desk) -> None:
    review, person = desk.open(), Person.objects.get(name="dev")
    mine = item(review, "load_tested")
    actions.assign_item(mine, to=person, due_on=TODAY + MONTH, by=desk.engineer)
    actions.comment_review(review, item=mine, text="Which load?", by=desk.engineer)
    mine.refresh_from_db()
    assert (mine.assignee, mine.due_on) == (person, TODAY + MONTH)
    assert review.comments.get().text == "Which load?"
    with pytest.raises(InvalidError):
        actions.assign_item(mine, to=person, due_on=TODAY - MONTH, by=desk.engineer)


# Filling ---------------------------------------------------------------------------------------------


def test_measured_items_follow_scorecards_until_sign_off(desk: Desk) -> None:
    review = desk.open()
    desk.judge(numbers(UNREADY))
    follow_reviews()
    assert item(review, "launch_verdict").outcome == "not_met"
    history = ItemOutcome.objects.filter(item__review=review).count()
    follow_reviews()
    assert ItemOutcome.objects.filter(item__review=review).count() == history
    desk.judge()
    review = desk.signed(desk.attested(review))
    frozen = review.scorecard
    desk.judge(numbers(UNREADY))
    follow_reviews()
    review.refresh_from_db()
    assert review.scorecard == frozen
    assert item(review, "launch_verdict").outcome == "met"


def test_a_new_dependency_asks_for_its_item_and_makes_the_others_lapse(desk: Desk) -> None:
    row = DependencyFactory.create(
        service=desk.service, target=ServiceFactory.create(slug="bank"), criticality="hard"
    )
    review = desk.attested(desk.open())
    DependencyFactory.create(
        service=desk.service, target=ServiceFactory.create(slug="mail"), criticality="hard"
    )
    follow_reviews()
    outcomes = dict(review.items.exclude(dependency="").values_list("dependency", "outcome"))
    assert outcomes == {"bank": "lapsed", "mail": "open"}
    row.delete()
    follow_reviews()
    follow_reviews()
    gone = review.items.get(dependency="bank")
    assert (gone.outcome, gone.history.count()) == ("not_applicable", 3)


def test_a_drill_fills_its_item_for_its_days(desk: Desk) -> None:
    DeploymentFactory.create(
        service=desk.service, drill=True, remediation="rollback", started_at=ago(days=10), external_id="d1"
    )
    IncidentFactory.create(
        service=desk.service,
        drill=True,
        detected_by="alert",
        started_at=ago(days=5),
        acknowledged_at=ago(days=5),
    )
    DeploymentFactory.create(service=desk.service, remediation="rollback", started_at=ago(days=1))
    review = desk.open()
    rehearsed = item(review, "rollback_rehearsed")
    assert (rehearsed.outcome, rehearsed.lapses_on) == ("met", TODAY + dt.timedelta(days=80))
    assert item(review, "incident_exercise").lapses_on == TODAY + dt.timedelta(days=175)


def test_a_severe_incident_is_to_be_reviewed_where_reviews_are_known(desk: Desk) -> None:
    IncidentFactory.create(service=desk.service, severity=1, started_at=ago(days=20))
    review = desk.open()
    assert item(review, "incidents_reviewed").outcome == "not_applicable"
    IncidentFactory.create(service=desk.service, severity=3, reviewed_at=ago(days=2))
    follow_reviews()
    assert item(review, "incidents_reviewed").outcome == "not_met"


def test_what_was_attested_is_carried_over_until_it_lapses(desk: Desk) -> None:
    actions.withdraw_review(desk.attested(desk.open()), by=desk.opener)
    desk.now = NOW + dt.timedelta(days=90)
    desk.judge()
    review = desk.open()
    assert item(review, "access").outcome == "open"
    assert item(review, "design_reviewed").lapses_on == TODAY + dt.timedelta(days=365)
    assert item(review, "design_reviewed").history.get().actor.startswith("rule: attestation carried over")


# Signing ---------------------------------------------------------------------------------------------


def test_a_review_is_signed_once_both_sides_signed(desk: Desk) -> None:
    review = desk.attested(desk.open())
    actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)
    review.refresh_from_db()
    assert review.state == "open"
    actions.sign_review(review, side=Side.OPERATIONS, by=desk.engineer, remark="Fine.")
    review.refresh_from_db()
    assert (review.state, review.signed_at) == ("signed", NOW)
    assert moves(review) == ["open", "complete"]


@pytest.mark.parametrize(
    ("side", "who"),
    [
        (Side.DEVELOPERS, "engineer"),
        (Side.OPERATIONS, "developer"),
        (Side.DEVELOPERS, "opener"),
        (Side.DEVELOPERS, "manager"),
        (Side.DEVELOPERS, "stranger"),
        (Side.MANAGER, "developer"),
    ],
)
def test_who_may_not_sign_for_a_side_is_refused(desk: Desk, side: Side, who: str) -> None:
    review = desk.attested(desk.open())
    with pytest.raises(NotAllowedError):
        actions.sign_review(review, side=side, by=getattr(desk, who))
    assert not SignOff.objects.exists()


def test_nobody_signs_twice_or_for_a_side_that_has_signed(desk: Desk) -> None:
    review = desk.attested(desk.open())
    actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)
    other = desk.person("other-dev", "developer", "developer", desk.developers)
    with pytest.raises(MovedError):
        actions.sign_review(review, side=Side.DEVELOPERS, by=other)
    with pytest.raises(IntegrityError), transaction.atomic():
        SignOff.objects.create(review=review, side="developers", actor="9 x", at=NOW)


def test_what_is_not_settled_is_not_signed(desk: Desk) -> None:
    review = desk.attested(desk.open(), but=["security_reviewed"])
    with pytest.raises(InvalidError, match="security"):
        actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)


def test_what_fell_since_is_looked_at_when_somebody_signs(desk: Desk) -> None:
    review = desk.attested(desk.open())
    desk.judge(numbers(UNREADY))
    with pytest.raises(InvalidError, match="ready for launch"):
        actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)


def test_an_old_scorecard_is_no_ground_to_sign_on(desk: Desk) -> None:
    review = desk.attested(desk.open())
    desk.now = NOW + dt.timedelta(days=10)
    with pytest.raises(InvalidError, match="too old"):
        actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)


def test_what_somebody_signed_for_stays_as_it_is(desk: Desk) -> None:
    review = desk.attested(desk.open())
    actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)
    with pytest.raises(MovedError):
        say_no(desk, review, blocking=False)
    say_no(desk, review, blocking=True)
    with pytest.raises(InvalidError, match="blocking"):
        actions.sign_review(review, side=Side.OPERATIONS, by=desk.engineer)


@pytest.fixture
def waived(desk: Desk) -> Review:
    """A review that relies on a waiver which the developer asked for."""
    waiver = WaiverFactory.create(service=desk.service, author=f"{desk.developer.pk} dev")
    standing = {"state": None, "handback_at": None, "waivers": [[waiver.pk, "telemetry"]]}
    desk.judge(numbers(UNREADY, standing=standing))
    return desk.attested(desk.open())


def test_who_asked_for_a_waiver_that_is_relied_on_does_not_sign(desk: Desk, waived: Review) -> None:
    with pytest.raises(NotAllowedError, match="waiver"):
        actions.sign_review(waived, side=Side.DEVELOPERS, by=desk.developer)


def test_a_waiver_that_ended_since_sets_nothing_aside(desk: Desk, waived: Review) -> None:
    other = desk.person("other-dev", "developer", "developer", desk.developers)
    Waiver.objects.update(revoked_at=NOW)
    with pytest.raises(InvalidError, match="ready for launch"):
        actions.sign_review(waived, side=Side.DEVELOPERS, by=other)


def test_where_a_waiver_is_relied_on_a_manager_signs_third(desk: Desk, waived: Review) -> None:
    other = desk.person("other-dev", "developer", "developer", desk.developers)
    actions.sign_review(waived, side=Side.DEVELOPERS, by=other)
    actions.sign_review(waived, side=Side.OPERATIONS, by=desk.engineer)
    waived.refresh_from_db()
    assert waived.state == "open"
    actions.sign_review(waived, side=Side.MANAGER, by=desk.manager)
    waived.refresh_from_db()
    assert waived.state == "signed"


def test_tier_1_takes_a_manager_third_and_other_tiers_take_none(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, tier=1)
    review = desk.attested(desk.open())
    assert review.items.filter(slug="fail_over_tried").exists()
    assert desk.signed(review).state == "open"
    actions.sign_review(review, side=Side.MANAGER, by=desk.manager)
    review.refresh_from_db()
    assert review.state == "signed"


def test_a_manager_is_not_needed_for_other_tiers(desk: Desk) -> None:
    with pytest.raises(InvalidError):
        actions.sign_review(desk.attested(desk.open()), side=Side.MANAGER, by=desk.manager)


# Ends ------------------------------------------------------------------------------------------------


def test_only_a_blocking_finding_rejects(desk: Desk) -> None:
    review = desk.open()
    say_no(desk, review, blocking=False)
    with pytest.raises(InvalidError):
        actions.reject_review(review, reason="No backup.", by=desk.engineer)
    say_no(desk, review, blocking=True)
    with pytest.raises(InvalidError):
        actions.reject_review(review, reason=" ", by=desk.engineer)
    assert actions.reject_review(review, reason="No backup.", by=desk.engineer).state == "rejected"
    assert moves(review) == ["open", "reject"]


def test_who_opened_it_withdraws_it_or_a_lead(desk: Desk) -> None:
    review = desk.open()
    with pytest.raises(NotAllowedError):
        actions.withdraw_review(review, by=desk.engineer)
    assert actions.withdraw_review(review, by=desk.opener).state == "withdrawn"
    assert actions.withdraw_review(desk.open(), by=desk.lead, reason="Not now.").state == "withdrawn"


@pytest.mark.parametrize("signed", [False, True])
def test_a_review_lapses_after_90_days_without_an_end(desk: Desk, signed: bool) -> None:
    review = desk.ready_to_launch() if signed else desk.open()
    assert actions.lapse_reviews(NOW + dt.timedelta(days=90, seconds=-1)) == 0
    assert actions.lapse_reviews(NOW + dt.timedelta(days=90)) == 1
    assert actions.lapse_reviews(NOW + dt.timedelta(days=91)) == 0
    review.refresh_from_db()
    assert review.state == "lapsed"
    assert Transition.objects.filter(move="lapse").get().actor == "rule: review lapse v1"


@pytest.mark.parametrize("ended", ["rejected", "withdrawn", "lapsed", "used"])
def test_a_review_that_ended_moves_no_more(desk: Desk, ended: str) -> None:
    review = _ended(desk, ended)
    mine = item(review, "load_tested")
    acts: Acts = [
        lambda: actions.reject_review(review, reason="No.", by=desk.lead),
        lambda: actions.withdraw_review(review, by=desk.lead),
        lambda: actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer),
        lambda: actions.launch(review, by=desk.lead),
        lambda: actions.comment_review(review, text="Hm.", by=desk.lead),
        lambda: actions.attest_item(mine, name="Ada", said_on=TODAY, remark="Yes.", by=desk.lead),
    ]
    before = Transition.objects.count()
    for act in acts:
        with pytest.raises(MovedError) as refused:
            act()
        assert refused.value.state in {ended, "live"}
    assert Transition.objects.count() == before
    assert actions.lapse_reviews(NOW + dt.timedelta(days=900)) == 0


def _ended(desk: Desk, state: str) -> Review:
    review = desk.ready_to_launch() if state == "used" else desk.open()
    if state == "used":
        actions.launch(review, by=desk.lead)
    elif state == "rejected":
        say_no(desk, review, blocking=True)
        actions.reject_review(review, reason="No.", by=desk.lead)
    elif state == "withdrawn":
        actions.withdraw_review(review, by=desk.lead)
    else:
        actions.lapse_reviews(NOW + dt.timedelta(days=90))
    review.refresh_from_db()
    assert review.state == state
    return review


def test_the_table_knows_no_other_moves() -> None:
    states = {state for state, _ in REVIEW} | set(REVIEW.values())
    for state in states:
        for move in {move for _, move in REVIEW}:
            if (state, move) not in REVIEW:
                with pytest.raises(IllegalMoveError):
                    after(REVIEW, state, move)


@pytest.mark.parametrize("state", ["signed", "used"])
def test_the_database_refuses_a_signed_review_without_scorecard_or_moment(desk: Desk, state: str) -> None:
    review = desk.open()
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(state=state)


@pytest.mark.parametrize("table", ["itemoutcome", "signoff", "reviewcomment"])
def test_the_database_refuses_edits_of_what_was_said(desk: Desk, table: str) -> None:
    review = desk.attested(desk.open())
    actions.comment_review(review, text="Hm.", by=desk.developer)
    desk.signed(review)
    for statement in (f"UPDATE handoff_{table} SET id = id + 1000", f"DELETE FROM handoff_{table}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# Escalation ------------------------------------------------------------------------------------------


def test_a_review_that_nobody_moves_is_escalated_step_by_step(desk: Desk) -> None:
    review = desk.open()
    who: dict[int, Any] = {}
    for days in (13, 14, 20, 21, 27, 28, 60):
        desk.now = NOW + dt.timedelta(days=days)
        desk.judge()
        follow_reviews()
        follow_reviews()
        alert = Alert.objects.open().filter(kind="review_stalled").first()
        who[days] = alert and str(alert.team or "leads")
    assert who == {13: None, 14: "payments", 20: "payments", 21: "sre", 27: "sre", 28: "leads", 60: "leads"}
    actions.comment_review(review, text="We are at it.", by=desk.developer)
    follow_reviews()
    assert not Alert.objects.open().exists()


def test_a_review_that_ended_is_escalated_no_more(desk: Desk) -> None:
    review = desk.open()
    desk.now = NOW + dt.timedelta(days=28)
    follow_reviews()
    assert Alert.objects.open().count() == 1
    actions.withdraw_review(review, by=desk.opener)
    follow_reviews()
    assert not Alert.objects.open().exists()


# Launch ----------------------------------------------------------------------------------------------


def test_a_launch_makes_the_service_live_and_its_developers_run_it(desk: Desk) -> None:
    review = desk.ready_to_launch()
    desk.now = NOW + dt.timedelta(days=1)
    newest = desk.judge()
    change = actions.launch(review, by=desk.developer, reason="Customers wait.")
    service = Service.objects.get(pk=desk.service.pk)
    assert (service.lifecycle, service.launched_on) == ("live", desk.now.date())
    assert service.description == "Takes the money."
    assert service.is_live_at(desk.now)
    assert (change.state, change.effective_at, change.way) == ("developer_managed", desk.now, "launch")
    told = Transition.objects.get(subject="management")
    assert (told.from_state, told.to_state, told.reason) == (
        "pre_launch",
        "developer_managed",
        "Customers wait.",
    )
    assert set(told.scorecards.all()) == {review.scorecard, newest}
    review.refresh_from_db()
    assert review.state == "used"
    assert Evaluation.objects.filter(requested_by="launched").exists()


def test_a_review_that_is_not_signed_launches_nothing(desk: Desk) -> None:
    review = desk.attested(desk.open())
    with pytest.raises(MovedError) as refused:
        actions.launch(review, by=desk.lead)
    assert refused.value.state == "open"
    assert not ManagementChange.objects.exists()


def test_only_its_teams_and_leads_launch(desk: Desk) -> None:
    review = desk.ready_to_launch()
    with pytest.raises(NotAllowedError):
        actions.launch(review, by=desk.stranger)
    assert not ManagementChange.objects.exists()


def test_what_no_longer_holds_keeps_from_launching(desk: Desk) -> None:
    review = desk.ready_to_launch()
    desk.judge(numbers(UNREADY))
    with pytest.raises(InvalidError, match="Since it was signed"):
        actions.launch(review, by=desk.developer)
    assert Service.objects.get(pk=desk.service.pk).lifecycle == "pre_launch"


def test_an_old_scorecard_is_no_ground_to_launch_on(desk: Desk) -> None:
    review = desk.ready_to_launch()
    desk.now = NOW + dt.timedelta(days=10)
    with pytest.raises(InvalidError, match="too old"):
        actions.launch(review, by=desk.developer)
    assert not ManagementChange.objects.exists()


@pytest.mark.parametrize("lifecycle", ["live", "retired"])
def test_a_service_that_is_elsewhere_by_now_is_not_launched(desk: Desk, lifecycle: str) -> None:
    review = desk.ready_to_launch()
    Service.objects.filter(pk=desk.service.pk).update(lifecycle=lifecycle)
    with pytest.raises(MovedError) as refused:
        actions.launch(review, by=desk.developer)
    assert refused.value.state == lifecycle


def test_a_state_on_record_for_later_keeps_from_launching(desk: Desk) -> None:
    review = desk.ready_to_launch()
    ManagementChange.objects.create(
        service=desk.service,
        state="ops_managed",
        effective_at=NOW + MONTH,
        way="adoption",
        actor="import",
        recorded_at=NOW,
    )
    with pytest.raises(InvalidError):
        actions.launch(review, by=desk.developer)
