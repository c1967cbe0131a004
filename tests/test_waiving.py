"""Waivers as actions: legal moves, illegal ones refused by rule, right and database; verdicts that follow."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from config import celery_app
from handoff import actions, tasks
from handoff.actions import waiving
from handoff.machine import WAIVER, after, legal
from handoff.models import Transition
from readiness import clock, evaluation
from readiness.models import Evaluation, Service, Waiver
from readiness.scoring.verdicts import RATE_WAIVERS
from readiness.tasks import run_evaluation
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    DefectFactory,
    FeedFactory,
    IncidentFactory,
    ScorecardFactory,
    ServiceFactory,
    SignalFactory,
    WaiverFactory,
    ago,
)
from tests.waivers import DAY, TICK, Clock, People, in_state, judged, people, story

pytestmark = pytest.mark.django_db

STATES = ("asked", "live", "refused", "withdrawn", "revoked", "expired")
MOVES: dict[str, Callable[[People, Waiver], Any]] = {
    "approve": lambda around, waiver: actions.approve_waiver(waiver, by=around.lead),
    "refuse": lambda around, waiver: actions.refuse_waiver(waiver, by=around.lead, reason="No."),
    "withdraw": lambda around, waiver: actions.withdraw_waiver(waiver, by=around.developer),
    "revoke": lambda around, waiver: actions.revoke_waiver(waiver, by=around.lead, reason="Mended."),
    "expire": lambda around, waiver: actions.expire_waivers(),
}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock stands at the moment of the tests."""
    return Clock(monkeypatch)


@pytest.fixture
def around(at: Clock) -> People:
    """Everybody around a service."""
    return people()


def now(waiver: Waiver) -> Waiver:
    """As the database has it."""
    return Waiver.objects.get(pk=waiver.pk)


# Asking ----------------------------------------------------------------------------------------------


def test_asking_is_on_record_with_who_why_and_the_scorecard_that_stood_then(around: People) -> None:
    card = ScorecardFactory.create(service=around.service, at=ago(hours=3))
    CurrentScoreFactory.create(scorecard=card)
    waiver = around.ask()
    transition = Transition.objects.get(subject="waiver")

    assert (waiver.state, waiver.asked_at, waiver.ends_at) == ("asked", NOW, NOW + 30 * DAY)
    assert waiver.author == f"{around.developer.pk} dev"
    assert (transition.subject_id, transition.about) == (waiver.pk, "telemetry")
    assert (transition.from_state, transition.to_state, transition.at) == ("", "asked", NOW)
    assert (transition.actor, transition.reason) == (waiver.author, waiver.reason)
    assert list(transition.scorecards.all()) == [card]


def test_what_is_only_asked_for_changes_no_judgement(around: People) -> None:
    around.ask()

    assert not Evaluation.objects.exists()
    assert not Waiver.objects.live_at(NOW).exists()


@pytest.mark.parametrize(
    ("ends_in", "taken"),
    [
        (dt.timedelta(0), False),
        (-DAY, False),
        (TICK, True),
        (180 * DAY, True),
        (180 * DAY + TICK, False),
    ],
)
def test_a_waiver_ends_after_now_and_within_180_days(
    around: People, ends_in: dt.timedelta, taken: bool
) -> None:
    days = ends_in / DAY
    if taken:
        assert around.ask(days=days).ends_at == NOW + ends_in
        return
    with pytest.raises(actions.InvalidError, match="within 180 days") as refused:
        actions.ask_waiver(
            around.service, target="defects", reason="x", ends_at=NOW + ends_in, by=around.lead
        )
    assert refused.value.field == "ends_at"
    assert not Waiver.objects.exists()


@pytest.mark.parametrize(
    "target",
    ["telemetry", "pipeline", "open_sev1_defect", "missing_signal:latency", "pipeline_broken", *RATE_WAIVERS],
)
def test_what_judgement_knows_can_be_set_aside(around: People, target: str) -> None:
    assert around.ask(target).target == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "Telemetry",
        "telemetry ",
        "telemetry:latency",
        "overall",
        "missing_signal",
        "missing_signal:",
        "missing_signal:smell",
        "open_sev1_defect:",
        "open_sev1_defect:PAY-1",
    ],
)
def test_what_judgement_would_never_look_at_is_refused(around: People, target: str) -> None:
    with pytest.raises(actions.InvalidError) as refused:
        around.ask(target)
    assert refused.value.field == "target"


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("reason", " \n"),
        ("reason", "a \0 null"),
        ("reason", "half a character \ud800"),
        ("url", "javascript:alert(1)"),
        ("url", "tickets.example/PAY-1"),
        ("url", "https://"),
        ("url", "https://[half"),
        ("url", "https://tickets.example/" + "x" * 1000),
    ],
)
def test_a_reason_that_says_nothing_and_a_link_that_is_none_are_refused(
    around: People, field: str, said: str
) -> None:
    told = {"reason": "Moving.", "url": "", field: said}
    with pytest.raises(actions.InvalidError) as refused:
        actions.ask_waiver(around.service, target="defects", ends_at=NOW + DAY, by=around.lead, **told)

    assert refused.value.field == field
    assert not Transition.objects.exists()


def test_for_a_retired_service_nothing_is_set_aside(around: People) -> None:
    Service.objects.update(lifecycle="retired")
    around.service.refresh_from_db()
    with pytest.raises(actions.InvalidError) as refused:
        around.ask()
    assert refused.value.field == "service"


def test_the_same_is_asked_for_once_at_a_time(around: People) -> None:
    first = around.ask()
    with pytest.raises(actions.MovedError, match="asked for already") as refused:
        around.ask(by=around.ops)
    assert refused.value.state == "asked"

    actions.approve_waiver(first, by=around.lead)
    longer = around.ask(days=90)  # while the first one is live
    assert (now(first).state, longer.state) == ("live", "asked")


def test_one_that_nobody_decided_about_in_time_does_not_stand_in_the_way(around: People, at: Clock) -> None:
    first = around.ask(days=1)
    at.now += DAY
    again = around.ask()

    assert (now(first).state, again.state) == ("expired", "asked")
    assert story(first) == ["ask:  > asked", "expire: asked > expired"]


def test_another_error_of_the_database_is_not_taken_for_a_second_asking(
    around: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(waiving, "record", fail)
    with pytest.raises(IntegrityError, match="something else"):
        around.ask()
    assert not Waiver.objects.exists()


# Deciding and ending ---------------------------------------------------------------------------------


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", STATES)
def test_every_move_is_legal_from_the_states_of_the_table_and_from_no_other(
    around: People, at: Clock, state: str, move: str
) -> None:
    waiver = in_state(around, state, at)
    before = story(waiver)
    if move == "expire":
        at.now = max(at.now, waiver.ends_at)
        expected = 1 if state in {"asked", "live", "expired"} else 0
        assert actions.expire_waivers() == expected
        assert len(story(waiver)) == len(before) + expected
        return
    if move in legal(WAIVER, state):
        MOVES[move](around, waiver)
        reached = after(WAIVER, state, move)
        assert now(waiver).state == waiver.state == reached
        assert story(waiver) == [*before, f"{move}: {state} > {reached}"]
        return
    with pytest.raises(actions.MovedError) as refused:
        MOVES[move](around, waiver)
    assert refused.value.state == state
    assert (now(waiver).state, story(waiver)) == (state, before)


def test_approving_is_on_record_and_counts_from_that_moment(around: People, at: Clock) -> None:
    waiver = around.ask()
    at.now += 2 * DAY
    actions.approve_waiver(waiver, by=around.ops, reason="  We can live with it. ")
    transition = Transition.objects.latest("pk")

    assert (waiver.approver, waiver.approved_at) == (f"{around.ops.pk} ops", NOW + 2 * DAY)
    assert (transition.actor, transition.reason) == (waiver.approver, "We can live with it.")
    assert not Waiver.objects.live_at(at.now - TICK).exists()
    assert Waiver.objects.live_at(at.now).exists()


@pytest.mark.parametrize(
    ("move", "state", "may"),
    [
        ("ask", "", {"developer", "ops", "lead", "other_lead"}),
        ("approve", "asked", {"ops", "lead", "other_lead"}),
        ("refuse", "asked", {"ops", "lead", "other_lead"}),
        ("withdraw", "asked", {"developer"}),
        ("revoke", "live", {"developer", "ops", "lead", "other_lead"}),
    ],
)
@pytest.mark.parametrize("name", ["developer", "ops", "lead", "other_lead", "stranger", "viewer"])
def test_who_may(around: People, at: Clock, move: str, state: str, may: set[str], name: str) -> None:
    user: User = getattr(around, name)
    waiver = in_state(around, state, at) if state else None
    acts: dict[str, Callable[[], Any]] = {
        "ask": lambda: around.ask(by=user),
        "approve": lambda: actions.approve_waiver(waiver, by=user),  # type: ignore[arg-type]
        "refuse": lambda: actions.refuse_waiver(waiver, by=user, reason="No."),  # type: ignore[arg-type]
        "withdraw": lambda: actions.withdraw_waiver(waiver, by=user),  # type: ignore[arg-type]
        "revoke": lambda: actions.revoke_waiver(waiver, by=user, reason="Mended."),  # type: ignore[arg-type]
    }
    if waiver is not None:
        assert (actions.waiver_moves(waiver, user)[move] == "") is (name in may)
    if name in may:
        acts[move]()
        return
    number = Transition.objects.count()
    with pytest.raises(actions.NotAllowedError):
        acts[move]()
    assert Transition.objects.count() == number


def test_nobody_decides_about_their_own_not_even_a_lead_under_a_new_name(around: People) -> None:
    waiver = around.ask(by=around.lead)
    around.lead.first_name, around.lead.last_name = "Somebody", "Else"
    around.lead.save()
    renamed = User.objects.get(pk=around.lead.pk)
    for decide in (actions.approve_waiver, actions.refuse_waiver):
        with pytest.raises(actions.NotAllowedError, match="another person"):
            decide(waiver, by=renamed, reason="Mine.")
    root = User.objects.create_superuser("root")
    own = around.ask("defects", by=root)
    with pytest.raises(actions.NotAllowedError, match="another person"):
        actions.approve_waiver(own, by=root)

    assert {waiver.state, own.state} == {"asked"}


@pytest.mark.parametrize("state", ["asked", "live"])
@pytest.mark.parametrize("reason", ["", "  ", "half \ud800"])
def test_refusing_and_revoking_take_a_reason(around: People, at: Clock, state: str, reason: str) -> None:
    waiver = in_state(around, state, at)
    act = actions.refuse_waiver if state == "asked" else actions.revoke_waiver
    with pytest.raises(actions.InvalidError) as refused:
        act(waiver, by=around.lead, reason=reason)

    assert refused.value.field == "reason"
    assert now(waiver).state == state


@pytest.mark.parametrize(("move", "state"), [("approve", "asked"), ("revoke", "live")])
def test_from_its_end_on_nothing_can_be_done_about_it(
    around: People, at: Clock, move: str, state: str
) -> None:
    waiver = in_state(around, state, at)
    at.now = waiver.ends_at - TICK
    assert actions.waiver_moves(waiver, around.lead)[move] == ""

    at.now = waiver.ends_at
    assert actions.waiver_moves(waiver, around.lead) == {}
    with pytest.raises(actions.MovedError, match="expired by now"):
        MOVES[move](around, waiver)


def test_of_two_who_looked_at_the_same_the_second_is_told_what_it_is_by_now(around: People) -> None:
    waiver = around.ask()
    mine, theirs = now(waiver), now(waiver)
    actions.refuse_waiver(theirs, by=around.other_lead, reason="Mend it.")
    with pytest.raises(actions.MovedError, match="Somebody else was faster: the waiver is refused") as told:
        actions.approve_waiver(mine, by=around.lead)

    assert told.value.state == "refused"
    assert story(waiver) == ["ask:  > asked", "refuse: asked > refused"]
    assert now(waiver).approver == ""


# The state as of any moment --------------------------------------------------------------------------


def test_the_state_can_be_asked_as_of_any_moment_in_the_database_too(around: People, at: Clock) -> None:
    waiver = around.ask(days=60)
    at.now += DAY
    actions.approve_waiver(waiver, by=around.lead)
    at.now += DAY
    actions.revoke_waiver(waiver, by=around.lead, reason="Mended.")
    others = [WaiverFactory.create(service=around.service, target=each) for each in ("defects", "coupling")]
    others.append(WaiverFactory.create(asked=True, ends_at=NOW + 3 * DAY))
    states = {}
    for hours in range(-24 * 12, 24 * 70, 12):
        moment = NOW + dt.timedelta(hours=hours)
        states[hours] = waiver.state_at(moment)
        for each in (waiver, *others):
            found = [
                state
                for state in (*STATES, "")
                if Waiver.objects.in_state([state], moment).filter(pk=each.pk).exists()
            ]
            assert found == [each.state_at(moment)], (each, moment)
            live = Waiver.objects.live_at(moment).filter(pk=each.pk).exists()
            assert live == (each.state_at(moment) == "live")

    assert [states[hours] for hours in (-12, 0, 12, 24, 36, 48, 24 * 69)] == [
        "",
        "asked",
        "asked",
        "live",
        "live",
        "revoked",
        "revoked",
    ]


# The database ----------------------------------------------------------------------------------------

RAW = {
    "approved by who asked": "SET approver = author, approved_at = asked_at WHERE state = 'asked'",
    "approved by nobody": "SET approved_at = asked_at WHERE state = 'asked'",
    "approved before it was asked for": "SET asked_at = ends_at WHERE state = 'live'",
    "ended before it was approved": "SET ends_at = approved_at WHERE state = 'live'",
    "approved and refused": "SET refused_at = asked_at WHERE state = 'live'",
    "approved and withdrawn": "SET withdrawn_at = asked_at WHERE state = 'live'",
    "revoked without approval": "SET revoked_at = asked_at WHERE state = 'asked'",
    "refused and withdrawn": "SET refused_at = asked_at, withdrawn_at = asked_at WHERE state = 'asked'",
    "revoked and expired": "SET revoked_at = ends_at, expired_at = ends_at WHERE state = 'live'",
    "expired before its end": "SET expired_at = asked_at WHERE state = 'live'",
    "without a reason": "SET reason = '' WHERE state = 'live'",
    "asked for twice": "SET approved_at = NULL, approver = '' WHERE state = 'live'",
}


@pytest.mark.parametrize("lie", RAW)
def test_the_database_refuses_what_no_action_would_write(around: People, lie: str) -> None:
    keys = {"live": around.live().pk, "asked": around.ask().pk}
    change, _, state = RAW[lie].partition(" WHERE state = ")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE readiness_waiver {change} WHERE id = {keys[state.strip(chr(39))]}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE handoff_transition SET actor = '1 somebody else' WHERE subject = 'waiver'",
        "UPDATE handoff_transition SET to_state = 'refused' WHERE subject = 'waiver'",
        "DELETE FROM handoff_transition WHERE subject = 'waiver'",
        "DELETE FROM handoff_transitionscorecard",
    ],
)
def test_the_record_of_a_waiver_cannot_be_edited(around: People, statement: str) -> None:
    CurrentScoreFactory.create(scorecard__service=around.service, scorecard__at=ago(hours=3))
    around.live()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# Expiring --------------------------------------------------------------------------------------------


def test_one_expires_at_its_very_end_and_is_put_on_record_once(around: People, at: Clock) -> None:
    waiver = around.live(days=30)
    assert actions.expire_waivers(waiver.ends_at - TICK) == 0
    at.now = waiver.ends_at
    assert Waiver.objects.live_at(at.now - TICK).exists()
    assert not Waiver.objects.live_at(at.now).exists()
    assert waiver.state == "expired"  # before any sweep came

    at.now += dt.timedelta(seconds=40)
    assert [tasks.expire_waivers(), tasks.expire_waivers()] == [1, 0]
    transition = Transition.objects.latest("pk")
    assert (transition.move, transition.actor) == ("expire", "rule: waiver expiry v1")
    assert (transition.at, transition.recorded_at) == (waiver.ends_at, at.now)
    assert now(waiver).expired_at == at.now


def test_one_that_nobody_decided_about_expires_and_nothing_is_judged_anew(around: People, at: Clock) -> None:
    waiver = around.ask()
    at.now = waiver.ends_at

    assert actions.expire_waivers() == 1
    assert Transition.objects.latest("pk").reason == "nobody decided before its end"
    assert not Evaluation.objects.exists()


def test_a_sweep_that_dies_leaves_nothing_half_done(
    around: People, at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiver = around.live()
    Evaluation.objects.all().delete()
    at.now = waiver.ends_at
    with monkeypatch.context() as patch:
        patch.setattr(waiving, "_judge", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            actions.expire_waivers()

    assert (now(waiver).expired_at, len(story(waiver)), Evaluation.objects.count()) == (None, 2, 0)
    assert actions.expire_waivers() == 1
    assert Evaluation.objects.get().requested_by == "waiver expired"


def expiring(number: int) -> int:
    """How many queries it takes to put so many on record, of as many services."""
    for _ in range(number):
        WaiverFactory.create(ends_at=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert actions.expire_waivers(NOW) == number
    return len(captured)


def test_many_take_as_many_queries_as_few_and_one_evaluation(at: Clock) -> None:
    expiring(1)  # the policy is stored
    Evaluation.objects.all().delete()
    few = expiring(3)
    assert Evaluation.objects.get().services == 3
    at.now += DAY  # else it would be the same evaluation
    assert expiring(60) == few


def test_what_is_too_much_for_one_sweep_is_left_to_the_next(
    at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiving, "AT_ONCE", 2)
    WaiverFactory.create_batch(3, ends_at=NOW)

    assert [actions.expire_waivers() for _ in range(3)] == [2, 1, 0]


# Verdicts follow at once -----------------------------------------------------------------------------

REQUIRED = ("latency", "traffic", "errors", "saturation", "logs", "alert", "dashboard", "runbook")
UNKNOWN = ("after_hours", "coupling", "change_safety", "stability")
"""Criteria that nothing was heard of."""


def verdict(service: Service, of: str) -> tuple[str | None, list[int]]:
    """What the newest scorecard says, once what was asked for is judged, and by which waivers."""
    card = judged(service)
    said = card.numbers["verdicts"][of]
    assert card.at == clock.now(), "judged as of the decision"
    return (said["verdict"], said["waivers"]) if said else (None, [])


def test_the_handoff_verdict_follows_approval_and_end(at: Clock) -> None:
    around = people(tier=3)
    for kind in ("signal", "defect"):
        FeedFactory.create(service=around.service, kind=kind, last_seen_at=NOW + 60 * DAY)
    for name in REQUIRED:
        SignalFactory.create(service=around.service, signal=name, last_seen_at=NOW + 60 * DAY)
    DefectFactory.create(service=around.service, severity=1, opened_at=ago(days=100))
    waivers = [around.live(each) for each in ("defects", *UNKNOWN)]
    assert verdict(around.service, "handoff") == ("not_ready", [each.pk for each in waivers])

    at.now += DAY  # 2026-07-02
    blocker = around.live("open_sev1_defect", days=30)
    named = [each.pk for each in (*waivers, blocker)]
    assert verdict(around.service, "handoff") == ("ready", named)
    score = judged(around.service).score

    at.now = blocker.ends_at - TICK  # the others ended a day before
    actions.expire_waivers()
    assert verdict(around.service, "handoff") == ("not_ready", [blocker.pk])
    for each in ("defects", *UNKNOWN):
        around.live(each)
    assert verdict(around.service, "handoff")[0] == "ready"

    at.now = blocker.ends_at  # 2026-08-01
    assert actions.expire_waivers() == 1
    assert verdict(around.service, "handoff")[0] == "not_ready"
    assert judged(around.service).score == score  # the shown score never changed


def test_the_handoff_verdict_follows_a_revocation(at: Clock) -> None:
    around = people()
    FeedFactory.create(service=around.service, kind="defect", last_seen_at=NOW + 60 * DAY)
    DefectFactory.create(service=around.service, severity=1, opened_at=ago(days=100))
    blocker, criterion = around.live("open_sev1_defect"), around.live("defects")
    assert verdict(around.service, "handoff") == ("cannot_tell", [blocker.pk, criterion.pk])

    at.now += DAY
    actions.revoke_waiver(blocker, by=around.ops, reason="It hurts customers.")
    assert verdict(around.service, "handoff") == ("not_ready", [criterion.pk])


def test_the_handback_verdict_follows_approval_and_end(at: Clock) -> None:
    around = people(ops_managed=True)
    FeedFactory.create(service=around.service, kind="incident", last_seen_at=NOW + 60 * DAY)
    for hour in range(10):
        began = dt.datetime(2026, 6, 20 + hour // 5, 1 + hour % 5, tzinfo=dt.UTC)
        IncidentFactory.create(service=around.service, severity=4, started_at=began, after_hours=True)
    evaluation.request(at.now, [around.service.pk])
    assert verdict(around.service, "handback") == ("below", [])

    at.now += DAY  # 2026-07-02
    storm = around.live("after_hours_storm", days=10)
    assert verdict(around.service, "handback") == ("cannot_tell", [storm.pk])

    at.now += DAY
    watched = ("defects", "after_hours", "coupling", "change_safety")
    criteria = [around.live(each, days=20).pk for each in watched]
    assert verdict(around.service, "handback") == ("holds", [storm.pk, *criteria])

    at.now = storm.ends_at  # 2026-07-12
    actions.expire_waivers()
    assert verdict(around.service, "handback") == ("below", criteria)


def test_an_urgent_handback_is_not_set_aside(at: Clock) -> None:
    around = people(ops_managed=True)
    FeedFactory.create(service=around.service, kind="incident", last_seen_at=NOW + 60 * DAY)
    IncidentFactory.create(service=around.service, severity=1, cause="code", started_at=ago(days=5))
    for target in ("open_severe_incident", "after_hours", "defects", "coupling", "change_safety"):
        around.live(target)

    assert verdict(around.service, "handback")[0] == "urgent"


@pytest.mark.parametrize("of", ["launch", "deploy"])
def test_launch_and_deploy_know_no_waivers(at: Clock, of: str) -> None:
    around = people(pre_launch=True)
    FeedFactory.create(service=around.service, kind="signal", last_seen_at=NOW + DAY)
    around.ask("open_sev1_defect")
    actions.approve_waiver(around.ask("telemetry"), by=around.lead)
    before = verdict(around.service, of)
    for name in ("latency", "traffic", "errors", "saturation"):
        around.live(f"missing_signal:{name}")

    assert verdict(around.service, of) == before
    assert before[1] == []


def test_a_worker_is_told_at_once_and_the_sweep_finds_it_where_no_broker_answers(
    around: People,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[int] = []
    monkeypatch.setattr(run_evaluation, "delay", told.append)
    with django_capture_on_commit_callbacks(execute=True):
        waiver = around.live()
        assert told == []  # not before it is committed
    run = Evaluation.objects.get()
    assert (told, run.at, run.services, run.requested_by) == ([run.pk], NOW, 1, "waiver live")

    def away(key: int) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr(run_evaluation, "delay", away)
    with django_capture_on_commit_callbacks(execute=True):
        actions.revoke_waiver(waiver, by=around.lead, reason="Mended.")
    assert now(waiver).state == "revoked"


# Two at once -----------------------------------------------------------------------------------------

WAIT = 30


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Do all in threads that begin together; what each returned, or why it was refused."""
    begin = threading.Barrier(len(acts))

    def closing(act: Callable[[], Any]) -> Any:
        try:
            begin.wait(WAIT)
            return act()
        except actions.RefusedError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [each.result(WAIT) for each in [threads.submit(closing, act) for act in acts]]


@pytest.fixture
def _several() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")


@pytest.mark.usefixtures("_several")
@pytest.mark.django_db(transaction=True)
def test_20_who_approve_at_once_make_one_transition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_evaluation, "delay", lambda key: None)
    around = people()
    waiver = around.ask()
    looked = [now(waiver) for _ in range(20)]
    ended = at_once([partial(actions.approve_waiver, each, by=around.lead) for each in looked])

    refused = [each for each in ended if isinstance(each, actions.MovedError)]
    assert (len(refused), {each.state for each in refused}) == (19, {"live"})
    assert story(waiver) == ["ask:  > asked", "approve: asked > live"]
    assert Evaluation.objects.count() == 1


@pytest.mark.usefixtures("_several")
@pytest.mark.django_db(transaction=True)
def test_of_many_who_approve_refuse_and_withdraw_at_once_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_evaluation, "delay", lambda key: None)
    around = people()
    waiver = around.ask()
    acts = [
        lambda: actions.approve_waiver(now(waiver), by=around.lead),
        lambda: actions.refuse_waiver(now(waiver), by=around.ops, reason="No."),
        lambda: actions.withdraw_waiver(now(waiver), by=around.developer),
    ]
    ended = at_once(acts * 3)

    assert sum(isinstance(each, Waiver) for each in ended) == 1
    assert len(story(waiver)) == 2


@pytest.mark.usefixtures("_several")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_for_the_same_at_once_one_is_told() -> None:
    around = people()
    ended = at_once([around.ask, lambda: around.ask(by=around.lead)])

    (refused,) = [each for each in ended if isinstance(each, actions.MovedError)]
    assert refused.state == "asked"
    assert (Waiver.objects.count(), Transition.objects.count()) == (1, 1)


@pytest.mark.usefixtures("_several")
@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_put_each_on_record_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_evaluation, "delay", lambda key: None)
    WaiverFactory.create_batch(30, ends_at=NOW)
    ended = at_once([lambda: actions.expire_waivers(NOW)] * 5)

    assert sum(ended) == 30
    assert Transition.objects.filter(move="expire").count() == 30


def test_a_waiver_of_another_service_is_no_one_s_here(around: People) -> None:
    other = WaiverFactory.create(asked=True, service=ServiceFactory.create())
    with pytest.raises(actions.NotAllowedError):
        actions.approve_waiver(other, by=around.ops)


def test_a_sweep_comes_each_minute_and_a_worker_that_was_away_needs_but_one() -> None:
    entry = celery_app.conf.beat_schedule["expire-waivers"]

    assert (entry["task"], entry["schedule"]) == (tasks.expire_waivers.name, 60.0)
    assert entry["options"] == {"expires": 60}
    assert tasks.expire_waivers.max_retries
    assert tasks.expire_waivers.soft_time_limit < tasks.expire_waivers.time_limit
