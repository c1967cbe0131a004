"""The records that REST bodies are, as JSON Schema for the OpenAPI document."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from readiness.evidence import RECORDS, Kind

NULL = {"type": "null"}


@cache
def evidence_schema(kind: Kind) -> dict[str, Any]:
    """The schema of a kind's record."""
    return record_schema(RECORDS[kind])


def record_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A record's schema in one piece: what pydantic refers to stands in its place."""
    schema = model.model_json_schema()
    whole: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return whole


def body_schema(record: Mapping[str, Any], most: int) -> dict[str, Any]:
    """One record or a list of them."""
    return {"oneOf": [record, {"type": "array", "items": record, "minItems": 1, "maxItems": most}]}


def _inlined(node: Any, named: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(each, named) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(named[node["$ref"].rpartition("/")[2]], named)
    if NULL in node.get("anyOf", ()):
        return _nullable(node, named)
    return {name: _inlined(below, named) for name, below in node.items()}


def _nullable(node: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """What may be null, as OpenAPI 3.0 says it."""
    others = [_inlined(each, named) for each in node["anyOf"] if each != NULL]
    rest = {name: value for name, value in node.items() if name != "anyOf"}
    # an enum beside `nullable` must name null itself
    if len(others) == 1 and "enum" not in others[0]:
        return {**others[0], **rest, "nullable": True}
    return {**rest, "nullable": True, "anyOf": [*others, {"enum": [None], "nullable": True}]}
