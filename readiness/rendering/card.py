"""A scorecard as people and machines get it: the JSON of DESIGN.md, made from the numbers when it is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from readiness.criteria import BY_SLUG
from readiness.criteria.base import Criterion
from readiness.criteria.wording import number
from readiness.explaining import Explanation
from readiness.facts import RowRef
from readiness.policy import Policy
from readiness.rendering.next_steps import Judged, next_steps
from readiness.rendering.sentences import blocker_text, gap_text, listed, plural, reason_text
from readiness.rubric import Rubric

NOTHING_EXPLAINED = Explanation()
# Orders are ours and not the document's: PostgreSQL keeps the keys of JSON in an order of its own.
VERDICTS = ("handoff", "launch", "deploy", "handback")


@dataclass(frozen=True, slots=True)
class Meta:
    """What stands on a scorecard beside its numbers."""

    service: str
    at: datetime
    policy_version: int
    clock_offset: float = 0
    """Seconds by which the clock is ahead of the real time."""
    revision: int = 1
    judged_at: datetime | None = None
    age_seconds: float | None = None


def render(
    document: Mapping[str, Any], *, policy: Policy, meta: Meta, explanation: Explanation | None = None
) -> dict[str, Any]:
    """Make the scorecard of DESIGN.md ("A scorecard as JSON") from a numbers document.

    ``policy`` is the one it was judged under. Without an explanation (the rows are not at hand) ``evidence``
    is empty and next steps name no rows. Beside DESIGN.md's keys: ``tier``, ``lifecycle``, ``revision``,
    ``judged_at``, ``age_seconds``.
    """
    rubric = policy.rubric(document["tier"])
    return {
        "service": meta.service,
        "at": meta.at.isoformat(),
        "policy": {"name": policy.name, "version": meta.policy_version},
        "score": document["score"],
        "level": document["level"],
        "evidence": document["evidence"],
        "possible": document["possible"],
        "management_state": document["standing"]["state"],
        "clock_offset": meta.clock_offset,
        "verdicts": {name: _verdict(document["verdicts"][name], document) for name in VERDICTS},
        "blockers": [_blocker(each) for each in document["blockers"]],
        "criteria": [
            _criterion(slug, document, rubric, explanation=explanation or NOTHING_EXPLAINED)
            for slug in rubric.criteria
            if slug in document["criteria"]
        ],
        "tier": document["tier"],
        "lifecycle": document["lifecycle"],
        "revision": meta.revision,
        "judged_at": None if meta.judged_at is None else meta.judged_at.isoformat(),
        "age_seconds": meta.age_seconds,
    }


def _verdict(verdict: Mapping[str, Any] | None, document: Mapping[str, Any]) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "verdict": verdict["verdict"],
        "reasons": [reason_text(reason, document) for reason in verdict["reasons"]],
        "waivers": verdict["waivers"],
    }


def _blocker(blocker: Sequence[Any]) -> dict[str, Any]:
    code, criterion, waived, rows, numbers = blocker
    text = blocker_text(code, rows, numbers)
    return {"code": code, "criterion": criterion, "text": text, "waived": waived}


def _criterion(
    slug: str, document: Mapping[str, Any], rubric: Rubric, *, explanation: Explanation
) -> dict[str, Any]:
    numbers, rule, criterion = document["criteria"][slug], rubric.criteria[slug], BY_SLUG[slug]
    steps = next_steps(Judged(criterion, rubric, numbers), explanation.closings)
    return {
        "slug": slug,
        "title": criterion.title,
        "status": "insufficient_evidence" if numbers["score"] is None else "scored",
        "score": numbers["score"],
        "weight": rule.weight,
        "gated": rule.gated,
        "threshold": rule.threshold,
        "reason": reason(criterion, document, rubric),
        "parts": _parts(criterion, numbers, rubric),
        "shown": _shown(criterion, numbers["shown"]),
        "next_steps": [step.document() for step in steps],
        "evidence": list(_evidence(slug, numbers["score"], explanation)),
    }


def reason(criterion: Criterion[Any], document: Mapping[str, Any], rubric: Rubric) -> str:
    """One line: what was found, and on which declared feeds it rests; or which evidence is missing."""
    numbers = document["criteria"][criterion.slug]
    if numbers["score"] is None:
        return "; ".join(gap_text(gap) for gap in numbers["gaps"])
    values = {name: value for name, (value, _) in numbers["parts"].items()}
    found = criterion.describe(values, numbers["shown"], rubric)
    feeds = document["feeds"]
    declared = [
        f"{plural(kind)} ({listed(feeds[kind]['sources'])})"
        for kind in dict.fromkeys((*criterion.needs, *criterion.evidence_kinds))
        if kind in feeds and feeds[kind]["declared"]
    ]
    return f"{found} Declared, not heard: {listed(declared)}." if declared else found


def _parts(criterion: Criterion[Any], numbers: Mapping[str, Any], rubric: Rubric) -> list[dict[str, Any]]:
    parts = []
    for rule in rubric.criteria[criterion.slug].ordered:
        value, score = numbers["parts"].get(rule.name, (None, None))
        parts.append(
            {
                "name": rule.name,
                "value": value,
                "unit": criterion.units.get(rule.name),
                "score": score,
                "weight": rule.weight,
            }
        )
    return parts


def _shown(criterion: Criterion[Any], shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What carries no score, in the order in which the criterion names its units."""
    names = (*(name for name in criterion.units if name in shown), *shown)
    return [
        {"name": name, "value": shown[name], "unit": criterion.units.get(name)}
        for name in dict.fromkeys(names)
    ]


def _evidence(slug: str, score: float | None, explanation: Explanation) -> Iterable[dict[str, Any]]:
    """The rows that blockers rest on, then those that weigh most; a row that does both is named once."""
    why: dict[RowRef, list[str]] = {}
    for basis in explanation.blockers.get(slug, ()):
        why.setdefault(basis.ref, []).append(f"the blocker {basis.code} rests on it")
    for row in explanation.weightiest.get(slug, ()):
        scores = f"{number(row.without)} instead of {number(score)} (+{number(row.rise)})"
        why.setdefault(row.ref, []).append(f"without it the score would be {scores}")
    for ref, clauses in why.items():
        said = "; ".join(clauses)
        yield {
            "kind": ref.kind,
            "source": ref.source,
            "id": ref.id,
            "url": ref.url,
            "why": f"{ref.title}: {said}" if ref.title else said,
        }
