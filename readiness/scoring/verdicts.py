"""The handoff, launch and handback verdicts (SCORING.md section 4), with reasons as codes and numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, NamedTuple

from readiness.criteria.change_safety import FailRate, exceeds, fail_rate, recent_fail_rate
from readiness.criteria.outcome import Blocker, Outcome
from readiness.facts import IncidentRow, ServiceFacts
from readiness.rubric import IncidentCount, RateLimit, Rubric
from readiness.scoring.overall import Overall
from readiness.scoring.stands import broken, unheard

DEVELOPER_MANAGED = "developer_managed"
OPS_MANAGED = "ops_managed"
# What a waiver names to set aside the change fail rate of the window in the handback verdict.
RATE_WAIVERS = ("change_safety", "change_fail_rate")


class Reason(NamedTuple):
    """Why a verdict is what it is; :mod:`readiness.rendering` knows the sentence of every code."""

    code: str
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer with its reasons, the decisive ones first, and the waivers (ids) it relied on."""

    verdict: str
    reasons: tuple[Reason, ...] = ()
    waivers: tuple[int, ...] = ()

    def numbers(self) -> dict[str, Any]:
        """The verdict as JSON types."""
        reasons = [[code, numbers] for code, numbers in self.reasons]
        return {"verdict": self.verdict, "reasons": reasons, "waivers": list(self.waivers)}


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the verdicts of one service rest on."""

    facts: ServiceFacts
    rubric: Rubric
    outcomes: Mapping[str, Outcome]
    blockers: tuple[Blocker, ...]
    gating: Overall | None
    """The overall without the waived criteria; ``None`` when nothing is left."""
    waived: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Ids of the live waivers by target: a criterion's slug or a blocker's code."""

    def relied(self, targets: Iterable[str]) -> tuple[int, ...]:
        """The ids of the live waivers of these targets."""
        return tuple(sorted({each for target in targets for each in self.waived.get(target, ())}))

    def insufficient(self, slugs: Iterable[str]) -> tuple[Reason, ...]:
        """A reason for each of these criteria that has no score."""
        return tuple(
            Reason("insufficient", {"criterion": slug}) for slug in slugs if self.outcomes[slug].score is None
        )


def launched(facts: ServiceFacts) -> bool:
    """Whether the launch date is unknown or its day has begun at T, in UTC."""
    return facts.launched_on is None or facts.launched_on <= facts.period.at.astimezone(UTC).date()


def live(facts: ServiceFacts) -> bool:
    """Live by its lifecycle, and launched."""
    return facts.lifecycle == "live" and launched(facts)


def before_launch(facts: ServiceFacts) -> bool:
    """Neither live nor retired."""
    return facts.lifecycle != "retired" and not live(facts)


def handoff(grounds: Grounds) -> Verdict | None:
    """``ready``, ``not_ready`` or ``cannot_tell``; ``None`` unless live and developer-managed."""
    if not live(grounds.facts) or grounds.facts.standing.state != DEVELOPER_MANAGED:
        return None
    rubric, gating = grounds.rubric, grounds.gating
    gates = [each.slug for each in rubric.gated if each.slug not in grounds.waived]
    bad = [*_below(grounds, gates), *_blocking(grounds)]
    unsure = grounds.insufficient(gates)
    if gating is None:
        unsure += (Reason("nothing_left", {}),)
    elif gating.possible < rubric.handoff.overall:
        numbers = {"possible": gating.possible, "threshold": rubric.handoff.overall}
        bad.append(Reason("possible_below", numbers))
    elif gating.score < rubric.handoff.overall:
        unsure += (Reason("overall_below", {"score": gating.score, "threshold": rubric.handoff.overall}),)
    verdict = "not_ready" if bad else "cannot_tell" if unsure else "ready"
    return Verdict(verdict, (*bad, *unsure) or (_all_met(gating),), _relied_for_handoff(grounds))


def _all_met(gating: Overall | None) -> Reason:
    return Reason("all_met", {"score": None if gating is None else gating.score})


def _below(grounds: Grounds, gates: Iterable[str]) -> list[Reason]:
    below: list[Reason] = []
    for slug in gates:
        score, threshold = grounds.outcomes[slug].score, grounds.rubric.criteria[slug].threshold
        if score is not None and score < threshold:
            below.append(
                Reason("below_threshold", {"criterion": slug, "score": score, "threshold": threshold})
            )
    return below


def _blocking(grounds: Grounds) -> list[Reason]:
    return [
        Reason("blocker", {"code": each.code, "criterion": each.criterion})
        for each in grounds.blockers
        if each.code not in grounds.waived
    ]


def _relied_for_handoff(grounds: Grounds) -> tuple[int, ...]:
    """Waivers that took a weighted or gated criterion out, or a blocker that stands."""
    criteria = (each.slug for each in grounds.rubric.criteria.values() if each.gated or each.weight > 0)
    return grounds.relied((*criteria, *(each.code for each in grounds.blockers)))


def launch(grounds: Grounds, telemetry: Outcome) -> Verdict:
    """``ready``, ``not_ready`` or ``cannot_tell`` for a service before its launch.

    ``telemetry`` is that criterion's ``launch_outcome``: every environment as if production, and without the
    minimum of observed days.
    """
    facts, terms = grounds.facts, grounds.rubric.launch
    unsure = [
        Reason("unheard", {"kind": kind, "status": status.value})
        for kind in terms.needs
        if (status := unheard(facts, kind))
    ]
    bad = [Reason("blocker", {"code": each.code, "criterion": each.criterion}) for each in telemetry.blockers]
    bad += [Reason("pipeline_broken", broken(each)) for each in facts.pipeline.broken]
    if telemetry.score is None:
        unsure = unsure or [Reason("insufficient", {"criterion": "telemetry"})]
    elif telemetry.score < terms.telemetry:
        bad.insert(0, Reason("launch_below", {"score": telemetry.score, "threshold": terms.telemetry}))
    verdict = "not_ready" if bad else "cannot_tell" if unsure else "ready"
    return Verdict(verdict, (*bad, *unsure) or (Reason("launch_met", {"score": telemetry.score}),))


def handback(grounds: Grounds) -> Verdict | None:
    """``urgent``, ``below``, ``cannot_tell`` or ``holds``; ``None`` unless live and ops-managed."""
    facts, terms = grounds.facts, grounds.rubric.handback
    if not live(facts) or facts.standing.state != OPS_MANAGED:
        return None
    urgent = _urgent(grounds)
    below = [*_fallen(grounds), *_storms(grounds), *_rate_of_window(grounds)]
    judged = [slug for slug in terms.criteria if slug not in grounds.waived and slug in grounds.outcomes]
    unsure = [
        *grounds.insufficient(judged),
        *(
            Reason("not_observed", {"kind": kind, "status": facts.coverage(kind).status.value})
            for kind in terms.needs
            if not facts.coverage(kind).observed
        ),
    ]
    verdict = "urgent" if urgent else "below" if below else "cannot_tell" if unsure else "holds"
    reasons = (*urgent, *below, *unsure) or (Reason("holds", {"threshold": terms.threshold}),)
    return Verdict(verdict, reasons, _relied_for_handback(grounds))


def _fallen(grounds: Grounds) -> list[Reason]:
    terms = grounds.rubric.handback
    fallen: list[Reason] = []
    for slug in terms.criteria:
        outcome = grounds.outcomes.get(slug)
        if outcome is None or slug in grounds.waived or outcome.score is None:
            continue
        if outcome.score < terms.threshold:
            fallen.append(
                Reason(
                    "below_threshold",
                    {"criterion": slug, "score": outcome.score, "threshold": terms.threshold},
                )
            )
    return fallen


def _storms(grounds: Grounds) -> list[Reason]:
    codes = grounds.rubric.handback.blockers
    return [each for each in _blocking(grounds) if each.numbers["code"] in codes]


def _rate_of_window(grounds: Grounds) -> list[Reason]:
    if any(target in grounds.waived for target in RATE_WAIVERS):
        return []
    return _rate_above("fail_rate", fail_rate(grounds.facts), grounds.rubric.handback.change_fail_rate)


def _rate_above(code: str, rate: FailRate, limit: RateLimit) -> list[Reason]:
    if not exceeds(rate, limit):
        return []
    return [Reason(code, {"failed": rate.failed, "changes": rate.changes, "above": limit.above})]


def _urgent(grounds: Grounds) -> list[Reason]:
    facts, terms = grounds.facts, grounds.rubric.handback.urgent
    since = facts.period.at - timedelta(days=grounds.rubric.spans.recent_days)
    blamed = [row for row in facts.incidents if row.started_at > since and row.cause in terms.causes]
    told = {"causes": list(terms.causes), "since": since.isoformat()}
    reasons = [reason for count in terms.incidents for reason in _urgent_incidents(blamed, count, told)]
    if facts.defects.recent_severe:
        rows = [each.name for each in facts.defects.recent_severe]
        reasons.append(Reason("urgent_defects", {"rows": rows, "since": since.isoformat()}))
    return reasons + [
        Reason(code, {**numbers, "since": since.isoformat()})
        for code, numbers in _rate_above("recent_fail_rate", recent_fail_rate(facts), terms.change_fail_rate)
    ]


def _urgent_incidents(
    blamed: Iterable[IncidentRow], count: IncidentCount, told: Mapping[str, Any]
) -> list[Reason]:
    rows = [row.ref.name for row in blamed if row.severity <= count.severity]
    if len(rows) < count.count:
        return []
    return [Reason("urgent_incidents", {"severity": count.severity, "rows": rows, **told})]


def _relied_for_handback(grounds: Grounds) -> tuple[int, ...]:
    """Waivers that set aside a criterion it looks at, one of its blockers, or too high a rate."""
    terms = grounds.rubric.handback
    targets = [*terms.criteria]
    targets += [each.code for each in grounds.blockers if each.code in terms.blockers]
    if exceeds(fail_rate(grounds.facts), terms.change_fail_rate):
        targets += RATE_WAIVERS
    return grounds.relied(targets)
