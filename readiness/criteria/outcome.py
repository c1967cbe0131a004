"""What a criterion answers: numbers only; sentences are made from them when somebody reads."""

from dataclasses import dataclass
from typing import NamedTuple

Value = float | int | None
Shown = float | int | str | bool | None


class Part(NamedTuple):
    """One measured part: ``value`` in the part's unit, ``score`` 0 to 100; both ``None`` where it is n/a."""

    name: str
    value: Value
    score: float | None
    weight: float


class Gap(NamedTuple):
    """Why a criterion has no score: ``code`` names the lack, ``kind`` the feed, ``numbers`` the details.

    Codes: a :class:`~readiness.facts.FeedStatus` (``no_feed``, ``silent``, ``too_short``) with its kind, or
    ``too_few`` (fewer rows than needed), ``unattributed``, ``never_verified``, ``not_launched``,
    ``no_parts`` (every part is n/a).
    """

    code: str
    kind: str | None = None
    numbers: tuple[tuple[str, float | int | str | None], ...] = ()


class Blocker(NamedTuple):
    """A condition that no average can outweigh; ``rows`` name (``kind/source:id``) what it rests on."""

    code: str
    criterion: str
    rows: tuple[str, ...] = ()
    numbers: tuple[tuple[str, float | int | str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A criterion's answer for one service at T: a score of 0 to 100, or the gaps that stand in its way."""

    score: float | None
    parts: tuple[Part, ...] = ()
    """Empty when there is no score."""
    gaps: tuple[Gap, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    shown: tuple[tuple[str, Shown], ...] = ()
    """Numbers people see that carry no score: (name, value)."""
