"""Alerts about cases and conditions: when each is raised, whom it tells what, and how it ends."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from handoff import actions, tasks
from handoff.checklists import Side
from handoff.models import Case, Condition, Review
from readiness.models import Alert, Service
from tests.factories import NOW, ServiceFactory
from tests.handing_back import DAY, Place
from tests.handing_off import Handover
from tests.handoff_rows import shadowing
from tests.reviewing import Desk, item

pytestmark = pytest.mark.django_db

TICK = dt.timedelta(microseconds=1)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A service that operations run and its people."""
    return Place(monkeypatch)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service before its launch and its people."""
    return Desk(monkeypatch)


def alert(kind: str) -> Alert | None:
    """What is open of a kind, after a sweep, which done again changes nothing."""
    tasks.keep_alerts_of_cases()
    assert tasks.keep_alerts_of_cases() == 0
    return Alert.objects.open().filter(kind=kind).first()


def text(kind: str) -> str:
    """What it says."""
    found = alert(kind)
    assert found is not None
    return found.text


def who(kind: str) -> str | None:
    """Who should act on what is open of a kind."""
    found = alert(kind)
    if found is None:
        return None
    return found.team.slug if found.team else "leads"


def steps(place: Place, kind: str, *, since: dt.datetime, days: list[float]) -> dict[float, str | None]:
    """Who should act after so many days."""
    found = {}
    for each in days:
        place.now = since + each * DAY
        found[each] = who(kind)
    return found


JUST_BEFORE = TICK / DAY
"""In days."""

# Cases that wait -------------------------------------------------------------------------------------


def test_a_proposal_that_nobody_decides_is_told_of_step_by_step(place: Place) -> None:
    place.proposed()
    days = [14 - JUST_BEFORE, 14, 21, 28 - JUST_BEFORE, 28, 90]
    told = steps(place, "case_stalled", since=NOW, days=days)
    assert list(told.values()) == [None, "sre", "sre", "sre", "leads", "leads"]
    assert text("case_stalled") == (
        "Nobody has moved the handback (repair) since 2026-07-01: it is proposed and waits for somebody. The "
        "page of the case says what can be done, and by whom: decide, say what is missing, or withdraw it."
    )


@pytest.mark.parametrize("case", ["release", "handoff"])
def test_where_developers_are_to_act_they_are_told_first(place: Place, case: str) -> None:
    if case == "release":
        place.proposed(kind="release")
    else:
        Case.objects.create(
            service=place.service,
            kind="handoff",
            trigger="person",
            reason="It is calm.",
            proposer="1 dora",
            proposer_side="developers",
            opened_at=NOW,
        )
    days = [14 - JUST_BEFORE, 14, 21 - JUST_BEFORE, 21, 28]
    told = steps(place, "case_stalled", since=NOW, days=days)
    assert list(told.values()) == [None, "builders", "builders", "sre", "leads"]


def _mend(place: Place, case: Case) -> None:
    actions.close_finding(case.findings.get(), by=place.dev)


def _do(place: Place, case: Case) -> None:
    actions.finish_plan_item(case.plan.get(), by=place.dev)


def _find(place: Place, case: Case) -> None:
    actions.add_finding(case, kind="code", severity=2, text="It leaks.", by=place.dev)


def _plan(place: Place, case: Case) -> None:
    actions.add_plan_item(
        case, text="Mend it.", owner=place.person(place.dev), due_on=place.now.date(), by=place.dev
    )


def _say(place: Place, case: Case) -> None:
    actions.comment_case(case, text="We are at it.", by=place.dev)


MOVES = [_mend, _do, _find, _plan, _say]


@pytest.mark.parametrize("move", MOVES)
def test_whatever_somebody_does_about_it_ends_it_for_14_days(place: Place, move: Any) -> None:
    case = place.prepared()
    place.pass_time(20 * DAY)
    assert who("case_stalled")
    move(place, case)
    assert who("case_stalled") is None
    told = steps(place, "case_stalled", since=place.now, days=[14 - JUST_BEFORE, 14])
    assert list(told.values()) == [None, "sre"]


def test_a_case_that_came_back_from_joint_repair_waits_anew(place: Place) -> None:
    place.resting()
    place.pass_time(27 * DAY)
    assert who("case_stalled") is None, "its end will come by itself"
    place.pass_time(DAY)
    actions.follow_handbacks()
    told = steps(place, "case_stalled", since=place.now, days=[14 - JUST_BEFORE, 14])
    assert list(told.values()) == [None, "sre"]


def test_it_ends_with_the_case(place: Place) -> None:
    case = place.proposed()
    place.pass_time(14 * DAY)
    assert who("case_stalled")
    actions.withdraw_handback(case, by=place.eng, reason="It got better.")
    assert who("case_stalled") is None


# Handoffs that wait -----------------------------------------------------------------------------------


@pytest.fixture
def handover(monkeypatch: pytest.MonkeyPatch) -> Handover:
    """A service that is ready to be handed off."""
    return Handover(monkeypatch)


def test_who_is_to_accept_an_approved_handoff_is_told_first_then_who_is_to_begin(handover: Handover) -> None:
    case = handover.approved()
    days = [14 - JUST_BEFORE, 14, 28]
    told = steps(handover, "case_stalled", since=handover.now, days=days)
    assert list(told.values()) == [None, "sre", "leads"]
    assert "approved and waits for somebody. Its ops team has not accepted to carry it. " in text(
        "case_stalled"
    )
    actions.accept_handoff(case, by=handover.other, reason="We take it.")
    told = steps(handover, "case_stalled", since=handover.now, days=[*days, 21])
    assert list(told.values()) == [None, "builders", "leads", "sre"]
    assert "accepts to carry it: the shadow can begin." in text("case_stalled")


def test_a_shadow_waits_for_people_from_the_day_on_which_it_may_end(handover: Handover) -> None:
    case, shadow = handover.shadowed()
    handover.page()
    days = [14, 14 - JUST_BEFORE, 21, 28]
    told = steps(handover, "case_stalled", since=shadow.due_at, days=[0, 14 - JUST_BEFORE, 14, 21, 28])
    assert list(told.values()) == [None, None, "builders", "sre", "leads"]
    said = text("case_stalled")
    assert said.startswith(
        f"Nobody has moved the handoff since {shadow.began_at:%Y-%m-%d}: it is shadowing and "
    )
    assert "waits for somebody. The rota has not turned once: " in said
    assert "1 page of 1 not assessed. The page of the case says what can be done" in said
    page = actions.pages_of(shadow)[0]
    actions.assess_page(case, page, critical=True, actionable=True, by=handover.eng)
    told = steps(handover, "case_stalled", since=handover.now, days=days)
    assert list(told.values()) == ["builders", None, "sre", "leads"]


def test_a_shadow_that_went_well_waits_for_both_sides(handover: Handover) -> None:
    case, shadow = handover.due()
    handover.now = shadow.due_at + 14 * DAY
    assert "Its shadow went well: both sides confirm it." in text("case_stalled")
    handover.judge_ready()
    people = [handover.person(each) for each in (handover.dev, handover.dan)]
    handover.pass_time(TICK)
    actions.confirm_shadow(case, side=Side.DEVELOPERS, by=handover.dev, reachable=people)
    assert who("case_stalled") is None
    told = steps(handover, "case_stalled", since=handover.now, days=[14 - JUST_BEFORE, 14])
    assert list(told.values()) == [None, "builders"]


# Plans -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["prepared", "resting", "confirmed"])
def test_an_overdue_item_is_told_of_from_the_day_after_it_was_due(place: Place, state: str) -> None:
    case: Case = getattr(place, state)()
    _plan(place, case)  # due today
    midnight = NOW + DAY
    place.now = midnight - TICK
    assert alert("plan_overdue") is None
    place.now = midnight
    assert text("plan_overdue") == (
        "An item of the plan of its handback is overdue: “Mend it” of dora for 1 day. Do what was planned, "
        "then say on the page of the case that it is done."
    )


def test_all_of_a_case_are_one_alert_for_developers_which_ends_when_all_are_done(place: Place) -> None:
    case = place.confirmed()
    _plan(place, case)
    place.pass_time(9 * DAY)
    found = alert("plan_overdue")
    assert found is not None
    assert (found.service, found.team) == (place.service, place.owner)
    assert "“Mend it” of dora for 9 days and “Add timeouts” of dora for 2 days" in found.text
    for each in case.plan.all():
        assert alert("plan_overdue")
        actions.finish_plan_item(each, by=place.dev)
    assert alert("plan_overdue") is None
    assert Alert.objects.filter(kind="plan_overdue").count() == 1


def test_where_operations_alone_promised_they_are_told(place: Place) -> None:
    case = place.confirmed()
    owner = place.person(place.eng)
    actions.add_plan_item(case, text="Mend the rota.", owner=owner, due_on=place.now.date(), by=place.eng)
    place.pass_time()
    assert who("plan_overdue") == "sre"
    place.pass_time(9 * DAY)
    assert who("plan_overdue") == "builders", "theirs is overdue, too"


def test_a_case_that_ended_has_no_overdue_plan(place: Place) -> None:
    case = place.prepared()
    place.pass_time(9 * DAY)
    assert alert("plan_overdue")
    actions.withdraw_handback(case, by=place.eng, reason="It got better.")
    assert alert("plan_overdue") is None


# Conditions ------------------------------------------------------------------------------------------


def accept(desk: Desk, review: Review, slug: str, *, days: int) -> Condition:
    """An item that is not met, accepted for the time being."""
    return actions.accept_item(
        item(review, slug),
        condition="Write them down.",
        severity=3,
        owner=desk_person(desk),
        due_on=(desk.now + days * DAY).date(),
        by=desk.developer,
    )


def desk_person(desk: Desk) -> Any:
    """Who the developer is."""
    return desk.developers.members.get(name="dev")


@pytest.mark.parametrize("state", ["open", "signed", "used"])
def test_an_overdue_condition_is_told_of_whatever_its_review_has_led_to(desk: Desk, state: str) -> None:
    review = desk.open()
    condition = accept(desk, review, "known_issues", days=2)
    if state != "open":
        desk.signed(desk.attested(review, but=["known_issues"]))
    if state == "used":
        actions.launch(review, by=desk.developer)
    desk.now = NOW + 3 * DAY - TICK
    assert alert("condition_overdue") is None
    desk.now = NOW + 3 * DAY
    found = alert("condition_overdue")
    assert found is not None
    assert (found.subject, found.team) == ("launch", desk.developers)
    assert found.text == (
        "A condition of its launch review is overdue: “Write them down” of dev for 1 day. What was accepted "
        "is open again: fulfil it, then say so on the page of the review."
    )
    actions.fulfil_condition(condition, by=desk.developer)
    assert alert("condition_overdue") is None


def test_nobody_owes_a_review_that_led_nowhere_or_a_service_that_retired(desk: Desk) -> None:
    review = desk.open()
    accept(desk, review, "known_issues", days=1)
    desk.now = NOW + 2 * DAY
    assert alert("condition_overdue")
    Service.objects.update(lifecycle="retired")
    assert alert("condition_overdue") is None
    Service.objects.update(lifecycle="pre_launch")
    assert alert("condition_overdue")
    actions.withdraw_review(review, by=desk.opener)
    assert alert("condition_overdue") is None


# Stabilisation ---------------------------------------------------------------------------------------


class Repair:
    """A handback that was confirmed, and what was measured of it since."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.case = place.confirmed()
        self.since = place.now

    def measure(self, *, after: float, days: float = 0.0, **scores: Any) -> None:
        """A scorecard so many days after the handback: scores, of defects 40 at first, and the clock."""
        self.place.now = self.since + after * DAY
        self.place.judge(None, days=days, **scores)
        actions.follow_handbacks()

    def told(self, *days: float) -> list[str | None]:
        """Who should act after so many days."""
        return list(steps(self.place, "stabilisation_stalled", since=self.since, days=list(days)).values())


@pytest.fixture
def repair(place: Place) -> Repair:
    """A handback that was confirmed; its defects score 40 of 70, and the clock stands."""
    return Repair(place)


def test_a_stabilisation_that_stands_still_is_told_of_step_by_step(repair: Repair) -> None:
    repair.measure(after=1)
    days = [28 - JUST_BEFORE, 28, 35 - JUST_BEFORE, 35, 42 - JUST_BEFORE, 42, 200]
    assert repair.told(*days) == [None, "builders", "builders", "sre", "sre", "leads", "leads"]
    assert text("stabilisation_stalled") == (
        "Nobody has moved its stabilisation since 2026-07-01, and in the last 28 days nothing measured came "
        "nearer to what must be reached. Left: Defects: 40 of 70, Days of the stability clock: 0 of 30, 1 "
        "item of the plan not done and 1 finding not closed. Do the next item of the plan, change the plan, "
        "or say on the page of the case what holds it up."
    )


@pytest.mark.parametrize("move", MOVES)
def test_whatever_somebody_does_for_it_ends_it_for_28_days(repair: Repair, move: Any) -> None:
    assert repair.told(30) == ["builders"]
    move(repair.place, repair.case)
    assert repair.told(30, 58 - JUST_BEFORE, 58) == [None, None, "builders"]


def test_a_measure_that_came_nearer_within_28_days_ends_it(repair: Repair) -> None:
    repair.measure(after=1)
    repair.measure(after=20, defects=41.0)
    assert repair.told(28, 48 - JUST_BEFORE, 48) == [None, None, "builders"]
    repair.measure(after=50, defects=40.5)
    assert repair.told(50) == ["builders"], "that is less"
    repair.measure(after=51, defects=41.5)
    assert repair.told(51) == [None]


def test_evidence_that_comes_back_is_progress_and_evidence_lost_is_none(repair: Repair) -> None:
    repair.measure(after=1, defects=None)
    assert repair.told(30) == ["builders"]
    repair.measure(after=31, defects=30.0)
    assert repair.told(31) == [None]


def test_more_of_what_is_enough_already_is_no_progress(repair: Repair) -> None:
    repair.measure(after=1, days=30.0)
    repair.measure(after=27, days=56.0)
    assert repair.told(29) == ["builders"]


def test_until_it_is_judged_its_numbers_are_those_of_the_handback(repair: Repair) -> None:
    repair.measure(after=20, days=10.0)  # before the handback the clock stood at 400
    assert repair.told(28) == [None]


def test_where_everything_is_reached_it_says_what_is_left_to_do(repair: Repair) -> None:
    _mend(repair.place, repair.case)
    _do(repair.place, repair.case)
    repair.measure(after=1, days=31.0, defects=70.0)
    repair.place.now = repair.since + 29 * DAY
    assert "All of it is reached: mark it as stabilised" in text("stabilisation_stalled")
    actions.stabilise_handback(repair.case, by=repair.place.lead)
    assert alert("stabilisation_stalled") is None


# All of them -----------------------------------------------------------------------------------------


def test_many_cases_take_as_many_queries_as_few(place: Place) -> None:
    def queries() -> int:
        tasks.keep_alerts_of_cases()
        with CaptureQueriesContext(connection) as captured:
            tasks.keep_alerts_of_cases()
        return len(captured)

    def stuck(number: int) -> None:
        for _ in range(number):
            place.service = ServiceFactory.create(owner=place.owner, ops_team=place.ops, ops_managed=True)
            place.now = NOW
            place.judge("below")
            place.confirmed()
            place.service = ServiceFactory.create(owner=place.owner, ops_team=place.ops, ops_managed=True)
            place.proposed()
            shadowing(ServiceFactory.create(owner=place.owner, ops_team=place.ops), at=NOW)
        place.now = NOW + 60 * DAY

    assert queries() <= 6, "while nothing is open"
    stuck(1)
    few = queries()
    stuck(8)
    assert queries() == few <= 36
    assert Alert.objects.open().filter(kind="stabilisation_stalled").count() == 9
    assert Alert.objects.open().filter(kind="case_stalled").count() == 18
    assert Alert.objects.open().filter(kind="plan_overdue").count() == 9
