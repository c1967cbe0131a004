"""Moments and spans as a command line takes them."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

from readiness import clock

_SPAN = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment(text: str) -> datetime:
    """An ISO-8601 moment with its offset, not after now, in UTC: days are counted there.

    Raises ``ArgumentTypeError`` in words.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no ISO-8601 moment such as 2026-06-17T09:00:00Z") from None
    if read.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no offset: add Z for UTC, or one such as +02:00")
    if read > clock.now():
        raise ArgumentTypeError(f"{text!r} is in the future; now is {clock.now():%Y-%m-%dT%H:%M:%SZ}")
    try:
        return read.astimezone(UTC)
    except OverflowError:
        raise ArgumentTypeError(f"{text!r} is before all time") from None


def span(text: str) -> timedelta:
    """A span such as ``12h``, ``7d`` or ``2w``. Raises ``ArgumentTypeError`` in words."""
    found = _SPAN.fullmatch(text)
    if found is None or not int(found[1]):
        raise ArgumentTypeError(f"{text!r} is no span such as 12h, 7d or 2w")
    return int(found[1]) * _UNITS[found[2]]
