"""Machines write the catalogue over REST: what they state, field by field; a first state by adoption."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness.models import ManagementChange, Page, Rejudgement, Service, System, Team
from tests.factories import ManagementChangeFactory, PageFactory, ServiceFactory, TeamFactory
from tests.machines import Machine, reasons
from tests.rest import Asker

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine() -> Machine:
    """A machine that keeps the catalogue; there is one team."""
    TeamFactory.create(slug="payments")
    return Machine(kinds=["catalogue"])


def test_a_team_is_made_and_changed_field_by_field(machine: Machine) -> None:
    made = {"slug": "search", "title": "Search", "time_zone": "Europe/Berlin", "country": "DE"}
    assert machine.results("teams", [made, {"slug": "payments"}]) == ["created", "unchanged"]
    assert machine.results("teams", made) == ["unchanged"]

    (updated,) = machine.write("teams", {"slug": "search", "business_hours": "08:00-17:00"})
    assert updated["changed"] == ["business_hours"]
    team = Team.objects.get(slug="search")
    assert (team.title, team.time_zone, team.business_hours) == ("Search", "Europe/Berlin", "08:00-17:00")
    assert Asker("view_team").get("teams/search/")["title"] == "Search"


def test_new_hours_decide_anew_what_was_after_hours(machine: Machine) -> None:
    service = ServiceFactory.create(owner=Team.objects.get(slug="payments"))
    PageFactory.create(service=service, paged_at=datetime(2026, 6, 2, 19, tzinfo=UTC), after_hours=True)

    machine.write("teams", {"slug": "payments", "title": "Payments"})
    assert not Rejudgement.objects.exists()
    machine.write("teams", {"slug": "payments", "time_zone": "America/New_York"})
    assert not Page.objects.get().after_hours
    assert Rejudgement.objects.get().service == service


@pytest.mark.parametrize(
    ("said", "field", "reason"),
    [
        ({"slug": "a b"}, "slug", "must be letters, digits"),
        ({"slug": "x", "time_zone": "Moon"}, None, "is no time zone"),
        ({"slug": "x", "business_hours": "18:00-09:00"}, None, "18:00"),
        ({"slug": "x", "weekend": [9]}, "weekend", "is more than 6"),
        ({"slug": "x", "members": []}, "members", "is not a field of this kind"),
        ("x", None, "record is not a JSON object"),
    ],
)
def test_what_is_no_team_is_refused_with_its_reason(
    machine: Machine, said: Any, field: str | None, reason: str
) -> None:
    good, bad = machine.write("teams", [{"slug": "good"}, said], status=207)
    assert good["result"] == "created"
    assert reason in reasons(bad)[field]  # type: ignore[index]
    assert not Team.objects.filter(slug="x").exists()


def test_a_system_is_made_with_its_owner_and_may_lose_it(machine: Machine) -> None:
    assert machine.results("systems", {"slug": "shop", "owner": "payments"}) == ["created"]
    assert System.objects.get().owner == Team.objects.get()
    (updated,) = machine.write("systems", {"slug": "shop", "owner": None})
    assert updated["changed"] == ["owner"]
    assert System.objects.get().owner is None
    (refused,) = machine.write("systems", {"slug": "shop", "owner": "nobody"}, status=422)
    assert reasons(refused) == {"owner": "'nobody' is no team that the catalogue knows"}


SERVICE = {
    "slug": "checkout",
    "title": "Checkout",
    "owner": "payments",
    "tier": 2,
    "launched_on": "2025-06-01",
    "aliases": ["checkout-api"],
    "components": ["api", "worker"],
}


def test_a_live_service_is_adopted_once_and_its_state_is_not_written_again(machine: Machine) -> None:
    assert machine.results("services", {**SERVICE, "state": "ops_managed"}) == ["created"]
    change = ManagementChange.objects.get()
    assert (change.state, change.way, change.actor) == ("ops_managed", "adoption", "token pager-sync")
    assert change.effective_at == datetime(2025, 6, 1, tzinfo=UTC)
    service = Service.objects.get()
    assert (service.tier, service.launched_on, service.components) == (2, date(2025, 6, 1), ["api", "worker"])
    assert service.aliases.get().name == "checkout-api"

    assert machine.results("services", SERVICE) == ["unchanged"]
    (updated,) = machine.write("services", {"slug": "checkout", "tier": 1})
    assert updated["changed"] == ["tier"]
    (refused,) = machine.write("services", {"slug": "checkout", "state": "developer_managed"}, status=422)
    assert "states change by review" in reasons(refused)["state"]
    assert ManagementChange.objects.count() == 1


def test_an_alias_that_is_written_twice_is_one(machine: Machine) -> None:
    twice = {**SERVICE, "aliases": ["checkout-api", "Checkout-API", "pay", "pay"]}
    assert machine.results("services", twice) == ["created"]
    names = Service.objects.get().aliases.order_by("name").values_list("name", flat=True)
    assert list(names) == ["checkout-api", "pay"]
    assert machine.results("services", twice) == ["unchanged"]


def test_what_says_nothing_new_of_services_writes_nothing(machine: Machine) -> None:
    machine.write("services", SERVICE)
    with CaptureQueriesContext(connection) as asked:
        assert machine.results("services", SERVICE) == ["unchanged"]
    assert not [each["sql"] for each in asked if each["sql"].startswith(("INSERT", "UPDATE"))]


def test_a_list_of_systems_takes_as_many_queries_as_one(machine: Machine) -> None:
    systems = [{"slug": f"s-{number}", "owner": "payments"} for number in range(20)]
    machine.write("systems", systems)

    def queries(said: list[dict[str, Any]]) -> int:
        with CaptureQueriesContext(connection) as asked:
            machine.write("systems", [{**each, "owner": None} for each in said])
        return len(asked)

    assert queries(systems[:1]) == queries(systems[1:])


def test_a_service_before_its_launch_has_no_state(machine: Machine) -> None:
    machine.write("services", {**SERVICE, "lifecycle": "pre_launch"})
    assert not ManagementChange.objects.exists()
    machine.write("services", {"slug": "checkout", "lifecycle": "live"})
    assert ManagementChange.objects.get().state == "developer_managed"


def test_a_service_with_a_state_keeps_it(machine: Machine) -> None:
    ManagementChangeFactory.create(service__slug="checkout", state="ops_managed")
    assert machine.results("services", SERVICE) == ["updated"]
    assert ManagementChange.objects.get().state == "ops_managed"


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"owner": "nobody"}, "owner", "is no team that the catalogue knows"),
        ({"owner": None}, "owner", "a new service needs one"),
        ({"tier": 5}, "tier", "is more than 4"),
        ({"aliases": ["shop"]}, "aliases", "already names shop"),
        ({"nonsense": 1}, "nonsense", "is not a field of this kind"),
        ({"launched_on": "soon"}, "launched_on", "is not a date (write it like 2026-01-31)"),
        ({"launched_on": 1749000000}, "launched_on", "is not a date (write it like 2026-01-31)"),
        ({"launched_on": "86400"}, "launched_on", "is not a date (write it like 2026-01-31)"),
    ],
)
def test_what_is_no_service_is_refused_with_its_reason(
    machine: Machine, changes: dict[str, Any], field: str, reason: str
) -> None:
    ServiceFactory.create(slug="shop")
    (refused,) = machine.write("services", {**SERVICE, **changes}, status=422)
    assert reason in reasons(refused)[field]
    assert not Service.objects.filter(slug="checkout").exists()


def test_a_token_for_some_services_describes_those_alone() -> None:
    TeamFactory.create(slug="payments")
    machine = Machine(kinds=["catalogue"], services=["checkout"])

    ours, theirs = machine.write(
        "services", [SERVICE, {**SERVICE, "slug": "shop", "aliases": []}], status=207
    )
    assert ours["result"] == "created"
    assert "may not write" in reasons(theirs)["slug"]
    (refused,) = machine.write("teams", {"slug": "payments", "title": "Pay"}, status=422)
    assert "tokens that may write for every service" in reasons(refused)["slug"]


def test_a_token_for_evidence_describes_nothing() -> None:
    assert Machine(kinds=["deployment"]).post("services", SERVICE).status_code == 403


def test_a_name_stands_once_in_a_list(machine: Machine) -> None:
    for path, said in (("teams", {"slug": "x"}), ("services", SERVICE)):
        first, second = machine.write(path, [said, said], status=207)
        assert first["result"] == "created"
        assert "slug" in reasons(second)
