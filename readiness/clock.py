"""The one source of "now": the real time plus an offset, so that a demo can stand where its data ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings

_STANDING: ContextVar[datetime | None] = ContextVar("standing", default=None)


def real_now() -> datetime:
    """The real time, in UTC: what the far future is measured against, and when things were received."""
    return datetime.now(UTC)


def offset() -> timedelta:
    """How far the clock stands from the real time; zero but in demos."""
    configured: timedelta = settings.CLOCK_OFFSET
    return configured


def now() -> datetime:
    """The clock's moment, in UTC: what is judged "now", and when decisions are made."""
    return standing() or going()


def going() -> datetime:
    """The clock's moment as it goes on, also while it stands: what is news is measured against it."""
    return real_now() + offset()


def standing() -> datetime | None:
    """The moment at which the clock stands, while a recorded decision is applied; ``None`` while it goes."""
    return _STANDING.get()


@contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Have :func:`now` answer this moment, here and nowhere else: only to apply what was decided then.

    Raises ``ValueError`` for a naive moment, and ``RuntimeError`` where the clock stands already: a decision
    is not made within another.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no offset from UTC")
    if standing() is not None:
        raise RuntimeError(f"the clock stands at {standing()} already")
    token = _STANDING.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _STANDING.reset(token)


def age(at: datetime) -> timedelta:
    """How long ago a moment was by the clock, never negative."""
    return max(now() - at, timedelta())


def is_stale(at: datetime) -> bool:
    """Whether a judgement as of this moment is older than the setting allows."""
    allowed: timedelta = settings.SCORECARD_STALE_AFTER
    return age(at) > allowed
