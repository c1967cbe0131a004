"""What the override of a verdict settles: items of a review that the scorecard keeps open. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from handoff.checklists.measuring import Measure
from handoff.checklists.outcomes import SETTLED, Outcome
from readiness.criteria import BY_SLUG

JUDGED: Final = frozenset({*BY_SLUG, "no_open_sev1", "launch_verdict"})
"""Measures that read the scorecard, whose verdict is overridden; the catalogue and a team's room are none."""


@dataclass(frozen=True, slots=True)
class Override:
    """An override that stands: who made it, and the slugs of the items that it settles."""

    actor: str
    items: Collection[str]


def may_cover(source: str, found: Measure) -> bool:
    """Whether an override settles what was measured: not settled, and because of the scorecard."""
    return source in JUDGED and found.outcome not in SETTLED


def with_override(slug: str, found: Measure, override: Override | None) -> Measure:
    """What an item comes to under an override; one that is met stays met."""
    if override is None or slug not in override.items or found.outcome in SETTLED:
        return found
    return Measure(Outcome.OVERRIDDEN, f"{found.reason} The verdict was overridden by {override.actor}.")
