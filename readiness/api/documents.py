"""A scorecard as JSON: what is rendered from its numbers, and the key of its row."""

from typing import Any

from readiness import reading
from readiness.models import Scorecard


def document(scorecard: Scorecard, *, explain: bool) -> dict[str, Any]:
    """The scorecard of DESIGN.md; ``explain`` adds links to the rows that weigh, which takes reading them."""
    return {"id": scorecard.pk, **reading.rendered(scorecard, explain=explain)}
