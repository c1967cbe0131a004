"""The worked fleet comes out of the pure criteria as an independent implementation computed it."""

from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from readiness.criteria import BY_SLUG
from readiness.criteria.outcome import Outcome, Value
from readiness.policy import load_policy
from tests.worked_fleet import FOLDER, WorkedFleet, expected

POLICY = load_policy((Path(FOLDER).parents[1] / "readiness" / "policies" / "default.yaml").read_text())
SERVICES: dict[str, Any] = expected()["services"]
WHY: dict[str, list[tuple[str, str | None]]] = {
    "no deployment has been verified": [("never_verified", "deployment")],
    "too few deployments": [("too_few", "deployment")],
    "too few runs": [("too_few", "pipeline_run")],
    "too few work items": [("too_few", "work_item")],
    "no shifts": [("too_few", "shift")],
    "not launched": [("not_launched", None)],
    "too few incidents are attributed": [("unattributed", "incident")],
}


@pytest.fixture(scope="module")
def fleet() -> WorkedFleet:
    return WorkedFleet()


@pytest.mark.parametrize("slug", SERVICES)
def test_every_criterion_of_the_worked_fleet_has_the_expected_score_and_parts(
    fleet: WorkedFleet, slug: str
) -> None:
    outcomes = _outcomes(fleet, slug)
    for name, numbers in {**SERVICES[slug]["criteria"], **SERVICES[slug]["practice"]}.items():
        outcome = outcomes[name]
        parts = {part.name: part.value for part in outcome.parts}
        assert outcome.score == numbers["score"], (name, outcome, numbers)
        assert list(parts) == [key for key in numbers if key != "score"]
        for part, value in parts.items():
            assert _equal(value, numbers[part]), (name, part, value, numbers[part])


@pytest.mark.parametrize("slug", SERVICES)
def test_every_blocker_of_the_worked_fleet_is_the_expected_one(fleet: WorkedFleet, slug: str) -> None:
    found = {blocker.code for outcome in _outcomes(fleet, slug).values() for blocker in outcome.blockers}
    assert sorted(found) == sorted(SERVICES[slug]["blockers"])


@pytest.mark.parametrize("slug", SERVICES)
def test_every_gap_of_the_worked_fleet_has_the_expected_reason(fleet: WorkedFleet, slug: str) -> None:
    outcomes = _outcomes(fleet, slug)
    for name, why in SERVICES[slug]["why"].items():
        assert [(gap.code, gap.kind) for gap in outcomes[name].gaps] == _gaps(why), name


@pytest.mark.parametrize("slug", SERVICES)
def test_every_score_of_the_worked_fleet_is_put_into_words(fleet: WorkedFleet, slug: str) -> None:
    rubric = POLICY.rubric(fleet.services[slug].tier)
    for name, outcome in _outcomes(fleet, slug).items():
        if outcome.score is not None:
            parts: Mapping[str, Any] = {part.name: part.value for part in outcome.parts}
            text = BY_SLUG[name].describe(parts, dict(outcome.shown), rubric)
            assert text.endswith(".")
            assert "None" not in text


def _outcomes(fleet: WorkedFleet, slug: str) -> dict[str, Outcome]:
    facts = fleet.facts(slug)
    rubric = POLICY.rubric(facts.tier)
    return {name: criterion.judge(facts, rubric) for name, criterion in BY_SLUG.items()}


def _equal(value: Value, wanted: Value) -> bool:
    """Equal but for the order in which floats were added up."""
    if value is None or wanted is None:
        return value is wanted
    return isclose(value, wanted, rel_tol=1e-12)


def _gaps(why: str) -> list[tuple[str, str | None]]:
    """The hint of ``expected.json``, as codes: ``deployment: no feed, incident: no feed``."""
    if why in WHY:
        return WHY[why]
    named = (each.split(": ") for each in why.replace(";", ",").split(", "))
    return [(status.replace(" ", "_"), kind) for kind, status in named]
