"""What a record states, column by column: the flat form that merging, staging tables and models share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from readiness.evidence.fields import Reference, RowReference
from readiness.evidence.records import RECORDS, FeedRecord, PersonRecord, Record
from readiness.evidence.words import Kind

Key = tuple[Any, ...]

REFERENCES = frozenset({"caused_by", "remediates", "incident", "work_item"})
"""Fields that name another row; each is two columns, ``x_source`` and ``x_id``."""
FLAGS = frozenset({"drill", "withdrawn"})
"""Columns that are never null: where nothing is said, or null, they are false."""
SPANNED = frozenset({Kind.SIGNAL, Kind.DEPENDENCY})
"""Kinds whose rows are spans: a re-appearance (another ``first_seen_at``) is another row."""

KEYS: Mapping[Kind, tuple[str, ...]] = {
    kind: ("source", "id", "first_seen_at") if kind in SPANNED else ("source", "id") for kind in Kind
} | {Kind.FEED: ("source", "kind", "service", "since"), Kind.PERSON: ("name",)}
"""The columns that name a row of a kind. A ``first_seen_at`` of ``None`` is a value like another."""

_UNSTORED = frozenset({"updated_at", "services"})


class Statement(NamedTuple):
    """What one record says of one row: a value for each column it mentions, ``None`` where it clears one.

    ``moment`` is when its source says this was so; ``None``: when it arrived. Moments are UTC, enums text.
    """

    kind: Kind
    key: Key
    moment: datetime | None
    stated: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a kind's fields become columns."""

    columns: tuple[str, ...]
    plain: frozenset[str]
    required: frozenset[str]


def _shape(record: type[Record]) -> _Shape:
    key = KEYS[record.KIND]
    hidden = _UNSTORED | ({"source", "id"} if record is PersonRecord else set())
    fields = [name for name in record.model_fields if name not in hidden and name not in key]
    columns: list[str] = []
    for name in fields:
        columns += _halves(name) if name in REFERENCES else (name,)
    return _Shape(
        columns=tuple(columns),
        plain=frozenset(fields) - REFERENCES,
        required=frozenset(name for name, field in record.model_fields.items() if field.is_required()),
    )


def _halves(name: str) -> tuple[str, str]:
    return f"{name}_source", f"{name}_id"


_SHAPES: Mapping[Kind, _Shape] = {kind: _shape(record) for kind, record in RECORDS.items()}

COLUMNS: Mapping[Kind, tuple[str, ...]] = {kind: shape.columns for kind, shape in _SHAPES.items()}
"""The columns a statement can fill, in a fixed order, without the key's; with ``service``, but for feeds."""


def blank(column: str) -> Any:
    """What a column holds while nothing is said of it."""
    return False if column in FLAGS else None


def statement(record: Record, *, service: str | None = None) -> Statement:
    """Flatten a record into what it states.

    ``service`` replaces the record's own by the slug it resolves to; a feed, which names many, needs it.
    A row that names itself is read as if it named nothing. Raises ``ValueError`` for a feed without service.
    """
    shape = _SHAPES[record.KIND]
    values = record.__dict__
    stated: dict[str, Any] = {}
    for field in record.model_fields_set:
        value = values[field]
        if field in shape.plain:
            stated[field] = _plain(field, value, shape)
        elif field in REFERENCES:
            stated.update(zip(_halves(field), _named(record, field, value), strict=True))
    if service is not None and "service" in stated:
        stated["service"] = service
    if isinstance(record, PersonRecord):
        _add_identity(record, stated)
    return Statement(record.KIND, _key(record, service), record.updated_at, stated)


def _plain(field: str, value: Any, shape: _Shape) -> Any:
    if value is None or (value == "" and field not in shape.required):
        return blank(field)
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _named(record: Record, field: str, value: RowReference | None) -> tuple[str | None, str | None]:
    """Source and id a reference names; a bare id is of the record's own source."""
    if value is None:
        return None, None
    own = record.__dict__["source"]
    named = (value.source, value.id) if isinstance(value, Reference) else (own, value)
    if field == "remediates" and named == (own, record.__dict__["id"]):
        return None, None
    return named


def _key(record: Record, service: str | None) -> Key:
    if isinstance(record, FeedRecord):
        if service is None:
            raise ValueError("A feed is stated for one service at a time; name it.")
        return record.source, record.kind.value, service, record.since
    return tuple(record.__dict__[column] for column in KEYS[record.KIND])


def _add_identity(record: PersonRecord, stated: dict[str, Any]) -> None:
    if record.source is not None and record.id is not None:
        stated["identities"] = {**(record.identities or {}), record.source: record.id}
