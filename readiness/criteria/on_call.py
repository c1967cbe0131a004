"""On call: do those who build the service also answer for it, many roles of them, and fairly?"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import ClassVar

from readiness.criteria.base import SHARE, Criterion, Measured
from readiness.criteria.outcome import Gap, Shown, Value
from readiness.criteria.wording import change, counted, number, percent, sentence, tally
from readiness.curves import Curve, Point
from readiness.facts import ServiceFacts
from readiness.rubric import CurvePoints, Rubric, RubricCriterion, Settings, Share

_MOST_NAMES = 10
_OPS_MANAGED = "ops_managed"


class OnCallSettings(Settings):
    """Which roles count as breadth, and what is asked of developers once ops run the service."""

    roles: tuple[str, ...]
    ops_role: str
    minimum_role_share: Share
    developers_share_ops_managed: CurvePoints


class OnCall(Criterion[OnCallSettings]):
    """Shared on-call."""

    slug = "on_call"
    title = "Shared on-call"
    needs = ("shift",)
    evidence_kinds = ("shift",)
    part_titles: ClassVar[Mapping[str, str]] = {
        "breadth": "roles that take their turn on call",
        "fairness": "inequality of hours on call (Gini)",
        "developers_share": "share of hours on call by others than ops",
    }
    units: ClassVar[Mapping[str, str]] = {
        "breadth": "roles",
        "fairness": "Gini coefficient",
        "developers_share": SHARE,
        "hours": "hours",
        "people": "people",
        "management_state": "state",
        "night_pages_by_role": "pages",
        "night_pages_by_person": "pages",
    }
    counts = frozenset({"breadth"})
    settings = OnCallSettings

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[OnCallSettings]) -> tuple[Gap, ...]:
        """Nobody was on call."""
        if any(shift.hours > 0 for shift in facts.shifts):
            return ()
        return (Gap("too_few", "shift", (("rows", 0), ("minimum", 1))),)

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Hours inside the window, by role and by person."""
        settings: OnCallSettings = rubric.criteria[self.slug].settings
        by_role: dict[str, float] = {}
        by_person: dict[str, float] = {}
        for _, person, role, hours in facts.shifts:
            by_role[role] = by_role.get(role, 0.0) + hours
            by_person[person] = by_person.get(person, 0.0) + hours
        total = sum(by_role.values())
        least = settings.minimum_role_share * total
        values = (
            sum(by_role.get(role, 0.0) >= least and role in by_role for role in settings.roles),
            _inequality(by_person.values()),
            (total - by_role.get(settings.ops_role, 0.0)) / total,
        )
        nights = [page for page in facts.pages if page.night]
        shown = (
            ("hours", total),
            ("people", len(by_person)),
            ("management_state", facts.standing.state),
            ("night_pages_by_role", _tally(page.responder_role for page in nights)),
            ("night_pages_by_person", _tally(page.responder for page in nights)),
        )
        return Measured(values, shown)

    def scores(self, rule: RubricCriterion[OnCallSettings], measured: Measured) -> list[float | None]:
        """While ops run the service, a tenth of the hours by developers is enough."""
        scores = super().scores(rule, measured)
        share = measured.values[2]
        if dict(measured.shown)["management_state"] == _OPS_MANAGED and share is not None:
            scores[2] = _ops_managed_curve(rule.settings.developers_share_ops_managed).at(share)
        return scores

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """Breadth, fairness, the developers' share, who was woken."""
        nights = shown.get("night_pages_by_role")
        people = counted(shown["people"], "person", "people")
        return sentence(
            f"{counted(parts['breadth'], 'role')} besides ops on call",
            f"{people} share the hours with a Gini of {number(parts['fairness'])}",
            f"{percent(parts['developers_share'])} of the hours by others than ops",
            f"night pages: {nights}" if nights else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """More roles, fairer turns, more developers."""
        return change(self.part_titles[part], from_, to, share=self.units[part] == SHARE)

    def curve(self, part: str, shown: Mapping[str, Shown], rubric: Rubric) -> Curve:
        """What is asked of developers depends on who runs the service."""
        if part == "developers_share" and shown.get("management_state") == _OPS_MANAGED:
            return _ops_managed_curve(rubric.criteria[self.slug].settings.developers_share_ops_managed)
        return super().curve(part, shown, rubric)


def _tally(names: Iterable[str | None]) -> str:
    """How many pages each took, as one short text."""
    return tally(Counter(name or "unknown" for name in names), most=_MOST_NAMES)


@lru_cache(maxsize=64)
def _ops_managed_curve(points: tuple[Point, ...]) -> Curve:
    """The developers' share as scored while ops run the service; a policy's is made once."""
    return Curve(points)


def _inequality(hours: Collection[float]) -> float:
    """The Gini coefficient of hours per person, times n / (n - 1) so that 1 is one of many carrying all."""
    n, total = len(hours), sum(hours)
    if n < 2:
        return 1.0
    # Gini over values in rising order: 2 * sum(i * x_i) / (n * sum(x)) - (n + 1) / n.
    ranked = sum(rank * each for rank, each in enumerate(sorted(hours), start=1))
    gini = 2 * ranked / (n * total) - (n + 1) / n
    return max(0.0, gini * n / (n - 1))


ON_CALL = OnCall()
