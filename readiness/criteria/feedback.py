"""Feedback: do those who build the service watch the people who use it, and act on what they see?"""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from readiness.criteria.base import SHARE, Criterion, Measured, per_days
from readiness.criteria.outcome import Shown, Value
from readiness.criteria.wording import change, counted, number, percent, sentence, tally
from readiness.facts import ServiceFacts
from readiness.rubric import Days, Rubric, Settings


class FeedbackSettings(Settings):
    """How often is often, and whose observations do not count."""

    rate_days: Days
    ops_role: str


class Feedback(Criterion[FeedbackSettings]):
    """Feedback from users and downstream."""

    slug = "feedback"
    title = "Feedback from users and downstream"
    needs = ("observation",)
    evidence_kinds = ("observation",)
    part_titles: ClassVar[Mapping[str, str]] = {
        "observations_per_90_days": "observations per 90 days",
        "led_to_work": "share of observations that led to work",
        "done": "share of observations whose work is done",
    }
    units: ClassVar[Mapping[str, str]] = {
        "observations_per_90_days": "observations per 90 days",
        "led_to_work": SHARE,
        "done": SHARE,
        "observations": "observations",
        "of_clients": "observations",
        "of_downstream": "observations",
        "by_role": "observations",
    }
    settings = FeedbackSettings

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """The rate from the first covered moment on, the shares over the whole window."""
        settings: FeedbackSettings = rubric.criteria[self.slug].settings
        heard = facts.coverage("observation")
        since = heard.first_covered or facts.period.start
        seen = [row for row in facts.observations if row.role != settings.ops_role]
        rated = sum(row.observed_at >= since for row in seen)
        values = (
            per_days(rated, heard.observed_days, settings.rate_days),
            sum(row.names_work for row in seen) / len(seen) if seen else None,
            sum(row.names_work and row.done for row in seen) / len(seen) if seen else None,
        )
        shown = (
            ("observations", len(seen)),
            ("of_clients", sum(row.observed == "client" for row in seen)),
            ("of_downstream", sum(row.observed == "downstream" for row in seen)),
            ("by_role", tally(Counter(row.role for row in seen), most=len(seen)) if seen else None),
        )
        return Measured(values, shown)

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """How often, of whom, and what came of it."""
        led, done = parts.get("led_to_work"), parts.get("done")
        return sentence(
            f"{counted(parts['observations_per_90_days'], 'observation')} per 90 days",
            f"{number(shown['of_clients'])} of clients and {number(shown['of_downstream'])} downstream",
            f"{percent(led)} led to work" if led is not None else None,
            f"{percent(done)} done" if done is not None else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Watch more often, act on it, finish it."""
        return change(self.part_titles[part], from_, to, share=self.units[part] == SHARE)


FEEDBACK = Feedback()
