"""Machines write evidence over REST: one record or a list, each answered, safe to repeat."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from readiness.api.limits import MOST, ROUNDS
from readiness.ingest import RacedError
from readiness.models import Defect, Deployment, Incident, Page
from tests.factories import ServiceFactory
from tests.machines import CHANGES, RECORDS, SOURCE, Machine, reasons, record
from tests.rest import problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine() -> Machine:
    """A machine that may write everything of its source, for the services pay and shop."""
    ServiceFactory.create(slug="pay")
    ServiceFactory.create(slug="shop")
    return Machine()


@pytest.mark.parametrize("path", RECORDS)
def test_one_request_creates_updates_leaves_and_refuses_and_says_which(machine: Machine, path: str) -> None:
    assert machine.results(path, [record(path, "old"), record(path, "same")]) == ["created", "created"]

    asked = [
        record(path, "new"),
        record(path, "old", **CHANGES[path]),
        record(path, "same"),
        record(path, "wrong", nonsense=1),
    ]
    created, updated, unchanged, refused = machine.write(path, asked, status=207)
    assert [each["index"] for each in (created, updated, unchanged, refused)] == [0, 1, 2, 3]
    assert (created["result"], created["name"]) == ("created", f"{SOURCE}:new")
    assert (updated["result"], updated["changed"]) == ("updated", list(CHANGES[path]))
    assert (unchanged["result"], unchanged["changed"]) == ("unchanged", [])
    assert (refused["result"], reasons(refused)) == (
        "rejected",
        {"nonsense": "is not a field of this kind"},
    )
    assert machine.results(path, asked[:3]) == ["unchanged"] * 3


def test_a_single_record_is_answered_like_a_list_of_one(machine: Machine) -> None:
    assert machine.results("defects", record("defects")) == ["created"]
    assert machine.results("defects", record("defects")) == ["unchanged"]


def test_a_late_statement_changes_nothing_that_a_newer_one_said(machine: Machine) -> None:
    newer = record("defects", severity=1, updated_at="2026-06-10T00:00:00Z")
    older = record("defects", severity=4, updated_at="2026-06-09T00:00:00Z")

    assert machine.results("defects", [newer]) == ["created"]
    assert machine.results("defects", [older]) == ["unchanged"]
    assert Defect.objects.get().severity == 1


def test_a_list_may_tell_how_one_row_went_on(machine: Machine) -> None:
    went_on = [
        record("incidents", severity=3, updated_at="2026-06-02T10:00:00Z"),
        record("incidents", severity=2, updated_at="2026-06-02T11:00:00Z"),
        record("incidents", severity=2, updated_at="2026-06-02T12:00:00Z"),
    ]
    assert machine.results("incidents", went_on) == ["created", "updated", "unchanged"]
    assert Incident.objects.get().severity == 2


def test_a_row_that_one_list_speaks_of_again_and_again_is_answered_within_limits(machine: Machine) -> None:
    said = [record("defects", title=f"title {number}") for number in range(ROUNDS + 1)]
    *taken, over = machine.write("defects", said, status=207)
    assert {each["result"] for each in taken} == {"created", "updated"}
    assert "another request" in reasons(over)[None]  # type: ignore[index]


def test_when_nothing_was_taken_the_answer_is_a_problem_with_all_reasons(machine: Machine) -> None:
    response = machine.post("defects", [record("defects", severity=9), "no record"])
    told = response.json()

    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert (told["status"], told["counts"]["rejected"]) == (422, 2)
    assert reasons(told["results"][0]) == {"severity": "is more than 4"}
    assert reasons(told["results"][1]) == {None: "record is not a JSON object"}
    assert not Defect.objects.exists()


def test_after_hours_and_references_are_those_of_every_other_way_in(machine: Machine) -> None:
    machine.write("deployments", record("deployments", "d-1"))
    machine.write("incidents", record("incidents", "i-1", caused_by="d-1"))
    (told,) = machine.write("pages", record("pages", "p-1", incident={"source": "other", "id": "i-1"}))
    assert told["changed"] == ["service", "paged_at", "incident"]

    page = Page.objects.get()
    assert (page.after_hours, page.night) == (True, True)
    assert (page.incident_source, page.incident_id) == ("other", "i-1")
    assert Incident.objects.get().caused_by_source == SOURCE
    assert Deployment.objects.get().commits == 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[]", "empty"),
        (json.dumps([{}] * (MOST + 1)), "at most 1,000 records"),
        ("{", "no JSON"),
        ("NaN", "no JSON number"),
        ("[" * 100_000, "no JSON"),
        ('"\xff"', "no JSON"),
    ],
)
def test_a_body_that_is_no_list_of_records_is_refused_in_words(
    machine: Machine, body: str, says: str
) -> None:
    response = machine.client.post(
        "/api/v1/defects/", body.encode("latin-1"), content_type="application/json"
    )
    told = problem(response)
    assert told["status"] == 400
    assert says in json.dumps(told)


def test_a_body_beyond_the_limit_is_refused_unread(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.api.parsing.MEGABYTES", 0)
    told = problem(machine.post("defects", record("defects")))
    assert told["status"] == 413
    assert "several shorter lists" in told["detail"]


def test_who_is_raced_again_and_again_is_told_to_send_it_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raced(*_: Any) -> None:
        raise RacedError

    monkeypatch.setattr("readiness.ingest.writing.Writer.write", raced)
    response = machine.post("defects", record("defects"))
    told = problem(response)
    assert (told["status"], response["Retry-After"]) == (503, "1")
    assert "again" in told["detail"]


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
almost_records = st.fixed_dictionaries(
    {},
    optional={
        "service": st.sampled_from(["pay", "shop", "nobody"]) | json_values,
        "source": st.just(SOURCE) | json_values,
        "id": st.text(max_size=5) | json_values,
        "severity": st.integers(1, 4) | json_values,
        "title": st.text(max_size=5) | json_values,
        "opened_at": st.just("2026-06-02T09:00:00Z") | json_values,
        "kind": st.just("defect") | json_values,
        "services": st.just(["*"]) | json_values,
        "since": st.just("2099-06-02T09:00:00Z") | json_values,
        "last_seen_at": json_values,
    },
)


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(path=st.sampled_from(["defects", "feeds"]), body=st.lists(almost_records | json_values) | json_values)
def test_no_body_breaks_it(machine: Machine, path: str, body: Any) -> None:
    response = machine.client.post(
        f"/api/v1/{path}/", json.dumps(body).encode("utf-8", "surrogatepass"), content_type="application/json"
    )
    assert response.status_code in {200, 207, 400, 422}
    json.loads(response.content)


def test_a_list_takes_as_many_queries_as_a_record(machine: Machine) -> None:
    machine.write("defects", record("defects", "first"))  # tables of the session are made once

    def queries(rows: int) -> int:
        asked: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            asked.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            machine.write("defects", [record("defects", f"{rows}-{row}") for row in range(rows)])
        return len(asked)

    assert queries(2) == queries(300)
