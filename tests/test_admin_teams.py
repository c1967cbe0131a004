"""Teams in the admin: placeholders stand out, and changed hours are put to work."""

from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from readiness import tasks
from readiness.models import Team
from tests.admin_pages import Visitor
from tests.factories import ServiceFactory, TeamFactory

pytestmark = pytest.mark.django_db

HOURS: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "country": "DE",
    "subdivision": "BE",
    "business_hours": "08:00-17:00",
    "weekend": ["5", "6"],
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The teams whose rows a worker was told to look at."""
    told: list[int] = []
    monkeypatch.setattr(tasks.reclassify_team, "delay", told.append)
    return told


@pytest.fixture
def team() -> Team:
    """A team with the hours that the form sends."""
    made: Team = TeamFactory.create(**{**HOURS, "weekend": [5, 6]})
    return made


def test_placeholders_come_first_and_are_labelled() -> None:
    TeamFactory.create(slug="alpha")
    placeholder = TeamFactory.create(slug="zeta", placeholder=True)
    ServiceFactory.create(owner=placeholder)
    page = Visitor().get("/admin/readiness/team/")

    assert page.index("zeta") < page.index("alpha")
    assert "nobody: placeholder" in page


@pytest.mark.parametrize(
    ("changes", "moved"),
    [({}, False), ({"business_hours": "10:00-19:00"}, True), ({"weekend": ["4", "5"]}, True)],
)
def test_changed_hours_mark_the_team_and_nudge_the_worker(
    team: Team,
    sent: list[int],
    changes: dict[str, Any],
    moved: bool,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    visitor = Visitor("change_team")
    with django_capture_on_commit_callbacks(execute=True):
        visitor.post(f"/admin/readiness/team/{team.pk}/change/", **{**HOURS, **changes})
    team.refresh_from_db()

    assert (team.hours_changed_at is not None) is moved
    assert sent == ([team.pk] if moved else [])
    assert team.business_hours == changes.get("business_hours", "08:00-17:00")
    assert team.weekend == [int(day) for day in changes.get("weekend", HOURS["weekend"])]


@pytest.mark.parametrize(
    "changes",
    [{"time_zone": "Mars/Olympus"}, {"business_hours": "9 to 5"}, {"country": "XX"}, {"weekend": ["7"]}],
)
def test_hours_that_cannot_be_computed_with_are_refused(
    team: Team, sent: list[int], changes: dict[str, Any]
) -> None:
    page = Visitor("change_team").post(f"/admin/readiness/team/{team.pk}/change/", **{**HOURS, **changes})
    team.refresh_from_db()

    assert "correct the error" in page
    assert (team.business_hours, team.time_zone, sent) == ("08:00-17:00", "Europe/Berlin", [])


def test_without_the_right_hours_are_only_read(team: Team, sent: list[int]) -> None:
    answer = Visitor().client.post(f"/admin/readiness/team/{team.pk}/change/", HOURS)

    assert answer.status_code == 403
