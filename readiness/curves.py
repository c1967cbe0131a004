"""Piecewise linear curves from a measured value to a score of 0 to 100, and the weighted mean of scores."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, isfinite

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through ``points`` (value, score), flat outside them; values increase, scores are 0 to 100.

    Raises ``ValueError`` for fewer than two points, for values out of order and for scores out of bounds. A
    curve may rise and fall again: too little of something can be as bad as too much.
    """

    points: tuple[Point, ...]
    xs: tuple[float, ...] = field(init=False, repr=False, compare=False)
    ys: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is no curve, and split the points: ``at`` is called 27 times for every service."""
        if len(self.points) < 2:
            raise ValueError("a curve needs at least two points")
        xs = tuple(x for x, _ in self.points)
        ys = tuple(y for _, y in self.points)
        if not all(map(isfinite, xs + ys)):
            raise ValueError("a curve's points are finite numbers")
        if any(right <= left for left, right in pairwise(xs)):
            raise ValueError("a curve's values must increase from point to point")
        if any(not 0 <= y <= 100 for y in ys):
            raise ValueError("a curve's scores lie between 0 and 100")
        object.__setattr__(self, "xs", xs)
        object.__setattr__(self, "ys", ys)

    def at(self, x: float) -> float:
        """The score of a value, rounded to two decimals."""
        xs = self.xs
        right = bisect_right(xs, x)
        if right == 0:
            return round(self.ys[0], 2)
        left = right - 1
        y = self.ys[left]
        if right == len(xs):
            return round(y, 2)
        x0 = xs[left]
        return round(y + (self.ys[right] - y) * (x - x0) / (xs[right] - x0), 2)

    def inverse(self, target: float, start: float) -> float | None:
        """The value nearest to ``start`` whose score is at least ``target``; ``None`` where no value's is."""
        if self.at(start) >= target:
            return start
        # Scores have two decimals, so a target between two of them is met by the upper one only.
        goal = ceil(target * 100 - 1e-9) / 100
        reached = list(self._reaching(goal))
        return min(reached, key=lambda x: abs(x - start)) if reached else None

    def _reaching(self, goal: float) -> Iterable[float]:
        """The points at or above the goal, and where the line between two points crosses it."""
        yield from (x for x, y in self.points if y >= goal)
        for (x0, y0), (x1, y1) in pairwise(self.points):
            if min(y0, y1) < goal < max(y0, y1):
                yield x0 + (goal - y0) * (x1 - x0) / (y1 - y0)


def weighted_mean(pairs: Iterable[tuple[float, float]]) -> float | None:
    """The mean of (weight, value) pairs, rounded to two decimals; ``None`` without any weight."""
    listed = list(pairs)
    total = sum([weight for weight, _ in listed])
    if not total:
        return None
    return round(sum([weight * value for weight, value in listed]) / total, 2)
