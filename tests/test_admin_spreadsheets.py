"""Evidence from spreadsheets: every mistake is shown before anything is written, then it is written once."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from readiness import clock
from readiness.evidence import Kind
from readiness.ingest.tables import TABLES
from readiness.models import Defect, Deployment, Feed, Incident, Page, Rejudgement, Service, Upload
from tests.admin_pages import Visitor, exported
from tests.factories import NOW, FeedFactory, IncidentFactory, ServiceFactory, TeamFactory
from tests.sheets import Import, as_csv, as_xlsx

pytestmark = pytest.mark.django_db

WHOSE = {"service": "pay", "source": "tracker", "id": "1"}
START, END = "2026-06-01 10:00", "2026-06-01 11:00"
ROWS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.DEPLOYMENT: {"environment": "production", "started_at": START, "outcome": "succeeded"},
    Kind.INCIDENT: {"severity": "2", "title": "down", "started_at": START},
    Kind.PAGE: {"paged_at": START},
    Kind.DEFECT: {"severity": "4", "title": "wrong", "opened_at": START},
    Kind.SIGNAL: {"signal": "latency", "first_seen_at": START, "last_seen_at": END},
    Kind.DEPENDENCY: {"on": "ledger", "type": "sync", "first_seen_at": ""},
    Kind.PIPELINE_RUN: {"pipeline": "main", "started_at": START, "outcome": "skipped"},
    Kind.SHIFT: {"person": "ada", "role": "ops", "starts_at": START, "ends_at": END},
    Kind.OBSERVATION: {
        "observer_role": "ops",
        "observed": "client",
        "observed_at": START,
        "finding": "slow",
    },
    Kind.WORK_ITEM: {"category": "feature", "title": "new", "opened_at": START},
}
INCIDENT = {**WHOSE, **ROWS[Kind.INCIDENT]}
SPAN = {
    "services": "pay, ledger",
    "source": "tracker",
    "kind": "incident",
    "since": START,
    "last_seen_at": END,
}
VOUCHED = {"reason": "The log is whole.", "link": "https://wiki.example/log"}


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """The clock stands at the moment of the tests."""
    settings.CLOCK_OFFSET = NOW - clock.real_now()


@pytest.fixture(autouse=True)
def pay() -> Service:
    """The service that sheets speak of; beside it stands another."""
    ServiceFactory.create(slug="ledger")
    made: Service = ServiceFactory.create(slug="pay")
    return made


@pytest.fixture
def lead() -> Visitor:
    """Somebody who may import everything."""
    kinds = [table.model._meta.model_name for table in TABLES.values()]
    return Visitor(*(f"add_{name}" for name in kinds))


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("write", [as_csv, as_xlsx])
def test_every_kind_is_previewed_then_written_once(kind: Kind, write: Any, lead: Visitor) -> None:
    model: Any = TABLES[kind].model
    sheet = write([{**WHOSE, **ROWS[kind]}])
    preview = Import(lead, model._meta.model_name, sheet)

    assert preview.outcomes == ["created"]
    assert not model.objects.exists()
    assert "Imported: 1 created, 0 updated, 0 unchanged." in preview.confirm()
    [row] = model.objects.all()
    assert (row.service.slug, row.source, row.external_id) == ("pay", "tracker", "1")
    assert Import(lead, model._meta.model_name, sheet).outcomes == ["unchanged"]


def test_a_preview_says_what_would_change_from_what_to_what(lead: Visitor) -> None:
    Import(lead, "incident", as_csv([INCIDENT])).confirm()
    preview = Import(
        lead, "incident", as_csv([{**INCIDENT, "severity": "1", "resolved_at": END, "title": ""}])
    )

    assert preview.mistakes == {2: "title is missing"}

    preview = Import(lead, "incident", as_csv([{**INCIDENT, "severity": "1", "resolved_at": END}]))
    resolved = dt.datetime(2026, 6, 1, 11, tzinfo=dt.UTC)

    assert preview.outcomes == ["updated"]
    assert preview.changes == [{"severity": (2, 1), "resolved_at": (None, resolved)}]
    assert "2 → 1" in preview.said
    assert "– → 2026-06-01 11:00 UTC" in preview.said
    assert Incident.objects.get().severity == 2
    assert "1 updated" in preview.confirm()
    assert Incident.objects.get().severity == 1


def test_all_mistakes_are_found_before_anything_is_written(lead: Visitor) -> None:
    IncidentFactory.create(
        service=Service.objects.get(slug="pay"), source="tracker", external_id="9", resolved_at=None
    )
    rows = [
        INCIDENT,
        {**INCIDENT, "id": "2", "service": "nobody"},
        {**INCIDENT, "id": "3", "severity": "two", "started_at": "yesterday"},
        {**INCIDENT, "id": "1", "title": "the same thing again"},
        {**INCIDENT, "id": "9", "started_at": "2026-05-01 00:00"},
    ]
    preview = Import(lead, "incident", as_csv(rows))

    assert preview.mistakes == {
        3: "service 'nobody' is no service or alias that the catalogue knows",
        4: "severity must be a whole number; started_at is no time: write it like 2026-01-31 09:00 or "
        "2026-01-31T09:00+01:00, or format the cell as a date",
        5: "is about the same thing as row 2; keep one of them",
    }
    assert preview.form is None
    assert "Nothing was written: 3 of 5 rows are wrong" in preview.said
    assert Incident.objects.count() == 1
    assert not Upload.objects.exists()
    assert not Rejudgement.objects.exists()


def test_a_row_that_cannot_be_true_once_merged_is_a_mistake(lead: Visitor) -> None:
    Import(lead, "incident", as_csv([{**INCIDENT, "resolved_at": END}])).confirm()
    preview = Import(lead, "incident", as_csv([{**INCIDENT, "started_at": "2026-06-02 00:00"}]))

    assert preview.mistakes == {2: "resolved_at is before started_at once merged"}


def test_what_was_previewed_and_no_longer_holds_is_not_written(lead: Visitor, pay: Service) -> None:
    preview = Import(lead, "incident", as_csv([INCIDENT]))
    Service.objects.filter(pk=pay.pk).update(slug="payments")
    page = preview.confirm()

    assert "Something changed since the preview. Row 2: service &#x27;pay&#x27; is no service" in page
    assert not Incident.objects.exists()


def test_what_would_do_something_else_than_was_previewed_is_not_written(lead: Visitor, pay: Service) -> None:
    IncidentFactory.create(service=pay, source="tracker", external_id="1", title="slow")
    preview = Import(lead, "incident", as_csv([INCIDENT]))
    Incident.objects.update(title="somebody knew better")
    page = preview.confirm()

    assert "The import would do something else than you were shown. Nothing was written." in page
    assert Incident.objects.get().title == "somebody knew better"


def test_nobody_confirms_what_somebody_else_was_shown(lead: Visitor) -> None:
    preview = Import(lead, "incident", as_csv([INCIDENT]))
    preview.visitor = Visitor("add_incident", name="bob")

    assert "Upload the file once more." in preview.confirm()
    assert not Incident.objects.exists()


def test_a_preview_is_confirmed_once(lead: Visitor) -> None:
    preview = Import(lead, "incident", as_csv([INCIDENT]))
    preview.confirm()

    assert "This preview was imported meanwhile, or is too old." in preview.confirm()
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "x"},
        {"format": "7"},
        {"resource": "7"},
        {"time_zone": "Mars/Olympus"},
        {"import_file_name": ""},
        {"previewed": ""},
        {"previewed": "0" * 64},
        {"import_file_name": "/etc/hostname"},
    ],
)
def test_a_confirmation_that_no_preview_made_writes_nothing(lead: Visitor, changes: dict[str, str]) -> None:
    preview = Import(lead, "incident", as_csv([INCIDENT]))
    assert preview.form is not None
    preview.form.initial |= changes

    assert "Upload the file once more." in preview.confirm()
    assert not Incident.objects.exists()


def test_an_upload_that_nobody_confirms_is_forgotten(lead: Visitor) -> None:
    Import(lead, "incident", as_csv([INCIDENT]))
    Upload.objects.update(made_at=clock.real_now() - Upload.KEPT - dt.timedelta(minutes=1))
    Import(lead, "incident", as_csv([INCIDENT]))

    assert Upload.objects.count() == 1


def test_who_imported_what_is_on_record(lead: Visitor) -> None:
    Import(lead, "incident", as_csv([INCIDENT])).confirm()
    entry = LogEntry.objects.get()

    assert entry.user == lead.user
    assert entry.change_message == "Imported rows.csv: 1 created, 0 updated, 0 unchanged."


def test_an_import_has_its_services_judged_again(lead: Visitor, pay: Service) -> None:
    Import(lead, "incident", as_csv([INCIDENT])).confirm()

    assert [each.service for each in Rejudgement.objects.all()] == [pay]


def test_after_hours_are_those_of_the_owner_and_times_those_of_the_file(lead: Visitor, pay: Service) -> None:
    pay.owner = TeamFactory.create(time_zone="America/New_York")
    pay.save()
    Import(lead, "page", as_csv([{**WHOSE, "paged_at": START}]), time_zone="Europe/Berlin").confirm()
    page = Page.objects.get()

    assert page.paged_at == dt.datetime(2026, 6, 1, 8, tzinfo=dt.UTC)
    assert (page.after_hours, page.night) == (True, True)


def test_a_cell_that_looks_like_a_formula_is_text(lead: Visitor) -> None:
    title = '=HYPERLINK("https://evil.example","x")'
    for number, write in enumerate((as_csv, as_xlsx)):
        Import(
            lead, "defect", write([{**WHOSE, **ROWS[Kind.DEFECT], "id": number, "title": title}])
        ).confirm()

    assert set(Defect.objects.values_list("title", flat=True)) == {title}


def test_what_is_exported_can_be_imported_and_changes_nothing(lead: Visitor) -> None:
    rows = [
        {**INCIDENT, "title": "=down", "caused_by": "ci:7", "drill": "yes", "resolved_at": END},
        {**INCIDENT, "id": "2", "url": "https://tracker.example/2", "cause": "code"},
    ]
    Import(lead, "incident", as_csv(rows)).confirm()
    for file in ("csv", "xlsx"):
        sheet = exported(lead, "/admin/readiness/incident/", file=file).getvalue()
        preview = Import(lead, "incident", sheet)

        assert preview.outcomes == ["unchanged", "unchanged"]


@pytest.mark.parametrize(
    ("content", "fields", "said"),
    [
        (b"service,id,colour\npay,1,red\n", {}, "No such column: colour."),
        (b"service,id\npay,1\n", {}, "Missing column: source, severity, title, started_at."),
        (b"service;source\n", {}, "The file has no rows beneath its header."),
        (b"service,\xff\n1,2\n", {}, "The file is not UTF-8 text."),
        (b"", {}, "The submitted file is empty."),
        (as_csv([INCIDENT]), {"time_zone": "Mars/Olympus"}, "Select a valid choice."),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(
    lead: Visitor, content: bytes, fields: dict[str, str], said: str
) -> None:
    preview = Import(lead, "incident", content, **fields)

    assert said in preview.said
    assert preview.form is None
    assert not Upload.objects.exists()


def test_a_file_that_is_too_large_is_refused(lead: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.admin.sheets.forms.MAX_BYTES", 10)

    assert "The file is larger than" in Import(lead, "incident", as_csv([INCIDENT])).said


def test_feeds_from_a_sheet_are_declared_with_who_says_so_and_why(lead: Visitor) -> None:
    preview = Import(lead, "feed", as_csv([SPAN]), **VOUCHED)

    assert preview.outcomes == ["created"]
    preview.confirm()
    feeds = Feed.objects.order_by("service__slug")
    assert [(each.service.slug, each.origin, each.reason, each.url) for each in feeds] == [
        ("ledger", "declared", "The log is whole.", "https://wiki.example/log"),
        ("pay", "declared", "The log is whole.", "https://wiki.example/log"),
    ]
    assert {each.declared_by for each in feeds} == {f"{lead.user.pk} ada"}
    assert Import(lead, "feed", as_csv([SPAN]), **VOUCHED).outcomes == ["unchanged"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"services": "*"}, "services must be named one by one: * is for fleet folders"),
        ({"services": "pay, nobody"}, "services 'nobody': no services or aliases that the catalogue knows"),
        ({"last_seen_at": "2026-07-02 00:00"}, "lies ahead of the clock: only past periods can be declared"),
        ({"since": "2026-05-01 00:00"}, "covered already"),
        ({"kind": "gossip"}, "kind must be"),
    ],
)
def test_a_span_that_may_not_be_declared_is_refused(
    lead: Visitor, pay: Service, changes: dict[str, str], said: str
) -> None:
    heard = (
        FeedFactory.create(
            service=pay,
            kind="incident",
            source="tracker",
            since=NOW - dt.timedelta(days=60),
            last_seen_at=NOW,
        )
        if "since" in changes
        else None
    )
    preview = Import(lead, "feed", as_csv([{**SPAN, **changes}]), **VOUCHED)

    assert said in preview.mistakes[2]
    assert list(Feed.objects.all()) == ([heard] if heard else [])


def test_two_rows_may_not_declare_the_same_time(lead: Visitor) -> None:
    preview = Import(lead, "feed", as_csv([SPAN, {**SPAN, "since": "2026-06-01 10:30"}]), **VOUCHED)

    assert "covered already" in preview.mistakes[3]


def test_a_row_with_a_blank_link_has_the_one_of_the_form(lead: Visitor) -> None:
    Import(lead, "feed", as_csv([{**SPAN, "url": "  "}]), **VOUCHED).confirm()

    assert {feed.url for feed in Feed.objects.all()} == {VOUCHED["link"]}


@pytest.mark.parametrize("missing", ["reason", "link"])
def test_nobody_declares_without_reason_and_link(lead: Visitor, missing: str) -> None:
    preview = Import(lead, "feed", as_csv([SPAN]), **{**VOUCHED, missing: ""})

    assert "This field is required" in preview.said
    assert preview.form is None


@pytest.mark.parametrize(
    "where", ["import/", "process_import/", "import/template.csv", "import/template.xlsx"]
)
@pytest.mark.parametrize("model", ["incident", "feed"])
def test_it_takes_the_right_to_add_rows_of_the_kind(model: str, where: str) -> None:
    viewer = Visitor("add_page")
    path = f"/admin/readiness/{model}/"
    method = viewer.client.post if where == "process_import/" else viewer.client.get

    assert method(path + where).status_code == 403
    assert f"{path}import/" not in viewer.get(path)
    assert "/admin/readiness/page/import/" in viewer.get("/admin/readiness/page/")
    assert Client().get(path + "import/").status_code == 302


@pytest.mark.parametrize("model", ["incident", "feed"])
def test_the_page_of_an_import_names_its_columns_and_gives_templates(lead: Visitor, model: str) -> None:
    path = f"/admin/readiness/{model}/import/"
    page = lead.get(path)

    assert "last_seen_at" in page or "started_at" in page
    for ending in ("csv", "xlsx"):
        assert f"{path}template.{ending}" in page
        answer = lead.client.get(f"{path}template.{ending}")
        assert f'filename="{model}.{ending}"' in answer["Content-Disposition"]
        assert answer.content
    assert lead.client.get(f"{path}template.pdf").status_code == 404


def _queries(lead: Visitor, number: int) -> int:
    """How many statements an import of so many new rows takes, its preview included."""
    counted = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(sql, params, many, context)

    rows = [{**WHOSE, **ROWS[Kind.DEPLOYMENT], "id": f"{number}-{each}"} for each in range(number)]
    with connection.execute_wrapper(count):
        Import(lead, "deployment", as_csv(rows)).confirm()
    return counted


def test_a_large_sheet_takes_a_constant_number_of_queries_a_chunk(
    lead: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readiness.ingest.store.CHUNKS", {"sqlite": 50, "postgresql": 50})
    monkeypatch.setattr("readiness.ingest.row_by_row.BATCH", 50)
    _queries(lead, 1)
    few, one_chunk, ten_chunks = (_queries(lead, number) for number in (2, 50, 500))

    assert few == one_chunk
    assert ten_chunks < 10 * one_chunk
    assert Deployment.objects.count() == 553
