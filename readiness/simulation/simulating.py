"""Simulates a candidate moment by moment; what was found is one JSON document that grows."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from readiness.simulation.reasons import Inquiry, Trial
from readiness.simulation.trial import ASPECTS, Compared, Difference, Fleet, compare, differs

Result = dict[str, Any]

ROWS = 500
"""So many services of the last moment are kept by name; of all others their number."""
EXPLAINED = 200
"""So many services of a moment are looked into: which change did it."""
EARLIEST_YEAR = 1000
"""What a judgement looks back over must lie within the dates that there are."""


def moments(first: datetime, last: datetime, every: timedelta) -> list[datetime]:
    """From the first on, so far apart, none after the last. Raises ``ValueError`` when none is left."""
    if last < first:
        raise ValueError("the last moment is before the first")
    if first.year < EARLIEST_YEAR:
        raise ValueError(f"the first moment is before {EARLIEST_YEAR}: no evidence is so old")
    return [first + number * every for number in range((last - first) // every + 1)]


def begun(trial: Trial) -> Result:
    """A result without any moment.

    The shape::

        changes [text], limits {rows, explained},
        moments [{at, services, failed [slug], changed {verdict, deploy, level, score: number},
                  verdicts [[of, from, to, number]], deploys [[from, to, number]],
                  levels [[from, to, number]], score null or {least, mean, most}}],
        ever {slug: row with "at"}: whose verdict changed, at the first moment it did,
        last null or {at, rows [row], more: number}: who changes at the last moment

    A row is ``{service, tier, from, to, because}``; from and to are ``{of, verdict, deploy, level, score}``;
    because is null (not looked into) or ``{aspect, how, changes [number in the list of changes]}``.
    """
    return {
        "changes": [each.text for each in trial.changes],
        "limits": {"rows": ROWS, "explained": EXPLAINED},
        "moments": [],
        "ever": {},
        "last": None,
    }


def advanced(result: Result, trial: Trial, at: datetime, *, fleet: Fleet, last: bool) -> Result:
    """The result with one more moment, a new document; ``last`` when no other follows."""
    found = compare(trial.baseline, trial.candidate, at=at, fleet=fleet)
    fresh = [
        each for each in found.differences if each.aspect == "verdict" and each.slug not in result["ever"]
    ]
    asked = found.differences if last else fresh
    because = _reasons(trial, at, asked[:EXPLAINED])
    rows = {each.slug: _row(each, because) for each in (*fresh, *asked[:ROWS])}
    return {
        **result,
        "moments": [*result["moments"], _summary(found)],
        "ever": {
            **result["ever"],
            **{each.slug: {**rows[each.slug], "at": at.isoformat()} for each in fresh},
        },
        "last": _last(found, rows) if last else None,
    }


def simulate(
    trial: Trial,
    at: Sequence[datetime],
    ids: Sequence[int] | None = None,
    *,
    told: Callable[[], None] = lambda: None,
) -> Result:
    """All moments, of these services or all; ``told`` is called after each moment."""
    result = begun(trial)
    for moment in at:
        last = moment == at[-1]
        result = advanced(result, trial, moment, fleet=Fleet.of(ids), last=last)
        told()
    return result


def _reasons(trial: Trial, at: datetime, asked: Sequence[Difference]) -> dict[str, dict[str, Any]]:
    if not asked:
        return {}
    inquiry = Inquiry(trial, at, asked)
    return {each.slug: inquiry.because(each).document() for each in asked}


def _row(found: Difference, because: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "service": found.slug,
        "tier": found.tier,
        "from": found.old._asdict(),
        "to": found.new._asdict(),
        "because": because.get(found.slug),
    }


def _last(found: Compared, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    shown = found.differences[:ROWS]
    return {
        "at": found.at.isoformat(),
        "rows": [rows[each.slug] for each in shown],
        "more": len(found.differences) - len(shown),
    }


def _summary(found: Compared) -> dict[str, Any]:
    moves = [
        each.new.score - each.old.score for each in found.differences if each.new.score != each.old.score
    ]
    pairs = [(each.old, each.new) for each in found.differences]
    return {
        "at": found.at.isoformat(),
        "services": found.services,
        "failed": found.failed,
        "changed": {aspect: sum(differs(aspect, *pair) for pair in pairs) for aspect in ASPECTS},
        "verdicts": _moves(
            (old.of, old.verdict, new.verdict) for old, new in pairs if differs("verdict", old, new)
        ),
        "deploys": _moves((old.deploy, new.deploy) for old, new in pairs if differs("deploy", old, new)),
        "levels": _moves((old.level, new.level) for old, new in pairs if differs("level", old, new)),
        "score": {
            "least": round(min(moves), 2),
            "mean": round(sum(moves) / len(moves), 2),
            "most": round(max(moves), 2),
        }
        if moves
        else None,
    }


def _moves(pairs: Any) -> list[list[Any]]:
    """Each way from something to something else with how many went it, the most first."""
    counted = Counter(pairs)
    return [[*way, number] for way, number in sorted(counted.items(), key=lambda each: (-each[1], each[0]))]
