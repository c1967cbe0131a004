"""Puts what an import would do into words: a row, what it would be, and each field from what to what."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from readiness.admin.labels import Tone, label, moment, yes
from readiness.ingest import Change, Outcome, RowReport

LONGEST = 120
"""Characters of a value that a preview shows."""
_TONES: dict[Outcome, Tone] = {Outcome.CREATED: "good", Outcome.UPDATED: "warn"}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A field from what to what; ``before`` is empty for a row that would be new."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row that would make or change something."""

    number: int
    name: str
    label: SafeString
    changes: list[ShownChange]


def shown(rows: Iterable[RowReport]) -> list[ShownRow]:
    """The rows as a page shows them."""
    return [
        ShownRow(
            row.number,
            row.name,
            label(row.outcome.value, _TONES.get(row.outcome, "plain")),
            [_change(each, new=row.outcome is Outcome.CREATED) for each in row.changes],
        )
        for row in rows
    ]


def _change(change: Change, *, new: bool) -> ShownChange:
    return ShownChange(change.field, "" if new else _words(change.before), _words(change.after))


def _words(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return yes(value)
    if isinstance(value, dt.datetime):
        return moment(value)
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
