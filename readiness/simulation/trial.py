"""Judges stored evidence as of a moment under two policies, and tells whom it makes a difference to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from readiness.evaluation.judging import Judged, judge_each, judge_services, scope_of
from readiness.evaluation.runs import uncollected
from readiness.facts import ServiceFacts
from readiness.measures import Cycles
from readiness.measures.graph import cycles
from readiness.models import Service
from readiness.policy import Policy
from readiness.scoring import Judgement


class Said(NamedTuple):
    """What a judgement says, as far as two are compared."""

    of: str | None
    """Which verdict applies: launch, handoff or handback."""
    verdict: str | None
    deploy: str | None
    level: str
    score: float


class Difference(NamedTuple):
    """A service that the two policies judge differently."""

    service_id: int
    slug: str
    tier: int
    old: Said
    new: Said

    @property
    def aspect(self) -> str:
        """The most telling of what differs: verdict, deploy, level or score."""
        return next(name for name in ASPECTS if differs(name, self.old, self.new))

    @property
    def weight(self) -> tuple[int, float, str]:
        """For sorting: verdicts first, then what a deployment is told, levels, and scores by how far."""
        return ASPECTS.index(self.aspect), -abs(self.new.score - self.old.score), self.slug


ASPECTS = ("verdict", "deploy", "level", "score")


def differs(aspect: str, old: Said, new: Said) -> bool:
    """Whether two judgements say something else of an aspect."""
    return bool(getattr(old, aspect) != getattr(new, aspect))


@dataclass(slots=True)
class Compared:
    """The fleet, or some services, judged twice as of one moment."""

    at: datetime
    services: int = 0
    differences: list[Difference] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Services that one of the policies could not judge, by slug."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Which services, by key and in order; ``whole`` when they are all there are."""

    ids: Sequence[int]
    whole: bool

    @classmethod
    def of(cls, ids: Sequence[int] | None) -> "Fleet":
        """These services, or all."""
        if ids is not None:
            return cls(sorted(ids), whole=False)
        return cls(list(Service.objects.order_by("pk").values_list("pk", flat=True)), whole=True)

    def batches(self) -> "Iterator[Fleet]":
        """So many at a time as an evaluation judges."""
        size = settings.EVALUATION_BATCH_SIZE
        for start in range(0, len(self.ids), size):
            yield Fleet(self.ids[start : start + size], whole=self.whole)


class Circles:
    """The cycles of the fleet at a moment, found once for each span after which an edge is stale."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._found: dict[float, Cycles] = {}

    def under(self, policy: Policy) -> Cycles:
        """As this policy sees them."""
        stale = policy.dependencies.stale_days
        if stale not in self._found:
            self._found[stale] = cycles(scope_of(policy, self.at, []))
        return self._found[stale]


def said(judgement: Judgement) -> Said:
    """What a judgement says."""
    applying = (
        (of, found.verdict) for of in ("launch", "handoff", "handback") if (found := getattr(judgement, of))
    )
    of, verdict = next(applying, (None, None))
    deploy = judgement.deploy["verdict"] if judgement.deploy else None
    return Said(of, verdict, deploy, judgement.level, judgement.overall.score)


def compare(baseline: Policy, candidate: Policy, *, at: datetime, fleet: Fleet) -> Compared:
    """Judge every service under both. Nothing is stored; raises database errors as they come."""
    circles, found = Circles(at), Compared(at)
    for batch in fleet.batches():
        _compare_batch(found, (baseline, candidate), circles=circles, batch=batch)
    found.differences.sort(key=lambda each: each.weight)
    return found


# Around the whole function, as in an evaluation: a batch's facts are gone before the collector comes back.
@uncollected()
def _compare_batch(
    found: Compared, policies: tuple[Policy, Policy], *, circles: Circles, batch: Fleet
) -> None:
    old, new = judge_twice(policies, circles, batch)
    broken = {each.service_id for each in (*old.failures, *new.failures)}
    for pk in old.judgements.keys() & new.judgements.keys():
        facts = old.judgements[pk].facts
        pair = said(old.judgements[pk]), said(new.judgements[pk])
        if pair[0] != pair[1]:
            found.differences.append(Difference(pk, facts.service, facts.tier, *pair))
    found.services += len(batch.ids)
    if broken:
        found.failed += Service.objects.filter(pk__in=broken).order_by("slug").values_list("slug", flat=True)


def judge_twice(policies: tuple[Policy, Policy], circles: Circles, batch: Fleet) -> tuple[Judged, Judged]:
    """Facts are measured once where both policies look at the same windows and spans, else for each."""
    scopes = [scope_of(policy, circles.at, batch.ids, whole=batch.whole) for policy in policies]
    baseline, candidate = policies
    first = judge_services(scopes[0], baseline, circles.under(baseline))
    if scopes[0] != scopes[1]:
        return first, judge_services(scopes[1], candidate, circles.under(candidate))
    return first, judge_each(facts_of(first), candidate)


def facts_of(judged: Judged) -> Mapping[int, ServiceFacts]:
    """The facts that judgements rest on, by the service's key."""
    return {pk: judgement.facts for pk, judgement in judged.judgements.items()}
