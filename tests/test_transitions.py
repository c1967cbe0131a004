"""Decisions are shown where people look, and the state of a service can be asked as of any moment."""

import datetime as dt

import pytest
from pytest_django import DjangoAssertNumQueries

from handoff import actions
from handoff.models import Transition
from readiness.models import Service
from tests.admin_pages import Visitor, page_of
from tests.factories import NOW, ManagementChangeFactory, ServiceFactory, ago
from tests.handing_off import Handover
from tests.rest import Asker

pytestmark = pytest.mark.django_db
LIST = "/admin/handoff/transition/"


def adopted(slug: str, at: dt.datetime = NOW) -> Service:
    """A service that operations ran already."""
    service: Service = ServiceFactory.create(slug=slug)
    actions.adopt(service, state="ops_managed", effective_at=at, actor="1 Ada", reason="it ran already")
    return service


def test_the_list_and_the_page_of_a_service_tell_who_decided_and_why() -> None:
    service, visitor = adopted("pay"), Visitor()
    for page in (visitor.get(LIST), visitor.get(page_of(service))):
        assert "adopted as ops-managed" in page
        assert "1 Ada" in page
        assert "it ran already" in page


def test_the_list_is_filtered_and_its_rows_have_pages() -> None:
    service, other, visitor = adopted("pay"), adopted("shop"), Visitor()
    page = visitor.get(LIST, service__id__exact=service.pk)
    assert "1 transition" in page
    shown = visitor.get(f"{LIST}{Transition.objects.get(service=other).pk}/change/")
    assert "it ran already" in shown


def test_who_may_not_view_decisions_sees_none_on_a_services_page() -> None:
    service = adopted("pay")
    visitor = Visitor("view_service", views=False)
    assert "adopted as" not in visitor.get(page_of(service))


@pytest.mark.parametrize("rows", [3, 30])
def test_the_rest_list_takes_as_many_queries_for_many_rows(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        adopted(f"pay-{number}")
    asker = Asker()
    with django_assert_num_queries(2 + 2):  # rights, rows, and the scorecards of all
        found = asker.rows("transitions/", page_size=500)
    assert len(found) == rows
    assert found[0]["to_state"] == "ops_managed"


def test_rest_filters_by_service_subject_and_time() -> None:
    adopted("pay", ago(days=9))
    adopted("shop", ago(days=1))
    asker = Asker()
    assert [row["service"] for row in asker.rows("transitions/", service="pay")] == ["pay"]
    assert [row["service"] for row in asker.rows("transitions/", **{"from": ago(days=2).isoformat()})] == [
        "shop"
    ]
    assert asker.rows("transitions/", subject="waiver") == []


@pytest.mark.parametrize(
    ("days", "state"), [(11, None), (10, "developer_managed"), (6, "developer_managed"), (5, "ops_managed")]
)
def test_the_state_can_be_asked_as_of_any_moment(days: int, state: str | None) -> None:
    service = ServiceFactory.create(slug="pay")
    ManagementChangeFactory.create(service=service, state="developer_managed", effective_at=ago(days=10))
    ManagementChangeFactory.create(service=service, state="ops_managed", effective_at=ago(days=5))
    told = Asker().get("services/pay/standing/", at=ago(days=days).isoformat())
    assert told["state"] == state
    assert (told["since"] is None) == (state is None)


def test_the_timeline_shows_who_ran_it_and_what_was_decided_each_a_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Handover(monkeypatch)
    case = place.moved()
    place.pass_time()

    page = Visitor("view_transition", name="vera").get(page_of(place.service))

    for state, name in (("developer_managed", "developers"), ("ops_managed", "operations")):
        assert f'class="rd-run rd-run-{state}"' in page
        assert f"<title>run by {name} since 2026-" in page
    taken_over = Transition.objects.get(subject="case", move="take over")
    assert f'<a href="/admin/handoff/transition/{taken_over.pk}/change/"><circle class="rd-event"' in page
    assert f"{case.confirmed_at:%Y-%m-%d}: handoff: shadowing → backed-up" in page
    unseen = Visitor("view_service", views=False, name="ursa").get(page_of(place.service))
    assert "rd-event" not in unseen
