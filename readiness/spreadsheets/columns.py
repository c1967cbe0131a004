"""The columns of each kind's sheet: the record's own fields, and how a cell of each is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from readiness.evidence import RECORDS, REPORTED_KINDS, Kind, Reference
from readiness.spreadsheets import cells
from readiness.spreadsheets.cells import Reader

FIRST = ("service", "services", "source", "id")
LAST = ("url", "updated_at", "drill", "withdrawn")
"""What names a row stands first; what every kind has and few sheets need, last."""
EXAMPLES: Mapping[str, str] = {
    "alert": "CheckoutErrorRate",
    "caused_by": "ci:4711",
    "component": "api",
    "environment": "production",
    "finding": "Two clients gave up at the second step.",
    "id": "4712",
    "incident": "pager:INC-17",
    "name": "Error rate",
    "on": "ledger",
    "person": "ada",
    "pipeline": "main",
    "query": "rate(errors[5m])",
    "responder": "ada",
    "service": "checkout",
    "services": "checkout, ledger",
    "severity": "2",
    "source": "tracker",
    "title": "Payments fail",
    "work_item": "tracker:PAY-3",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, how its cells are read, and what is told about it."""

    name: str
    read: Reader
    required: bool = False
    hint: str = ""
    example: str = ""


_READERS: Mapping[type, tuple[Reader, str, str]] = {
    datetime: (cells.moment, "a time", "2026-01-31 09:00"),
    bool: (cells.flag, "yes or no", "no"),
    int: (cells.whole, "a whole number", "3"),
    float: (cells.number, "a number", "1.5"),
    str: (cells.text, "text", ""),
}
"""How a field of a type is read, what is told about it, and an example."""


def _kinds_of(annotation: Any) -> Iterator[Any]:
    """The plain types that a field's annotation allows, null left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds_of(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for each in get_args(annotation):
            yield from _kinds_of(each)
    elif annotation is not type(None):
        yield origin or annotation


def _column(name: str, field: FieldInfo) -> Column:
    types = list(_kinds_of(field.annotation))
    first = types[0]
    read: Reader
    example = EXAMPLES.get(name, "")
    if Reference in types:
        read, hint = cells.reference, "an id of the same source, or source:id"
    elif issubclass(first, Enum):
        words = [each.value for each in (REPORTED_KINDS if first is Kind else first)]
        read, hint = cells.word, "one of " + ", ".join(words)
        example = words[0]
    elif issubclass(first, Sequence) and first is not str:
        read, hint = cells.names, "slugs or aliases, separated by commas"
    else:
        read, hint, usual = _READERS[first]
        example = example or usual
    if name in {"url", "review_url"}:
        hint, example = "an http or https address", "https://tracker.example/4712"
    return Column(name, read, required=field.is_required(), hint=hint, example=example)


def _columns(kind: Kind) -> tuple[Column, ...]:
    fields = RECORDS[kind].model_fields
    ordered = [name for name in FIRST if name in fields]
    ordered += [name for name in fields if name not in FIRST + LAST]
    ordered += [name for name in LAST if name in fields]
    return tuple(_column(name, fields[name]) for name in ordered)


COLUMNS: Mapping[Kind, tuple[Column, ...]] = {kind: _columns(kind) for kind in (*REPORTED_KINDS, Kind.FEED)}
"""The columns of every kind that a sheet can bring."""
