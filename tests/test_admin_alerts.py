"""Alerts in the admin: open ones on top, of a service on its page, alike ones in one line."""

import datetime as dt

import pytest
from pytest_django import DjangoAssertNumQueries

from readiness import clock
from readiness.models import Alert
from tests.admin_pages import Visitor, page_of
from tests.factories import NOW, AlertFactory, ServiceFactory, TeamFactory, ago

pytestmark = pytest.mark.django_db

LIST = "/admin/readiness/alert/"


@pytest.fixture(autouse=True)
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands at the moment of the tests."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def missed() -> Alert:
    """The nightly evaluation did not come."""
    return AlertFactory.create(
        kind=Alert.Kind.EVALUATION_MISSED, service=None, team=None, subject="", text="None came.", numbers={}
    )


def test_the_dashboard_says_what_is_wrong_since_when_and_who_should_act() -> None:
    missed()
    AlertFactory.create(service__slug="pay", team=TeamFactory.create(slug="payers"))
    AlertFactory.create(text="It is over.", ended_at=NOW)
    page = Visitor().get("/admin/")

    assert "2 open</a>" in page
    assert "Evaluation missed</strong></a>" in page
    assert "None came." in page
    assert "Who should act: SRE leads" in page
    assert "pay: Nothing was heard of deployments since 2026-06-20." in page
    assert "since 2026-06-28 00:00 UTC (3 days)" in page
    assert "Who should act: payers" in page
    assert "It is over." not in page


def test_one_source_that_feeds_many_services_is_one_line() -> None:
    AlertFactory.create_batch(30)
    AlertFactory.create_batch(2, numbers={"source": "gitlab"})
    page = Visitor().get("/admin/")

    assert page.count("Feed silent: deployment</strong>") == 2
    assert "30 services fed by jenkins" in page
    assert "Who should act: 30 teams" in page
    assert (
        f"{LIST}?open=yes&amp;kind__exact=feed_silent&amp;subject__icontains=deployment&amp;q=jenkins" in page
    )


def test_a_line_leads_to_its_alerts() -> None:
    AlertFactory.create(text="from jenkins", service__slug="pay")
    AlertFactory.create(text="from jenkins", service__slug="zz-ended", ended_at=NOW)
    AlertFactory.create(text="from gitlab", service__slug="quote")
    query = {"open": "yes", "kind__exact": "feed_silent", "subject__icontains": "deployment", "q": "jenkins"}
    page = Visitor().get(LIST, **query)
    rows = page[page.index("result_list") :]

    assert "pay" in rows
    assert "zz-ended" not in rows
    assert "quote<" not in rows


def test_every_page_counts_what_is_open() -> None:
    assert "open:" not in Visitor(name="grace").get("/admin/readiness/incident/")
    missed()
    page = Visitor().get("/admin/readiness/incident/")

    assert (
        f'<strong>1 alert open:</strong> <a href="{LIST}?open=yes">what is wrong, and who should act.</a>'
        in page
    )


def test_those_who_may_not_view_alerts_hear_nothing_of_them() -> None:
    service = ServiceFactory.create()
    alert = AlertFactory.create(service=service)
    visitor = Visitor("view_service", views=False)

    for path in ("/admin/", page_of(service)):
        page = visitor.get(path)
        assert alert.text not in page
        assert "alert open" not in page


def test_open_ones_come_first_in_the_list() -> None:
    AlertFactory.create(service__slug="zz-ended", began_at=ago(days=1), ended_at=NOW)
    AlertFactory.create(service__slug="aa-lasts", began_at=ago(days=50))
    page = Visitor().get(LIST)
    rows = page[page.index("result_list") :]

    assert rows.index("aa-lasts") < rows.index("zz-ended")
    assert "open for 50 days" in rows
    assert "2026-07-01 00:00 UTC" in rows


def test_a_service_page_shows_its_own_open_alerts() -> None:
    service = ServiceFactory.create()
    alert, other = AlertFactory.create(service=service, text="Mine."), AlertFactory.create(text="Another's.")
    AlertFactory.create(service=service, subject="page", text="Over.", ended_at=NOW)
    page = Visitor().get(page_of(service))

    assert "Mine." in page
    assert f"Who should act: {alert.team}" in page
    assert other.text not in page
    assert "Over." not in page


@pytest.mark.parametrize("number", [2, 60])
def test_the_dashboard_takes_as_many_queries_for_many_alerts_as_for_few(
    number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ServiceFactory.create()
    AlertFactory.create_batch(number)
    AlertFactory.create(numbers={"source": "other"}, began_at=NOW - dt.timedelta(days=1))
    visitor = Visitor()

    with django_assert_num_queries(13):
        visitor.get("/admin/")
