"""What is put beside each other: a service's judgement at a moment, and what came in the time after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

OVERALL: Final = "overall"
"""The name of the overall score beside the criteria's slugs."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """A kind of thing that may come after a judgement, and what it is counted per."""

    slug: str
    title: str
    per: float
    """A rate is told per so much exposure."""
    unit: str
    """What that exposure is called in a sentence."""
    least: float
    """With less exposure than this a single rate says too little to be ranked."""


class Tally(NamedTuple):
    """So many events, and how much could have been seen of them: observed days, or changes."""

    events: int
    exposure: float

    @property
    def rate(self) -> float | None:
        """Events per one of exposure; ``None`` where nothing could have been seen."""
        return self.events / self.exposure if self.exposure > 0 else None


@dataclass(frozen=True, slots=True)
class Observation:
    """One service judged at one moment, and what came in the horizon after it.

    ``scores`` are 0 to 100 by criterion, and of ``OVERALL``; a criterion without a score is ``None`` or not
    there. ``after`` is by the consequence's slug; what is not there could not be seen.
    """

    service: str
    of: str
    """Which verdict applies: launch, handoff or handback."""
    verdict: str
    scores: Mapping[str, float | None]
    after: Mapping[str, Tally]


CONSEQUENCES: Final = (
    Consequence("incidents", "incidents of severity 1 to 3", 30, "30 observed days", 30),
    Consequence("after_hours", "events after hours", 30, "30 observed days", 30),
    Consequence("failed_changes", "failed changes", 1, "change", 5),
    Consequence("defects", "defects opened", 30, "30 observed days", 30),
)
