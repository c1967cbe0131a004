"""Every list of the admin exports what it shows, filtered and ordered, as CSV, XLSX and JSON."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from pytest_django.fixtures import Settings

from readiness import clock
from readiness.admin import exports
from readiness.admin.exports import Exports
from readiness.evidence import RECORDS, Kind, parse_object
from readiness.models import Incident, MachineToken
from tests import factories
from tests.admin_pages import Visitor, exported
from tests.factories import NOW, ago
from tests.test_admin_lists import EVERY, EVIDENCE, at

pytestmark = pytest.mark.django_db

NOT_OURS = {"axes"}
"""Lists that a library brings in its own look."""
BESIDE = {"excluded", "target", "after_hours", "night", "first_received_at", "last_received_at", "changed_at"}
"""What stands beside the fields of a record."""


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """An hour after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(hours=1) - clock.real_now()


def rows_of(response: Any) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def sheet_of(response: Any) -> list[list[Any]]:
    """The rows of a workbook, with what is in their cells."""
    [sheet] = load_workbook(io.BytesIO(response.getvalue())).worksheets
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_every_list_has_an_export() -> None:
    without = {
        model._meta.label
        for model, listing in admin.site._registry.items()
        if not isinstance(listing, Exports) and model._meta.app_label not in NOT_OURS
    }

    assert without == set()


@pytest.mark.parametrize("file", ["csv", "xlsx", "json"])
@pytest.mark.parametrize(("model", "factory"), EVERY)
def test_a_list_is_exported_in_every_format(model: str, factory: Any, file: str) -> None:
    factory.create()
    response = exported(Visitor(), at(model), file=file)
    readers: dict[str, Callable[[Any], list[Any]]] = {
        "csv": rows_of,
        "xlsx": lambda answer: sheet_of(answer)[1:],
        "json": lambda answer: list(json.loads(answer.getvalue())),
    }

    assert len(readers[file](response)) >= 1
    assert f'filename="{model}-2026-07-01.{file}"' in response["Content-Disposition"]


@pytest.mark.parametrize(("model", "factory"), EVERY)
def test_many_rows_take_as_many_queries_as_few(model: str, factory: Any) -> None:
    visitor, counts = Visitor(), []
    for start in (1, 20):
        for number in range(start, start + 10):
            own: dict[str, dict[str, Any]] = {
                "policyversion": {"version": number},
                "evaluation": {"at": ago(days=number)},
            }
            factory.create(**own.get(model, {}))
        with CaptureQueriesContext(connection) as captured:
            exported(visitor, at(model)).getvalue()
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 9


def test_the_button_of_a_list_leads_to_the_form_with_the_filters_of_the_list() -> None:
    factories.IncidentFactory.create()
    visitor = Visitor()

    assert f'href="{at("incident", "export/")}?severity=1"' in visitor.get(at("incident"), severity="1")
    form = visitor.get(at("incident", "export/"), severity="1")
    for word in ("CSV", "XLSX", "JSON", "filtered and ordered", "caused_by"):
        assert word in form


@pytest.fixture
def incidents() -> list[Incident]:
    """Three incidents of two services."""
    pay, cart = factories.ServiceFactory.create(slug="pay"), factories.ServiceFactory.create(slug="cart")
    return [
        factories.IncidentFactory.create(
            service=pay, external_id="INC-1", severity=1, started_at=ago(days=3)
        ),
        factories.IncidentFactory.create(service=pay, external_id="INC-2", started_at=ago(days=2)),
        factories.IncidentFactory.create(
            service=cart, external_id="INC-3", drill=True, started_at=ago(days=1)
        ),
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["INC-3", "INC-2", "INC-1"]),
        ({"severity": "1"}, ["INC-1"]),
        ({"counts": "drill"}, ["INC-3"]),
        ({"q": "INC-2"}, ["INC-2"]),
        ({"started_at_from": "2026-06-29"}, ["INC-3", "INC-2"]),
    ],
)
def test_an_export_has_the_filters_and_the_order_of_its_list(
    incidents: list[Incident], query: dict[str, str], names: list[str]
) -> None:
    assert [row["id"] for row in rows_of(exported(Visitor(), at("incident"), **query))] == names


@pytest.mark.parametrize(("rights", "column"), [((), "1"), (("add_exclusion",), "2")])
def test_an_export_takes_the_order_that_the_list_was_clicked_into(
    incidents: list[Incident], rights: tuple[str, ...], column: str
) -> None:
    # the columns of the list: a box to tick for who may exclude, the service, then the moment
    rows = rows_of(exported(Visitor(*rights), at("incident"), o=column))

    assert [row["id"] for row in rows] == ["INC-1", "INC-2", "INC-3"]


def test_moments_have_an_offset_and_flags_are_words(incidents: list[Incident]) -> None:
    row = rows_of(exported(Visitor(), at("incident"), q="INC-3"))[0]

    assert (row["service"], row["source"], row["severity"]) == ("cart", "tests", "3")
    assert row["started_at"] == "2026-06-30T00:00:00+00:00"
    assert (row["drill"], row["withdrawn"], row["excluded"]) == ("yes", "no", "no")
    assert row["detected_at"] == ""


@pytest.mark.parametrize("model", EVIDENCE)
def test_evidence_has_the_fields_of_its_record_and_reads_as_one(model: str) -> None:
    EVIDENCE[model].create()
    kind = Kind({"pipelinerun": "pipeline_run", "workitem": "work_item"}.get(model, model))
    [row] = json.loads(exported(Visitor(), at(model), file="json").getvalue())

    fields = set(RECORDS[kind].model_fields)
    assert fields <= set(row)
    assert set(row) - fields <= BESIDE
    stated = {name: value for name, value in row.items() if name in fields and value is not None}
    assert parse_object(kind, stated, now=NOW).id == row["id"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "key", "in_csv", "in_json"),
    [
        ("tests", "d-1", "d-1", "d-1"),
        ("ci", "d-1", "ci:d-1", {"source": "ci", "id": "d-1"}),
        ("tests", "d:1", "tests:d:1", {"source": "tests", "id": "d:1"}),
        (None, None, "", None),
    ],
)
def test_a_reference_names_the_source_where_it_is_another(
    source: str | None, key: str | None, in_csv: str, in_json: Any
) -> None:
    factories.IncidentFactory.create(caused_by_source=source, caused_by_id=key)
    visitor = Visitor()

    assert rows_of(exported(visitor, at("incident")))[0]["caused_by"] == in_csv
    assert json.loads(exported(visitor, at("incident"), file="json").getvalue())[0]["caused_by"] == in_json


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(begins: str) -> None:
    title = f"{begins}cmd|' /C calc'!A0"
    factories.IncidentFactory.create(title=title)
    visitor = Visitor()

    assert rows_of(exported(visitor, at("incident")))[0]["title"].startswith(f"'{begins}")
    assert json.loads(exported(visitor, at("incident"), file="json").getvalue())[0]["title"] == title
    book = load_workbook(io.BytesIO(exported(visitor, at("incident"), file="xlsx").getvalue()))
    assert {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row} <= {"s", "n", "b"}


def test_characters_that_no_workbook_may_hold_are_left_out() -> None:
    factories.IncidentFactory.create(title="a\x0bb\x1fc")

    assert "abc" in sheet_of(exported(Visitor(), at("incident"), file="xlsx"))[1]


def test_an_empty_list_is_an_empty_file() -> None:
    visitor = Visitor()

    assert rows_of(exported(visitor, at("incident"))) == []
    assert json.loads(exported(visitor, at("incident"), file="json").getvalue()) == []
    assert len(sheet_of(exported(visitor, at("incident"), file="xlsx"))) == 1


def test_too_many_rows_are_refused_with_the_way_out(
    incidents: list[Incident], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "LIMIT", 2)
    visitor = Visitor()

    page = visitor.post(at("incident", "export/"), format="0", resource="0")
    assert "more than 2 rows, too many for one CSV file: filter the list" in page
    assert len(rows_of(exported(visitor, at("incident"), service__id__exact=incidents[0].service_id))) == 2


def test_a_workbook_holds_fewer_rows_than_the_other_files(
    incidents: list[Incident], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "XLSX_LIMIT", 2)
    visitor = Visitor()

    page = visitor.post(at("incident", "export/"), format="1", resource="0")
    assert "more than 2 rows, too many for one XLSX file" in page
    assert "CSV and JSON hold up to 200,000" in page
    assert len(rows_of(exported(visitor, at("incident")))) == 3


def test_a_filter_that_is_none_leads_back_to_the_list(incidents: list[Incident]) -> None:
    answer = Visitor().client.post(at("incident", "export/?nonsense=1"), {"format": "0"})

    assert answer.status_code == 302
    assert answer["Location"] == at("incident")


@pytest.mark.parametrize("model", ["incident", "person", "scorecard", "service"])
def test_who_may_not_view_a_list_may_not_export_it(model: str) -> None:
    visitor = Visitor(views=False)

    assert visitor.client.get(at(model, "export/")).status_code == 403
    assert visitor.client.post(at(model, "export/"), {"format": "0"}).status_code == 403


def test_a_person_has_teams_identities_and_an_address_for_who_may_view_people() -> None:
    team = factories.TeamFactory.create(slug="payments")
    person = factories.PersonFactory.create(slug="ada", email="ada@example.org", teams=[team])
    factories.IdentityFactory.create(person=person, external_id="U1")
    [row] = json.loads(exported(Visitor(), at("person"), file="json").getvalue())

    assert (row["email"], row["teams"], row["identities"]) == (
        "ada@example.org",
        ["payments"],
        {"pager": "U1"},
    )


def test_log_ins_are_exported_without_passwords_and_with_addresses_for_who_may_view_people() -> None:
    with_people = Visitor(name="grace")
    without = Visitor("view_user", name="ada", views=False)
    users = "/admin/auth/user/"

    text = exported(with_people, users).getvalue().decode()
    assert "password" not in text
    assert "argon2" not in text
    assert "email" in rows_of(exported(with_people, users))[0]
    assert "email" not in rows_of(exported(without, users))[0]
    assert {row["username"] for row in rows_of(exported(without, users))} == {"ada", "grace"}
    names = [row["name"] for row in rows_of(exported(with_people, "/admin/auth/group/"))]
    assert sorted(names) == sorted(Group.objects.values_list("name", flat=True))


def test_columns_of_tokens_leave_out_what_opens_doors() -> None:
    from_model = set(exports.columns_of(MachineToken))

    assert {"name", "source", "kinds", "services", "expiry", "last_used_at"} <= from_model
    assert from_model.isdisjoint({"digest", "token_key", "user", "password"})
