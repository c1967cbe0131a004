"""Judges services as of a moment: spans make the scope, measures the facts, scoring the numbers."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db import Error as DatabaseError

from readiness.criteria.stability import STABILITY
from readiness.explaining import Explanation, explain
from readiness.facts import Period, ServiceFacts
from readiness.folding import Spans
from readiness.measures import Cycles, Scope, measure, rows_of
from readiness.policy import TIERS, Policy
from readiness.scoring import Judgement, judge

logger = logging.getLogger(__name__)


class Failure(NamedTuple):
    """A service that could not be judged, and why."""

    service_id: int
    error: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a batch: the judgement of each service by key, and the services that broke."""

    judgements: Mapping[int, Judgement]
    failures: tuple[Failure, ...] = ()


def scope_of(policy: Policy, at: datetime, ids: Sequence[int], *, whole: bool = False) -> Scope:
    """What to measure for these services, in order of key, under this policy."""
    return Scope(
        ids=ids,
        period=Period(at, policy.window_days),
        spans=spans_of(policy),
        silence_days=policy.feeds.silence_days,
        minimum_days=policy.feeds.minimum_days,
        edge_stale_days=policy.dependencies.stale_days,
        look_back_days=_look_back(policy),
        whole=whole,
    )


def spans_of(policy: Policy) -> Spans:
    """The spans that counting depends on, in days."""
    spans = policy.spans
    return Spans(spans.recent_days, spans.proving_hours / 24, spans.broken_quiet_days)


def _look_back(policy: Policy) -> float:
    """How far the stability clock of any tier can see."""
    rules = [policy.rubric(tier).criteria.get(STABILITY.slug) for tier in TIERS]
    seen = [rule.settings.look_back * rule.settings.required_days for rule in rules if rule]
    return max(seen, default=policy.window_days)


def judge_services(scope: Scope, policy: Policy, looped: Cycles) -> Judged:
    """Judge every service of the scope. A service that breaks is reported and does not stop the rest.

    Raises database errors as they come: they concern the batch, and trying again may help.
    """
    try:
        facts = measure(scope, looped)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - the same, when it is found while measuring
        return _halved(scope, policy, looped, error=error)
    return judge_each(facts, policy)


def judge_each(facts: Mapping[int, ServiceFacts], policy: Policy) -> Judged:
    """Judge services whose facts are at hand; one that breaks is reported."""
    judgements: dict[int, Judgement] = {}
    failures: list[Failure] = []
    for pk, each in facts.items():
        try:
            judgements[pk] = judge(each, policy)
        except Exception as error:
            logger.exception("service %s could not be judged", pk)
            failures.append(Failure(pk, _words(error)))
    return Judged(judgements, tuple(failures))


def _halved(scope: Scope, policy: Policy, looped: Cycles, *, error: Exception) -> Judged:
    """Some service's stored data cannot be measured: find it by halves, and judge the others."""
    if len(scope.ids) == 1:
        logger.error("service %s could not be measured", scope.ids[0], exc_info=error)
        return Judged({}, (Failure(scope.ids[0], _words(error)),))
    middle = len(scope.ids) // 2
    first = judge_services(replace(scope, ids=scope.ids[:middle]), policy, looped)
    second = judge_services(replace(scope, ids=scope.ids[middle:]), policy, looped)
    return Judged({**first.judgements, **second.judgements}, first.failures + second.failures)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def explanations(policy: Policy, scope: Scope, looped: Cycles) -> Iterator[tuple[int, Explanation]]:
    """What weighs, for each service of the scope, from the rows as they are known now."""
    for pk, (base, rows) in rows_of(scope, looped).items():
        yield pk, explain(base, rows, policy, spans=scope.spans)
