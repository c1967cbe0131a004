"""Looks back at handoffs: when each is written, and what it compares."""

import datetime as dt
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from handoff import actions
from handoff.actions.looking_back import Counts, compared, look_back
from handoff.models import Case, LookBack
from readiness.models import CurrentScore, ManagementChange, Scorecard, Service
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    IncidentFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ServiceFactory,
)
from tests.handing_back import DAY, Place
from tests.handing_off import document
from tests.handoff_rows import backed_up

TICK = dt.timedelta(microseconds=1)
WHOLE = document({})


def card_numbers(**told: Any) -> dict[str, Any]:
    """The numbers of a scorecard on which everything is known, but for these."""
    made = deepcopy(WHOLE)
    made["score"] = told.get("score", 90.0)
    made["criteria"]["after_hours"]["parts"]["after_hours_per_week"] = [told.get("late", 1.5), 80.0]
    made["criteria"]["change_safety"]["parts"]["change_fail_rate"] = [told.get("failing", 0.125), 80.0]
    made["feeds"]["incident"] |= {
        "status": told.get("status", "observed"),
        "observed_days": told.get("heard", 90),
    }
    return made


def judge(service: Service, at: dt.datetime, *, current: bool = True, **told: Any) -> Scorecard:
    """A live scorecard of a moment."""
    policy = PolicyVersionFactory.create(in_force=True)
    card: Scorecard = ScorecardFactory.create(
        service=service, policy=policy, at=at, numbers=card_numbers(**told), **told.get("fields", {})
    )
    if current:
        CurrentScore.objects.filter(service=service).delete()
        CurrentScoreFactory.create(scorecard=card)
    return card


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Two teams and a clock to set."""
    return Place(monkeypatch)


def moved(place: Place) -> Case:
    """A handoff of a service that moved at NOW; everything was known then."""
    service = ServiceFactory.create(owner=place.owner, ops_team=place.ops)
    case = backed_up(service, at=NOW)
    Case.objects.filter(pk=case.pk).update(moved_card=judge(service, NOW - 2 * TICK))
    return case


def days_of(case: Case, now: dt.datetime) -> list[int]:
    """The looks back that there are after a sweep, which done again writes none."""
    look_back(now)
    assert look_back(now) == 0
    return [each.days for each in case.look_backs.all()]


# When --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_is_written_once_its_day_is_judged(place: Place) -> None:
    case = moved(place)
    found = []
    for at in (30 * DAY - TICK, 30 * DAY, 90 * DAY - TICK, 90 * DAY):
        judge(case.service, NOW + at)
        found.append(days_of(case, NOW + at))
    assert found == [[], [30], [30], [30, 90]]
    assert [look.scorecard.at - NOW for look in case.look_backs.all()] == [30 * DAY, 90 * DAY]


@pytest.mark.django_db
def test_the_sweep_of_handoffs_looks_back_too(place: Place) -> None:
    case = moved(place)
    judge(case.service, NOW + 30 * DAY)
    place.now = NOW + 30 * DAY
    assert actions.follow_handoffs() == 2, "its back-up ended, and it is looked back at"
    assert actions.follow_handoffs() == 0
    assert case.look_backs.get().at == place.now


@pytest.mark.django_db
def test_a_late_sweep_keeps_the_judgement_of_the_day_in_its_last_revision(place: Place) -> None:
    case = moved(place)
    first = judge(case.service, NOW + 30 * DAY + TICK, fields={"revision": 1})
    again = judge(case.service, first.at, fields={"revision": 2})
    judge(case.service, NOW + 30 * DAY, current=False, fields={"kind": "replay"})
    judge(case.service, NOW + 60 * DAY)
    assert days_of(case, NOW + 60 * DAY) == [30]
    assert case.look_backs.get().scorecard == again


@pytest.mark.django_db
def test_a_day_that_nobody_judged_live_is_replayed(place: Place) -> None:
    case = moved(place)
    judge(case.service, NOW + 37 * DAY + TICK)
    assert days_of(case, NOW + 37 * DAY - TICK) == []

    assert days_of(case, NOW + 37 * DAY) == [30]

    card = case.look_backs.get().scorecard
    assert (card.kind, card.at) == ("replay", NOW + 30 * DAY)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("after", "expected"), [(10 * DAY, []), (30 * DAY - TICK, []), (30 * DAY, [30]), (90 * DAY, [30, 90])]
)
def test_a_service_that_moved_again_before_is_not_looked_back_at(
    place: Place, after: dt.timedelta, expected: list[int]
) -> None:
    case = moved(place)
    changes = {NOW: ("ops_managed", "handoff"), NOW + after: ("developer_managed", "handback_repair")}
    for at, (state, way) in changes.items():
        ManagementChange.objects.create(
            service=case.service, state=state, way=way, effective_at=at, actor="test", recorded_at=at
        )
    judge(case.service, NOW + 30 * DAY)
    judge(case.service, NOW + 100 * DAY)
    assert days_of(case, NOW + 100 * DAY) == expected


@pytest.mark.django_db
def test_of_two_who_look_at_once_one_writes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    case = moved(place)
    judge(case.service, NOW + 30 * DAY)

    def beaten(*told: Any, **named: Any) -> Any:
        monkeypatch.undo()
        assert look_back(NOW + 31 * DAY) == 1
        return compared(*told, **named)

    monkeypatch.setattr("handoff.actions.looking_back.compared", beaten)
    look_back(NOW + 30 * DAY)
    assert case.look_backs.get().at == NOW + 31 * DAY


@pytest.mark.django_db
def test_a_handoff_that_breaks_does_not_stop_the_others(place: Place) -> None:
    broken, whole = moved(place), moved(place)
    for case in (broken, whole):
        judge(case.service, NOW + 30 * DAY)
    Scorecard.objects.filter(pk=broken.service.current.scorecard_id).update(numbers={"criteria": "none"})
    assert look_back(NOW + 30 * DAY) == 1
    assert LookBack.objects.get().case == whole


@pytest.mark.django_db
def test_many_are_looked_back_at_with_as_many_queries_as_few(place: Place) -> None:
    def queries(number: int) -> int:
        for _ in range(number):
            service = moved(place).service
            judge(service, NOW + 30 * DAY)
            judge(service, NOW + 90 * DAY)
        with CaptureQueriesContext(connection) as captured:
            assert look_back(NOW + 95 * DAY) == 2 * number
        return len(captured)

    few = queries(2)
    assert queries(10) == few
    with CaptureQueriesContext(connection) as captured:
        assert look_back(NOW + 95 * DAY) == 0
    assert len(captured) == 2, "nothing is due"


# What --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_incidents_are_counted_around_the_move_those_that_count(place: Place) -> None:
    case, other = moved(place), moved(place)

    def incidents(*offsets: dt.timedelta, service: Service = case.service, **fields: Any) -> None:
        for offset in offsets:
            IncidentFactory.create(service=service, started_at=NOW + offset, **fields)

    incidents(-30 * DAY, -DAY, -TICK, 0 * TICK, 30 * DAY - TICK)
    incidents(-2 * DAY, 2 * DAY, 3 * DAY, severity=2)
    incidents(-30 * DAY - TICK, 30 * DAY, severity=1)
    incidents(DAY, severity=1, drill=True)
    incidents(DAY, severity=1, withdrawn=True)
    incidents(DAY, severity=1, excluded=True)
    incidents(DAY, severity=1, service=other.service)
    judge(case.service, NOW + 30 * DAY)
    look_back(NOW + 30 * DAY)
    numbers = case.look_backs.get().numbers
    assert numbers["incidents"] == {"at_move": 4, "now": 4}
    assert numbers["severe_incidents"] == {"at_move": 1, "now": 2}


COUNTS = Counts(before=5, after=3, severe_before=2, severe_after=1)


def test_scorecards_are_compared_measure_by_measure() -> None:
    then, later = card_numbers(), card_numbers(score=93.5, late=0.0, failing=0.05)
    assert compared(then, later, COUNTS, days=30) == {
        "incidents": {"at_move": 5, "now": 3},
        "severe_incidents": {"at_move": 2, "now": 1},
        "after_hours": {"at_move": 1.5, "now": 0.0},
        "change_fail_rate": {"at_move": 0.125, "now": 0.05},
        "score": {"at_move": 90.0, "now": 93.5},
    }


@pytest.mark.parametrize(
    ("missing", "measures"),
    [
        ({"late": None}, {"after_hours"}),
        ({"failing": None}, {"change_fail_rate"}),
        ({"status": "silent"}, {"incidents", "severe_incidents"}),
        ({"heard": 89.9}, {"incidents", "severe_incidents"}),
        ({"heard": 90}, set()),
    ],
)
def test_without_enough_evidence_a_number_is_not_known(missing: dict[str, Any], measures: set[str]) -> None:
    known, unknown = card_numbers(), card_numbers(**missing)
    found = compared(known, unknown, COUNTS, days=90)
    assert {name for name, pair in found.items() if pair["now"] is None} == measures
    assert all(pair["at_move"] is not None for pair in found.values())
    turned = compared(unknown, known, COUNTS, days=90)
    assert {name for name, pair in turned.items() if pair["at_move"] is None} == measures


def test_a_criterion_that_was_not_judged_is_not_known() -> None:
    unjudged = card_numbers()
    unjudged["criteria"]["change_safety"] |= {"score": None, "parts": {}}
    del unjudged["criteria"]["after_hours"]
    del unjudged["feeds"]["incident"]
    found = compared(unjudged, card_numbers(), COUNTS, days=30)
    assert [name for name, pair in found.items() if pair["at_move"] is not None] == ["score"]
