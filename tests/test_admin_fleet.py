"""The fleet list: what a row says, how it sorts, filters, searches and exports."""

import csv
import datetime as dt
import io
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from readiness import clock
from readiness.admin.fleet import ServiceAdmin
from readiness.models import Service
from tests.admin_pages import FLEET, Visitor, exported, listed
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    ScorecardFactory,
    ServiceAliasFactory,
    ServiceFactory,
    SystemFactory,
    TeamFactory,
    ago,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """An hour after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(hours=1) - clock.real_now()


def judged(slug: str, *, card: dict[str, Any] | None = None, service: Any = None, **score: Any) -> Service:
    """A service with a current score."""
    owner = service or ServiceFactory.create(slug=slug)
    scorecard = ScorecardFactory.create(service=owner, **(card or {}))
    CurrentScoreFactory.create(scorecard=scorecard, **score)
    found: Service = owner
    return found


@pytest.fixture
def fleet() -> dict[str, Service]:
    """Three judged services, each in another state of readiness, and one that never was."""
    team, ops, system = TeamFactory.create(title="Payments"), TeamFactory.create(), SystemFactory.create()
    pay = ServiceFactory.create(
        slug="pay", title="Pay", tier=1, owner=team, ops_team=ops, system=system, fleet="shop"
    )
    ServiceAliasFactory.create(service=pay, name="checkout")
    return {
        "pay": judged(
            "pay",
            service=pay,
            card={"score": 91.0, "possible": 95.0, "level": "gold"},
            verdict_of="handoff",
            verdict="ready",
            management_state="developer_managed",
            trend=3.25,
        ),
        "cart": judged(
            "cart",
            card={"score": 40.0, "possible": 70.0, "at": ago(days=9)},
            verdict_of="handback",
            verdict="urgent",
            management_state="ops_managed",
            blockers=2,
            below=" defects telemetry ",
            trend=-8.0,
        ),
        "mail": judged("mail", card={"score": 0.0, "possible": 100.0}, silent=" incident page "),
        "new": ServiceFactory.create(slug="new", lifecycle="pre_launch", launched_on=None),
    }


def test_a_row_says_verdict_range_evidence_level_and_age(fleet: dict[str, Service]) -> None:
    page = Visitor().get(FLEET, q="pay")

    assert listed(page) == ["Pay"]
    for said in (
        "handoff: ready",
        "91 – 95",
        "70%",
        "gold",
        "▲ 3.2",
        "1 h old",
        "developers",
        "Payments",
        "shop",
    ):
        assert said in page


def test_a_service_that_was_never_judged_says_so(fleet: dict[str, Service]) -> None:
    page = Visitor().get(FLEET, q="new")

    assert listed(page) == ["new"]
    assert page.count("never judged</span>") == 2


def test_an_old_judgement_is_loud_in_its_row_and_on_the_page(fleet: dict[str, Service]) -> None:
    page = Visitor().get(FLEET, q="cart")

    assert "9 days 1 h old" in page
    assert "older than it should be" in page
    assert "1 of 3 current judgements is older than 2 days" in page


@pytest.mark.parametrize(
    ("column", "first"),
    [("extent", "mail"), ("-extent", "Pay"), ("-blocked", "cart"), ("trend", "cart"), ("judged", "cart")],
)
def test_columns_of_the_judgement_sort_and_unjudged_services_come_last(
    fleet: dict[str, Service], column: str, first: str
) -> None:
    name = column.removeprefix("-")
    number = ServiceAdmin.list_display.index(name)
    names = listed(Visitor().get(FLEET, o=column.replace(name, str(number))))

    assert names[0] == first
    assert "new" in names[2:]  # beside "mail", which has no trend


def test_without_being_asked_the_best_score_comes_first(fleet: dict[str, Service]) -> None:
    assert listed(Visitor().get(FLEET)) == ["Pay", "cart", "mail", "new"]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("verdict", "handoff:ready", ["Pay"]),
        ("verdict", "handback:urgent", ["cart"]),
        ("verdict", "none", ["mail"]),
        ("verdict", "never", ["new"]),
        ("verdict", "nonsense", []),
        ("state", "ops_managed", ["cart"]),
        ("level", "gold", ["Pay"]),
        ("tier", "1", ["Pay"]),
        ("tier", "nonsense", []),
        ("below", "telemetry", ["cart"]),
        ("below", "any", ["cart"]),
        ("below", "tele", []),
        ("silent", "page", ["mail"]),
        ("silent", "any", ["mail"]),
        ("lifecycle__exact", "pre_launch", ["new"]),
        ("fleet", "shop", ["Pay"]),
        ("q", "checkout", ["Pay"]),
        ("q", "car", ["cart"]),
        ("q", "nobody", []),
    ],
)
def test_filters_and_search_find(fleet: dict[str, Service], name: str, value: str, found: list[str]) -> None:
    assert listed(Visitor().get(FLEET, **{name: value})) == found


def test_services_are_filtered_by_owner_ops_team_and_system(fleet: dict[str, Service]) -> None:
    pay, visitor = fleet["pay"], Visitor()

    for field, key in (("owner", pay.owner_id), ("ops_team", pay.ops_team_id), ("system", pay.system_id)):
        assert listed(visitor.get(FLEET, **{f"{field}__id__exact": key})) == ["Pay"]


def test_nothing_found_and_nothing_there_are_told_apart(fleet: dict[str, Service]) -> None:
    visitor = Visitor()
    assert "Nothing matches" in visitor.get(FLEET, q="nobody")

    Service.objects.all().delete()
    assert "import_fleet" in visitor.get(FLEET)


def test_the_export_holds_what_is_filtered(fleet: dict[str, Service]) -> None:
    response = exported(Visitor(), FLEET, verdict="handback:urgent")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))

    assert response["Content-Type"].startswith("text/csv")
    assert list(rows[0]) == [
        "service",
        "title",
        "verdict_of",
        "verdict",
        "score",
        "possible",
        "evidence",
        "level",
        "management_state",
        "tier",
        "owner",
        "ops_team",
        "trend",
        "judged_as_of",
        "blockers",
        "below",
        "silent",
        "lifecycle",
        "system",
        "fleet",
        "made_up",
        "overridden",
    ]
    assert [row["service"] for row in rows] == ["cart"]
    assert (rows[0]["score"], rows[0]["trend"], rows[0]["below"]) == ("40.0", "-8.0", "defects telemetry")
    assert rows[0]["judged_as_of"] == ago(days=9).isoformat()


def test_the_export_has_the_order_of_the_list_and_services_that_were_never_judged(
    fleet: dict[str, Service],
) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(Visitor(), FLEET).getvalue().decode())))

    assert [row["service"] for row in rows] == ["pay", "cart", "mail", "new"]
    assert (rows[3]["verdict"], rows[3]["score"], rows[3]["tier"]) == ("", "", "3")


def test_no_text_of_the_export_is_a_formula() -> None:
    ServiceFactory.create(slug="calc", title='=HYPERLINK("http://example.org")')
    text = exported(Visitor(), FLEET).getvalue().decode()

    assert "'=HYPERLINK" in text


def test_a_title_is_text_and_no_markup() -> None:
    ServiceFactory.create(title="<script>alert(1)</script>")

    assert "<script>alert(1)" not in Visitor().get(FLEET)


@pytest.mark.parametrize("path", ["", "export/"])
def test_who_may_not_view_services_sees_none(path: str) -> None:
    ServiceFactory.create(slug="secret")

    assert Visitor(views=False).client.get(FLEET + path).status_code == 403


@pytest.mark.parametrize("services", [5, 500])
def test_the_list_takes_as_many_queries_for_5_services_as_for_500(
    services: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(services):
        if number < 5 or number % 50 == 0:
            judged(f"svc-{number}")
        else:
            ServiceFactory.create(owner=TeamFactory.create(slug=f"owner-{number}"))
    visitor = Visitor()

    with django_assert_num_queries(10):
        visitor.get(FLEET)
