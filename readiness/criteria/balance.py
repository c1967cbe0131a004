"""Balance: is there time to make the service better, or does it only keep people busy?"""

from collections.abc import Mapping
from typing import ClassVar

from readiness.criteria.base import SHARE, Criterion, Measured
from readiness.criteria.outcome import Gap, Shown, Value
from readiness.criteria.wording import change, counted, percent, sentence
from readiness.facts import ServiceFacts
from readiness.rubric import Count, Rubric, RubricCriterion, Settings


class BalanceSettings(Settings):
    """Which categories are toil, which make the service better."""

    minimum_items: Count
    incident: str
    improvement: tuple[str, ...]


class Balance(Criterion[BalanceSettings]):
    """Balance of work."""

    slug = "balance"
    title = "Balance of work"
    needs = ("work_item",)
    evidence_kinds = ("work_item",)
    part_titles: ClassVar[Mapping[str, str]] = {
        "incident_share": "share of work on incidents",
        "improvement_share": "share of work on technical debt and non-functional needs",
    }
    units: ClassVar[Mapping[str, str]] = {
        "incident_share": SHARE,
        "improvement_share": SHARE,
        "items": "work items",
        "measured_by": "measure",
    }
    settings = BalanceSettings

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[BalanceSettings]) -> tuple[Gap, ...]:
        """Too few work items were closed."""
        items, least = sum(tally.items for tally in facts.work), rule.settings.minimum_items
        return (Gap("too_few", "work_item", (("rows", items), ("minimum", least))),) if items < least else ()

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """By hours of effort where all items say them, else by how many they are."""
        settings: BalanceSettings = rubric.criteria[self.slug].settings
        work = facts.work
        items = sum(tally.items for tally in work)
        effort = sum(tally.effort_hours for tally in work)
        by_effort = effort > 0 and all(tally.effort_known == tally.items for tally in work)
        size = {tally.category: tally.effort_hours if by_effort else tally.items for tally in work}
        total = effort if by_effort else items
        better = sum(size.get(category, 0) for category in settings.improvement)
        values = (size.get(settings.incident, 0) / total, better / total) if total else (None, None)
        return Measured(values, (("items", items), ("measured_by", "effort" if by_effort else "count")))

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """What goes into incidents and what into getting better."""
        measure = "the hours" if shown.get("measured_by") == "effort" else "the items"
        return sentence(
            f"{counted(shown['items'], 'work item')} closed",
            f"{percent(parts['incident_share'])} of {measure} for incidents",
            f"{percent(parts['improvement_share'])} for improvement",
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Less toil, more improvement (or less of it)."""
        return change(self.part_titles[part], from_, to, share=True)


BALANCE = Balance()
