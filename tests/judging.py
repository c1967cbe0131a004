"""What the tests of the criteria share: the default policy, a moment, facts of a service that is heard."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.criteria import BY_SLUG
from readiness.criteria.outcome import Outcome, Shown, Value
from readiness.facts import Coverage, FeedSpan, Period, RowRef, ServiceFacts, coverage
from readiness.policy import load_policy

AT = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD = Period(AT, 180)
DEFAULT = (Path(__file__).parents[1] / "readiness" / "policies" / "default.yaml").read_text()
POLICY = load_policy(DEFAULT)
KINDS = (
    "defect",
    "signal",
    "page",
    "incident",
    "dependency",
    "deployment",
    "pipeline_run",
    "shift",
    "work_item",
    "observation",
)


def ago(days: float = 0, **span: float) -> datetime:
    """A moment before the one judged at."""
    return AT - timedelta(days=days, **span)


def ref(kind: str, id_: str = "1") -> RowRef:
    """The name of a row."""
    return RowRef(kind, "tests", id_)


def heard(days: float = 180, until: float = 0) -> Coverage:
    """Coverage of a feed that began so many days ago and was last heard ``until`` days ago."""
    span = FeedSpan("any", "tests", ago(days), ago(until))
    return coverage([span], PERIOD, silence_days=7, minimum_days=30)


def facts(
    *, unheard: tuple[str, ...] = (), feeds: Mapping[str, Coverage] | None = None, **found: Any
) -> ServiceFacts:
    """A live service of tier 3, all of its feeds heard for the whole window but those named."""
    usual = {kind: heard() for kind in KINDS if kind not in unheard}
    found.setdefault("launched_on", date(2025, 1, 1))
    return ServiceFacts("pay", PERIOD, feeds={**usual, **(feeds or {})}, **found)


def judge(slug: str, found: ServiceFacts) -> Outcome:
    """The outcome of one criterion under the default policy."""
    return BY_SLUG[slug].judge(found, POLICY.rubric(found.tier))


def values(outcome: Outcome) -> dict[str, Value]:
    """The parts' values by name."""
    return {part.name: part.value for part in outcome.parts}


def scores(outcome: Outcome) -> dict[str, float | None]:
    """The parts' scores by name."""
    return {part.name: part.score for part in outcome.parts}


def shown(outcome: Outcome) -> dict[str, Shown]:
    """What is shown beside the parts."""
    return dict(outcome.shown)


def gaps(outcome: Outcome) -> list[tuple[str, str | None]]:
    """The gaps' codes and kinds."""
    return [(gap.code, gap.kind) for gap in outcome.gaps]


def codes(outcome: Outcome) -> list[str]:
    """The blockers' codes."""
    return [blocker.code for blocker in outcome.blockers]


def reason(slug: str, outcome: Outcome, tier: int = 3) -> str:
    """The outcome's line of reason."""
    return BY_SLUG[slug].describe(values(outcome), shown(outcome), POLICY.rubric(tier))
