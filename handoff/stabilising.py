"""Exit criteria of a stabilisation, and what a scorecard's numbers say of them. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from readiness.criteria import BY_SLUG
from readiness.rubric import Rubric

CLOCK: Final = "stability"
CLOCK_DAYS: Final = "clock_days"
CLOCK_NEEDED: Final = 30.0
"""Days that the stability clock must count since the handback."""


def thresholds(numbers: Mapping[str, Any] | None, rubric: Rubric | None) -> dict[str, float]:
    """What must be reached, by measure: each gated criterion that scores under its threshold, and the clock.

    Scores are those of the scorecard at confirmation. A criterion without a score has not failed. Stability
    itself stays out: its threshold asks for the whole clock, and the exit for a part of it.
    """
    failed = {}
    if numbers is not None and rubric is not None:
        scores = {slug: value(numbers, slug) for slug in rubric.criteria if slug != CLOCK}
        failed = {
            slug: rubric.criteria[slug].threshold
            for slug, score in scores.items()
            if rubric.criteria[slug].gated and score is not None and score < rubric.criteria[slug].threshold
        }
    return {**failed, CLOCK_DAYS: CLOCK_NEEDED}


def value(numbers: Mapping[str, Any], measure: str) -> float | None:
    """What a scorecard says of a measure; ``None`` where there is not enough evidence."""
    outcome = numbers.get("criteria", {}).get(CLOCK if measure == CLOCK_DAYS else measure)
    if outcome is None or outcome["score"] is None:
        return None
    found = outcome["parts"][CLOCK_DAYS][0] if measure == CLOCK_DAYS else outcome["score"]
    return None if found is None else float(found)


def title(measure: str) -> str:
    """A measure as people read it."""
    known = BY_SLUG.get(measure)
    return known.title if known else "Days of the stability clock"
