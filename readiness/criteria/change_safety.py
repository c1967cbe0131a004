"""Change safety: do changes reach production often, small and by machine, and is what fails mended soon?"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeVar, get_args

from pydantic import Field

from readiness.criteria.base import (
    OBSERVED,
    SHARE,
    Criterion,
    Measured,
    gaps_of_feeds,
    names,
    per_days,
    share_known,
)
from readiness.criteria.outcome import Blocker, Gap, Shown, Value
from readiness.criteria.wording import change, counted, number, percent, sentence
from readiness.facts import FailedDeployment, ServiceFacts
from readiness.rubric import Count, Days, RateLimit, Rubric, RubricCriterion, Settings, Severity, Share

Key = Literal["change_fail_rate", "recovery_hours", "lead_time_hours", "deployments_per_week"]
Bound = tuple[str, Annotated[float, Field(strict=True, ge=0)]]
REMEDIES = ("toggle_off", "fix_forward", "rollback")
V = TypeVar("V")


class ChangeSafetySettings(Settings):
    """How much must be known, and what is too much failure."""

    rate_days: Days
    minimum_changes: Count
    long_observed_days: Annotated[float, Field(strict=True, ge=0, le=3660)]
    """A service observed for so long needs only ``long_minimum_changes``."""
    long_minimum_changes: Annotated[int, Field(strict=True, ge=1)]
    minimum_incidents: Count
    incident_severity: Severity
    attributed_share: Share
    attributing_causes: tuple[str, ...]
    """Causes that say by themselves that no change was to blame."""
    minimum_values: Count
    known_share: Share
    blocking_rate: RateLimit
    clusters: dict[Key, tuple[Bound, ...]]
    """DORA's clusters of a key, best first, each with the bound that its members meet."""


class FailRate(NamedTuple):
    """Failed changes, all changes, and their ratio; ``None`` without changes (DORA change fail rate)."""

    failed: int
    changes: int
    rate: float | None


def fail_rate(facts: ServiceFacts) -> FailRate:
    """The change fail rate of the window."""
    return _rate(len(facts.changes.failed), facts.changes.plain.total)


def recent_fail_rate(facts: ServiceFacts) -> FailRate:
    """The change fail rate of the recent span (30 days)."""
    return _rate(sum(each.recent for each in facts.changes.failed), facts.changes.plain.recent)


def exceeds(rate: FailRate, limit: RateLimit) -> bool:
    """Whether so many changes failed that it counts, once there are enough of them."""
    return rate.rate is not None and rate.changes >= limit.minimum_changes and rate.rate > limit.above


class ChangeSafety(Criterion[ChangeSafetySettings]):
    """Change and deployment safety."""

    slug = "change_safety"
    title = "Change and deployment safety"
    needs = ("deployment",)
    evidence_kinds = ("deployment", "incident")
    part_titles: ClassVar[Mapping[str, str]] = {
        "change_fail_rate": "change fail rate",
        "recovery_hours": "hours to recover from a failed change",
        "automated_share": "share of automated deployments",
        "deployments_per_week": "changes per week",
        "batch_commits": "commits per change",
        "lead_time_hours": "hours from commit to production",
    }
    units: ClassVar[Mapping[str, str]] = {
        "change_fail_rate": SHARE,
        "recovery_hours": "hours",
        "automated_share": SHARE,
        "deployments_per_week": "changes per 7 days",
        "batch_commits": "commits",
        "lead_time_hours": "hours",
        "failed": "changes",
        "changes": "changes",
        "unmended": "changes",
        "rework_rate": SHARE,
        **{f"{key}_cluster": "DORA cluster" for key in get_args(Key)},
        **{f"{remedy}_used": "deployments" for remedy in REMEDIES},
        **{f"{remedy}_recovery_hours": "hours" for remedy in REMEDIES},
    }
    settings = ChangeSafetySettings

    def feed_gaps(self, facts: ServiceFacts, rubric: Rubric) -> tuple[Gap, ...]:
        """Deployments, and somebody who reports failures: incidents, or the deployment feed itself."""
        kinds = self.needs if facts.reports_failures else (*self.needs, "incident")
        return gaps_of_feeds(facts, rubric, kinds, enough=OBSERVED)

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[ChangeSafetySettings]) -> tuple[Gap, ...]:
        """Too few changes to tell, or incidents that nobody traced to their cause."""
        settings = rule.settings
        changes = facts.changes.changes
        long_heard = facts.coverage("deployment").observed_days >= settings.long_observed_days
        least = settings.long_minimum_changes if long_heard else settings.minimum_changes
        gaps = []
        if changes < least:
            gaps.append(Gap("too_few", "deployment", (("rows", changes), ("minimum", least))))
        start = facts.period.start
        traced = [
            row.attributed or row.cause in settings.attributing_causes
            for row in facts.incidents
            if row.severity <= settings.incident_severity and row.started_at > start
        ]
        attributed = sum(traced)
        if len(traced) >= settings.minimum_incidents and attributed < settings.attributed_share * len(traced):
            numbers = (("incidents", len(traced)), ("attributed", attributed))
            gaps.append(Gap("unattributed", "incident", numbers))
        return tuple(gaps)

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """DORA's keys, automation and batch size."""
        settings: ChangeSafetySettings = rubric.criteria[self.slug].settings
        changes = facts.changes
        plain, failed = changes.plain, changes.failed
        total = plain.total + len(failed)
        said = [each.row.automated for each in failed]
        automated = plain.automated + said.count(True)
        known = plain.automated + plain.manual + len(said) - said.count(None)
        hours = [each.recovery_hours for each in failed]
        recoveries = _known(hours)
        commits = [*plain.commits, *_known([each.row.commits for each in failed])]
        leads = [*plain.lead_hours, *_known([each.row.lead_hours for each in failed])]
        observed_days = facts.coverage("deployment").observed_days
        values = (
            len(failed) / total,
            median(recoveries) if recoveries else None,
            share_known(automated, known, of=total, least=settings.known_share),
            per_days(changes.changes_in_rate, observed_days, settings.rate_days),
            median(commits) if len(commits) >= settings.minimum_values else None,
            median(leads) if len(leads) >= settings.minimum_values else None,
        )
        return Measured(values, self._shown(facts, values, hours=hours, settings=settings))

    def blockers(
        self, facts: ServiceFacts, rule: RubricCriterion[ChangeSafetySettings]
    ) -> tuple[Blocker, ...]:
        """``change_fail_rate``: too many changes fail; ``unremediated_change``: nothing mended one."""
        failed = facts.changes.failed
        if not failed:
            return ()
        blockers = []
        rate = fail_rate(facts)
        if exceeds(rate, rule.settings.blocking_rate):
            numbers = (("failed", rate.failed), ("changes", rate.changes), ("rate", rate.rate))
            rows = names(each.row.ref for each in failed)
            blockers.append(Blocker("change_fail_rate", self.slug, rows, numbers))
        unmended = names(each.row.ref for each in facts.changes.unmended)
        if unmended:
            blockers.append(Blocker("unremediated_change", self.slug, unmended))
        return tuple(blockers)

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """The failed ones of all, recovery, frequency, automation."""
        recovery, automated = parts.get("recovery_hours"), parts.get("automated_share")
        batch, lead = parts.get("batch_commits"), parts.get("lead_time_hours")
        unmended = shown.get("unmended")
        return sentence(
            f"{number(shown['failed'])} of {counted(shown['changes'], 'change')} failed",
            f"{number(unmended)} of them not mended" if unmended else None,
            f"recovery takes {counted(recovery, 'hour')}" if recovery is not None else None,
            f"{counted(parts['deployments_per_week'], 'change')} a week",
            f"{percent(automated)} automated" if automated is not None else None,
            f"{counted(batch, 'commit')} each" if batch is not None else None,
            f"{counted(lead, 'hour')} from commit to production" if lead is not None else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Fail less, recover faster, automate, deploy more often and in smaller pieces."""
        return change(self.part_titles[part], from_, to, share=self.units[part] == SHARE)

    @staticmethod
    def _shown(
        facts: ServiceFacts,
        values: tuple[Value, ...],
        *,
        hours: Sequence[float | None],
        settings: ChangeSafetySettings,
    ) -> tuple[tuple[str, Shown], ...]:
        """n of m beside the rate, DORA's clusters and fifth key, the remedies' use and speed."""
        changes = facts.changes
        failed = changes.failed
        rate, recovery, _, frequency, _, lead = values
        bounds = settings.clusters
        shown: list[tuple[str, Shown]] = [
            ("failed", len(failed)),
            ("changes", changes.plain.total + len(failed)),
            ("unmended", len([each for each in failed if each.mended_at is None])),
            ("rework_rate", changes.remediating / changes.production if changes.production else None),
            ("change_fail_rate_cluster", _cluster(rate, bounds.get("change_fail_rate"))),
            ("recovery_hours_cluster", _cluster(recovery, bounds.get("recovery_hours"))),
            ("lead_time_hours_cluster", _cluster(lead, bounds.get("lead_time_hours"))),
            ("deployments_per_week_cluster", _cluster(frequency, bounds.get("deployments_per_week"))),
        ]
        shown += [(f"{remedy}_used", count) for remedy, count in changes.remedies]
        shown += [
            (f"{remedy}_recovery_hours", median(each))
            for remedy, each in sorted(_by_remedy(failed, hours).items())
        ]
        return tuple(shown)


def _rate(failed: int, plain: int) -> FailRate:
    """Failed changes against all."""
    changes = failed + plain
    return FailRate(failed, changes, failed / changes if changes else None)


def _cluster(value: Value, bounds: tuple[Bound, ...] | None) -> str | None:
    """DORA's cluster that a value lies in; what is worse than the last bound is ``low``.

    Bounds that fall say that more is better.
    """
    if value is None or not bounds:
        return None
    more_is_better = bounds[-1][1] < bounds[0][1]
    for name, bound in bounds:
        if value >= bound if more_is_better else value <= bound:
            return name
    return "low"


def _by_remedy(failed: tuple[FailedDeployment, ...], hours: Sequence[float | None]) -> dict[str, list[float]]:
    """The hours to recover of the changes that each remedy mended."""
    found: dict[str, list[float]] = {}
    for each, recovery in zip(failed, hours, strict=True):
        if recovery is None:
            continue
        for remedy in each.remedies:
            if remedy.remediation and remedy.ended_at == each.mended_at:
                found.setdefault(remedy.remediation, []).append(recovery)
                break
    return found


def _known(values: list[V | None]) -> list[V]:
    """Those that are known."""
    return [value for value in values if value is not None]


CHANGE_SAFETY = ChangeSafety()
