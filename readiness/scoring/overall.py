"""The overall of a service: its score, what it may be at best, how much is evidence, and the level."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from readiness.criteria.outcome import Outcome
from readiness.curves import weighted_mean
from readiness.rubric import Rubric

NO_LEVEL = "none"


@dataclass(frozen=True, slots=True)
class Overall:
    """The range ``score`` to ``possible`` (0 to 100), and the share (0 to 1) of weight that has evidence."""

    score: float
    evidence: float
    possible: float


def overall(
    outcomes: Mapping[str, Outcome], rubric: Rubric, *, leaving_out: Container[str] = ()
) -> Overall | None:
    """The mean over the weighted criteria; insufficient ones count 0 (``score``) or 100 (``possible``).

    ``leaving_out`` names criteria that take no part. ``None`` when nothing is left to judge (SCORING.md
    section 4).
    """
    judged = [
        (each.weight, outcomes[each.slug].score) for each in rubric.weighted if each.slug not in leaving_out
    ]
    score = weighted_mean((weight, each or 0.0) for weight, each in judged)
    possible = weighted_mean((weight, 100.0 if each is None else each) for weight, each in judged)
    if score is None or possible is None:
        return None
    known = sum([weight for weight, each in judged if each is not None])
    return Overall(score, round(known / sum([weight for weight, _ in judged]), 4), possible)


def level(whole: Overall, outcomes: Mapping[str, Outcome], rubric: Rubric, *, blocked: bool) -> str:
    """The highest level reached; an insufficient criterion fails it, an unwaived blocker caps it."""
    scores = [outcomes[each.slug].score for each in rubric.weighted]
    if None in scores:
        return NO_LEVEL
    lowest = min([each for each in scores if each is not None], default=0.0)
    capped = not blocked
    for each in rubric.levels:
        capped = capped or each.name == rubric.blocker_cap
        if capped and whole.score >= each.overall and lowest >= each.criteria:
            return each.name
    return NO_LEVEL
