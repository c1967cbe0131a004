"""Reads one record from JSON, or says in plain words which field is wrong and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from readiness.evidence.fields import LINK_PATTERN, NAME_PATTERN, NO_NUL, NO_SLUG, NO_TIME, SLUG_PATTERN
from readiness.evidence.records import RECORDS, REFUSED, Record
from readiness.evidence.statements import REFERENCES
from readiness.evidence.words import Kind

MAX_LINE = 4 * 1024 * 1024
"""Bytes of one record; a feed that names 20,000 services needs about half of it."""

FILES: Mapping[str, Kind] = {
    "deployments": Kind.DEPLOYMENT,
    "incidents": Kind.INCIDENT,
    "pages": Kind.PAGE,
    "defects": Kind.DEFECT,
    "signals": Kind.SIGNAL,
    "dependencies": Kind.DEPENDENCY,
    "pipeline_runs": Kind.PIPELINE_RUN,
    "shifts": Kind.SHIFT,
    "observations": Kind.OBSERVATION,
    "work_items": Kind.WORK_ITEM,
    "feeds": Kind.FEED,
    "people": Kind.PERSON,
}
"""The name of each kind's file in a fleet folder, without its ending."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong; ``reason`` reads on from ``field``, which is empty for the record itself."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field} {self.reason}".strip()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was not taken, with everything that is wrong with it."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))


def parse_line(kind: Kind, line: bytes | str, now: datetime) -> Record | Rejection:
    """Read one JSON object. ``now`` is the real time, against which the far future is refused."""
    if len(line) > MAX_LINE:
        return Rejection((Problem("", f"record is longer than {MAX_LINE} bytes"),))
    try:
        return RECORDS[kind].model_validate_json(line, context={"now": now})
    except ValidationError as error:
        return rejection(error)


def parse_object(kind: Kind, values: Mapping[str, Any], now: datetime) -> Record | Rejection:
    """Read one record from an object that was JSON already; the same rules as :func:`parse_line`."""
    try:
        return RECORDS[kind].model_validate(values, context={"now": now})
    except ValidationError as error:
        return rejection(error)


def rejection(error: ValidationError) -> Rejection:
    """Word a validation error: at most one problem a field, in the order of the record's fields."""
    by_field: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_field.setdefault(_field(detail), []).append(detail)
    return Rejection(tuple(Problem(field, _reason(field, details)) for field, details in by_field.items()))


def _field(detail: ErrorDetails) -> str:
    if detail["type"] == REFUSED:
        return str(detail["ctx"]["field"])
    place = [str(part) for part in detail["loc"]]
    return ".".join(place[:2]) if place[:1] and place[0] in _COLLECTIONS else "".join(place[:1])


_COLLECTIONS = frozenset({"services", "teams", "identities"})
"""Fields with entries: the entry is named too."""

_OTHER_BRANCH = frozenset({"datetime_type", "string_type", "none_required", "model_type"})
"""Errors of the branch of a union that was not meant."""


def _reason(field: str, details: Iterable[ErrorDetails]) -> str:
    details = list(details)
    if field and any(detail["type"] != "missing" and detail["input"] is None for detail in details):
        return "must not be null"
    if field in REFERENCES:
        return "is neither an id nor an object with source and id (each of 1 to 200 characters)"
    meant = [detail for detail in details if detail["type"] not in _OTHER_BRANCH] or details
    return _worded(meant[0])


_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this kind",
    "string_type": "must be text",
    "string_unicode": "is not valid Unicode text",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "sequence_str": "must be a list",
    "is_instance_of": "must be a list",
    "dict_type": "must be an object",
    "too_short": "has no entries",
    "too_long": "has more than {max_length} entries",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "enum": "must be {expected}",
    NO_TIME: "is not an ISO-8601 time with offset",
    "timezone_aware": "has no offset from UTC (write it like 2026-01-31T09:00:00Z)",
    "model_type": "record is not a JSON object",
    "json_type": "record is not a JSON object",
    REFUSED: "{reason}",
}

_PATTERNS: Mapping[str, str] = {
    NO_NUL: "contains a NUL character",
    NAME_PATTERN: "is blank or contains a NUL character",
    SLUG_PATTERN: NO_SLUG,
    LINK_PATTERN: "is not an http or https address",
}

_BOUNDED_TIME = {"greater_than_equal": "lies before 1990", "less_than_equal": "lies too far in the future"}


def _worded(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return _PATTERNS[context["pattern"]]
    if kind == "json_invalid":
        return f"record is not JSON: {context['error']}"
    if kind in _BOUNDED_TIME and isinstance(context.get("ge", context.get("le")), str):
        return _BOUNDED_TIME[kind]
    if kind.startswith("date_"):
        return "is not a date (write it like 2026-01-31)"
    if kind.startswith("datetime"):
        return _WORDS[NO_TIME]
    plain = {name: _plain(value) for name, value in context.items()}
    return _WORDS.get(kind, detail["msg"]).format_map(plain)


def _plain(value: Any) -> Any:
    """A bound of 100000.0 hours is read as 100000."""
    return int(value) if isinstance(value, float) else value
