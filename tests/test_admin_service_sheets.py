"""Services from spreadsheets: mistakes first, then the catalogue, and states by adoption alone."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection

from handoff.actions import BEGINNING_OF_TIME
from handoff.admin.service_columns import LAYOUT
from readiness.models import ManagementChange, Page, Rejudgement, Service, ServiceAlias, System, Team
from tests.admin_pages import Visitor, exported
from tests.factories import ManagementChangeFactory, PageFactory, ServiceFactory, SystemFactory, TeamFactory
from tests.sheets import Import, as_csv, as_xlsx

pytestmark = pytest.mark.django_db

PAY = {
    "slug": "pay",
    "name": "Payments",
    "team": "payments",
    "tier": "1",
    "ops team": "sre",
    "launch date": "2025-06-01",
    "state": "ops_managed",
}
MISSING = {"make_missing": "on"}


@pytest.fixture
def lead() -> Visitor:
    """Somebody who may add services, in a catalogue with two teams."""
    TeamFactory.create(slug="payments")
    TeamFactory.create(slug="sre")
    return Visitor("add_service")


@pytest.mark.parametrize("write", [as_csv, as_xlsx])
def test_services_are_previewed_then_written_with_their_state_adopted(lead: Visitor, write: Any) -> None:
    preview = Import(lead, "service", write([PAY, {**PAY, "slug": "ledger", "state": "", "launch date": ""}]))

    assert preview.outcomes == ["created", "created"]
    assert not Service.objects.exists()
    assert not ManagementChange.objects.exists()
    assert "Imported: 2 created" in preview.confirm()
    pay, ledger = (Service.objects.get(slug=slug) for slug in ("pay", "ledger"))
    assert (pay.title, pay.tier, pay.owner.slug, pay.ops_team and pay.ops_team.slug) == (
        "Payments",
        1,
        "payments",
        "sre",
    )
    assert (pay.launched_on, pay.lifecycle) == (dt.date(2025, 6, 1), "live")
    change = ManagementChange.objects.get(service=pay)
    assert (change.state, change.way, change.actor) == ("ops_managed", "adoption", f"{lead.user.pk} ada")
    assert change.reason == "spreadsheet rows.csv"
    assert change.effective_at == dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    change = ManagementChange.objects.get(service=ledger)
    assert (change.state, change.effective_at) == ("developer_managed", BEGINNING_OF_TIME)


def test_the_same_sheet_again_changes_nothing(lead: Visitor) -> None:
    sheet = as_csv([{**PAY, "aliases": "payments-api, pay-api", "components": "api, worker"}])
    Import(lead, "service", sheet).confirm()
    Rejudgement.objects.all().delete()
    again = Import(lead, "service", sheet)

    assert again.outcomes == ["unchanged"]
    again.confirm()
    assert ManagementChange.objects.count() == 1
    assert ServiceAlias.objects.count() == 2
    assert not Rejudgement.objects.exists()


def test_a_state_that_is_set_changes_by_review_not_by_spreadsheet(lead: Visitor) -> None:
    Import(lead, "service", as_csv([PAY])).confirm()
    again = Import(lead, "service", as_csv([{**PAY, "state": "developer_managed", "tier": "2"}]))

    assert again.mistakes == {2: "state is ops_managed: states change by review, not by spreadsheet"}
    assert again.form is None
    assert Service.objects.get().tier == 1
    assert ManagementChange.objects.get().state == "ops_managed"


def test_a_known_service_changes_where_the_row_says_something_else(lead: Visitor) -> None:
    service = ServiceFactory.create(
        slug="pay", title="Pay", depends_on=["x"], fleet="shop", links=[{"url": "https://x.example"}]
    )
    ManagementChangeFactory.create(service=service, state="ops_managed")
    preview = Import(lead, "service", as_csv([{"slug": "pay", "title": "Payments", "tier": ""}]))

    assert preview.changes == [{"title": ("Pay", "Payments")}]
    preview.confirm()
    stored = Service.objects.get()
    assert (stored.title, stored.tier, stored.fleet, stored.depends_on) == ("Payments", 3, "shop", ["x"])
    assert Rejudgement.objects.get().service == service


def test_rows_of_a_service_with_another_owner_are_reclassified(lead: Visitor) -> None:
    Team.objects.filter(slug="payments").update(time_zone="Asia/Tokyo")
    service = ServiceFactory.create(slug="pay", developer_managed=True)
    morning = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
    PageFactory.create(service=service, paged_at=morning, after_hours=False, night=False)
    Import(lead, "service", as_csv([{"slug": "pay", "owner": "payments"}])).confirm()

    assert Page.objects.get().after_hours


def test_all_mistakes_are_found_before_anything_is_written(lead: Visitor) -> None:
    taken = ServiceFactory.create(slug="ledger", developer_managed=True)
    ServiceAlias.objects.create(name="books", service=taken)
    ServiceFactory.create(slug="old", lifecycle="retired")
    rows = [
        PAY,
        {**PAY, "slug": "no slug"},
        {**PAY, "slug": "a", "team": "nobody"},
        {**PAY, "slug": "b", "team": ""},
        {**PAY, "slug": "c", "tier": "5", "launch date": "June", "state": "chaos"},
        {**PAY, "slug": "d", "aliases": "Books, ledger"},
        {**PAY, "slug": "books"},
        {**PAY, "slug": "LEDGER"},
        {**PAY, "slug": "old"},
        {**PAY, "slug": "e", "lifecycle": "pre-launch"},
        PAY,
        {**PAY, "slug": "f", "system": "nowhere"},
    ]
    preview = Import(lead, "service", as_csv(rows))

    assert preview.mistakes == {
        3: "slug must be letters, digits, and between them points, hyphens or underscores",
        4: "owner 'nobody' is no team that the catalogue knows",
        5: "owner is missing: a new service needs one",
        6: "launched_on is no date: write it like 2026-01-31; tier is more than 4; "
        "state must be 'developer_managed' or 'ops_managed'",
        7: "aliases 'Books' already names ledger; aliases 'ledger' already names ledger",
        8: "slug is another name of ledger",
        9: "slug is written ledger elsewhere",
        10: "state is of live services alone, and this one is retired",
        11: "state is of live services alone, and this one is pre-launch",
        12: "slug stands in row 2 too; keep one of them",
        13: "system 'nowhere' is no system that the catalogue knows",
    }
    assert Service.objects.count() == 2


def test_an_alias_may_not_be_claimed_twice_in_a_sheet(lead: Visitor) -> None:
    rows = [{**PAY, "aliases": "x"}, {**PAY, "slug": "ledger", "aliases": "X, pay"}]

    assert Import(lead, "service", as_csv(rows)).mistakes == {
        3: "aliases 'X' already names pay; aliases 'pay' already names pay"
    }


def test_capitals_make_no_other_name_in_a_row(lead: Visitor) -> None:
    preview = Import(lead, "service", as_csv([{**PAY, "aliases": "Till, cash, till"}]))
    preview.confirm()

    assert preview.changes[0]["aliases"] == (None, ["Till", "cash"])
    assert sorted(ServiceAlias.objects.values_list("name", flat=True)) == ["Till", "cash"]


def test_a_name_that_somebody_gave_meanwhile_is_said_in_words(
    lead: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = Import(lead, "service", as_csv([PAY]))

    def too_late(*_: Any, **__: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr("handoff.admin.service_sheets.write", too_late)

    assert "Somebody wrote one of these names just now. Nothing was written." in preview.confirm()


def test_a_service_that_was_adopted_since_the_preview_is_left_to_who_did_it(lead: Visitor) -> None:
    service = ServiceFactory.create(slug="pay", lifecycle="live", developer_managed=False)
    preview = Import(lead, "service", as_csv([{"slug": "pay", "title": "Till"}]))
    ManagementChangeFactory.create(service=service, state="ops_managed")
    page = preview.confirm()

    assert preview.changes[0]["state"] == (None, "developer_managed")
    assert "do something else than you were shown" in page
    assert Service.objects.get().title != "Till"


def test_missing_teams_and_systems_are_made_for_whoever_asks(lead: Visitor) -> None:
    SystemFactory.create(slug="shop")
    sheet = as_csv([{**PAY, "team": "new", "system": "bank"}, {**PAY, "slug": "b", "ops team": "new"}])
    preview = Import(lead, "service", sheet, **MISSING)

    assert preview.outcomes == ["created", "created"]
    assert not Team.objects.filter(slug="new").exists()
    preview.confirm()
    assert Team.objects.get(slug="new").placeholder
    assert System.objects.filter(slug="bank").exists()
    assert Service.objects.get(slug="b").ops_team == Service.objects.get(slug="pay").owner


def test_a_service_that_is_not_live_gets_no_state(lead: Visitor) -> None:
    Import(lead, "service", as_csv([{**PAY, "lifecycle": "Pre-launch", "state": ""}])).confirm()

    assert Service.objects.get().lifecycle == "pre_launch"
    assert not ManagementChange.objects.exists()


def test_what_is_exported_can_be_imported_and_changes_nothing(lead: Visitor) -> None:
    Import(lead, "service", as_csv([PAY])).confirm()
    sheet = exported(lead, "/admin/readiness/service/").getvalue()

    assert Import(lead, "service", sheet).outcomes == ["unchanged"]


def test_the_example_of_the_template_is_a_service(lead: Visitor) -> None:
    example = {column.name: column.example for column in LAYOUT.columns}

    assert Import(lead, "service", as_csv([example]), **MISSING).outcomes == ["created"]


@pytest.mark.parametrize("where", ["import/", "process_import/", "import/template.csv"])
def test_it_takes_the_right_to_add_services(where: str) -> None:
    viewer = Visitor("change_service", "add_incident")
    method = viewer.client.post if where == "process_import/" else viewer.client.get

    assert method(f"/admin/readiness/service/{where}").status_code == 403
    assert "service/import/" not in viewer.get("/admin/readiness/service/")


def test_the_list_keeps_its_buttons_beside_the_import() -> None:
    page = Visitor("add_service", "add_evaluation").get("/admin/readiness/service/")

    assert "/admin/readiness/service/import/" in page
    assert "/admin/readiness/service/export/" in page
    assert "/admin/readiness/service/add/" in page
    assert "Evaluate the fleet now" in page


def _queries(lead: Visitor, number: int) -> int:
    counted = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(sql, params, many, context)

    rows = [{**PAY, "slug": f"s{number}-{each}"} for each in range(number)]
    with connection.execute_wrapper(count):
        Import(lead, "service", as_csv(rows)).confirm()
    return counted


def test_many_services_take_as_many_queries_as_few(lead: Visitor) -> None:
    _queries(lead, 1)

    assert _queries(lead, 2) == _queries(lead, 50)  # SQLite takes 58 services in a statement
