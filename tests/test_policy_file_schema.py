"""The JSON Schema of a policy file: an editor accepts what we accept, and underlines what we refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from readiness.criteria import CRITERIA
from readiness.policy_schema import policy_schema
from tests.judging import DEFAULT

PUBLISHED = Path(__file__).parents[1] / "docs" / "policy.schema.json"
VALIDATOR = Draft202012Validator(policy_schema())


def document() -> dict[str, Any]:
    """The default policy as JSON, in which keys are texts, as an editor sees it."""
    return dict(json.loads(json.dumps(yaml.safe_load(DEFAULT))))


def test_it_is_a_schema_and_the_published_one_is_up_to_date() -> None:
    Draft202012Validator.check_schema(policy_schema())
    assert json.loads(PUBLISHED.read_text()) == policy_schema(), (
        "manage.py policy schema > docs/policy.schema.json"
    )


def test_the_default_policy_is_valid_by_it() -> None:
    assert list(VALIDATOR.iter_errors(document())) == []


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda each: each.slug)
def test_each_criterion_has_its_parts_and_settings_by_name(criterion: Any) -> None:
    terms = policy_schema()["$defs"][criterion.slug]
    assert list(terms["properties"]["parts"]["properties"]) == list(criterion.part_titles)
    assert terms["title"] == criterion.title


def _set(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(policy: dict[str, Any]) -> None:
        for step in path[:-1]:
            policy = policy.setdefault(step, {})
        policy[path[-1]] = value

    return change


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(policy: dict[str, Any]) -> None:
        for step in path[:-1]:
            policy = policy[step]
        del policy[path[-1]]

    return change


@pytest.mark.parametrize(
    "mistake",
    [
        _set("windowdays", value=7),
        _set("window_days", value=-1),
        _set("criteria", "gossip", value={}),
        _set("criteria", "defects", "weight", value="heavy"),
        _set("criteria", "defects", "parts", "open_lode", value={"weight": 1, "curve": [[0, 0], [1, 1]]}),
        _set("criteria", "verification", "settings", "minimum", value=5),
        _set("criteria", "verification", "settings", "minimum_deployments", value="five"),
        _without("criteria", "defects", "parts", "open_load"),
        _without("criteria", "defects", "gated"),
        _without("handoff"),
        _set("tiers", "7", value={}),
        _set("tiers", "1", value={"criteria": {"gossip": {}}}),
        _set("tiers", "1", value={"criteria": {"defects": {"parts": {"open_lode": {}}}}}),
        _set("handback", "criteria", value=["gossip"]),
        _set("golden_signals", value=["gossip"]),
        _set("launch", "needs", value=["gossip"]),
        _set("deploy", "needs", value=["gossip"]),
        _set("handback", "needs", value=["gossip"]),
        _set("handback", "urgent", "causes", value=["gossip"]),
        _set("levels", value=[{"name": "outstanding", "overall": 90, "criteria": 80}]),
        _set("levels", value=[{"name": "none", "overall": 90, "criteria": 80}]),
    ],
)
def test_a_mistake_is_found(mistake: Callable[[dict[str, Any]], None]) -> None:
    policy = document()
    mistake(policy)
    assert list(VALIDATOR.iter_errors(policy))


def test_a_tier_names_only_what_differs() -> None:
    policy = document()
    policy["tiers"]["1"] = {
        "criteria": {"verification": {"gated": True, "parts": {"proven_share": {"weight": 50}}}}
    }
    assert list(VALIDATOR.iter_errors(policy)) == []
