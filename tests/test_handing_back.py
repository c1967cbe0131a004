"""A service goes back to its developers: by legal moves, by those who may, with what each needs."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from pytest_django import DjangoAssertNumQueries

from handoff import actions, proposals, tasks
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, RefusedError
from handoff.machine import HANDBACK
from handoff.models import Case, CaseScorecard, Consultant, Transition
from readiness.models import CurrentScore, Evaluation, ManagementChange, Service
from tests.factories import DefectFactory, IncidentFactory, ServiceFactory
from tests.handing_back import DAY, Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A service that operations run and its people."""
    return Place(monkeypatch)


def state_of(service: Service) -> str:
    """Who runs it by the newest change."""
    return service.management_changes.latest("effective_at").state


# Proposing -------------------------------------------------------------------------------------------


def test_a_proposal_keeps_reason_verdict_and_the_scorecard_that_justifies_it(place: Place) -> None:
    case = place.proposed()
    assert (case.state, case.trigger, case.verdict, case.proposer_side) == (
        "proposed",
        "person",
        "below",
        "ops",
    )
    card = case.scorecards.get()
    with pytest.raises(ProtectedError):
        card.delete()
    (made,) = Transition.objects.filter(subject="case")
    assert (made.move, made.to_state, made.reason) == ("propose", "proposed", "It wakes us every night.")
    assert list(made.scorecards.all()) == [card]


def test_a_rule_proposes_by_verdict_with_its_version(place: Place) -> None:
    case = place.proposed(by="rule: regressed v1")
    assert (case.trigger, case.proposer) == ("verdict", "rule: regressed v1")
    with pytest.raises(InvalidError):
        actions.propose_handback(place.another("shop"), kind="release", reason="?", by="rule: regressed v1")


@pytest.mark.parametrize("user", ["lead", "eng", "dev"])
def test_leads_and_members_of_both_teams_may_propose(place: Place, user: str) -> None:
    assert place.proposed(by=getattr(place, user)).pk


def test_strangers_may_not_propose(place: Place) -> None:
    with pytest.raises(NotAllowedError):
        place.proposed(by=place.stranger)
    assert not Case.objects.exists()


def test_a_proposal_needs_a_reason(place: Place) -> None:
    with pytest.raises(InvalidError):
        actions.propose_handback(place.service, reason="  ", by=place.eng)


@pytest.mark.parametrize("trait", ["developer_managed", "pre_launch", "retired"])
def test_what_operations_do_not_run_is_not_given_back(place: Place, trait: str) -> None:
    service = ServiceFactory.create(**{trait: True}, ops_team=place.ops)
    with pytest.raises(InvalidError):
        actions.propose_handback(service, reason="Enough.", by=place.lead)


def test_a_second_open_case_is_refused_and_a_new_one_may_follow_an_ended_one(place: Place) -> None:
    first = place.proposed()
    with pytest.raises(MovedError):
        place.proposed(by=place.lead)
    actions.withdraw_handback(first, by=place.eng, reason="A false alarm.")
    assert place.proposed().pk != first.pk


def test_the_database_refuses_a_second_open_case(place: Place) -> None:
    place.proposed()
    table = Case._meta.db_table
    columns = ", ".join(f.column for f in Case._meta.concrete_fields if f.name != "id")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}")
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        "state = 'rejected'",
        "state = 'stabilising'",
        "state = 'joint_repair'",
        "reason = ''",
        "decider = proposer",
    ],
)
def test_the_database_refuses_a_case_that_says_what_cannot_be(place: Place, change: str) -> None:
    place.proposed()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Case._meta.db_table} SET {change}")


@pytest.mark.parametrize("verb", ["DELETE FROM {}", "UPDATE {} SET id = id + 1"])
def test_what_justified_a_case_cannot_be_edited(place: Place, verb: str) -> None:
    place.proposed()
    with pytest.raises(Exception, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb.format(CaseScorecard._meta.db_table))


# Every move ------------------------------------------------------------------------------------------

Act = Callable[[Place, Case], Any]
ACTS: dict[str, Act] = {
    "reject": lambda place, case: actions.reject_handback(case, by=place.lead, reason="Not so bad."),
    "withdraw": lambda place, case: actions.withdraw_handback(case, by=place.eng, reason="A mistake."),
    "repair jointly": lambda place, case: actions.repair_jointly(
        case, plan="Mend it.", owner=place.person(place.dev), ends_at=place.now + 5 * DAY, by=place.lead
    ),
    "confirm": lambda place, case: actions.confirm_handback(
        case, by=place.lead, reason="Agreed.", consultants=[place.person(place.other)]
    ),
    "release": lambda place, case: actions.confirm_handback(case, by=place.dev, reason="Agreed."),
    "stabilise": lambda place, case: actions.stabilise_handback(case, by=place.lead),
    "lapse": lambda place, case: (
        place.judge("holds"),
        actions.follow_handbacks(place.now),
        proposals.propose_moves(),
    ),
    "return": lambda place, case: (place.judge("urgent"), actions.follow_handbacks(place.now)),
}


def mended(place: Place, case: Case) -> None:
    """Thirty-one days later all that was asked for is reached."""
    place.pass_time(31 * DAY)
    place.judge(None, days=31, defects=85, stability=34)
    for finding in case.findings.filter(closed_at=None):
        actions.close_finding(finding, by=place.dev)


def stabilised(place: Place, case: Case) -> None:
    """Confirmed, mended, and said so."""
    ACTS["confirm"](place, case)
    mended(place, case)
    ACTS["stabilise"](place, case)


STATES: dict[str, Act] = {
    "rejected": ACTS["reject"],
    "withdrawn": ACTS["withdraw"],
    "joint_repair": ACTS["repair jointly"],
    "stabilising": ACTS["confirm"],
    "stabilised": stabilised,
    "proposed": lambda place, case: None,
    "lapsed": ACTS["lapse"],
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", [name for name in ACTS if name != "release"])
def test_each_move_is_made_from_its_states_and_refused_from_all_others(
    place: Place, state: str, name: str
) -> None:
    case = place.prepared()
    if state == "lapsed":  # the rule's own proposal
        Case.objects.update(trigger="verdict", proposer="rule: regressed v1")
    place.pass_time()
    STATES[state](place, case)
    place.pass_time()
    case.refresh_from_db()
    assert case.state == state
    before = Transition.objects.count()
    if name == "stabilise" and state == "stabilising":
        mended(place, case)
    if name == "lapse" and state == "proposed":
        Case.objects.update(trigger="verdict", proposer="rule: regressed v1")
    legal = HANDBACK.get((state, name))
    if legal:
        ACTS[name](place, case)
    elif name in {"lapse", "return"}:
        ACTS[name](place, case)  # sweeps pass by what is not theirs
    else:
        with pytest.raises(MovedError) as refused:
            ACTS[name](place, case)
        assert refused.value.state == state
    case.refresh_from_db()
    assert case.state == (legal or state)
    made = Transition.objects.filter(subject="case").order_by("pk")
    assert (Transition.objects.count() > before) is bool(legal)
    if legal:
        last = made.last()
        assert last is not None
        assert (last.move, last.from_state, last.to_state) == (name, state, legal)
        assert last.reason


@pytest.mark.parametrize("name", ["reject", "withdraw", "repair jointly", "confirm"])
@pytest.mark.parametrize("user", ["stranger", "dev"])
def test_developers_and_strangers_decide_nothing_of_a_repair(
    place: Place, name: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = place.prepared()
    monkeypatch.setattr(place, "lead", getattr(place, user))
    monkeypatch.setattr(place, "eng", getattr(place, user))
    with pytest.raises(NotAllowedError):
        ACTS[name](place, case)
    assert state_of(place.service) == "ops_managed"


@pytest.mark.parametrize("name", ["reject", "repair jointly", "confirm"])
def test_nobody_decides_what_they_proposed_an_sre_lead_neither(place: Place, name: str) -> None:
    case = place.prepared(by=place.lead)
    with pytest.raises(NotAllowedError, match="proposed"):
        ACTS[name](place, case)


def test_a_developer_withdraws_their_own_proposal_and_nobody_elses(place: Place) -> None:
    case = place.proposed(by=place.dev)
    with pytest.raises(NotAllowedError):
        actions.withdraw_handback(case, by=place.lead, reason="No.")
    assert actions.withdraw_handback(case, by=place.dev, reason="We were wrong.").state == "withdrawn"


@pytest.mark.parametrize("act", [actions.reject_handback, actions.confirm_handback])
def test_decisions_need_a_reason(place: Place, act: Callable[..., Case]) -> None:
    with pytest.raises(InvalidError) as refused:
        act(place.prepared(), by=place.lead, reason=" ")
    assert refused.value.field == "reason"


def test_of_two_who_saw_the_same_state_the_slower_is_told(place: Place) -> None:
    case = place.prepared()
    late = Case.objects.get(pk=case.pk)
    ACTS["confirm"](place, case)
    with pytest.raises(MovedError) as refused:
        actions.reject_handback(late, by=place.other, reason="No.")
    assert refused.value.state == "stabilising"


# Confirming ------------------------------------------------------------------------------------------


def test_confirming_moves_the_service_at_once_and_has_it_judged(place: Place) -> None:
    case = place.confirmed()
    change = place.service.management_changes.latest("effective_at")
    assert (change.state, change.way, change.effective_at) == (
        "developer_managed",
        "handback_repair",
        place.now,
    )
    assert (case.state, case.confirmed_at, case.decider) == ("stabilising", place.now, change.actor)
    moved = Transition.objects.get(subject="management")
    assert (moved.from_state, moved.to_state) == ("ops_managed", "developer_managed")
    assert Consultant.objects.advising().get().person == place.person(place.other)
    run = Evaluation.objects.get(requested_by="handed back")
    assert [each.service_ids for each in run.batches.all()] == [[place.service.pk]]


def test_exit_criteria_are_what_failed_and_thirty_days_of_the_clock(place: Place) -> None:
    case = place.confirmed()
    told = [(each.measure, each.threshold, each.at_confirmation) for each in case.exit_criteria.all()]
    assert told == [("defects", 70.0, 40.0), ("clock_days", 30.0, 0.0)]


@pytest.mark.parametrize("missing", ["finding", "plan", "consultant"])
def test_a_repair_needs_finding_plan_and_consultant(place: Place, missing: str) -> None:
    case = place.prepared()
    case.findings.filter(kind="design").update(kind="other" if missing == "finding" else "code")
    if missing == "plan":
        case.plan.all().delete()
    persons = [] if missing == "consultant" else [place.person(place.other)]
    with pytest.raises(InvalidError):
        actions.confirm_handback(case, by=place.other, reason="Agreed.", consultants=persons)
    case.refresh_from_db()
    assert (case.state, state_of(place.service)) == ("proposed", "ops_managed")
    assert not Consultant.objects.exists()
    assert not Evaluation.objects.exists()


def test_an_sre_lead_confirms_without_a_fault_in_design_or_code_by_a_written_reason(place: Place) -> None:
    case = place.prepared()
    case.findings.all().delete()
    ACTS["confirm"](place, case)
    assert state_of(place.service) == "developer_managed"


def test_a_consultant_must_be_of_operations(place: Place) -> None:
    with pytest.raises(InvalidError):
        actions.confirm_handback(
            place.prepared(), by=place.lead, reason="Agreed.", consultants=[place.person(place.dev)]
        )
    assert state_of(place.service) == "ops_managed"


# Releasing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proposer", "signer"), [("eng", "dev"), ("dev", "eng"), ("lead", "dev"), ("dev", "lead")]
)
def test_a_release_is_signed_by_the_other_side_and_ends_there(
    place: Place, proposer: str, signer: str
) -> None:
    case = place.proposed("release", by=getattr(place, proposer))
    actions.confirm_handback(case, by=getattr(place, signer), reason="It winds down.")
    assert (case.state, case.ended_at) == ("confirmed", place.now)
    assert place.service.management_changes.latest("effective_at").way == "handback_release"


@pytest.mark.parametrize(
    ("proposer", "signer"),
    [("eng", "other"), ("eng", "lead"), ("eng", "stranger"), ("dev", "dev"), ("dev", "stranger")],
)
def test_one_side_does_not_release_alone(place: Place, proposer: str, signer: str) -> None:
    case = place.proposed("release", by=getattr(place, proposer))
    with pytest.raises(NotAllowedError):
        actions.confirm_handback(case, by=getattr(place, signer), reason="It winds down.")
    assert state_of(place.service) == "ops_managed"


# Joint repair ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 28.01])
def test_joint_repair_ends_within_28_days(place: Place, days: float) -> None:
    with pytest.raises(InvalidError) as refused:
        actions.repair_jointly(
            place.prepared(),
            plan="Mend.",
            owner=place.person(place.dev),
            ends_at=place.now + dt.timedelta(days=days),
            by=place.lead,
        )
    assert refused.value.field == "ends_at"


@pytest.mark.parametrize("verdict", ["urgent", "holds", "cannot_tell"])
def test_joint_repair_answers_below_alone(place: Place, verdict: str) -> None:
    case = place.prepared()
    place.pass_time()
    place.judge(verdict)
    with pytest.raises(InvalidError):
        ACTS["repair jointly"](place, case)


def test_joint_repair_returns_at_its_end_and_is_not_tried_twice(place: Place) -> None:
    case = place.resting()
    place.pass_time(28 * DAY - dt.timedelta(seconds=1))
    assert actions.follow_handbacks() == 0
    place.pass_time(dt.timedelta(seconds=1))
    assert (actions.follow_handbacks(), actions.follow_handbacks()) == (1, 0)
    case.refresh_from_db()
    assert case.state == "proposed"
    with pytest.raises(InvalidError, match="already"):
        ACTS["repair jointly"](place, case)


def test_a_persons_proposal_does_not_lapse_by_a_verdict(place: Place) -> None:
    case = place.proposed()
    place.pass_time()
    place.judge("holds")
    assert actions.follow_handbacks() == 0
    assert proposals.propose_moves().made == []
    case.refresh_from_db()
    assert case.state == "proposed"


# Work, progress, stabilised --------------------------------------------------------------------------


def test_findings_name_incidents_and_defects_that_exist(place: Place) -> None:
    case = place.proposed()
    IncidentFactory.create(service=place.service, source="pager", external_id="INC:1")
    DefectFactory.create(service=place.service, source="jira", external_id="PAY-1")
    told: dict[str, Any] = {"kind": "code", "severity": 2, "text": "A leak.", "by": place.dev}
    found = actions.add_finding(case, **told, incidents=["pager:INC:1 ", ""], defects=["jira:PAY-1"])
    assert (found.incidents, found.defects) == (["pager:INC:1"], ["jira:PAY-1"])
    with pytest.raises(InvalidError, match="PAY-2"):
        actions.add_finding(case, **told, defects=["jira:PAY-1", "jira:PAY-2"])


@pytest.mark.parametrize("user", ["dev", "eng", "lead"])
def test_both_teams_and_leads_work_on_a_case_and_strangers_do_not(place: Place, user: str) -> None:
    case = place.prepared()
    assert actions.comment_case(case, text="We look at it.", by=getattr(place, user)).pk
    assert actions.finish_plan_item(case.plan.get(), by=getattr(place, user)).done_at == place.now
    with pytest.raises(NotAllowedError):
        actions.comment_case(case, text="Me too.", by=place.stranger)
    with pytest.raises(MovedError):
        actions.finish_plan_item(case.plan.get(), by=place.dev)


def test_nobody_works_on_a_case_that_has_ended(place: Place) -> None:
    case = place.prepared()
    ACTS["reject"](place, case)
    with pytest.raises(MovedError):
        actions.comment_case(case, text="But.", by=place.dev)


def test_a_plan_is_not_made_for_the_past(place: Place) -> None:
    with pytest.raises(InvalidError):
        actions.add_plan_item(
            place.proposed(),
            text="Yesterday's.",
            owner=place.person(place.dev),
            due_on=(place.now - DAY).date(),
            by=place.dev,
        )


def test_progress_follows_later_scorecards_once_each(place: Place) -> None:
    case = place.confirmed()
    assert actions.follow_handbacks() == 0, "no scorecard since"
    place.pass_time()
    card = place.judge(None, days=1, defects=55)
    assert (actions.follow_handbacks(), actions.follow_handbacks()) == (1, 0)
    told = [(each.latest, each.measured_at, each.met) for each in case.exit_criteria.all()]
    assert told == [(55.0, card.at, False), (1.0, card.at, False)]
    place.pass_time()
    place.judge(None, days=30, defects=None)
    actions.follow_handbacks()
    assert [(each.latest, each.met) for each in case.exit_criteria.all()] == [(None, False), (30.0, True)]


@pytest.mark.parametrize("rows", [2, 12])
def test_following_takes_as_many_queries_for_many_cases(
    place: Place, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        place.service = place.another(f"shop-{number}")
        place.confirmed()
        place.pass_time()
        place.judge(None)
    with django_assert_num_queries(3 + 3 + 2 + 2):  # who lapses, returns; progress read, written; savepoint
        assert actions.follow_handbacks() == rows


@pytest.mark.parametrize("lacking", ["score", "clock", "finding", "judgement"])
def test_stabilised_needs_every_exit_criterion_on_the_newest_scorecard(place: Place, lacking: str) -> None:
    case = place.confirmed()
    mended(place, case)
    if lacking == "finding":
        actions.add_finding(case, kind="code", severity=3, text="One more.", by=place.dev)
    place.pass_time()
    if lacking == "score":
        place.judge(None, days=32, defects=69.99)
    if lacking == "clock":
        place.judge(None, days=29, defects=85)
    if lacking == "judgement":
        CurrentScore.objects.filter(at__gte=case.confirmed_at).delete()  # replays have none
    with pytest.raises(InvalidError) as refused:
        ACTS["stabilise"](place, case)
    assert refused.value.field == "exit_criteria"


def test_stabilised_ends_the_case_and_leaves_the_service_with_its_developers(place: Place) -> None:
    case = place.confirmed()
    mended(place, case)
    ACTS["stabilise"](place, case)
    assert (case.state, case.ended_at) == ("stabilised", place.now)
    assert state_of(place.service) == "developer_managed"
    assert ManagementChange.objects.filter(service=place.service).count() == 2


@pytest.mark.parametrize("move", ["reject", "withdraw", "repair jointly", "confirm", "stabilise"])
@pytest.mark.parametrize("user", ["lead", "eng", "other", "dev", "stranger"])
def test_why_somebody_cannot_is_what_the_action_would_say(place: Place, move: str, user: str) -> None:
    case = place.prepared()
    place.lead = place.eng = by = getattr(place, user)
    why_not, refused = actions.case_obstacle(case, move, by), ""
    try:
        ACTS[move](place, case)
    except RefusedError as error:
        refused = str(error)
    assert why_not == refused


def test_the_sweep_does_it_as_a_task(place: Place) -> None:
    place.resting()
    place.pass_time(29 * DAY)
    assert tasks.follow_handbacks() == 1
