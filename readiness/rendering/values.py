"""A number with its unit, in words: how values of scorecards stand wherever people read them."""

import re
from datetime import UTC, datetime
from typing import Any

from readiness.criteria.base import SHARE
from readiness.criteria.wording import number, percent

YES_NO = "yes (1) or no (0)"
MOMENT_UNIT = "moment"
_SINGULAR = {"people": "person", "stretches": "stretch"}
"""Units that are not made singular by taking an s off."""


def valued(value: Any, unit: str | None) -> str:
    """A value with its unit: ``33 %``, ``2.5 hours``, ``yes``, ``2026-06-17 09:00 UTC``."""
    if isinstance(value, bool) or unit == YES_NO:
        return "yes" if value else "no"
    if isinstance(value, str):
        return moment_words(datetime.fromisoformat(value)) if unit == MOMENT_UNIT else value
    if unit == SHARE:
        return percent(value)
    return f"{number(value)} {_of_one(unit) if value == 1 else unit}" if unit else number(value)


def _of_one(unit: str) -> str:
    """A unit in the singular, by its first noun: ``event per 7 days``."""
    return _SINGULAR.get(unit) or re.sub(r"(\w)s\b", r"\1", unit, count=1)


def moment_words(at: datetime) -> str:
    """``2026-06-17 09:00 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plain(name: str) -> str:
    """A name of the document as words."""
    return name.replace("_", " ")
