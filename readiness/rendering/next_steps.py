"""Works next steps out backwards: which number must reach which value to meet the threshold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from readiness.criteria.base import Criterion
from readiness.criteria.wording import number
from readiness.curves import Curve, weighted_mean
from readiness.explaining import Closing
from readiness.rendering.sentences import listed, plural
from readiness.rubric import Rubric, RubricCriterion

COARSE_UNITS = ("hours", "minutes")
# Values of a continuous part are told, and reached, in steps of this.
COARSE, FINE = 0.1, 0.01
# Rounding moves a target by a step or two of the unit; further away there is nothing to find.
MOST_NUDGES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next. ``part`` with ``from_`` and ``to`` is ``None`` where evidence is missing."""

    text: str
    part: str | None = None
    from_: float | int | None = None
    to: float | int | None = None
    alone: bool = False
    """This step is enough for the criterion to meet its threshold, all else unchanged."""

    def document(self) -> dict[str, Any]:
        """The step as JSON types."""
        return {"text": self.text, "part": self.part, "from": self.from_, "to": self.to}

    @property
    def effort(self) -> float:
        """How far the way is, as a share of the greater of both values."""
        if self.from_ is None or self.to is None:
            return 0.0
        return abs(self.to - self.from_) / (max(abs(self.from_), abs(self.to)) or 1)


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion of a numbers document, with the rule it was judged by."""

    criterion: Criterion[Any]
    rubric: Rubric
    numbers: Mapping[str, Any]
    """``{score, parts {name: [value, score]}, shown, gaps}``"""

    @property
    def rule(self) -> RubricCriterion[Any]:
        """How this tier weighs and gates it."""
        rule: RubricCriterion[Any] = self.rubric.criteria[self.criterion.slug]
        return rule

    def curve(self, part: str) -> Curve:
        """The curve that the part's value went through."""
        return self.criterion.curve(part, self.numbers["shown"], self.rubric)

    def unit(self, part: str) -> float:
        """The least step in which the part's value is told."""
        granularity = self.criterion.granularity(part)
        if granularity is not None:
            return granularity
        return COARSE if self.criterion.units.get(part) in COARSE_UNITS else FINE

    def score_with(self, part: str, score: float) -> float:
        """The criterion's score if this part alone had another score."""
        mean = weighted_mean(
            (each.weight, score if each.name == part else known)
            for each in self.rule.ordered
            if (known := self.numbers["parts"].get(each.name, (None, None))[1]) is not None
        )
        return mean or 0.0


def next_steps(judged: Judged, closings: Sequence[Closing] = ()) -> list[Step]:
    """The next steps of a criterion, those that are enough by themselves first, then the shortest way first.

    A criterion without a score is told which evidence it lacks; one that meets its threshold needs nothing.
    """
    score = judged.numbers["score"]
    if score is None:
        return [Step(text) for text in _fill(judged.numbers["gaps"])]
    if score >= judged.rule.threshold:
        return []
    steps = [step for part in judged.rule.ordered if (step := _step(judged, part.name, closings)) is not None]
    return sorted(steps, key=lambda step: (not step.alone, step.effort))


def _step(judged: Judged, part: str, closings: Sequence[Closing]) -> Step | None:
    value, score = judged.numbers["parts"].get(part, (None, None))
    if value is None or score is None:
        return None
    goal = needed_score(judged, part)
    alone = goal is not None
    if goal is None:
        # Each part that reaches the threshold by itself helps; all of them together are enough.
        goal = min(judged.rule.threshold, max(judged.curve(part).ys))
    if score >= goal:
        return None
    to = reach(judged.curve(part), goal, value, unit=judged.unit(part))
    if to is None:
        return None
    text = judged.criterion.step(part, value, to) + judged.criterion.hint(part, judged.numbers["shown"])
    closed = _closed(judged, to, alone=alone, closings=closings) if part == "open_load" else ""
    return Step(text + (closed or _reach_text(judged, alone=alone)), part, value, to, alone=alone)


def _reach_text(judged: Judged, *, alone: bool) -> str:
    threshold = number(judged.rule.threshold)
    if alone:
        return f": enough to meet the threshold of {threshold}"
    return f": helps, but is not enough by itself for the threshold of {threshold}"


def _closed(judged: Judged, to: float, *, alone: bool, closings: Sequence[Closing]) -> str:
    """Names the fewest open defects whose closing brings the load down, and the criterion up if it can."""
    for count, closing in enumerate(closings, start=1):
        if closing.load <= to and not (alone and closing.score < judged.rule.threshold):
            names = listed([each.ref.id for each in closings[:count]], most=count)
            return f": closing {names} is enough" if alone else f": closing {names} does that, and helps"
    return ""


def needed_score(judged: Judged, part: str) -> float | None:
    """The least score of a part with which the criterion meets its threshold; ``None`` if none is enough.

    Scores have two decimals, and so has their mean: the least is looked for among them, from just below.
    """
    threshold = judged.rule.threshold
    scored: dict[str, tuple[float, float]] = {
        each.name: (each.weight, known)
        for each in judged.rule.ordered
        if (known := judged.numbers["parts"].get(each.name, (None, None))[1]) is not None
    }
    weight: float = scored[part][0]
    top = max(judged.curve(part).ys)
    if not weight or judged.score_with(part, top) < threshold:
        return None
    total = sum(each for each, _ in scored.values())
    others = sum(each * known for name, (each, known) in scored.items() if name != part)
    hundredths: int = max(0, floor(((threshold - 0.005) * total - others) / weight * 100) - 1)
    while judged.score_with(part, hundredths / 100) < threshold:
        hundredths += 1
    return hundredths / 100


def reach(curve: Curve, goal: float, start: float, *, unit: float) -> float | int | None:
    """The value nearest to ``start``, in whole units, that scores at least ``goal``; one unit less does not.

    Rounded in the safe direction. ``None`` where no value of the curve has that score.
    """
    exact = curve.inverse(goal, start)
    if exact is None or exact == start:
        return None
    towards = 1 if exact > start else -1
    place = (ceil if towards > 0 else floor)(round(exact / unit, 9))
    for _ in range(MOST_NUDGES):
        if curve.at(_at(place, unit)) >= goal:
            break
        place += towards
    while curve.at(_at(place - towards, unit)) >= goal and (_at(place - towards, unit) - start) * towards > 0:
        place -= towards
    to = _at(place, unit)
    # A peak narrower than a unit has no whole unit on it.
    return to if curve.at(to) >= goal else exact


def _at(place: int, unit: float) -> float | int:
    return place if unit == 1 else round(place * unit, 6)


def _fill(gaps: Iterable[Sequence[Any]]) -> list[str]:
    """What has to happen so that the criterion can be judged at all."""
    return [_FILL[code](kind, numbers) for code, kind, numbers in gaps if code in _FILL]


def _wait(kind: str, numbers: Mapping[str, Any]) -> str:
    minimum, days = numbers.get("minimum_days"), numbers.get("observed_days")
    if minimum is None or days is None:
        return f"keep the feed of {plural(kind)} going"
    return f"keep the feed of {plural(kind)} going for {max(1, ceil(minimum - days))} more days"


def _attribute(_kind: str, numbers: Mapping[str, Any]) -> str:
    known, incidents = number(numbers.get("attributed")), number(numbers.get("incidents"))
    return f"name the change or the cause of more incidents: {known} of {incidents} are attributed"


_FILL: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "no_feed": lambda kind, _: f"connect a source that reports {plural(kind)}",
    "silent": lambda kind, _: f"revive the feed of {plural(kind)}",
    "too_short": _wait,
    "too_few": lambda kind, numbers: (
        f"wait for more {plural(kind)}: {number(numbers.get('rows', 0))} of the "
        f"{number(numbers.get('minimum', 1))} needed are there"
    ),
    "unattributed": _attribute,
    "never_verified": lambda _kind, _: "have the result of verifying each deployment reported",
    "not_launched": lambda _kind, _: "record the launch date once it is launched",
    "no_parts": lambda _kind, _: "report the fields that its parts are measured from",
}
