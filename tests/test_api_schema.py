"""The OpenAPI document: made without a warning, valid, and true about problems and filters."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from readiness.api.limits import MOST
from readiness.evidence.records import IncidentRecord
from tests.machines import RECORDS
from tests.rest import Asker


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document as a file; it would not be written had there been a warning."""
    file = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--fail-on-warn", "--format", "openapi-json", "--file", str(file))
    return dict(json.loads(file.read_text()))


def test_it_is_made_without_a_warning_and_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "schema.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))

    assert file.read_text().startswith("openapi: 3")


@pytest.mark.django_db
def test_it_is_served_to_those_with_a_log_in() -> None:
    response = Asker().client.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})

    assert response.status_code == 200
    assert "/api/v1/services/{slug}/scorecard/" in response.content.decode()


def test_every_operation_says_that_errors_are_problems(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            expected = {"400", "401", "403", "500"}
            expected |= {"404"} if "{" in path else set()
            expected |= {"415"} if method == "post" else set()
            assert expected <= operation["responses"].keys(), (path, method)
            for status in expected:
                content = operation["responses"][status]["content"]
                assert content["application/problem+json"]["schema"] == {
                    "$ref": "#/components/schemas/Problem"
                }


HANDBACK = (
    *("reject", "withdraw", "joint-repair", "confirm", "stabilise", "comment"),
    *("findings", "close-finding", "plan", "finish-plan-item"),
)
HANDOFF = (
    *("reject", "withdraw", "open-review", "accept", "begin-shadow"),
    *("assess-page", "stop-shadow", "confirm", "complete", "comment"),
)
REVIEW = (
    *("comments", "sign", "reject", "withdraw", "launch", "override", "take-back-override"),
    *(f"items/{{item}}/{verb}" for verb in ("attest", "outcome", "assign", "fulfil")),
)
CATALOGUE = {"teams", "systems", "services"}
DECIDED = {
    *("consultants/", "consultants/{id}/end/", "consultants/{id}/notes/"),
    *("handoffs/", *(f"handoffs/{{id}}/{verb}/" for verb in HANDOFF)),
    *("handbacks/", *(f"handbacks/{{id}}/{verb}/" for verb in HANDBACK)),
    *("reviews/", *(f"reviews/{{id}}/{verb}/" for verb in REVIEW)),
    *("waivers/", *(f"waivers/{{id}}/{verb}/" for verb in ("approve", "refuse", "withdraw", "revoke"))),
}


def test_what_is_written_is_the_catalogue_and_evidence_and_evaluations_are_started_and_people_decide(
    document: dict[str, Any],
) -> None:
    writes = {
        (path, method)
        for path, operations in document["paths"].items()
        for method in operations
        if method != "get"
    }

    written = {f"/api/v1/{name}/" for name in (*RECORDS, *CATALOGUE, "feeds")}
    decided = {f"/api/v1/{path}" for path in DECIDED}
    assert writes == {(path, "post") for path in (*written, *decided, "/api/v1/evaluations/")}
    for path in decided:
        moved = document["paths"][path]["post"]["responses"]["409"]["content"]["application/problem+json"]
        assert moved["schema"] == {"$ref": "#/components/schemas/Moved"}
        headers = [each for each in document["paths"][path]["post"]["parameters"] if each["in"] == "header"]
        assert [(each["name"], each.get("required", False)) for each in headers] == [
            ("Idempotency-Key", False)
        ]
    assert "202" in document["paths"]["/api/v1/evaluations/"]["post"]["responses"]


def test_a_body_is_a_record_or_a_list_of_them_with_the_fields_of_the_records(
    document: dict[str, Any],
) -> None:
    operation = document["paths"]["/api/v1/incidents/"]["post"]
    body = operation["requestBody"]
    one, several = body["content"]["application/json"]["schema"]["oneOf"]

    assert body["required"]
    assert set(one["properties"]) == set(IncidentRecord.model_fields)
    assert set(one["required"]) == {"service", "source", "id", "severity", "title", "started_at"}
    assert one["properties"]["started_at"] == {"type": "string", "format": "date-time", "title": "Started At"}
    assert (several["items"], several["maxItems"]) == (one, MOST)
    assert {"200", "207", "413", "422"} <= operation["responses"].keys()
    assert {"machineToken": []} in operation["security"]


def test_filters_are_described_with_their_types(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/incidents/"]["get"]
    parameters = {each["name"]: each for each in operation["parameters"]}

    assert {
        "from",
        "to",
        "search",
        "ordering",
        "cursor",
        "page_size",
        "service",
        "counted",
    } <= parameters.keys()
    assert parameters["from"]["schema"] == {"type": "string", "format": "date-time"}
    assert parameters["counted"]["schema"] == {"type": "boolean"}
    assert parameters["severity"]["schema"]["items"]["enum"] == [1, 2, 3, 4, 5]
    assert parameters["service"]["schema"]["type"] == "array"
    assert "started_at" in parameters["ordering"]["description"]
