"""The one source of "now": the real time plus an offset, so that a demo can stand where its data ends."""

from datetime import UTC, datetime, timedelta

from django.conf import settings


def real_now() -> datetime:
    """The real time, in UTC: what the far future is measured against, and when things were received."""
    return datetime.now(UTC)


def offset() -> timedelta:
    """How far the clock stands from the real time; zero but in demos."""
    configured: timedelta = settings.CLOCK_OFFSET
    return configured


def now() -> datetime:
    """The clock's moment, in UTC: what is judged "now", and when decisions are made."""
    return real_now() + offset()


def age(at: datetime) -> timedelta:
    """How long ago a moment was by the clock, never negative."""
    return max(now() - at, timedelta())


def is_stale(at: datetime) -> bool:
    """Whether a judgement as of this moment is older than the setting allows."""
    allowed: timedelta = settings.SCORECARD_STALE_AFTER
    return age(at) > allowed
