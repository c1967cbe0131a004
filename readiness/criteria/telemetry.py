"""Telemetry: is what the service does seen, and seen by machines before people?"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from readiness.criteria.base import HEARD, SHARE, Criterion, Measured, conclude, gaps_of_feeds, share_known
from readiness.criteria.outcome import Blocker, Outcome, Shown, Value
from readiness.criteria.wording import change, percent, sentence
from readiness.facts import ServiceFacts, SignalRow
from readiness.rubric import Count, Rubric, RubricCriterion, Settings, Share, Weight


class TelemetrySettings(Settings):
    """What each signal weighs, and which of them this tier need not have."""

    production: str
    """The name of the environment that counts; a row without an environment is of it, too."""
    signal_weights: Annotated[dict[str, Weight], Field(min_length=1)]
    not_required: tuple[str, ...]
    minimum_detections: Count
    known_share: Share


class Telemetry(Criterion[TelemetrySettings]):
    """Telemetry coverage."""

    slug = "telemetry"
    title = "Telemetry coverage"
    needs = ("signal",)
    evidence_kinds = ("signal", "incident", "deployment")
    part_titles: ClassVar[Mapping[str, str]] = {
        "coverage": "coverage by the required signals",
        "detection": "share of incidents found by an alert first",
        "pre_production": "golden signals live before production",
    }
    units: ClassVar[Mapping[str, str]] = {
        "coverage": SHARE,
        "detection": SHARE,
        "pre_production": SHARE,
        "missing": "signals",
        "partial": "signals",
        "components": "components",
    }
    settings = TelemetrySettings

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Coverage in production, detection by alerts, golden signals elsewhere."""
        production = rubric.criteria[self.slug].settings.production
        rows = [row for row in facts.signals if (row.environment or production) == production]
        return self._measure(facts, rubric, rows)

    def launch_outcome(self, facts: ServiceFacts, rubric: Rubric) -> Outcome:
        """The judgement before launch: every environment as if production, however short the feed was heard.

        Its blockers are the ``missing_signal`` ones of this judgement.
        """
        gaps = gaps_of_feeds(facts, rubric, self.needs, enough=HEARD)
        if gaps:
            return Outcome(None, gaps=gaps)
        rule: RubricCriterion[TelemetrySettings] = rubric.criteria[self.slug]
        measured = self._measure(facts, rubric, list(facts.signals))
        return conclude(rule, measured, self.scores(rule, measured))

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """Coverage and its holes, detection, pre-production."""
        detection, before = parts.get("detection"), parts.get("pre_production")
        return sentence(
            f"{percent(parts['coverage'])} of the required telemetry is live in production{_holes(shown)}",
            f"{percent(detection)} of incidents found by an alert first" if detection is not None else None,
            f"{percent(before)} of the golden signals live before production" if before is not None else None,
        )

    def hint(self, part: str, shown: Mapping[str, Shown]) -> str:
        """Coverage rises by whole signals: those that lack."""
        return _holes(shown) if part == "coverage" else ""

    def step(self, part: str, from_: float, to: float) -> str:
        """More signals, better alerts, the same signals before production."""
        return change(self.part_titles[part], from_, to, share=True)

    def _measure(self, facts: ServiceFacts, rubric: Rubric, production: list[SignalRow]) -> Measured:
        """Judge with these rows as production's."""
        settings: TelemetrySettings = rubric.criteria[self.slug].settings
        fresh_days = rubric.signals.stale_days
        components = set(facts.components) or {row.component for row in production if row.component}
        live = _live(facts, production, fresh_days)
        total = covered = 0.0
        missing: list[str] = []
        partial: list[str] = []
        for signal, weight in settings.signal_weights.items():
            if signal in settings.not_required:
                continue
            share = _share(live.get(signal), components)
            total += weight
            covered += weight * share
            if share < 1:
                (partial if share else missing).append(signal)
        values = (
            covered / total if total else None,
            self._detection(facts, settings),
            self._pre_production(facts, settings, rubric),
        )
        shown = (
            ("missing", ", ".join(missing)),
            ("partial", ", ".join(partial)),
            ("components", len(components)),
        )
        lacking = [name for name in rubric.golden_signals if name not in live]
        return Measured(
            values, shown, tuple([Blocker(f"missing_signal:{name}", self.slug) for name in lacking])
        )

    @staticmethod
    def _detection(facts: ServiceFacts, settings: TelemetrySettings) -> float | None:
        """Of the window's incidents, the share that an alert found, where known."""
        if not facts.coverage("incident").observed:
            return None
        start = facts.period.start
        found = [row.detected_by for row in facts.incidents if row.started_at > start]
        known = len(found) - found.count(None)
        if known < settings.minimum_detections:
            return None
        return share_known(found.count("alert"), known, of=len(found), least=settings.known_share)

    @staticmethod
    def _pre_production(facts: ServiceFacts, settings: TelemetrySettings, rubric: Rubric) -> float | None:
        """The share of the golden signals that are live in another environment, where the service has one."""
        if not facts.changes.other_environment:
            return None
        others = [row for row in facts.signals if row.environment and row.environment != settings.production]
        live = _live(facts, others, rubric.signals.stale_days)
        golden = rubric.golden_signals
        return sum(name in live for name in golden) / len(golden) if golden else None


def _holes(shown: Mapping[str, Shown]) -> str:
    """The signals that are missing, or are not in all components, in brackets."""
    missing, partial = shown.get("missing"), shown.get("partial")
    said = [f"missing: {missing}"] if missing else []
    said += [f"only in some components: {partial}"] if partial else []
    return f" ({'; '.join(said)})" if said else ""


def _live(facts: ServiceFacts, rows: list[SignalRow], stale_days: float) -> dict[str, set[str | None]]:
    """The components that each live signal is seen in; ``None`` stands for the whole service."""
    at = facts.period.at
    stale_seconds = stale_days * 86400
    live: dict[str, set[str | None]] = defaultdict(set)
    for row in rows:
        if (at - row.last_seen_at).total_seconds() <= stale_seconds:
            live[row.signal].add(row.component or None)
    return live


def _share(seen: set[str | None] | None, components: set[str]) -> float:
    """How much of the service a signal covers: all of it where a row names no component."""
    if not seen:
        return 0.0
    if None in seen:
        return 1.0
    return len(seen & components) / len(components) if components else 0.0


TELEMETRY = Telemetry()
