"""Whether higher scores went with more or less of what came after: rank correlation, with its doubt.

Spearman's rank correlation between a score and the rate that followed. Its interval is a percentile bootstrap
that draws services, not observations (a cluster bootstrap, Field and Welsh 2007): the moments of one service
resemble each other, and horizons overlap, so that counting each moment alone would make chance look certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from readiness.foretelling.observations import CONSEQUENCES, OVERALL, Consequence, Observation

RESAMPLES: Final = 1_000
SEED: Final = 20_260_101
CONFIDENCE: Final = 95.0
LEAST_SERVICES: Final = 10
LEAST_OBSERVATIONS: Final = 30
_CELLS = 2_000_000
"""Resamples are worked in parts of at most so many numbers, so that memory stays bounded."""

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Relation:
    """One score against one consequence.

    ``correlation`` is negative where higher scores went with less of it; ``low`` to ``high`` is its 95 %
    interval. All three are ``None`` where it cannot be told, and ``why_not`` says why.
    """

    score: str
    consequence: str
    services: int
    observations: int
    correlation: float | None = None
    low: float | None = None
    high: float | None = None
    why_not: str = ""

    @property
    def found(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def relations(
    observations: Sequence[Observation],
    scores: Sequence[str],
    consequences: Sequence[Consequence] = CONSEQUENCES,
    *,
    resamples: int = RESAMPLES,
) -> list[Relation]:
    """Each score, the overall first, against each consequence. The same input gives the same answer."""
    return [
        relation(observations, score, consequence, resamples=resamples)
        for consequence in consequences
        for score in (OVERALL, *scores)
    ]


def relation(
    observations: Sequence[Observation], score: str, consequence: Consequence, *, resamples: int = RESAMPLES
) -> Relation:
    """One score against the rate of one consequence, where both are known and exposure is enough."""
    services: list[str] = []
    pairs: list[tuple[float, float]] = []
    for each in observations:
        value, tally = each.scores.get(score), each.after.get(consequence.slug)
        if value is None or tally is None or tally.exposure < consequence.least or tally.rate is None:
            continue
        services.append(each.service)
        pairs.append((value, tally.rate))
    known = Relation(score, consequence.slug, services=len(set(services)), observations=len(pairs))
    why_not = _too_little(pairs, known)
    if why_not:
        return replace(known, why_not=why_not)
    values = np.array(pairs, dtype=np.float64)
    clusters = np.unique(np.array(services), return_inverse=True)[1]
    correlation, low, high = interval(values[:, 0], values[:, 1], clusters, resamples=resamples)
    return replace(known, correlation=correlation, low=low, high=high)


def _too_little(pairs: Sequence[tuple[float, float]], known: Relation) -> str:
    if known.services < LEAST_SERVICES:
        return f"fewer than {LEAST_SERVICES} services had both a score and enough to see"
    if known.observations < LEAST_OBSERVATIONS:
        return f"fewer than {LEAST_OBSERVATIONS} observations had both a score and enough to see"
    for index, what in enumerate(("score", "rate")):
        if len({pair[index] for pair in pairs}) == 1:
            return f"every {what} is the same"
    return ""


def interval(
    scores: Floats, rates: Floats, clusters: Whole, *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, float, float]:
    """Spearman's correlation with the ends of its interval, each rounded to 3.

    ``clusters`` numbers each pair's service from 0. A resample in which nothing varies counts as 0: it shows
    no relation.
    """
    point = weighted_spearman(scores, rates, np.ones((1, len(scores))))[0]
    count = int(clusters.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    step = max(1, _CELLS // len(scores))
    parts = [
        weighted_spearman(scores, rates, drawn[start : start + step][:, clusters].astype(np.float64))
        for start in range(0, resamples, step)
    ]
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(np.concatenate(parts), (tail, 100 - tail))
    return round(float(point), 3), round(float(low), 3), round(float(high), 3)


def weighted_spearman(first: Floats, second: Floats, weights: Floats) -> Floats:
    """Spearman's correlation of pairs, once for each row of ``weights`` (how often each pair counts).

    The same as ranking each resample by itself with ties at their mean rank, without building it; 0 where
    one side does not vary.
    """
    total = weights.sum(axis=1, keepdims=True)
    # of whatever multiset, mid-ranks have the mean (n + 1) / 2
    x, y = (_mid_ranks(values, weights) - (total + 1) / 2 for values in (first, second))
    together = (weights * x * y).sum(axis=1)
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    varied = spread > 0
    found = np.zeros(len(weights))
    found[varied] = together[varied] / np.sqrt(spread[varied])
    return np.clip(found, -1.0, 1.0)


def _mid_ranks(values: Floats, weights: Floats) -> Floats:
    """The rank of each value among all, each counted as often as its weight says; ties share the mean."""
    order = np.argsort(values, kind="stable")
    begins = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    tied = np.add.reduceat(weights[:, order], begins, axis=1)
    ranks = np.cumsum(tied, axis=1) - (tied - 1) / 2
    place = np.empty(len(values), dtype=np.intp)
    place[order] = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(values)))
    return ranks[:, place]
