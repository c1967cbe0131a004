"""Why a rule proposes a move, or lets its proposal lapse, in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from handoff.rules import READY, Kind, Lapse, Proposal, Seen
from readiness.criteria.wording import counted, number
from readiness.rendering.sentences import reason_text

Document = Mapping[str, Any]
"""A scorecard's numbers."""


def proposed(proposal: Proposal, document: Document, *, now: Seen, since: Seen) -> str:
    """The reason of a proposal, from its last scorecard and the first that justifies it."""
    said = f"The {now.of} verdict is {_words(now.verdict)}"
    if len(proposal.scorecards) > 1:
        said += f", in all {len(proposal.scorecards)} scorecards from {since.at:%Y-%m-%d %H:%M} UTC on"
    return f"{said}: {'; '.join(why(proposal.kind, document, now))}."


def lapsed(lapse: Lapse, document: Document) -> str:
    """The reason of a lapse, from the scorecard that no longer supports the proposal."""
    now = lapse.seen
    of = f"the {now.of} verdict is {_words(now.verdict)}" if now.of else "no verdict applies"
    because = "; ".join(why_not(document, now))
    return f"A later evaluation no longer supports it: {of}{because and f': {because}'}."


def why(kind: Kind, document: Document, now: Seen) -> list[str]:
    """What speaks for a proposal: the reasons of the verdict, and of a handoff its clock."""
    return [*_reasons(document, now.of), *(_clock(document) if kind is Kind.HANDOFF else ())]


def why_not(document: Document, now: Seen) -> list[str]:
    """What no longer supports one; the clock goes first, where the verdict itself would still do."""
    clock = _clock(document) if now.says(Kind.HANDOFF, READY) else ()
    return [*clock, *_reasons(document, now.of)]


def _words(verdict: str | None) -> str:
    return (verdict or "not given").replace("_", " ")


def _reasons(document: Document, of: str | None) -> list[str]:
    """Those of the verdict, the decisive ones first."""
    reasons: Iterable[Any] = document["verdicts"][of]["reasons"] if of else ()
    return [reason_text(each, document) for each in reasons]


def _clock(document: Document) -> Iterator[str]:
    """How far the stability clock is; nothing where the policy does without it."""
    if stability := document["criteria"].get("stability"):
        days, _ = stability["parts"].get("clock_days", (None, None))
        required = stability["shown"].get("required_days")
        yield f"{counted(days, 'day')} proven stable of {number(required)} needed"
