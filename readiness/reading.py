"""Reads scorecards as people and machines see them: which one, how old, in words, with what weighs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Self

from django.db.models import QuerySet

from readiness import clock
from readiness.criteria.coupling import COUPLING
from readiness.evaluation.judging import explanations, scope_of
from readiness.evaluation.policies import parsed
from readiness.evaluation.runs import looped
from readiness.explaining import Explanation
from readiness.measures.graph import Reach, reach
from readiness.models import Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.rendering import Meta, render

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
