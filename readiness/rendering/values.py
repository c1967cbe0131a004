"""A number with its unit, in words: how values of scorecards stand wherever people read them."""

from datetime import UTC, datetime
from typing import Any

from readiness.criteria.base import SHARE
from readiness.criteria.wording import number, percent

YES_NO = "yes (1) or no (0)"
MOMENT_UNIT = "moment"


def valued(value: Any, unit: str | None) -> str:
    """A value with its unit: ``33 %``, ``2.5 hours``, ``yes``, ``2026-06-17 09:00 UTC``."""
    if isinstance(value, bool) or unit == YES_NO:
        return "yes" if value else "no"
    if isinstance(value, str):
        return moment_words(datetime.fromisoformat(value)) if unit == MOMENT_UNIT else value
    if unit == SHARE:
        return percent(value)
    return f"{number(value)} {unit}" if unit else number(value)


def moment_words(at: datetime) -> str:
    """``2026-06-17 09:00 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plain(name: str) -> str:
    """A name of the document as words."""
    return name.replace("_", " ")
