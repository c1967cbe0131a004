"""The JSON Schema of a policy file, complete enough for an editor to check one by it."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from readiness.criteria import CRITERIA
from readiness.criteria.base import Criterion
from readiness.evidence import REPORTED_KINDS, Cause, SignalName
from readiness.policy import (
    LEVEL_LENGTH,
    NO_LEVEL,
    TIERS,
    CriterionChange,
    CriterionTerms,
    PartChange,
    PartTerms,
    Policy,
)

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> Schema:
    """The schema: every term, criterion, part and setting by name, and none beside them.

    What only a whole policy shows (levels in order, points that are a curve) ``load_policy`` alone checks.
    """
    models: list[type[BaseModel]] = [Policy, CriterionTerms, CriterionChange, PartTerms, PartChange]
    models += [criterion.settings for criterion in CRITERIA]
    found, schema = models_json_schema([(model, "validation") for model in models])
    definitions: Schema = schema["$defs"]
    whole, terms, change = (
        definitions.pop(_name(found[model, "validation"]))
        for model in (Policy, CriterionTerms, CriterionChange)
    )
    for unused in ("TierTerms", "JsonValue"):
        definitions.pop(unused)
    for criterion in CRITERIA:
        slug, rule = criterion.slug, found[criterion.settings, "validation"]
        definitions[slug] = _criterion(criterion, terms, settings=rule, part="PartTerms")
        overrides = {**definitions[_name(rule)], "required": []}
        definitions[f"{slug}_of_a_tier"] = _criterion(
            criterion, change, settings=overrides, part="PartChange"
        )
    slugs = [criterion.slug for criterion in CRITERIA]
    _name_words(whole, definitions, slugs)
    whole["properties"] |= {"criteria": _by_slug(slugs, ""), "tiers": _tiers(slugs)}
    return {
        "$schema": DIALECT,
        **whole,
        "title": "Handoff policy",
        "$defs": dict(sorted(definitions.items())),
    }


def _name_words(whole: Schema, definitions: Schema, slugs: list[str]) -> None:
    """The words that a list may hold, and how long a level's name may be."""
    lists: tuple[tuple[str, str, Iterable[str]], ...] = (
        ("LaunchTerms", "needs", REPORTED_KINDS),
        ("DeployTerms", "needs", REPORTED_KINDS),
        ("HandbackTerms", "needs", REPORTED_KINDS),
        ("HandbackTerms", "criteria", slugs),
        ("UrgentTerms", "causes", Cause),
    )
    for definition, term, words in lists:
        definitions[definition]["properties"][term]["items"]["enum"] = list(words)
    whole["properties"]["golden_signals"]["items"]["enum"] = list(SignalName)
    definitions["Level"]["properties"]["name"] |= {"maxLength": LEVEL_LENGTH, "not": {"const": NO_LEVEL}}


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _criterion(criterion: Criterion[Any], terms: Schema, *, settings: Schema, part: str) -> Schema:
    """The terms of one criterion, with the names of its own parts and settings."""
    complete = "required" in terms
    parts: Schema = {
        "type": "object",
        "properties": {
            name: {"$ref": f"#/$defs/{part}", "description": title}
            for name, title in criterion.part_titles.items()
        },
        "additionalProperties": False,
    }
    if complete:
        parts["required"] = list(criterion.part_titles)
    properties = {**terms["properties"], "parts": parts, "settings": settings}
    return {**terms, "title": criterion.title, "properties": properties}


def _by_slug(slugs: list[str], suffix: str) -> Schema:
    return {
        "type": "object",
        "properties": {slug: {"$ref": f"#/$defs/{slug}{suffix}"} for slug in slugs},
        "additionalProperties": False,
    }


def _tiers(slugs: list[str]) -> Schema:
    """What each tier changes."""
    tier = {
        "type": "object",
        "properties": {"criteria": _by_slug(slugs, "_of_a_tier")},
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "What a tier changes; it names only what differs.",
        "properties": {str(each): tier for each in TIERS},
        "additionalProperties": False,
    }
