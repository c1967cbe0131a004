"""When something is sent: how long to wait after a failure, and when a team's daily digest is due. Pure."""

from datetime import datetime, timedelta
from typing import Final

from readiness.hours import Hours, time_zone

FIRST: Final = timedelta(seconds=30)
FACTOR: Final = 3
LONGEST: Final = timedelta(hours=6)
ATTEMPTS: Final = 12
"""A message that failed so often, over about a day and a half, is a dead letter."""
PAUSE: Final = timedelta(minutes=10)
"""A receiver that failed is left alone for at most so long: what still works is not kept for hours."""
GIVE_UP: Final = timedelta(days=7)
"""What waited so long for a receiver that fails is a dead letter, too."""


def delay(failures: int, jitter: float) -> timedelta:
    """How long to wait after so many failures in a row, from 1; ``jitter`` from 0 to 1 spreads the receivers.

    Half of it is certain, so that nobody is asked at once again; the other half is chance, so that those who
    failed together do not come back together.
    """
    longest = LONGEST if failures > 10 else min(LONGEST, FIRST * FACTOR ** (failures - 1))
    return longest / 2 + longest / 2 * jitter


def pause(failures: int, jitter: float) -> timedelta:
    """How long a receiver is left alone after so many failures in a row."""
    return min(delay(failures, jitter), PAUSE)


def next_digest(hours: Hours, after: datetime) -> datetime:
    """When the team's day next begins, weekends and holidays included; always later than ``after``."""
    zone = time_zone(hours.time_zone)
    local = after.astimezone(zone)
    opens = datetime.combine(local.date(), hours.opens, zone)
    if opens <= local:
        opens = datetime.combine(local.date() + timedelta(days=1), hours.opens, zone)
    return opens
