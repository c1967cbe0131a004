"""One service judged at T, and its numbers as the JSON document that a scorecard keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from readiness.criteria.outcome import Blocker, Outcome
from readiness.facts import Coverage, FeedStatus, ServiceFacts, Standing
from readiness.scoring.overall import Overall
from readiness.scoring.verdicts import Verdict

NumbersDocument = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One service judged at T: numbers and codes, no sentences."""

    facts: ServiceFacts
    outcomes: Mapping[str, Outcome]
    """By criterion, in the order of the registry."""
    overall: Overall
    gating: Overall | None
    """The overall without the waived criteria; ``None`` when nothing is left."""
    level: str
    blockers: tuple[Blocker, ...]
    waived: Mapping[str, tuple[int, ...]]
    handoff: Verdict | None
    launch: Verdict | None
    deploy: dict[str, Any] | None
    handback: Verdict | None
    stands: dict[str, Any]

    def document(self) -> NumbersDocument:
        """The immutable numbers of the scorecard as JSON types; a feed that is not named is ``no_feed``.

        The shape::

            tier, hours, lifecycle, standing {state, handback_at, waivers [[id, target]]},
            score, evidence, possible, level, gating null or {score, possible},
            verdicts {handoff, launch, deploy, handback: null or {verdict, reasons, waivers [id]}},
            reasons are [[code, numbers]], blockers [[code, criterion, waived, [row], numbers]],
            criteria {slug: {score, parts {name: [value, score]}, shown, gaps [[code, kind, numbers]]}},
            stands (see readiness.scoring.stands),
            feeds {kind: {status, observed_days, last_heard, sources, declared}}
        """
        facts, whole, gating = self.facts, self.overall, self.gating
        return {
            "tier": facts.tier,
            "hours": dict(facts.hours),
            "lifecycle": facts.lifecycle,
            "standing": _standing(facts.standing),
            "score": whole.score,
            "evidence": whole.evidence,
            "possible": whole.possible,
            "level": self.level,
            "gating": None if gating is None else {"score": gating.score, "possible": gating.possible},
            "verdicts": self._verdicts(),
            "blockers": [_blocker(each, self.waived) for each in self.blockers],
            "criteria": {slug: _outcome(outcome) for slug, outcome in self.outcomes.items()},
            "stands": self.stands,
            "feeds": _feeds(facts),
        }

    def _verdicts(self) -> dict[str, Any]:
        return {
            "handoff": self.handoff and self.handoff.numbers(),
            "launch": self.launch and self.launch.numbers(),
            "deploy": self.deploy,
            "handback": self.handback and self.handback.numbers(),
        }


def _standing(standing: Standing) -> dict[str, Any]:
    handback_at = standing.handback_at
    return {
        "state": standing.state,
        "handback_at": None if handback_at is None else handback_at.isoformat(),
        "waivers": [[waiver.id, waiver.target] for waiver in standing.waivers],
    }


def _blocker(blocker: Blocker, waived: Mapping[str, tuple[int, ...]]) -> list[Any]:
    code, criterion, rows, numbers = blocker
    return [code, criterion, code in waived, list(rows), dict(numbers)]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "score": outcome.score,
        "parts": {name: [value, score] for name, value, score, _ in outcome.parts},
        "shown": dict(outcome.shown),
        "gaps": [[code, kind, dict(numbers)] for code, kind, numbers in outcome.gaps],
    }


def _feeds(facts: ServiceFacts) -> dict[str, Any]:
    return {
        kind: _feed(coverage)
        for kind, coverage in facts.feeds.items()
        if coverage.status is not FeedStatus.NO_FEED
    }


def _feed(coverage: Coverage) -> dict[str, Any]:
    # While a feed is heard, each heartbeat lengthens its span: only the last one before a silence stays so.
    silent = coverage.status is FeedStatus.SILENT
    return {
        "status": coverage.status.value,
        "observed_days": round(coverage.observed_days, 4),
        "last_heard": coverage.last_heard.isoformat() if silent and coverage.last_heard else None,
        "sources": list(coverage.sources),
        "declared": coverage.declared,
    }
