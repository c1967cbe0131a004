"""Teams, systems and services over REST: what is shown, found and filtered."""

import datetime as dt
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from readiness import clock
from readiness.models import Service
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    PersonFactory,
    ScorecardFactory,
    ServiceAliasFactory,
    ServiceFactory,
    SystemFactory,
    TeamFactory,
)
from tests.rest import Asker, fields

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """An hour after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(hours=1) - clock.real_now()


@pytest.fixture
def shop() -> Service:
    """A judged service beside another that is not."""
    payments = TeamFactory.create(slug="payments")
    service: Service = ServiceFactory.create(
        slug="shop",
        title="The Shop",
        description="Sells books",
        tier=1,
        owner=payments,
        ops_team=TeamFactory.create(slug="sre"),
        system=SystemFactory.create(slug="retail", owner=payments),
        fleet="books",
    )
    ServiceAliasFactory.create(name="web.shop", service=service)
    ServiceAliasFactory.create(name="web.store", service=service)
    CurrentScoreFactory.create(
        scorecard=ScorecardFactory.create(service=service, score=61.5, possible=75.0, level="bronze"),
        verdict="not_ready",
        verdict_of="handoff",
        deploy="ready",
        management_state="developer_managed",
        blockers=1,
        below=" defects telemetry ",
        silent=" page ",
        trend=-2.5,
    )
    ServiceFactory.create(
        slug="other", tier=3, lifecycle="retired", deprecated=True, owner=TeamFactory.create(slug="b")
    )
    return service


def slugs(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["slug"] for row in rows)


def test_a_service_shows_what_it_is_and_how_it_is_judged_with_its_age(shop: Service) -> None:
    asker = Asker()
    row = asker.get("services/shop/")
    current = row.pop("current")

    badge = row.pop("badge_url")
    assert badge.startswith("http://testserver/api/v1/services/shop/badge.svg?signature=")
    assert row == {
        "slug": "shop",
        "title": "The Shop",
        "description": "Sells books",
        "tier": 1,
        "lifecycle": "live",
        "deprecated": False,
        "owner": "payments",
        "ops_team": "sre",
        "system": "retail",
        "launched_on": "2024-01-01",
        "aliases": ["web.shop", "web.store"],
        "components": [],
        "default_branch": "",
        "depends_on": [],
        "links": [],
        "fleet": "books",
        "made_up": False,
    }
    assert current.pop("age_seconds") == pytest.approx(3600, abs=60)
    assert current.pop("clock_offset") == pytest.approx(clock.offset().total_seconds())
    assert current == {
        "scorecard": shop.current.scorecard_id,
        "at": "2026-07-01T00:00:00Z",
        "stale": False,
        "verdict": "not_ready",
        "verdict_of": "handoff",
        "deploy": "ready",
        "score": 61.5,
        "possible": 75.0,
        "evidence": 0.7,
        "level": "bronze",
        "management_state": "developer_managed",
        "blockers": 1,
        "below": ["defects", "telemetry"],
        "silent": ["page"],
        "trend": -2.5,
    }
    assert asker.rows("services/", search="shop")[0].keys() == {*row, "badge_url", "current"}


def test_an_old_judgement_is_called_stale(shop: Service, settings: Settings) -> None:
    settings.CLOCK_OFFSET = NOW + dt.timedelta(days=9) - clock.real_now()

    assert Asker().get("services/shop/")["current"]["stale"] is True


def test_a_service_not_judged_yet_says_so(shop: Service) -> None:
    assert Asker().get("services/other/")["current"] is None


def test_a_service_answers_to_its_alias_and_a_slug_wins_over_an_alias(shop: Service) -> None:
    ServiceAliasFactory.create(name="other", service=shop)
    asker = Asker()

    assert asker.get("services/web.shop/")["slug"] == "shop"
    assert asker.get("services/other/")["slug"] == "other"


@pytest.mark.parametrize(
    "query",
    [
        {"team": "payments"},
        {"ops_team": "sre"},
        {"system": "retail"},
        {"tier": ["1", "2"]},
        {"lifecycle": "live"},
        {"deprecated": "false"},
        {"fleet": "books"},
        {"state": "developer_managed"},
        {"verdict": ["not_ready", "urgent"]},
        {"verdict_of": "handoff"},
        {"level": "bronze"},
        {"below": "telemetry"},
        {"below": ["stability", "defects"]},
        {"silent": "page"},
        {"judged": "true"},
        {"search": "SHOP"},
        {"search": "books the"},
        {"search": "web."},
    ],
    ids=str,
)
def test_a_filter_finds_the_one_and_its_like_does_not_find_the_other(
    shop: Service, query: dict[str, Any]
) -> None:
    assert slugs(Asker().rows("services/", **query)) == ["shop"]


@pytest.mark.parametrize(
    "query",
    [
        {"tier": "4"},
        {"verdict": "ready"},
        {"below": "stability"},
        {"silent": "deployment"},
        {"level": "gold"},
        {"search": "shop nowhere"},
        {"state": "ops_managed"},
    ],
    ids=str,
)
def test_a_filter_that_nothing_fits_finds_nothing(shop: Service, query: dict[str, Any]) -> None:
    assert Asker().rows("services/", **query) == []


def test_several_teams_may_be_asked_for_at_once(shop: Service) -> None:
    assert slugs(Asker().rows("services/", team=["payments", "b"])) == ["other", "shop"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("team", "nobody"),
        ("ops_team", "nobody"),
        ("system", "nothing"),
        ("tier", "5"),
        ("tier", "one"),
        ("lifecycle", "asleep"),
        ("deprecated", "maybe"),
        ("state", "unmanaged"),
        ("verdict", "perhaps"),
        ("below", "beauty"),
        ("silent", "smoke"),
        ("search", "x" * 201),
        ("search", "\0"),
        ("team", "\0"),
    ],
)
def test_a_value_that_is_none_is_refused_by_its_field(shop: Service, field: str, value: str) -> None:
    details = Asker().problem("services/", **{field: value})

    assert details["status"] == 400
    assert fields(details) == [field]


def test_a_team_shows_its_hours_and_nobody_in_it() -> None:
    team = TeamFactory.create(slug="payments", country="DE", subdivision="BE", time_zone="Europe/Berlin")
    TeamFactory.create(slug="unknown", placeholder=True)
    PersonFactory.create(name="Grace", teams=[team])
    asker = Asker()

    assert asker.get("teams/payments/") == {
        "slug": "payments",
        "title": "",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "subdivision": "BE",
        "business_hours": "09:00-18:00",
        "weekend": [5, 6],
        "placeholder": False,
    }
    assert slugs(asker.rows("teams/", country="de")) == ["payments"]
    assert slugs(asker.rows("teams/", placeholder="true")) == ["unknown"]
    assert slugs(asker.rows("teams/", search="pay")) == ["payments"]
    assert slugs(asker.rows("teams/", time_zone="UTC")) == ["unknown"]


def test_systems_are_found_by_owner() -> None:
    SystemFactory.create(slug="retail", owner=TeamFactory.create(slug="payments"))
    SystemFactory.create(slug="orphan")
    asker = Asker()

    assert asker.rows("systems/", owner="payments") == [{"slug": "retail", "title": "", "owner": "payments"}]
    assert asker.get("systems/orphan/")["owner"] is None
