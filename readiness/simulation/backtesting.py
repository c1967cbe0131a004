"""Puts past judgements beside what came after them; the statistics are pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from readiness import clock
from readiness.criteria import BY_SLUG
from readiness.criteria.after_hours import AFTER_HOURS, late_events
from readiness.evaluation.judging import judge_services, scope_of
from readiness.evaluation.runs import uncollected
from readiness.facts import DAY, Period, ServiceFacts
from readiness.foretelling import OVERALL, Observation, Tally, rates, relations, sentences
from readiness.measures import measure
from readiness.policy import TIERS, Policy
from readiness.scoring import Judgement
from readiness.simulation.simulating import moments
from readiness.simulation.trial import Circles, Fleet, said

WORST_SEVERITY = 3
"""Incidents up to this severity count as what came after."""
OVERLAP = (
    "Horizons overlap: what came counts once for each judgement that it followed, and so do the days and"
    " changes seen. Rates stay as they are; the numbers behind them are larger than what happened."
)


def moments_before(
    first: datetime, last: datetime, every: timedelta, *, horizon: timedelta
) -> list[datetime]:
    """Moments whose horizon has passed by now. Raises ``ValueError`` when there is none."""
    known = clock.now() - horizon
    if first > known:
        raise ValueError(
            f"the horizon of {first:%Y-%m-%d} has not passed: the first moment is by {known:%Y-%m-%d}"
        )
    return moments(first, min(last, known), every)


def observed(policy: Policy, at: datetime, *, horizon: timedelta, fleet: Fleet) -> list[Observation]:
    """Each service to which a verdict applies, judged as of a moment, with what came in the horizon after."""
    circles = Circles(at)
    return [
        each
        for batch in fleet.batches()
        for each in _observed_batch(policy, circles, horizon=horizon, batch=batch)
    ]


@uncollected()
def _observed_batch(
    policy: Policy, circles: Circles, *, horizon: timedelta, batch: Fleet
) -> list[Observation]:
    scope = scope_of(policy, circles.at, batch.ids, whole=batch.whole)
    judged = judge_services(scope, policy, circles.under(policy))
    then = circles.at + horizon
    later = replace(scope_of(policy, then, batch.ids, whole=batch.whole), period=Period(then, horizon / DAY))
    # Nobody asks for cycles of what came after.
    after = measure(later, {})
    return [
        _observation(judgement, after[pk], policy)
        for pk, judgement in judged.judgements.items()
        if pk in after and said(judgement).verdict is not None
    ]


def _observation(judgement: Judgement, after: ServiceFacts, policy: Policy) -> Observation:
    told = said(judgement)
    scores = {slug: outcome.score for slug, outcome in judgement.outcomes.items()}
    return Observation(
        service=judgement.facts.service,
        of=told.of or "",
        verdict=told.verdict or "",
        scores={OVERALL: told.score, **scores},
        after=came_after(after, policy),
    )


def came_after(facts: ServiceFacts, policy: Policy) -> dict[str, Tally]:
    """What happened in the window of these facts, and how much of it could have been seen.

    The definitions are those of the criteria: rows count from the first covered moment on, a failed change is
    one that change safety calls so, what disturbed once after hours is one event.
    """
    incident = facts.coverage("incident")
    since = incident.first_covered or facts.period.start
    incidents = sum(
        row.severity <= WORST_SEVERITY and row.started_at > facts.period.start and row.started_at >= since
        for row in facts.incidents
    )
    told = {
        "incidents": Tally(incidents, incident.observed_days),
        "failed_changes": _failed_changes(facts),
        "defects": Tally(sum(facts.defects.arrivals), facts.coverage("defect").observed_days),
    }
    rule = policy.rubric(facts.tier).criteria.get(AFTER_HOURS.slug)
    if rule is not None:
        told["after_hours"] = Tally(*late_events(facts, rule.settings))
    return told


def _failed_changes(facts: ServiceFacts) -> Tally:
    """Where nobody reports failures, no change could be seen to fail."""
    reported = facts.reports_failures or facts.coverage("incident").observed_days > 0
    failed = sum(each.in_rate for each in facts.changes.failed)
    return Tally(failed, facts.changes.changes_in_rate if reported else 0)


# A result ------------------------------------------------------------------------------------------------


def backtest(
    policy: Policy,
    at: Sequence[datetime],
    *,
    horizon: timedelta,
    ids: Sequence[int] | None = None,
    told: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """All moments, and what they add up to; ``told`` is called after each moment."""
    found: list[Observation] = []
    for moment in at:
        found += observed(policy, moment, horizon=horizon, fleet=Fleet.of(ids))
        told()
    return report(policy, found, at=at, horizon=horizon)


def report(
    policy: Policy, found: Sequence[Observation], *, at: Sequence[datetime], horizon: timedelta
) -> dict[str, Any]:
    """What the observations add up to, as JSON: ``{moments, horizon_days, services, observations, words,
    rates, relations}``, the last two as lists of :class:`VerdictRate` and :class:`Relation`."""
    slugs = [slug for slug in BY_SLUG if any(slug in policy.rubric(tier).criteria for tier in TIERS)]
    by_verdict, by_score = rates(found), relations(found, slugs)
    overlap = [OVERLAP] if any(right - left < horizon for left, right in pairwise(at)) else []
    return {
        "moments": [moment.isoformat() for moment in at],
        "horizon_days": round(horizon / DAY, 4),
        "services": len({each.service for each in found}),
        "observations": len(found),
        "words": [*sentences(by_verdict, by_score, titles()), *overlap],
        "rates": [asdict(each) for each in by_verdict],
        "relations": [{**asdict(each), "found": each.found} for each in by_score],
    }


def titles() -> dict[str, str]:
    """The criteria's titles by slug."""
    return {slug: criterion.title for slug, criterion in BY_SLUG.items()}


def packed(found: Iterable[Observation]) -> list[list[Any]]:
    """Observations as short lists for a document that is kept while a backtest runs."""
    return [
        [
            each.service,
            each.of,
            each.verdict,
            dict(each.scores),
            {name: list(t) for name, t in each.after.items()},
        ]
        for each in found
    ]


def unpacked(rows: Iterable[Sequence[Any]]) -> list[Observation]:
    """What :func:`packed` packed."""
    return [
        Observation(service, of, verdict, scores, {name: Tally(*tally) for name, tally in after.items()})
        for service, of, verdict, scores, after in rows
    ]
