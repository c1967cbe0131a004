"""The worked fleet, imported, measured and judged, comes out as an independent implementation computed it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isclose
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from readiness import evaluation
from readiness.models import CurrentScore, Scorecard
from readiness.reading import rendered_many
from tests.worked_fleet import expected

pytestmark = pytest.mark.django_db

EXPECTED: dict[str, Any] = expected()
SERVICES: dict[str, dict[str, Any]] = EXPECTED["services"]
VERDICTS = ("handoff", "launch", "deploy", "handback")
COLUMNS = ("score", "evidence", "possible", "level", "management_state", *VERDICTS)


@pytest.fixture(scope="module")
def cards(worked_fleet_once: None, django_db_blocker: DjangoDbBlocker) -> dict[str, Scorecard]:
    """The scorecards of the worked fleet at the moment of ``expected.json``, by slug."""
    with django_db_blocker.unblock():
        run = evaluation.run(evaluation.request(datetime.fromisoformat(EXPECTED["at"])))
        assert (run.state, run.written, run.errors) == ("done", len(SERVICES), [])
        found = Scorecard.objects.filter(evaluation=run).select_related("service", "policy", "evaluation")
        return {card.service.slug: card for card in found.order_by("service__slug")}


def test_every_number_and_verdict_of_the_worked_fleet_comes_out_as_expected(
    cards: dict[str, Scorecard],
) -> None:
    assert sorted(cards) == sorted(SERVICES)
    wrong = [line for slug, card in cards.items() for line in differences(card, SERVICES[slug])]
    assert wrong == []


def test_the_columns_of_a_scorecard_say_what_its_document_says(cards: dict[str, Scorecard]) -> None:
    for slug, card in cards.items():
        assert {name: getattr(card, name) for name in COLUMNS} == {
            name: SERVICES[slug][name] for name in COLUMNS
        }
        current = CurrentScore.objects.get(service=card.service)
        assert (current.scorecard_id, current.score) == (card.pk, SERVICES[slug]["score"])


@pytest.mark.parametrize("explain", [False, True])
def test_the_json_that_people_and_machines_get_says_the_same(
    cards: dict[str, Scorecard], explain: bool
) -> None:
    for shown in rendered_many(cards.values(), explain=explain):
        wanted = SERVICES[shown["service"]]
        for name in ("score", "evidence", "possible", "level", "management_state", "tier"):
            assert shown[name] == wanted[name], (shown["service"], name)
        for name in VERDICTS:
            assert (shown["verdicts"][name] or {}).get("verdict") == wanted[name]
        assert sorted(each["code"] for each in shown["blockers"]) == sorted(wanted["blockers"])
        criteria = {each["slug"]: each for each in shown["criteria"]}
        for slug, numbers in {**wanted["criteria"], **wanted["practice"]}.items():
            status = "insufficient_evidence" if numbers["score"] is None else "scored"
            assert (criteria[slug]["score"], criteria[slug]["status"]) == (numbers["score"], status)
            parts = {part["name"]: part["value"] for part in criteria[slug]["parts"]}
            assert list(unlike(slug, parts, numbers)) == []


def differences(card: Scorecard, wanted: Mapping[str, Any]) -> Iterator[str]:
    """What is not as expected, in words."""
    document, name = card.numbers, card.service.slug
    found = {key: document[key] for key in ("tier", "score", "evidence", "possible", "level")}
    found["management_state"] = document["standing"]["state"]
    found["blockers"] = sorted(blocker[0] for blocker in document["blockers"])
    found |= {key: each and each["verdict"] for key, each in document["verdicts"].items()}
    for key, value in found.items():
        hoped = sorted(wanted[key]) if key == "blockers" else wanted[key]
        if value != hoped:
            yield f"{name} {key}: {value}, not {hoped}"
    for slug, numbers in {**wanted["criteria"], **wanted["practice"]}.items():
        outcome = document["criteria"][slug]
        if outcome["score"] != numbers["score"]:
            yield f"{name} {slug}: {outcome['score']}, not {numbers['score']}; {outcome['gaps']}"
        parts = {part: value for part, (value, _) in outcome["parts"].items()}
        yield from unlike(f"{name} {slug}", parts, numbers)


def unlike(what: str, parts: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Parts whose value is not the expected one, but for the order in which floats were added up."""
    for part, hoped in wanted.items():
        if part == "score":
            continue
        value = parts.get(part)
        if value != hoped and (value is None or hoped is None or not isclose(value, hoped, rel_tol=1e-12)):
            yield f"{what}.{part}: {value}, not {hoped}"
