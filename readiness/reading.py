"""Reads scorecards as people and machines see them: which one, how old, in words, with what weighs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Self

from django.db.models import Q, QuerySet

from readiness import clock, exclusions
from readiness.criteria.coupling import COUPLING
from readiness.evaluation.judging import explanations, scope_of
from readiness.evaluation.policies import parsed
from readiness.evaluation.runs import looped
from readiness.explaining import Explanation
from readiness.facts import RowRef
from readiness.measures.arrivals import received_after
from readiness.measures.graph import Reach, reach
from readiness.measures.passing import passed_between
from readiness.models import Exclusion, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.rendering import Meta, render
from readiness.rendering.causes import Cause, Excluded, Found, Received, causes
from readiness.rendering.changes import Change, Judged, changes, summary

RECEIVED_AT_MOST = 200
"""Rows of a kind that are named as received between two scorecards, the newest."""
_WITH = ("service", "policy", "evaluation")


def latest(service: Service, at: datetime | None = None, kind: str | None = None) -> Scorecard | None:
    """The newest judgement of a service at or before ``at`` (default: now).

    Without a ``kind`` live judgements go before replayed ones of the same moment.
    """
    cards = Scorecard.objects.filter(service=service, at__lte=at or clock.now()).select_related(*_WITH)
    if kind is not None:
        cards = cards.filter(kind=kind)
    elif at is None:
        return cards.filter(kind=Kind.LIVE).first() or cards.first()
    # "live" sorts before "replay"
    return cards.order_by("-at", "kind", "-revision", "-pk").first()


def history(service: Service) -> "QuerySet[Scorecard]":
    """All judgements of a service, newest first, the newest revision of a moment before the older ones."""
    return Scorecard.objects.filter(service=service).order_by("-at", "kind", "-revision", "-pk")


def previous(card: Scorecard) -> Scorecard | None:
    """The newest scorecard of the same kind before this one that says otherwise; ``None`` for the first.

    Where all before say the same, it is the last of them.
    """
    earlier = Q(at__lt=card.at) | Q(at=card.at, pk__lt=card.pk)
    cards = Scorecard.objects.filter(earlier, service=card.service_id, kind=card.kind)
    newest_first = cards.select_related(*_WITH).order_by("-at", "-revision", "-pk")
    return newest_first.exclude(digest=card.digest).first() or newest_first.first()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two scorecards of a service, what they say otherwise, and what lies between them."""

    before: Scorecard
    after: Scorecard
    window_days: float
    changes: Sequence[Change]
    causes: Sequence[Cause]
    summary: str


def compared(one: Scorecard, other: Scorecard) -> Comparison:
    """Compare two scorecards of one service, whichever is earlier. A constant number of queries."""
    before, after = sorted((one, other), key=lambda card: (card.at, card.created_at, card.pk))
    was, now = (Judged(card.numbers, str(card.policy)) for card in (before, after))
    found, between = changes(was, now), _between(before, after)
    return Comparison(
        before=before,
        after=after,
        window_days=between.window_days,
        changes=found,
        causes=causes(between, changed=bool(found)),
        summary=summary(was, now, found),
    )


def _between(before: Scorecard, after: Scorecard) -> Found:
    """What came in between the two judgements, and what time did between the two moments."""
    first, last = sorted((before, after), key=lambda card: card.created_at)
    service, window = after.service_id, parsed(after.policy).window_days
    arrivals = received_after(
        service, first.created_at, after.at, until=last.created_at, most=RECEIVED_AT_MOST
    )
    passed = passed_between(service, before.at, after.at, window_days=window, known_by=first.created_at)
    # Exclusions are kept by the clock, which may stand elsewhere than the real time.
    by_clock = [card.created_at + card.clock_offset for card in (first, last)]
    return Found(
        moments=(before.at, after.at),
        policies=(str(before.policy), str(after.policy)),
        window_days=window,
        received=[Received(each.ref, each.first_received_at > first.created_at) for each in arrivals],
        at_most=RECEIVED_AT_MOST,
        excluded=[_excluded(each) for each in exclusions.between(service, *by_clock)],
        left={kind: each.left for kind, each in passed.items()},
        happened={kind: each.happened for kind, each in passed.items()},
    )


def _excluded(exclusion: Exclusion) -> Excluded:
    source, _, key = exclusion.row.partition(":")
    return Excluded(
        RowRef(exclusion.kind, source, key), exclusion.excluded, exclusion.actor, exclusion.reason
    )


def rendered(scorecard: Scorecard, *, explain: bool = False) -> dict[str, Any]:
    """A scorecard as the JSON of DESIGN.md; ``explain`` adds the rows that weigh most, as they are known now.

    Further keys: ``kind``, and ``stale`` (older than the setting allows).
    """
    return next(rendered_many([scorecard], explain=explain))


def rendered_many(scorecards: Iterable[Scorecard], *, explain: bool = False) -> Iterator[dict[str, Any]]:
    """:func:`rendered` for many, in order; explaining takes a constant number of queries an evaluation."""
    for _, group in groupby(scorecards, key=lambda card: card.evaluation_id):
        cards = list(group)
        found = _Explained.of(cards) if explain else _Explained()
        for card in cards:
            yield found.added_to(_rendered(card, found.explanations.get(card.service_id)), card.service_id)


@dataclass(frozen=True, slots=True)
class _Explained:
    """What is worked out only for a reader: what weighs, and how far a failure spreads, by service key."""

    explanations: Mapping[int, Explanation] = field(default_factory=dict)
    reach: Mapping[int, Reach] = field(default_factory=dict)

    @classmethod
    def of(cls, cards: Sequence[Scorecard]) -> Self:
        """For scorecards of one evaluation."""
        first = cards[0]
        policy = parsed(first.policy)
        scope = scope_of(policy, first.at, sorted({card.service_id for card in cards}))
        cycles = looped(first.evaluation) if first.evaluation else {}
        return cls(dict(explanations(policy, scope, cycles)), reach(scope))

    def added_to(self, shown: dict[str, Any], pk: int) -> dict[str, Any]:
        """The rendered scorecard with the blast radius among what coupling shows."""
        if pk in self.reach:
            numbers = [
                {"name": name, "value": value, "unit": "services"}
                for name, value in self.reach[pk]._asdict().items()
            ]
            for criterion in shown["criteria"]:
                if criterion["slug"] == COUPLING.slug:
                    criterion["shown"] += numbers
        return shown


def _rendered(card: Scorecard, explanation: Explanation | None) -> dict[str, Any]:
    meta = Meta(
        service=card.service.slug,
        at=card.at,
        policy_version=card.policy.version,
        clock_offset=card.clock_offset.total_seconds(),
        revision=card.revision,
        judged_at=card.created_at,
        age_seconds=clock.age(card.at).total_seconds(),
    )
    shown = render(card.numbers, policy=parsed(card.policy), meta=meta, explanation=explanation)
    return {**shown, "kind": card.kind, "stale": clock.is_stale(card.at)}
