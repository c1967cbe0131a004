"""After a repair the stability clock begins anew and asks for 90 days; a release leaves it running."""

import datetime as dt
from typing import Any

import pytest

from handoff import actions
from readiness import evaluation
from readiness.models import Feed, Scorecard
from tests.factories import DeploymentFactory, FeedFactory, ago
from tests.handing_back import DAY, Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A service with nothing but quiet days, heard for more than a year."""
    place = Place(monkeypatch)
    for kind in ("incident", "deployment", "defect"):
        FeedFactory.create(service=place.service, kind=kind, since=ago(days=500))
    DeploymentFactory.create(service=place.service)
    return place


def clock_of(place: Place, at: dt.datetime) -> dict[str, Any]:
    """What a live evaluation at a moment says of the clock."""
    place.now = at
    Feed.objects.update(last_seen_at=at)
    evaluation.run(evaluation.request(at, [place.service.pk]))
    card = Scorecard.objects.filter(service=place.service).latest("pk")
    stability = card.numbers["criteria"]["stability"]
    shown = dict(stability["shown"])
    return {
        "days": stability["parts"]["clock_days"][0],
        "required": shown["required_days"],
        "why": shown["reset_why"],
        "score": stability["score"],
        "state": card.management_state,
    }


def test_after_a_repair_90_days_are_asked_for_from_the_handback_on(place: Place) -> None:
    assert clock_of(place, ago(hours=1))["required"] == 180
    place.now = ago(days=0)  # 2026-07-01 00:00
    case = place.prepared()
    actions.confirm_handback(case, by=place.lead, reason="Agreed.", consultants=[place.person(place.other)])
    at = place.now

    the_same_day = clock_of(place, at + dt.timedelta(hours=1))
    assert the_same_day == {
        "days": 0,
        "required": 90,
        "why": "handback",
        "score": 0,
        "state": "developer_managed",
    }
    assert clock_of(place, dt.datetime(2026, 7, 31, tzinfo=dt.UTC))["days"] == 30
    assert clock_of(place, dt.datetime(2026, 9, 28, tzinfo=dt.UTC))["score"] == pytest.approx(98.89)
    full = clock_of(place, dt.datetime(2026, 9, 29, tzinfo=dt.UTC))
    assert (full["days"], full["required"], full["score"]) == (90, 90, 100)


def test_a_release_leaves_the_clock_running(place: Place) -> None:
    case = place.proposed("release")
    actions.confirm_handback(case, by=place.dev, reason="It winds down.")
    after = clock_of(place, place.now + DAY)
    assert (after["required"], after["why"], after["state"]) == (180, "launch", "developer_managed")
    assert after["days"] > 180
