"""Ready-made parts of a judgement: the default policy, and the grounds of verdicts from bare scores."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from readiness.criteria import BY_SLUG
from readiness.criteria.outcome import Blocker, Gap, Outcome
from readiness.facts import (
    Coverage,
    DeploymentRow,
    FailedDeployment,
    FeedStatus,
    IncidentRow,
    Period,
    PlainChanges,
    RowRef,
    ServiceFacts,
    Standing,
    WaiverFact,
)
from readiness.policy import Policy, load_policy
from readiness.rubric import Rubric
from readiness.scoring.overall import overall
from readiness.scoring.verdicts import Grounds

AT = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD = Period(AT, 180)
KINDS = (
    "deployment",
    "incident",
    "page",
    "defect",
    "signal",
    "dependency",
    "pipeline_run",
    "shift",
    "observation",
    "work_item",
)
OBSERVED = Coverage(
    FeedStatus.OBSERVED,
    observed_days=180.0,
    first_covered=PERIOD.start,
    stretches=((AT - timedelta(days=400), AT),),
    last_heard=AT,
    sources=("feeds",),
)


@cache
def default_policy() -> Policy:
    """The policy that ships with the product."""
    return load_policy((Path(__file__).parent.parent / "readiness/policies/default.yaml").read_text())


def rubric(tier: int = 3) -> Rubric:
    """What the default policy says for a tier."""
    return default_policy().rubric(tier)


def service(state: str | None = "developer_managed", **changes: Any) -> ServiceFacts:
    """A live service of tier 3 all of whose feeds are observed."""
    facts = ServiceFacts(
        service="pay",
        period=PERIOD,
        launched_on=AT.date() - timedelta(days=500),
        standing=Standing(state),
        feeds=dict.fromkeys(KINDS, OBSERVED),
    )
    return replace(facts, **changes)


def feeds(**statuses: FeedStatus) -> dict[str, Coverage]:
    """All feeds observed but those named."""
    return {kind: replace(OBSERVED, status=statuses.get(kind, FeedStatus.OBSERVED)) for kind in KINDS}


def outcomes(score: float | None = 100.0, **scores: float | None) -> dict[str, Outcome]:
    """An outcome for every criterion; those named have another score, ``None`` is insufficient."""
    return {slug: _outcome(scores.get(slug, score)) for slug in BY_SLUG}


def _outcome(score: float | None) -> Outcome:
    return Outcome(score) if score is not None else Outcome(None, gaps=(Gap("no_feed", "signal"),))


def grounds(
    facts: ServiceFacts,
    judged: dict[str, Outcome],
    *,
    blockers: Iterable[str] = (),
    waived: Iterable[str] = (),
) -> Grounds:
    """What verdicts rest on. Waivers are numbered from 1 in the order given."""
    waivers = {target: (number,) for number, target in enumerate(waived, start=1)}
    return Grounds(
        facts=replace(
            facts,
            standing=replace(
                facts.standing,
                waivers=tuple(WaiverFact(number, target) for target, (number,) in waivers.items()),
            ),
        ),
        rubric=rubric(facts.tier),
        outcomes=judged,
        blockers=tuple(Blocker(code, "defects") for code in blockers),
        gating=overall(judged, rubric(facts.tier), leaving_out=waivers),
        waived=waivers,
    )


def incident(
    name: str = "inc-1", *, days_ago: float = 10, hours: float | None = 1, **changes: Any
) -> IncidentRow:
    """An incident of severity 3 that was resolved after some hours, or is open (``hours=None``)."""
    begun = AT - timedelta(days=days_ago)
    resolved = None if hours is None else begun + timedelta(hours=hours)
    return IncidentRow(RowRef("incident", "pager", name), 3, begun, resolved)._replace(**changes)


def failed_change(name: str = "dep-1", *, recent: bool = False, mended: bool = True) -> FailedDeployment:
    """A deployment that failed."""
    begun = AT - timedelta(days=10 if recent else 60)
    row = DeploymentRow(RowRef("deployment", "ci", name), begun, begun, "succeeded")
    return FailedDeployment(row, in_rate=True, recent=recent, mended_at=begun if mended else None)


def plain(total: int, *, recent: int = 0) -> PlainChanges:
    """So many changes that nothing speaks against."""
    return PlainChanges(total=total, in_rate=total, recent=recent)
