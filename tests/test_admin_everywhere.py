"""What every page of the admin says, and the dashboard."""

import datetime as dt

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from readiness import clock
from tests.admin_pages import FLEET, Visitor, page_of
from tests.factories import NOW, CurrentScoreFactory, EvaluationFactory, ScorecardFactory, ServiceFactory, ago

pytestmark = pytest.mark.django_db

PAGES = ("/admin/", FLEET, "/admin/readiness/incident/", "/admin/password_change/", "/admin/readiness/feed/")


def score_as_of(at: dt.datetime) -> None:
    """A service judged as of a moment."""
    CurrentScoreFactory.create(scorecard=ScorecardFactory.create(at=at))


@pytest.fixture
def _standing(settings: Settings) -> None:
    """The clock stands at the moment of the tests, so far from the real time."""
    settings.CLOCK_OFFSET = NOW - clock.real_now()


@pytest.mark.usefixtures("_standing")
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_the_clock_is_offset(path: str) -> None:
    page = Visitor().get(path)

    assert "The clock is offset: it says 2026-07-01 00:00 UTC," in page
    assert "the real time" in page


@pytest.mark.parametrize("path", PAGES)
def test_a_clock_that_is_right_is_not_worth_a_word(settings: Settings, path: str) -> None:
    settings.CLOCK_OFFSET = dt.timedelta(0)

    assert "The clock is offset" not in Visitor().get(path)


@pytest.mark.usefixtures("_standing")
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_loudly_that_the_judgement_is_too_old(path: str) -> None:
    score_as_of(ago(days=3))

    assert "All judgements are older than 2 days:" in Visitor().get(path)


@pytest.mark.usefixtures("_standing")
@pytest.mark.parametrize("path", PAGES)
def test_a_fresh_judgement_is_not_worth_a_word(path: str) -> None:
    score_as_of(ago(hours=47))

    assert "older than 2 days" not in Visitor().get(path)


@pytest.mark.usefixtures("_standing")
def test_how_old_is_too_old_is_a_setting(settings: Settings) -> None:
    settings.SCORECARD_STALE_AFTER = dt.timedelta(hours=12)
    score_as_of(ago(hours=13))

    assert "All judgements are older than 12 h:" in Visitor().get("/admin/")


def test_before_the_first_judgement_pages_say_that_there_is_none() -> None:
    assert "Nothing has been judged yet" in Visitor().get("/admin/")


def test_the_log_in_page_tells_nothing_of_the_fleet() -> None:
    visitor = Visitor()
    score_as_of(ago(days=300))
    visitor.client.logout()

    assert "older than" not in visitor.get("/admin/login/")


def test_logging_in_leads_to_the_dashboard() -> None:
    visitor = Visitor()
    visitor.client.logout()
    answer = visitor.client.post("/admin/login/", {"username": "ada", "password": "secret"})

    assert answer.headers["Location"] == reverse("admin:index")


def test_the_dashboard_counts_and_links_into_the_fleet_list() -> None:
    ready = ScorecardFactory.create(level="gold")
    CurrentScoreFactory.create(
        scorecard=ready, verdict_of="handoff", verdict="ready", management_state="developer_managed"
    )
    CurrentScoreFactory.create(below=" defects ", silent=" page ", verdict_of="handback", verdict="below")
    ServiceFactory.create()
    EvaluationFactory.create(failed=2)
    page = Visitor().get("/admin/")

    for query in (
        "verdict=handoff%3Aready",
        "verdict=handback%3Abelow",
        "level=gold",
        "state=developer_managed",
        "below=defects",
        "silent=page",
        "verdict=never",
    ):
        assert f'href="{FLEET}?{query}"' in page
    assert "2 could not be judged" in page


def test_an_empty_dashboard_says_what_to_do() -> None:
    assert "Import a fleet folder" in Visitor().get("/admin/")


def test_who_may_see_nothing_sees_nothing_on_the_dashboard() -> None:
    ServiceFactory.create(slug="secret")

    assert "Nothing to see" in Visitor(views=False).get("/admin/")


@pytest.mark.parametrize("services", [5, 200])
def test_the_dashboard_takes_at_most_14_queries(
    services: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(services):
        score = ScorecardFactory.create(level=("gold", "none")[number % 2])
        CurrentScoreFactory.create(scorecard=score, below=" defects " * (number % 3 == 0))
    EvaluationFactory.create()
    visitor = Visitor("add_evaluation")

    with django_assert_num_queries(14):
        visitor.get("/admin/")


def test_the_sidebar_shows_what_somebody_may_view() -> None:
    service = ServiceFactory.create()
    page = Visitor("view_service", views=False).get(page_of(service))

    assert f'href="{FLEET}"' in page
    assert 'href="/admin/readiness/incident/" class' not in page
