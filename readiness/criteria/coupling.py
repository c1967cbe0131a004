"""Coupling: can the service stand, change and fail on its own?"""

from collections.abc import Mapping
from typing import ClassVar

from readiness.criteria.base import SHARE, Criterion, Measured, share_known
from readiness.criteria.outcome import Shown, Value
from readiness.criteria.wording import change, counted, number, percent, sentence
from readiness.facts import ServiceFacts
from readiness.rubric import Count, Rubric, Settings, Share

_STEPS = {
    "fan_out": "call {to} services synchronously instead of {from_}",
    "shared_databases": "share a database with {to} services instead of {from_}",
    "in_cycle": "break the cycle of synchronous calls that leads back to the service",
    "tier_inversions": "depend hard on {to} services of a lower tier instead of {from_}",
}


class CouplingSettings(Settings):
    """When causes of incidents say something about coupling."""

    minimum_causes: Count
    known_share: Share


class Coupling(Criterion[CouplingSettings]):
    """Loosely coupled architecture."""

    slug = "coupling"
    title = "Loosely coupled architecture"
    needs = ("dependency",)
    evidence_kinds = ("dependency", "incident")
    part_titles: ClassVar[Mapping[str, str]] = {
        "fan_out": "services called synchronously",
        "shared_databases": "services it shares a database with",
        "in_cycle": "lies on a cycle of synchronous calls",
        "tier_inversions": "hard dependencies on services of a lower tier",
        "cascade_share": "share of incidents caused by a dependency",
    }
    units: ClassVar[Mapping[str, str]] = {
        "fan_out": "services",
        "shared_databases": "services",
        "in_cycle": "yes (1) or no (0)",
        "tier_inversions": "services",
        "cascade_share": SHARE,
        "fan_in": "services",
        "instability": "Ce / (Ca + Ce)",
    }
    counts = frozenset({"fan_out", "shared_databases", "in_cycle", "tier_inversions"})
    settings = CouplingSettings

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Count distinct services at the other end of the edges; duplicates of an edge are one."""
        calls, hard_lower, databases = set(), set(), set()
        cycle = False
        for edge in facts.edges:
            if edge.type == "sync":
                calls.add(edge.target)
                cycle = cycle or edge.same_cycle
                if edge.hard and edge.target_tier is not None and edge.target_tier > facts.tier:
                    hard_lower.add(edge.target)
            elif edge.type == "shared_database":
                databases.add(edge.target)
        databases.update(edge.caller for edge in facts.inbound if edge.type == "shared_database")
        callers = {edge.caller for edge in facts.inbound if edge.type == "sync"}
        ends = len(calls) + len(callers)
        values = (len(calls), len(databases), int(cycle), len(hard_lower), self._cascades(facts, rubric))
        # Martin, OO Design Quality Metrics (1994): efferent over all couplings.
        instability = len(calls) / ends if ends else None
        return Measured(values, (("fan_in", len(callers)), ("instability", instability)))

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """Who is called, what is shared, what closes a circle, what drags it down."""
        shared, inverted = parts["shared_databases"], parts["tier_inversions"]
        cascades = parts.get("cascade_share")
        return sentence(
            f"calls {counted(parts['fan_out'], 'service')} synchronously",
            f"shares a database with {number(shared)}" if shared else None,
            "lies on a cycle of synchronous calls" if parts["in_cycle"] else None,
            f"depends hard on {number(inverted)} of a lower tier" if inverted else None,
            f"{percent(cascades)} of its incidents came from a dependency" if cascades is not None else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Loosen one kind of coupling."""
        if part in _STEPS:
            return _STEPS[part].format(from_=number(from_), to=number(to))
        return change(self.part_titles[part], from_, to, share=True)

    @staticmethod
    def _cascades(facts: ServiceFacts, rubric: Rubric) -> float | None:
        """Of the window's incidents, the share that a dependency caused, where the cause is known."""
        if not facts.coverage("incident").observed:
            return None
        settings: CouplingSettings = rubric.criteria["coupling"].settings
        start = facts.period.start
        causes = [row.cause for row in facts.incidents if row.started_at > start]
        known = len(causes) - causes.count(None) - causes.count("unknown")
        if known < settings.minimum_causes:
            return None
        return share_known(causes.count("dependency"), known, of=len(causes), least=settings.known_share)


COUPLING = Coupling()
