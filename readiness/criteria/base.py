"""What every criterion shares: from missing feeds to gaps, from measured values to a weighted score."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple

from readiness.criteria.outcome import Blocker, Gap, Outcome, Part, Shown, Value
from readiness.curves import Curve
from readiness.facts import FeedStatus, RowRef, ServiceFacts
from readiness.rubric import Rubric, RubricCriterion, S

SHARE = "share"
"""The unit of a part that is a share of something, 0 to 1."""

# Tuples, since membership tests identity first: an enum's hash is slow.
OBSERVED = (FeedStatus.OBSERVED,)
HEARD = (FeedStatus.OBSERVED, FeedStatus.TOO_SHORT)
"""Heard at T, for however short a time."""

_RANK = {FeedStatus.NO_FEED: 0, FeedStatus.SILENT: 1, FeedStatus.TOO_SHORT: 2}


class Measured(NamedTuple):
    """What a criterion found: a value for each of its parts, in order, and what it shows beside them."""

    values: tuple[Value, ...]
    shown: tuple[tuple[str, Shown], ...] = ()
    blockers: tuple[Blocker, ...] = ()
    """Those that do not stand without a score."""


class Criterion(ABC, Generic[S]):
    """One question about a service. A subclass says what it needs, measures, and words its numbers."""

    slug: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    """Kinds of evidence without whose feed there is no score."""
    evidence_kinds: ClassVar[tuple[str, ...]]
    """Kinds whose rows can change the score."""
    part_titles: ClassVar[Mapping[str, str]]
    """Plain words for each part, in the order of SCORING.md's table."""
    units: ClassVar[Mapping[str, str]]
    """The unit of each part and of what is shown."""
    counts: ClassVar[frozenset[str]] = frozenset()
    """The parts that go in whole steps."""
    settings: type[S]

    def judge(self, facts: ServiceFacts, rubric: Rubric) -> Outcome:
        """Answer for one service: a score, or the gaps that stand in its way. Reads facts only."""
        rule: RubricCriterion[S] = rubric.criteria[self.slug]
        blockers = self.blockers(facts, rule)
        gaps = self.feed_gaps(facts, rubric) or self.gaps(facts, rule)
        if gaps:
            return Outcome(None, (), gaps, blockers)
        measured = self.measure(facts, rubric)
        return conclude(rule, measured, self.scores(rule, measured), blockers=blockers)

    @abstractmethod
    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """The values of the parts (``None`` for n/a), of a service whose feeds are observed."""

    @abstractmethod
    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """One line of reason in words, from the numbers of a judgement alone."""

    def hint(self, part: str, shown: Mapping[str, Shown]) -> str:
        """What a step towards a part must touch, as far as the numbers name it; in brackets, or nothing."""
        return ""

    @abstractmethod
    def step(self, part: str, from_: float, to: float) -> str:
        """What has to be done so that a part goes from one value to another, in words."""

    def scores(self, rule: RubricCriterion[S], measured: Measured) -> list[float | None]:
        """The score of each part that has a value."""
        return [
            None if value is None else curve.at(value)
            for curve, value in zip(rule.curves, measured.values, strict=True)
        ]

    def feed_gaps(self, facts: ServiceFacts, rubric: Rubric) -> tuple[Gap, ...]:
        """What is wrong with the feeds it needs."""
        return gaps_of_feeds(facts, rubric, self.needs)

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[S]) -> tuple[Gap, ...]:
        """What is missing although the feeds are observed."""
        return ()

    def blockers(self, facts: ServiceFacts, rule: RubricCriterion[S]) -> tuple[Blocker, ...]:
        """Blockers that rest on rows: they stand whatever was or was not observed."""
        return ()

    def curve(self, part: str, shown: Mapping[str, Shown], rubric: Rubric) -> Curve:
        """The curve that a part's value went through in the judgement whose ``shown`` this is."""
        return rubric.criteria[self.slug].parts[part].curve

    def granularity(self, part: str) -> float | None:
        """The least step of a part's value: 1 for counts, ``None`` for what is continuous."""
        return 1 if part in self.counts else None


def gaps_of_feeds(
    facts: ServiceFacts, rubric: Rubric, kinds: Iterable[str], *, enough: tuple[FeedStatus, ...] = OBSERVED
) -> tuple[Gap, ...]:
    """A gap for each kind whose feed is not good enough: no feed first, then silent, then too short."""
    bad = [kind for kind in kinds if facts.coverage(kind).status not in enough]
    if not bad:
        return ()
    bad.sort(key=lambda kind: _RANK[facts.coverage(kind).status])
    return tuple([_gap_of_feed(facts, rubric, kind) for kind in bad])


def _gap_of_feed(facts: ServiceFacts, rubric: Rubric, kind: str) -> Gap:
    """What is wrong with the feed of a kind."""
    coverage = facts.coverage(kind)
    numbers: tuple[tuple[str, float | int | str | None], ...] = ()
    if coverage.status is FeedStatus.SILENT and coverage.last_heard is not None:
        numbers = (("last_heard", coverage.last_heard.isoformat()),)
    elif coverage.status is FeedStatus.TOO_SHORT:
        numbers = (("observed_days", coverage.observed_days), ("minimum_days", rubric.feeds.minimum_days))
    return Gap(coverage.status.value, kind, numbers)


def conclude(
    rule: RubricCriterion[S],
    measured: Measured,
    scores: Sequence[float | None],
    *,
    blockers: tuple[Blocker, ...] = (),
) -> Outcome:
    """Take the weighted mean of the parts that have a score; without any there is no score."""
    parts = []
    weights = []
    products = []
    for (name, weight), value, score in zip(rule.weights, measured.values, scores, strict=True):
        parts.append(Part(name, value, score, weight))
        if score is not None:
            weights.append(weight)
            products.append(weight * score)
    total = sum(weights)
    if not total:
        return Outcome(None, (), (Gap("no_parts"),), blockers)
    mean = round(sum(products) / total, 2)
    return Outcome(mean, tuple(parts), (), blockers + measured.blockers, measured.shown)


def share_known(part: int, known: int, *, of: int, least: float) -> float | None:
    """``part / known``, n/a when nothing is known, or less than ``least`` (a share) of all ``of`` is."""
    return part / known if known and known >= least * of else None


def per_days(count: float, observed_days: float, days: float) -> float:
    """A rate: how many in so many observed days."""
    return count / observed_days * days


def names(refs: Iterable[RowRef]) -> tuple[str, ...]:
    """The rows that a blocker rests on, as ``kind/source:id``, in order."""
    return tuple(sorted({f"{ref.kind}/{ref.source}:{ref.id}" for ref in refs}))
