"""Defects: is the service free of old and open faults, and do new ones stay rare?"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from readiness.criteria.base import SHARE, Criterion, Measured, names, per_days, share_known
from readiness.criteria.outcome import Blocker, Shown, Value
from readiness.criteria.wording import change, number, percent, sentence
from readiness.facts import ServiceFacts
from readiness.rubric import Days, Rubric, RubricCriterion, Settings, Severity, Share

Load = Annotated[int | float, Field(ge=0, le=1000)]


class DefectSettings(Settings):
    """What defects weigh, and when one is overdue, by severity from 1 to 4."""

    severity_weights: tuple[Load, Load, Load, Load]
    overdue_days: tuple[Days, Days, Days, Days]
    """An open defect strictly older than this is overdue."""
    arrival_days: Days
    """Arrivals are told per so many observed days."""
    blocking_severity: Severity
    known_share: Share


class Defects(Criterion[DefectSettings]):
    """Past and ongoing defects."""

    slug = "defects"
    title = "Defects"
    needs = ("defect",)
    evidence_kinds = ("defect",)
    part_titles: ClassVar[Mapping[str, str]] = {
        "open_load": "open defect load",
        "overdue_share": "overdue share of the open defects",
        "arrival": "weighted defect arrivals",
        "reopen_rate": "share of closed defects that were reopened",
    }
    units: ClassVar[Mapping[str, str]] = {
        "open_load": "weighted defects",
        "overdue_share": SHARE,
        "arrival": "weighted defects per 30 days",
        "reopen_rate": SHARE,
        "open": "defects",
        "overdue": "defects",
        "arrivals_first_half": "defects",
        "arrivals_second_half": "defects",
        "design_or_code_share": SHARE,
        "escape_share": SHARE,
    }
    counts = frozenset({"open_load"})
    settings = DefectSettings

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """The load of what is open, how much of it is overdue, what arrives, what comes back."""
        settings: DefectSettings = rubric.criteria[self.slug].settings
        found = facts.defects
        weights, days, at = settings.severity_weights, settings.overdue_days, facts.period.at
        load: float = 0
        overdue = 0
        for defect in found.open:
            load += weights[defect.severity - 1]
            overdue += (at - defect.opened_at).total_seconds() > days[defect.severity - 1] * 86400
        arrived = sum(weight * count for weight, count in zip(weights, found.arrivals, strict=True))
        values = (
            load,
            overdue / len(found.open) if found.open else 0,
            per_days(arrived, facts.coverage("defect").observed_days, settings.arrival_days),
            share_known(
                found.closed_reopened, found.closed_known, of=found.closed, least=settings.known_share
            ),
        )
        return Measured(values, self._shown(facts, overdue))

    def blockers(self, facts: ServiceFacts, rule: RubricCriterion[DefectSettings]) -> tuple[Blocker, ...]:
        """``open_sev1_defect``: any of severity 1 open at T."""
        worst = rule.settings.blocking_severity
        rows = names([defect.ref for defect in facts.defects.open if defect.severity <= worst])
        return (Blocker("open_sev1_defect", self.slug, rows),) if rows else ()

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """Load, overdue share, arrivals, reopened ones."""
        overdue, reopened = parts.get("overdue_share"), parts.get("reopen_rate")
        days = number(rubric.criteria[self.slug].settings.arrival_days)
        return sentence(
            f"open defect load {number(parts['open_load'])}",
            f"{percent(overdue)} of the open ones overdue" if overdue else None,
            f"{number(parts['arrival'])} weighted arrivals per {days} days",
            f"{percent(reopened)} of the closed ones had been reopened" if reopened else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Close, prevent, or mend for good."""
        return change(self.part_titles[part], from_, to, share=self.units[part] == SHARE)

    @staticmethod
    def _shown(facts: ServiceFacts, overdue: int) -> tuple[tuple[str, Shown], ...]:
        """What carries no score: whether defects become more, of which kind they are, how many escape."""
        found = facts.defects
        return (
            ("open", len(found.open)),
            ("overdue", overdue),
            ("arrivals_first_half", found.first_half),
            ("arrivals_second_half", found.second_half),
            ("design_or_code_share", found.design_or_code / found.kinds_known if found.kinds_known else None),
            ("escape_share", found.found_in_production / found.found_known if found.found_known else None),
        )


DEFECTS = Defects()
