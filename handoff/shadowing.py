"""When a shadow has ended well, and when it must end otherwise: SCORING.md section 6. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from readiness.criteria.wording import counted, percent
from readiness.rendering.sentences import listed

SHADOW: Final = dt.timedelta(days=14)
"""So long a shadow lasts at least."""
LONGEST: Final = dt.timedelta(days=60)
"""From the first shadow on: a handoff that nobody took over lapses then."""
MOST: Final = 2
"""So many shadows a handoff has at most."""
GOOD: Final = 0.8
"""The least share of pages that are critical, and of those that are actionable."""
RECONSIDERED: Final = dt.timedelta(days=1)
"""So long the last word about a page may be taken back before a shadow is stopped because of it."""
BACK_UP: Final = dt.timedelta(days=28)
"""Operations are paged first, developers second, for so long after the move."""
REACHABLE: Final = dt.timedelta(days=180)
"""Developers stay reachable for so long after the move."""
DEVELOPERS: Final = 2
"""So many of them."""
LOOKS_BACK: Final = (30, 90)
"""Days after the move on which it is looked back at."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A shadow, counted: its pages, or where none came those of drills."""

    due_at: dt.datetime
    pages: int
    assessed: int
    critical: int
    actionable: int
    drill: bool
    """The pages are those of drills: no other came."""
    unturned: Sequence[str]
    """Who of the rota has had no shift yet."""
    said_at: dt.datetime | None = None
    """When the last word about one of its pages was said."""

    @property
    def critical_share(self) -> float | None:
        """Of the assessed pages; ``None`` while there are none."""
        return self.critical / self.assessed if self.assessed else None

    @property
    def actionable_share(self) -> float | None:
        """Likewise."""
        return self.actionable / self.assessed if self.assessed else None


def lacking(tally: Tally, now: dt.datetime) -> list[str]:
    """What keeps a shadow from having ended well, one sentence each; empty where both sides may confirm."""
    return [*unfinished(tally, now), *bad(tally)]


def unfinished(tally: Tally, now: dt.datetime) -> list[str]:
    """What a shadow still waits for, one sentence each."""
    waits = []
    if now < tally.due_at:
        waits.append(f"It lasts until {tally.due_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC at least.")
    if tally.unturned:
        waits.append(f"The rota has not turned once: {listed(tally.unturned)} had no shift yet.")
    if not tally.pages:
        waits.append("No page came: a drill stands for one, with a page that says so.")
    elif left := tally.pages - tally.assessed:
        waits.append(f"{counted(left, 'page')} of {tally.pages} not assessed.")
    return waits


def bad(tally: Tally) -> list[str]:
    """Which shares of the assessed pages are too small, one sentence each."""
    shares = {"critical": tally.critical_share, "actionable": tally.actionable_share}
    return [
        f"{percent(share)} of the assessed pages are {name}: at least {percent(GOOD)} must be."
        for name, share in shares.items()
        if share is not None and share < GOOD
    ]


def failed(tally: Tally, now: dt.datetime) -> str:
    """Why a shadow has ended badly; empty where it has not, or not yet.

    All pages are assessed first, and nobody has said otherwise of one for a day.
    """
    fresh = tally.said_at is not None and now < tally.said_at + RECONSIDERED
    return "" if fresh or unfinished(tally, now) else " ".join(bad(tally))
